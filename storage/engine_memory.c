/* SPDX-License-Identifier: MIT */
/*
 * The engine that keeps all in memory and forgets it: a test double, and the template of an engine.
 *
 * A job takes effect when it is handed over; its done function is called at the end of the turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#define uthash_malloc(size)    xmalloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <uthash.h>
#include "base/clock.h"
#include "storage/check.h"
#include "storage/lease.h"
#include "storage/result.h"

/* Rows in the order of their keys; strings lie behind the values. */
struct mem_table {
	struct msg_value **rows;
	size_t n, cap;
};

/* What a batch did, so that it can be undone: row came (old NULL), changed or went (row NULL). */
struct mem_undo {
	struct mem_table *table;
	size_t at;
	struct msg_value *row, *old;
};

struct mem_request {
	struct {
		uint64_t sender, request;
	} key;
	int64_t time;
	UT_hash_handle hh;
};

struct memory {
	struct engine engine;
	struct mem_table tables[TABLES];
	struct lease_book *leases;
	struct mem_request *requests;
	struct mem_undo *undo;
	size_t nundo, undo_cap;
	struct loop_task task; /* calls the done functions */
	struct engine_read *reads, **reads_end;
	struct engine_job *jobs, **jobs_end;
};

static struct msg_value *row_copy(const struct table_def *t, const struct msg_value *v, size_t n)
{
	size_t size = t->ncolumns * sizeof(*v);
	struct msg_value *row;
	char *p;

	for (size_t i = 0; i < n; i++)
		size += v[i].s.len;
	row = xcalloc(1, size);
	memcpy(row, v, n * sizeof(*v));
	p = (char *)(row + t->ncolumns);
	for (size_t i = 0; i < n; i++) {
		if (v[i].s.len)
			memcpy(p, v[i].s.ptr, v[i].s.len);
		row[i].s.ptr = p;
		p += v[i].s.len;
	}
	return row;
}

static int key_cmp(const struct msg_value *row, const struct msg_value *key, size_t n)
{
	int c = 0;

	for (size_t i = 0; i < n && c == 0; i++)
		c = value_cmp(&row[i], &key[i]);
	return c;
}

/* The first row whose first n columns are not less than the key's; behind: greater. */
static size_t bound(const struct mem_table *t, const struct msg_value *key, size_t n, bool behind)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = key_cmp(t->rows[mid], key, n);

		if (c < 0 || (behind && c == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool find(const struct mem_table *t, const struct msg_value *key, size_t n, size_t *ret_at)
{
	*ret_at = bound(t, key, n, false);
	return *ret_at < t->n && key_cmp(t->rows[*ret_at], key, n) == 0;
}

static void rows_insert(struct mem_table *t, size_t at, struct msg_value *row)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->rows = xrealloc(t->rows, t->cap * sizeof(*t->rows));
	}
	memmove(&t->rows[at + 1], &t->rows[at], (t->n - at) * sizeof(*t->rows));
	t->rows[at] = row;
	t->n++;
}

static void rows_remove(struct mem_table *t, size_t at)
{
	t->n--;
	memmove(&t->rows[at], &t->rows[at + 1], (t->n - at) * sizeof(*t->rows));
}

/* --- writes --------------------------------------------------------------------------------- */

/* Puts row (NULL: nothing) in the place of old (NULL: nothing) and remembers it. */
static void change(struct memory *m, struct mem_table *t, size_t at, struct msg_value *row,
		   bool there)
{
	struct mem_undo u = {.table = t, .at = at, .row = row, .old = there ? t->rows[at] : NULL};

	if (m->nundo == m->undo_cap) {
		m->undo_cap = m->undo_cap ? 2 * m->undo_cap : 16;
		m->undo = xrealloc(m->undo, m->undo_cap * sizeof(*m->undo));
	}
	m->undo[m->nundo++] = u;
	if (!there)
		rows_insert(t, at, row);
	else if (row)
		t->rows[at] = row;
	else
		rows_remove(t, at);
}

static void undo_all(struct memory *m)
{
	while (m->nundo) {
		struct mem_undo *u = &m->undo[--m->nundo];

		if (!u->old)
			rows_remove(u->table, u->at);
		else if (u->row)
			u->table->rows[u->at] = u->old;
		else
			rows_insert(u->table, u->at, u->old);
		free(u->row);
	}
}

static void forget_undo(struct memory *m)
{
	while (m->nundo)
		free(m->undo[--m->nundo].old);
}

static enum store_status op_put(struct memory *m, const struct msg_write_op *o)
{
	const struct table_def *def = &tables[o->table];
	struct mem_table *t = &m->tables[o->table];
	size_t at;
	bool there = find(t, o->values, def->nkeys, &at);

	if (o->condition && there != (o->condition == 2))
		return STORE_CONDITION;
	change(m, t, at, row_copy(def, o->values, o->nvalues), there);
	return STORE_COMMITTED;
}

static enum store_status op_delete(struct memory *m, const struct msg_write_op *o)
{
	struct mem_table *t = &m->tables[o->table];
	bool any = false;
	size_t at;

	while (find(t, o->values, o->nvalues, &at)) {
		change(m, t, at, NULL, true);
		any = true;
	}
	return o->condition == 2 && !any ? STORE_CONDITION : STORE_COMMITTED;
}

static enum store_status op_append(struct memory *m, const struct msg_write_op *o)
{
	const struct table_def *def = &tables[TABLE_LOG];
	struct mem_table *t = &m->tables[TABLE_LOG];
	size_t at;

	if (!find(t, o->values, def->nkeys, &at)) {
		change(m, t, at, row_copy(def, o->values, o->nvalues), false);
		return STORE_COMMITTED;
	}
	for (size_t c = COL_LOG_ORIGIN; c <= COL_LOG_PART; c++)
		if (t->rows[at][c].i != o->values[c].i)
			return STORE_CLASH;
	return STORE_COMMITTED;
}

static enum store_status run_op(struct memory *m, const struct msg_write_op *o)
{
	static enum store_status (*const run[])(struct memory *, const struct msg_write_op *) = {
		[STORE_PUT] = op_put,
		[STORE_DELETE] = op_delete,
		[STORE_LOG_APPEND] = op_append,
		[STORE_LOG_DELETE] = op_delete,
	};

	return run[o->op](m, o);
}

static struct mem_request *request_find(struct memory *m, const struct engine_write *w)
{
	struct mem_request key = {.key = {w->sender, w->request}}, *r;

	HASH_FIND (hh, m->requests, &key.key, sizeof(key.key), r)
		;
	return r;
}

/* They were added in the order of time: the old ones come first. */
static void request_add(struct memory *m, const struct engine_write *w)
{
	struct mem_request *r = xcalloc(1, sizeof(*r)), *next;

	r->key.sender = w->sender;
	r->key.request = w->request;
	r->time = clock_wall_us();
	HASH_ADD(hh, m->requests, key, sizeof(r->key), r);
	for (r = m->requests; r; r = next) {
		next = r->hh.next;
		if (clock_wall_us() - r->time <= m->engine.config.keep_requests * 1000)
			break;
		HASH_DEL(m->requests, r);
		free(r);
	}
}

static enum store_status run_batch(struct memory *m, const struct engine_write *w, size_t *ret_op)
{
	enum store_status s = leases_fence(m->leases, w, ret_op);
	bool conditional = write_is_conditional(w);

	if (s != STORE_COMMITTED || (conditional && request_find(m, w)))
		return s;
	for (size_t i = 0; i < w->nops && s == STORE_COMMITTED; i++) {
		*ret_op = i;
		s = run_op(m, &w->ops[i]);
	}
	if (s != STORE_COMMITTED)
		undo_all(m);
	else if (conditional)
		request_add(m, w);
	forget_undo(m);
	return s;
}

/* --- reads ---------------------------------------------------------------------------------- */

static bool is_range(const struct msg_read_op *o)
{
	return o->op == STORE_LOG_READ || o->op == STORE_LOG_COUNT || o->op == STORE_LOG_SIZES ||
	       o->op == STORE_LOG_LAST;
}

/* The rows that an op speaks of: [*ret_lo, *ret_hi). */
static void range(const struct mem_table *t, const struct msg_read_op *o, size_t *ret_lo,
		  size_t *ret_hi)
{
	size_t lo = bound(t, o->key, o->nkey, false), hi = bound(t, o->key, o->nkey, true);

	if (is_range(o)) {
		struct msg_value from[] = {o->key[0], value_int((int64_t)o->from)};
		struct msg_value to[] = {o->key[0], value_int((int64_t)o->to)};

		lo = bound(t, from, 2, true);
		hi = o->to ? bound(t, to, 2, false) : hi;
	} else if (o->nafter && o->reverse) {
		hi = bound(t, o->after, o->nafter, false);
	} else if (o->nafter) {
		lo = bound(t, o->after, o->nafter, true);
	}
	*ret_lo = lo;
	*ret_hi = hi > lo ? hi : lo;
}

/* A bare JID is that with any resource. */
static bool same_peer(struct str with, struct str peer)
{
	if (str_eq(with, peer))
		return true;
	return !memchr(with.ptr, '/', with.len) && peer.len > with.len &&
	       peer.ptr[with.len] == '/' && str_starts(peer, with);
}

/* What LOG_READ and its like select in their range. */
static bool selected(const struct msg_read_op *o, const struct msg_value *row)
{
	int64_t time = row[COL_LOG_TIME].i;
	bool listed = o->nnumbers == 0;

	if (o->with.len && !same_peer(o->with, row[COL_LOG_PEER].s))
		return false;
	if ((o->start && time < o->start) || (o->end && time > o->end))
		return false;
	for (size_t i = 0; i < o->nnumbers && !listed; i++)
		listed = o->numbers[i] == (uint64_t)row[COL_LOG_NUMBER].i;
	return listed;
}

static int found_last(struct result *res, const struct msg_value *row)
{
	struct msg_value v[] = {row[COL_LOG_NUMBER], row[COL_LOG_ORIGIN],
				row[COL_LOG_ORIGIN_NUMBER], row[COL_LOG_PART],
				row[COL_LOG_FLAGS], row[COL_LOG_TIME]};

	return result_row(res, v, sizeof v / sizeof *v);
}

static int found_sizes(struct result *res, const struct msg_value *row)
{
	struct msg_value v[] = {row[COL_LOG_NUMBER], row[COL_LOG_TIME],
				value_int((int64_t)row[COL_LOG_STANZA].s.len)};

	return result_row(res, v, 3);
}

static int found(struct result *res, const struct msg_read_op *o, const struct msg_value *row)
{
	if (o->op == STORE_LOG_LAST)
		return found_last(res, row);
	if (o->op == STORE_LOG_SIZES)
		return found_sizes(res, row);
	return result_row(res, row, o->op == STORE_LOG_ACCOUNTS ? 1 : tables[o->table].ncolumns);
}

static int count(struct result *res, const struct mem_table *t, const struct msg_read_op *o,
		 size_t lo, size_t hi)
{
	struct msg_value n = value_int(0);
	int err;

	for (; lo < hi && (o->op == STORE_COUNT || !o->limit || n.i < o->limit); lo++)
		n.i += o->op == STORE_COUNT || selected(o, t->rows[lo]);
	err = result_row(res, &n, 1);
	return err < 0 ? err : 0;
}

/* The first entry behind those of its account. */
static size_t next_account(const struct mem_table *t, size_t at)
{
	return bound(t, t->rows[at], 1, true);
}

static int read_op(struct memory *m, struct result *res, const struct msg_read_op *o)
{
	const struct mem_table *t = &m->tables[o->table];
	bool reverse = o->op == STORE_LOG_LAST || o->reverse;
	size_t lo, hi, at;
	int err = 0;

	range(t, o, &lo, &hi);
	if (o->op == STORE_COUNT || o->op == STORE_LOG_COUNT)
		return count(res, t, o, lo, hi);
	while (lo < hi && err == 0) {
		at = reverse ? hi - 1 : lo;
		if (is_range(o) && !selected(o, t->rows[at])) {
			hi -= reverse;
			lo += !reverse;
			continue;
		}
		if (!result_wants(res))
			break;
		err = found(res, o, t->rows[at]);
		if (reverse)
			hi = at;
		else
			lo = o->op == STORE_LOG_ACCOUNTS ? next_account(t, at) : at + 1;
	}
	return err < 0 ? err : 0;
}

/* --- the engine ----------------------------------------------------------------------------- */

static void call_done(void *arg)
{
	struct memory *m = arg;
	struct engine_read *r;
	struct engine_job *j;

	while ((r = m->reads)) {
		if (!(m->reads = r->next))
			m->reads_end = &m->reads;
		engine_read_done(&m->engine, r);
	}
	while ((j = m->jobs)) {
		if (!(m->jobs = j->next))
			m->jobs_end = &m->jobs;
		engine_job_done(&m->engine, j);
	}
}

static int memory_open(const struct engine_config *c, struct buf *error, struct engine **ret_engine)
{
	struct memory *m = xcalloc(1, sizeof(*m));

	m->leases = leases_new();
	m->reads_end = &m->reads;
	m->jobs_end = &m->jobs;
	m->task = (struct loop_task){.fn = call_done, .arg = m};
	*ret_engine = &m->engine;
	return 0;
}

static struct engine *memory_close(struct engine *e)
{
	struct memory *m = (struct memory *)e;
	struct mem_request *r, *next;

	loop_task_cancel(e->config.loop, &m->task);
	for (size_t t = 0; t < TABLES; t++) {
		for (size_t i = 0; i < m->tables[t].n; i++)
			free(m->tables[t].rows[i]);
		free(m->tables[t].rows);
	}
	HASH_ITER (hh, m->requests, r, next) {
		HASH_DEL(m->requests, r);
		free(r);
	}
	leases_free(m->leases);
	free(m->undo);
	free(m);
	return NULL;
}

static void memory_read(struct engine *e, struct engine_read *r)
{
	struct memory *m = (struct memory *)e;
	struct result res;

	result_begin(&res, r, &e->config);
	for (size_t i = 0; i < r->nops && r->err == 0; i++) {
		result_op(&res, i);
		r->err = read_op(m, &res, &r->ops[i]);
	}
	if (r->err)
		r->text = "one row is larger than an answer";
	*m->reads_end = r;
	m->reads_end = &r->next;
	loop_defer(e->config.loop, &m->task);
}

static void job_add(struct memory *m, struct engine_job *j)
{
	*m->jobs_end = j;
	m->jobs_end = &j->next;
	loop_defer(m->engine.config.loop, &m->task);
}

static void memory_write(struct engine *e, struct engine_write *w)
{
	struct memory *m = (struct memory *)e;
	size_t op = 0;
	enum store_status s = run_batch(m, w, &op);

	engine_write_status(w, s, op, NULL);
	e->stats.commits++;
	e->stats.commit_batches += s == STORE_COMMITTED;
	job_add(m, &w->job);
}

static int store_nothing(void *arg, uint16_t shard, uint32_t epoch)
{
	return 0;
}

static void memory_lease(struct engine *e, struct engine_lease *l)
{
	struct memory *m = (struct memory *)e;

	l->err = leases_run(m->leases, l, store_nothing, m);
	job_add(m, &l->job);
}

const struct engine_ops engine_memory = {
	.name = "memory",
	.open = memory_open,
	.read = memory_read,
	.write = memory_write,
	.lease = memory_lease,
	.close = memory_close,
};
