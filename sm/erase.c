/* SPDX-License-Identifier: MIT */
/*
 * All rows of an account removed: its log in pieces, then the other tables in one batch.
 *
 * One statement for a log of years would take longer than the database lets it, or hold up all that
 * others write meanwhile. The other tables go last: when an owner dies in between, there is an account
 * whose removal can be asked for again.
 */
#include <stdlib.h>
#include "sm/sm_internal.h"

enum { PIECE = 200, READ_TRIES = 30 };

struct erasing {
	unsigned steps; /* begun and not over */
	bool all;
	uint64_t from; /* removed up to this number */
	unsigned tries;
	user_write_fn *fn;
	void *arg;
	void (*free_arg)(void *arg);
};

static void step_over(void *arg)
{
	struct erasing *e = arg;

	if (--e->steps)
		return;
	e->free_arg(e->arg);
	free(e);
}

static void erased(struct user *u, int err, void *arg)
{
	struct erasing *e = arg;

	e->fn(u, err, e->arg);
}

/* Every table that sm may write and that has rows by account. What operators have set for an account
 * is no data of its user's: it goes with the account alone. */
static size_t delete_ops(struct msg_value *key, bool all, struct msg_write_op ops[TABLES + 1])
{
	size_t n = 0;

	/* What was on its way to the log when the last piece was read. */
	ops[n++] = (struct msg_write_op){
		.op = STORE_LOG_DELETE, .table = TABLE_LOG, .values = key, .nvalues = 1};
	for (uint16_t t = 0; t < TABLES; t++) {
		if (t == TABLE_LOG || !tables[t].sharded || !table_writable_by(&tables[t], "sm"))
			continue;
		if (t == TABLE_RETENTION && !all)
			continue;
		ops[n++] = (struct msg_write_op){
			.op = STORE_DELETE, .table = t, .values = key, .nvalues = 1};
	}
	return n;
}

static void erase_tables(struct user *u, struct erasing *e)
{
	struct msg_write_op ops[TABLES + 1];
	struct msg_value key = value_text(user_jid(u));
	size_t n = delete_ops(&key, e->all, ops);

	e->steps++;
	user_write(u, NULL, ops, n, erased, e, step_over);
}

static void erase_log(struct user *u, struct erasing *e);

static void piece_erased(struct user *u, int err, void *arg)
{
	struct erasing *e = arg;

	if (err) /* the last batch fails likewise, and tells */
		erase_tables(u, e);
	else
		erase_log(u, e);
}

static void erase_piece(struct user *u, struct erasing *e, const struct msg_rows *rows)
{
	struct msg_write_op *ops = xcalloc(rows->nrows, sizeof *ops);
	struct msg_value(*keys)[2] = xcalloc(rows->nrows, sizeof *keys);

	for (size_t i = 0; i < rows->nrows; i++) {
		keys[i][0] = value_text(user_jid(u));
		keys[i][1] = rows->rows[i].values[0];
		ops[i] = (struct msg_write_op){
			.op = STORE_LOG_DELETE, .table = TABLE_LOG, .values = keys[i], .nvalues = 2};
	}
	e->from = (uint64_t)keys[rows->nrows - 1][1].i;
	e->steps++;
	user_write(u, NULL, ops, rows->nrows, piece_erased, e, step_over);
	free(keys);
	free(ops);
}

static void got_piece(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct erasing *e = arg;

	if (err && ++e->tries < READ_TRIES)
		erase_log(u, e);
	else if (!err && rows[0].nrows)
		erase_piece(u, e, &rows[0]);
	else
		erase_tables(u, e);
}

static void erase_log(struct user *u, struct erasing *e)
{
	struct msg_value key = value_text(user_jid(u));
	struct msg_read_op op = {.op = STORE_LOG_SIZES,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .from = e->from,
				 .limit = PIECE};

	e->steps++;
	user_read(u, &op, 1, got_piece, e, step_over);
}

void account_erase(struct user *u, bool all, user_write_fn *fn, void *arg,
		   void (*free_arg)(void *arg))
{
	struct erasing *e = xcalloc(1, sizeof *e);

	e->all = all;
	e->fn = fn;
	e->arg = arg;
	e->free_arg = free_arg;
	later_free(u);
	if (u->temporary)
		erase_tables(u, e);
	else
		erase_log(u, e);
}
