/* SPDX-License-Identifier: MIT */
/*
 * Reads on connections of their own: those that wait together share one snapshot and one answer.
 *
 * A reader's transactions are read-only and REPEATABLE READ, so that all statements up to the sync
 * see the same. When one of them fails they are run again one by one: it fails alone.
 */
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/pg_internal.h"
#include "storage/result.h"

enum { READS_AT_ONCE = 64, TRIES = 3 };

struct pg_reads {
	struct engine *engine;
	struct engine_read *list, **end; /* that wait */
	struct pg_reader *readers;
	struct loop_task task;
};

struct pg_reader {
	struct pg_reader *next;
	struct pg *pg;
	struct pg_reads *queue;
	struct engine *engine;
	size_t slot;
	struct pg_conn *conn;
	struct engine_read *list, *at; /* taken; in work from at (all behind it, unless single) */
	bool single;
	bool failed;
	char text[WRITE_TEXT];
};

/* One read under way; lives in its pool. */
struct reading {
	struct engine_read *read;
	struct result result;
	size_t op;
	bool begun, full; /* the op in work; no more rows of it */
	struct sql_columns columns;
};

/* --- sending ------------------------------------------------------------------------------------
 */

static void send_op(struct pg_reader *r, struct reading *g, size_t i)
{
	const struct msg_read_op *o = &g->read->ops[i];
	struct pg_params p = {0};
	struct sql_query q;

	sql_query_make(&q, SQL_POSTGRESQL, o, r->engine->config.read_rows, g->read->pool);
	if (q.nothing)
		return;
	for (size_t k = 0; k < q.nvalues; k++)
		param_value(&p, (enum column_type)q.values[k].type, &q.values[k]);
	pg_conn_run(r->conn, q.kind, o->table, q.variant, &p, g, i);
	params_free(&p);
}

static void send_read(struct pg_reader *r, struct engine_read *read)
{
	struct reading *g = pool_calloc(read->pool, sizeof(*g));

	g->read = read;
	read->err = 0;
	result_begin(&g->result, read, &r->engine->config);
	for (size_t i = 0; i < read->nops; i++)
		send_op(r, g, i);
}

static void reader_send(struct pg_reader *r)
{
	r->failed = false;
	for (struct engine_read *x = r->at; x; x = r->single ? NULL : x->next)
		send_read(r, x);
	pg_conn_sync(r->conn);
}

static void go(void *arg)
{
	struct pg_reads *q = arg;

	for (struct pg_reader *r = q->readers; r && q->list; r = r->next) {
		struct engine_read **end = &q->list;

		if (r->list)
			continue;
		for (size_t n = 0; *end && n < READS_AT_ONCE; n++)
			end = &(*end)->next;
		r->list = r->at = q->list;
		q->list = *end;
		*end = NULL;
		if (!q->list)
			q->end = &q->list;
		r->single = false;
		reader_send(r);
	}
}

/* --- results ------------------------------------------------------------------------------------
 */

static void on_result(void *arg, const struct pg_cmd *cmd, const PGresult *result)
{
	struct reading *g = cmd->arg;
	struct msg_value row[QUERY_COLUMNS];

	if (!g->begun || g->op != cmd->op) {
		result_op(&g->result, cmd->op);
		g->begun = true;
		g->op = cmd->op;
		g->full = false;
		sql_query_columns(&g->columns, &g->read->ops[cmd->op]);
	}
	for (int i = 0; i < PQntuples(result) && !g->full && g->read->err == 0; i++) {
		int err = 1;

		if (result_wants(&g->result)) {
			row_values(result, i, g->columns.types, row, g->columns.n);
			err = result_row(&g->result, row, g->columns.n);
		}
		g->full = err > 0;
		if (err < 0) {
			g->read->err = err;
			g->read->text = "one row is larger than an answer";
		}
	}
}

static void on_failed(void *arg, const struct pg_cmd *cmd, const PGresult *result)
{
	struct pg_reader *r = arg;

	if (!r->failed)
		pg_text(r->text, PQresultErrorMessage(result));
	r->failed = true;
}

static void read_fail(struct engine_read *x, const char *why)
{
	x->err = -EIO;
	x->text = pool_strdup(x->pool, why);
}

static void answer(struct engine *e, struct engine_read *list)
{
	struct engine_read *next;

	for (; list; list = next) {
		next = list->next;
		engine_read_done(e, list);
	}
}

static void on_synced(void *arg)
{
	struct pg_reader *r = arg;
	struct engine_read *list = r->list;

	if (r->failed && !r->single && list->next) {
		r->single = true;
		r->at = list;
		reader_send(r);
		return;
	}
	if (r->failed)
		read_fail(r->at, r->text);
	r->at = r->single ? r->at->next : NULL;
	if (r->at) {
		reader_send(r);
		return;
	}
	r->list = NULL;
	go(r->queue);
	answer(r->engine, list);
}

/* What it had under way is read again by another, before what waits. */
static void give_back(struct pg_reader *r, const char *why)
{
	struct pg_reads *q = r->queue;
	struct engine_read *x, *failed = NULL, **again = &r->list;

	while ((x = *again)) {
		if (++x->tries < TRIES) {
			again = &x->next;
			continue;
		}
		*again = x->next;
		x->next = failed;
		failed = x;
		read_fail(x, why);
	}
	if (r->list) {
		*again = q->list;
		if (!q->list)
			q->end = again;
		q->list = r->list;
	}
	/* Its last link lies in the reads, not in the reader that is about to go. */
	r->list = r->at = NULL;
	loop_defer(r->engine->config.loop, &q->task);
	answer(r->engine, failed);
}

static void on_lost(void *arg, const char *why)
{
	struct pg_reader *r = arg;

	r->conn = NULL;
	pg_watch(r->pg);
	give_back(r, why);
	pg_slot_lost(r->pg, r->slot, why);
}

/* --- from outside -------------------------------------------------------------------------------
 */

struct pg_reader *reader_new(struct pg *pg, struct pg_reads *q, struct engine *e, size_t slot,
			     PGconn *take_handle)
{
	static const struct pg_conn_ops ops = {
		.result = on_result, .failed = on_failed, .synced = on_synced, .lost = on_lost};
	struct pg_reader *r = xcalloc(1, sizeof(*r));

	r->pg = pg;
	r->queue = q;
	r->engine = e;
	r->slot = slot;
	r->conn = pg_conn_new(e->config.loop, take_handle, &ops, r);
	r->next = q->readers;
	q->readers = r;
	loop_defer(e->config.loop, &q->task);
	return r;
}

struct pg_reader *reader_free(struct pg_reader *r)
{
	struct pg_reader **at;

	if (!r)
		return NULL;
	for (at = &r->queue->readers; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	pg_conn_free(r->conn);
	free(r);
	return NULL;
}

bool reader_busy(const struct pg_reader *r)
{
	return r->list != NULL;
}

void reader_tick(struct pg_reader *r)
{
	uint64_t limit = (uint64_t)r->engine->config.statement_timeout + PG_GRACE_MS;
	uint64_t since = pg_conn_busy_since(r->conn);

	if (!since || loop_now(r->engine->config.loop) - since <= limit)
		return;
	r->conn = pg_conn_free(r->conn);
	on_lost(r, "no answer");
}

struct pg_reads *reads_new(struct engine *e)
{
	struct pg_reads *q = xcalloc(1, sizeof(*q));

	q->engine = e;
	q->end = &q->list;
	q->task = (struct loop_task){.fn = go, .arg = q};
	return q;
}

struct pg_reads *reads_free(struct pg_reads *q)
{
	if (!q)
		return NULL;
	loop_task_cancel(q->engine->config.loop, &q->task);
	free(q);
	return NULL;
}

void reads_add(struct pg_reads *q, struct engine_read *r)
{
	*q->end = r;
	q->end = &r->next;
	loop_defer(q->engine->config.loop, &q->task);
}

bool reads_idle(const struct pg_reads *q)
{
	if (q->list)
		return false;
	for (const struct pg_reader *r = q->readers; r; r = r->next)
		if (r->list)
			return false;
	return true;
}

void reads_tick(struct pg_reads *q, uint64_t away, const char *why)
{
	struct engine_read *list = q->list;

	if (away < PG_HOLD_MS || !list)
		return;
	q->list = NULL;
	q->end = &q->list;
	for (struct engine_read *x = list; x; x = x->next)
		read_fail(x, why);
	answer(q->engine, list);
}
