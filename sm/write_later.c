/* SPDX-License-Identifier: MIT */
/*
 * Rows that are in no hurry: they go along with whatever is written next for their account, or
 * after a second or two, many accounts' together: one frame and one commit for all. Some wait as
 * long as the account has sessions, so they lie packed.
 */
#include <stdlib.h>
#include <utlist.h>
#include "sm/sm_internal.h"

enum { SOON_S = 1 };

struct row {
	uint16_t table;
	uint8_t op, condition, nvalues;
	char bytes[]; /* of each value the type, the integer or the length, and the text */
};

struct later {
	struct later *prev, *next; /* of those that are due soon */
	struct user *user;
	struct row *rows[LATER_ROWS]; /* those that are there first, then NULL */
	bool soon;
};

static bool has_text(uint8_t type)
{
	return type == value_text(STR_NONE).type || type == value_blob(STR_NONE).type;
}

static struct row *row_pack(const struct msg_write_op *op)
{
	struct buf b = BUF_INIT;
	struct row *r;

	for (size_t i = 0; i < op->nvalues; i++) {
		const struct msg_value *v = &op->values[i];
		int64_t number = has_text(v->type) ? (int64_t)v->s.len : v->i;

		buf_putc(&b, (char)v->type);
		buf_append(&b, &number, sizeof number);
		if (has_text(v->type))
			buf_str_append(&b, v->s);
	}
	r = xmalloc(sizeof *r + b.len);
	*r = (struct row){op->table, op->op, op->condition, (uint8_t)op->nvalues};
	memcpy(r->bytes, buf_ptr(&b), b.len);
	buf_free(&b);
	return r;
}

/* What it returns borrows the row's text. */
static struct msg_write_op row_unpack(const struct row *r, struct msg_value values[LATER_COLS])
{
	const char *p = r->bytes;

	for (size_t i = 0; i < r->nvalues; i++) {
		int64_t number;

		values[i] = (struct msg_value){.type = (uint8_t)*p++};
		memcpy(&number, p, sizeof number);
		p += sizeof number;
		if (has_text(values[i].type)) {
			values[i].s = str_n(p, (size_t)number);
			p += number;
		} else {
			values[i].i = number;
		}
	}
	return (struct msg_write_op){.op = r->op,
				     .table = r->table,
				     .values = values,
				     .nvalues = r->nvalues,
				     .condition = r->condition};
}

void later_free(struct user *u)
{
	struct later *l = u->later;

	if (!l)
		return;
	for (size_t i = 0; i < LATER_ROWS; i++)
		free(l->rows[i]);
	if (l->soon)
		DL_DELETE(u->sm->laters, l);
	if (!u->sm->laters)
		loop_timeout_stop(u->sm->loop, &u->sm->later_timeout);
	free(l);
	u->later = NULL;
}

/* First, so that a batch that deletes all of an account deletes that too. Not in a batch that may
 * be refused for a condition: the rows would be lost with it. */
size_t later_join(struct user *u, const struct msg_write_op *ops, size_t n, struct later_joined *ret)
{
	size_t at;

	if (!u->later || !user_exists(u) || n > LATER_OPS)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (ops[i].condition)
			return 0;
	for (at = 0; at < LATER_ROWS && u->later->rows[at]; at++)
		ret->ops[at] = row_unpack(u->later->rows[at], ret->values[at]);
	if (n)
		memcpy(ret->ops + at, ops, n * sizeof *ops);
	return at + n;
}

void user_write_later(struct user *u, const struct msg_write_op *op)
{
	struct later *l = u->later;
	size_t i = 0;

	if (u->temporary)
		return;
	if (!l) {
		l = u->later = xcalloc(1, sizeof *l);
		l->user = u;
	}
	while (i < LATER_ROWS && l->rows[i] && l->rows[i]->table != op->table)
		i++;
	if (i == LATER_ROWS || op->nvalues > LATER_COLS) {
		user_write(u, NULL, op, 1, NULL, NULL, NULL); /* and those that wait with it */
		return;
	}
	free(l->rows[i]);
	l->rows[i] = row_pack(op);
}

static void write_all(void *arg)
{
	struct sm *sm = arg;

	while (sm->laters) {
		struct user *u = sm->laters->user;

		if (user_exists(u))
			user_write_now(u);
		else
			later_free(u);
	}
}

void user_write_soon(struct user *u)
{
	struct sm *sm = u->sm;

	if (!u->later || u->later->soon)
		return;
	if (!sm->laters) {
		sm->later_timeout.fn = write_all;
		sm->later_timeout.arg = sm;
		loop_timeout_start(sm->loop, &sm->later_timeout, SOON_S);
	}
	u->later->soon = true;
	DL_APPEND(sm->laters, u->later);
}

size_t laters_due(const struct sm *sm)
{
	const struct later *l;
	size_t n;

	DL_COUNT(sm->laters, l, n);
	return n;
}

bool later_is_due(const struct user *u)
{
	return u->later && u->later->soon;
}

void user_write_now(struct user *u)
{
	if (u->later && user_exists(u))
		user_write(u, NULL, NULL, 0, NULL, NULL, NULL);
}
