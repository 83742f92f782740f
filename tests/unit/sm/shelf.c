/* SPDX-License-Identifier: MIT */
/* Rows in memory that answer as mercutio-storage does. */
#include <check.h>
#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "tests/unit/sm/shelf.h"

struct shelf *shelf_new(void)
{
	return xcalloc(1, sizeof(struct shelf));
}

static void row_free(struct shelf *s, struct shelf_row *r)
{
	DL_DELETE(s->rows, r);
	for (size_t i = 0; i < r->nvalues; i++)
		free((char *)r->v[i].s.ptr);
	free(r);
}

void shelf_remove(struct shelf *s, uint16_t table, const char *account)
{
	struct shelf_row *r;

	while ((r = shelf_row(s, table, account)))
		row_free(s, r);
}

void shelf_remove_first(struct shelf *s, uint16_t table, const char *account)
{
	row_free(s, shelf_row(s, table, account));
}

struct shelf *shelf_free(struct shelf *s)
{
	while (s->rows)
		row_free(s, s->rows);
	while (s->nheld)
		free((char *)s->held[--s->nheld].f.body.ptr);
	free(s);
	return NULL;
}

static bool same(const struct msg_value *a, const struct msg_value *b)
{
	return a->type < 2 ? a->i == b->i : str_eq(a->s, b->s);
}

static bool matches(const struct shelf_row *r, uint16_t table, const struct msg_value *key, size_t n)
{
	if (r->table != table || r->nvalues < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!same(&r->v[i], &key[i]))
			return false;
	return true;
}

static int order(const struct shelf_row *a, const struct shelf_row *b)
{
	for (size_t i = 0; i < tables[a->table].nkeys; i++) {
		int c = a->v[i].type < 2 ? (a->v[i].i > b->v[i].i) - (a->v[i].i < b->v[i].i)
					 : str_cmp(a->v[i].s, b->v[i].s);
		if (c)
			return c;
	}
	return 0;
}

static void drop(struct shelf *s, uint16_t table, const struct msg_value *key, size_t n)
{
	struct shelf_row *r, *tmp;

	DL_FOREACH_SAFE (s->rows, r, tmp) {
		if (matches(r, table, key, n))
			row_free(s, r);
	}
}

void shelf_put(struct shelf *s, uint16_t table, const struct msg_value *v, size_t n)
{
	struct shelf_row *r = xcalloc(1, sizeof *r), *at;

	ck_assert_uint_le(n, sizeof r->v / sizeof *r->v);
	ck_assert_uint_eq(n, tables[table].ncolumns);
	drop(s, table, v, tables[table].nkeys);
	r->table = table;
	r->nvalues = n;
	for (size_t i = 0; i < n; i++) {
		r->v[i] = v[i];
		r->v[i].s = str_n(v[i].s.len ? xmemdup(v[i].s.ptr, v[i].s.len) : NULL, v[i].s.len);
	}
	DL_FOREACH (s->rows, at) {
		if (at->table == table && order(at, r) > 0)
			break;
	}
	if (at)
		DL_PREPEND_ELEM(s->rows, at, r);
	else
		DL_APPEND(s->rows, r);
}

size_t shelf_count(const struct shelf *s, uint16_t table, const char *account)
{
	struct msg_value key = value_text(str_z(account));
	struct shelf_row *r;
	size_t n = 0;

	DL_FOREACH (s->rows, r) {
		n += matches(r, table, &key, 1);
	}
	return n;
}

struct shelf_row *shelf_row(const struct shelf *s, uint16_t table, const char *account)
{
	struct msg_value key = value_text(str_z(account));
	struct shelf_row *r;

	DL_FOREACH (s->rows, r) {
		if (matches(r, table, &key, 1))
			return r;
	}
	return NULL;
}

/* --- writes ---------------------------------------------------------------------------------- */

static void apply(struct shelf *s, const struct msg_write_op *op)
{
	switch (op->op) {
	case STORE_PUT:
	case STORE_LOG_APPEND:
		shelf_put(s, op->table, op->values, op->nvalues);
		return;
	default:
		drop(s, op->table, op->values, op->nvalues);
	}
}

static void apply_all(struct shelf *s, const struct fake_frame *f)
{
	struct pool *p = pool_new();
	struct msg_write m;

	ck_assert_int_eq(msg_decode(MSG_WRITE, p, f->f.body, &m), 0);
	for (size_t i = 0; s->status == STORE_COMMITTED && i < m.nops; i++)
		apply(s, &m.ops[i]);
	pool_free(p);
}

/* It was done before, which is answered again; or another run has begun since, which repeats it. */
static bool is_old(struct shelf *s, const struct frame *f, bool *ret_done)
{
	uint32_t *run, *number;

	*ret_done = false;
	if (!s->in_order || f->from_shard >= SHARDS)
		return false;
	run = &s->done[f->from_shard].run;
	number = &s->done[f->from_shard].number;
	*ret_done = f->run == *run && f->number <= *number;
	if (*ret_done || (int32_t)(f->run - *run) < 0)
		return true;
	*run = f->run;
	*number = f->number;
	return false;
}

static void answer(struct shelf *s, struct link *k, const struct fake_frame *f)
{
	struct msg_written r = {.status = (uint8_t)s->status, .text = STR("as the test wants it")};
	bool done;

	if (is_old(s, &f->f, &done)) {
		r.status = STORE_COMMITTED;
		if (done)
			fake_reply(k, &f->f, MSG_WRITTEN, &r);
		return;
	}
	apply_all(s, f);
	fake_reply(k, &f->f, MSG_WRITTEN, &r);
}

void shelf_lose_answer(struct shelf *s)
{
	struct fake_frame f = s->held[0];

	ck_assert_uint_gt(s->nheld, 0);
	memmove(s->held, s->held + 1, --s->nheld * sizeof *s->held);
	apply_all(s, &f);
	free((char *)f.f.body.ptr);
}

void shelf_write(struct shelf *s, struct link *k, const struct fake_frame *f)
{
	bool queued = s->hold;

	s->writes++;
	for (size_t i = 0; s->in_order && i < s->nheld && !queued; i++)
		queued = s->held[i].f.from_shard == f->f.from_shard;
	if (!queued) {
		answer(s, k, f);
		return;
	}
	ck_assert_uint_lt(s->nheld, sizeof s->held / sizeof *s->held);
	s->held[s->nheld] = *f;
	s->held[s->nheld++].f.body =
		str_n(xmemdup(f->f.body.ptr, f->f.body.len), f->f.body.len);
}

void shelf_release(struct shelf *s, struct link *k, size_t n)
{
	for (; n && s->nheld; n--) {
		struct fake_frame f = s->held[0];

		memmove(s->held, s->held + 1, --s->nheld * sizeof *s->held);
		answer(s, k, &f);
		free((char *)f.f.body.ptr);
	}
}

void shelf_lose(struct shelf *s)
{
	while (s->nheld)
		free((char *)s->held[--s->nheld].f.body.ptr);
	memset(s->done, 0, sizeof s->done);
}

/* --- reads ----------------------------------------------------------------------------------- */

struct result {
	struct pool *pool;
	struct msg_rows *rows;
	size_t *left; /* bytes */
};

/* False: the answer is full. */
static bool add(struct result *r, const struct msg_value *v, size_t n)
{
	struct msg_row *list;
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += sizeof *v + v[i].s.len;
	r->rows->more = size > *r->left;
	if (r->rows->more)
		return false;
	*r->left -= size;
	list = pool_calloc(r->pool, (r->rows->nrows + 1) * sizeof *list);
	if (r->rows->nrows)
		memcpy(list, r->rows->rows, r->rows->nrows * sizeof *list);
	list[r->rows->nrows].values = pool_calloc(r->pool, n * sizeof *v);
	memcpy(list[r->rows->nrows].values, v, n * sizeof *v);
	list[r->rows->nrows].nvalues = n;
	r->rows->rows = list;
	r->rows->nrows++;
	return true;
}

static void read_last(struct shelf *s, const struct msg_read_op *op, struct result *r)
{
	for (struct shelf_row *at = s->rows ? s->rows->prev : NULL; at;
	     at = at == s->rows ? NULL : at->prev) {
		struct msg_value v[6];

		if (!matches(at, TABLE_LOG, op->key, 1) ||
		    (op->to && !s->older && (uint64_t)at->v[COL_LOG_NUMBER].i >= op->to))
			continue;
		if (op->limit && r->rows->nrows >= op->limit)
			return;
		v[0] = at->v[COL_LOG_NUMBER];
		v[1] = at->v[COL_LOG_ORIGIN];
		v[2] = at->v[COL_LOG_ORIGIN_NUMBER];
		v[3] = at->v[COL_LOG_PART];
		v[4] = at->v[COL_LOG_FLAGS];
		v[5] = at->v[COL_LOG_TIME];
		if (!add(r, v, sizeof v / sizeof *v - s->older))
			return;
	}
}

static bool in_range(const struct shelf_row *at, const struct msg_read_op *op)
{
	uint64_t n = (uint64_t)at->v[COL_LOG_NUMBER].i;

	return (op->op != STORE_LOG_READ && op->op != STORE_LOG_SIZES) || (n > op->from && (!op->to || n < op->to));
}

static bool is_behind(const struct shelf_row *at, const struct msg_read_op *op)
{
	struct shelf_row after = {.table = at->table};

	if (!op->nafter)
		return true;
	memcpy(after.v, op->after, op->nafter * sizeof *op->after);
	return order(at, &after) > 0;
}

static void read_sizes(struct shelf *s, const struct msg_read_op *op, struct result *r)
{
	struct shelf_row *at;

	DL_FOREACH (s->rows, at) {
		bool listed = op->nnumbers == 0;
		struct msg_value v[3];

		if (!matches(at, TABLE_LOG, op->key, 1) || !in_range(at, op))
			continue;
		for (size_t i = 0; i < op->nnumbers; i++)
			listed |= op->numbers[i] == (uint64_t)at->v[COL_LOG_NUMBER].i;
		if (!listed)
			continue;
		if (op->limit && r->rows->nrows == op->limit) {
			r->rows->more = true;
			return;
		}
		v[0] = at->v[COL_LOG_NUMBER];
		v[1] = at->v[COL_LOG_TIME];
		v[2] = value_int((int64_t)at->v[COL_LOG_STANZA].s.len);
		add(r, v, sizeof v / sizeof *v);
	}
}

static void read_one(struct shelf *s, const struct msg_read_op *op, struct result *r)
{
	struct shelf_row *at;
	struct msg_value count = value_int(0);

	if (op->op == STORE_LOG_LAST) {
		read_last(s, op, r);
		return;
	}
	if (op->op == STORE_LOG_SIZES) {
		read_sizes(s, op, r);
		return;
	}
	DL_FOREACH (s->rows, at) {
		if (!matches(at, op->table, op->key, op->nkey) || !in_range(at, op) ||
		    !is_behind(at, op))
			continue;
		count.i++;
		if (op->op == STORE_COUNT)
			continue;
		if (op->limit && r->rows->nrows == op->limit) {
			r->rows->more = true;
			break;
		}
		if (!add(r, at->v, at->nvalues))
			break;
	}
	if (op->op == STORE_COUNT)
		add(r, &count, 1);
	if (op->op == STORE_LOG_READ && r->rows->nrows > s->largest_page)
		s->largest_page = (uint32_t)r->rows->nrows;
}

void shelf_read(struct shelf *s, struct pool *p, const struct msg_read *m, struct msg_found *ret)
{
	size_t left = s->read_bytes ? s->read_bytes : SIZE_MAX;

	ret->results = pool_calloc(p, (m->nops + 1) * sizeof *ret->results);
	ret->nresults = m->nops;
	s->reads++;
	for (size_t i = 0; i < m->nops; i++) {
		struct result r = {p, &ret->results[i], &left};

		read_one(s, &m->ops[i], &r);
	}
}
