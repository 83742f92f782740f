/* SPDX-License-Identifier: MIT */
/* A storage: rows in a list, in the order of their keys. */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "tests/unit/auth/doubles_internal.h"

struct stored {
	enum table table;
	struct msg_row row;
	struct stored *prev, *next;
};

struct store_read {
	struct msg_read *m;
	store_read_fn *fn;
	void *arg;
	uint64_t due;
	struct store_read *prev, *next;
};

struct channel_item {
	struct msg_write *m;
	store_write_fn *fn;
	void *arg;
	struct channel_item *prev, *next;
};

static struct stored *stored;
static struct store_read *reads;
static struct channel_item *writes;

static const size_t nkeys[TABLES] = {
	[TABLE_ACCOUNT] = 1, [TABLE_CREDENTIAL] = 2, [TABLE_SECRET] = 1, [TABLE_DISABLED] = 1};

struct channels *channels_new(struct link *k)
{
	(void)k;
	return NULL;
}

struct channels *channels_free(struct channels *c)
{
	return c;
}

void channel_forget(struct channel_item *i)
{
	i->fn = NULL;
}

struct store_read *store_read(struct link *k, const struct msg_read_op *ops, size_t n,
			      uint32_t timeout_ms, store_read_fn *fn, void *arg)
{
	struct store_read *r = xcalloc(1, sizeof(*r));

	(void)k;
	r->m = double_copy(MSG_READ,
			   &(struct msg_read){.ops = (struct msg_read_op *)ops, .nops = n});
	r->fn = fn;
	r->arg = arg;
	r->due = clock_mono_ms() + timeout_ms;
	DL_APPEND(reads, r);
	return r;
}

void store_read_cancel(struct store_read *r)
{
	DL_DELETE(reads, r);
	free(r);
}

struct channel_item *store_write(struct channels *c, uint16_t shard, uint32_t epoch,
				 uint32_t write_epoch, const struct msg_write_op *ops, size_t n,
				 store_write_fn *fn, void *arg)
{
	struct channel_item *i = xcalloc(1, sizeof(*i));

	(void)c;
	if (shard != SHARD_NONE || epoch || write_epoch)
		bug("auth has no shards");
	i->m = double_copy(MSG_WRITE,
			   &(struct msg_write){.ops = (struct msg_write_op *)ops, .nops = n});
	i->fn = fn;
	i->arg = arg;
	DL_APPEND(writes, i);
	return i;
}

/* Compares the first n columns. */
static int compare(const struct msg_value *a, const struct msg_value *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = str_cmp(a[i].s, b[i].s);

		if (r)
			return r;
	}
	return 0;
}

static struct stored *find(enum table table, const struct msg_value *key, size_t n)
{
	struct stored *s;

	DL_FOREACH (stored, s) {
		if (s->table == table && compare(s->row.values, key, n) == 0)
			return s;
	}
	return NULL;
}

static int by_key(struct stored *a, struct stored *b)
{
	if (a->table != b->table)
		return (int)a->table - (int)b->table;
	return compare(a->row.values, b->row.values, nkeys[a->table]);
}

static void drop(struct stored *s)
{
	DL_DELETE(stored, s);
	free(s);
}

void double_store_clear(void)
{
	while (stored)
		drop(stored);
}

void double_put(enum table table, const struct msg_value *values, size_t n)
{
	struct stored *s = find(table, values, nkeys[table]);

	if (s)
		drop(s);
	s = xcalloc(1, sizeof(*s));
	s->table = table;
	s->row.nvalues = n;
	s->row.values = pool_alloc(double_pool, n * sizeof(*values));
	memcpy(s->row.values, values, n * sizeof(*values));
	for (size_t i = 0; i < n; i++)
		s->row.values[i].s = pool_str(double_pool, values[i].s);
	DL_INSERT_INORDER(stored, s, by_key);
}

static struct msg_rows read_op(const struct msg_read_op *op)
{
	struct msg_rows rows = {.rows = pool_calloc(double_pool, 4096 * sizeof(struct msg_row))};
	struct stored *s;

	DL_FOREACH (stored, s) {
		if (s->table != op->table || compare(s->row.values, op->key, op->nkey) != 0)
			continue;
		if (op->nafter && compare(s->row.values, op->after, op->nafter) <= 0)
			continue;
		if (rows.nrows == (op->limit ? op->limit : 4096)) {
			rows.more = true;
			break;
		}
		rows.rows[rows.nrows++] = s->row;
	}
	return rows;
}

bool double_read_one(void)
{
	struct store_read r, *first = reads;
	struct msg_rows results[64];

	DL_FOREACH (reads, first) {
		if (!double_store.silent || first->due <= clock_mono_ms())
			break;
	}
	if (!first)
		return false;
	r = *first;
	store_read_cancel(first);
	if (double_store.silent) {
		r.fn(r.arg, -ETIMEDOUT, NULL, 0);
		return true;
	}
	double_store.reads++;
	for (size_t i = 0; i < r.m->nops; i++)
		results[i] = read_op(&r.m->ops[i]);
	r.fn(r.arg, 0, results, r.m->nops);
	return true;
}

static bool conditions_hold(const struct msg_write *m)
{
	for (size_t i = 0; i < m->nops; i++) {
		const struct msg_write_op *op = &m->ops[i];
		bool there = false;

		if (!op->condition)
			continue;
		there = find(op->table, op->values, nkeys[op->table]) != NULL;
		for (size_t j = 0; j < i; j++) /* of this batch */
			there |= m->ops[j].op == STORE_PUT && m->ops[j].table == op->table &&
				 compare(m->ops[j].values, op->values, nkeys[op->table]) == 0;
		if (there != (op->condition == 2))
			return false;
	}
	return true;
}

static enum store_status write_all(const struct msg_write *m)
{
	struct stored *s;

	if (double_store.refuses)
		return STORE_FAILED;
	if (!conditions_hold(m))
		return STORE_CONDITION;
	for (size_t i = 0; i < m->nops; i++) {
		const struct msg_write_op *op = &m->ops[i];

		if (op->op == STORE_PUT)
			double_put(op->table, op->values, op->nvalues);
		while (op->op == STORE_DELETE && (s = find(op->table, op->values, op->nvalues)))
			drop(s);
	}
	return STORE_COMMITTED;
}

bool double_write_one(void)
{
	struct channel_item *i = writes;

	if (!i)
		return false;
	DL_DELETE(writes, i);
	double_store.writes++;
	if (i->fn)
		i->fn(i->arg, write_all(i->m), STR("as the test said"));
	free(i);
	return true;
}

size_t double_rows(enum table table)
{
	size_t n = 0;
	struct stored *s;

	DL_FOREACH (stored, s)
		n += s->table == table;
	return n;
}

const struct msg_row *double_row(enum table table, const char *account, size_t i)
{
	struct msg_value key = value_text(str_z(account));
	struct stored *s = find(table, &key, 1);

	while (s && i--)
		s = s->next;
	return s && s->table == table && compare(s->row.values, &key, 1) == 0 ? &s->row : NULL;
}

void double_remove(const char *account)
{
	struct msg_value key = value_text(str_z(account));
	struct stored *s;

	while ((s = find(TABLE_ACCOUNT, &key, 1)) || (s = find(TABLE_CREDENTIAL, &key, 1)))
		drop(s);
}

void double_account(const char *account, const char *password, uint32_t iterations)
{
	struct msg_value row[COLS_CREDENTIAL] = {value_text(str_z(account)), value_int(1)};

	double_put(TABLE_ACCOUNT, row, COLS_ACCOUNT);
	for (int h = 0; h < SCRAM_HASHES; h++) {
		struct scram_keys keys = {.hash = (enum scram_hash)h,
					  .salt_len = SCRAM_SALT,
					  .iterations = iterations};

		random_bytes(keys.salt, SCRAM_SALT);
		scram_derive(str_z(password), &keys);
		credential_row(str_z(account), &keys, row);
		double_put(TABLE_CREDENTIAL, row, COLS_CREDENTIAL);
	}
}
