/* SPDX-License-Identifier: MIT */
/*
 * The writer: one transaction after the other, each of as many batches as wait.
 *
 * A group is sent whole, with its fence before and one sync behind it, so that it commits with one
 * round trip. Nothing in it may fail: what speaks against a batch raises an error that undoes the
 * group. The batch is then run alone, between those before and those behind it, in a transaction
 * that ends as its results say; conditional batches and leases always are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "storage/check.h"
#include "storage/pg_writer.h"

enum { PURGE_EVERY_S = 600, GROUP_BYTES = 4 << 20 };

/* --- the queue ----------------------------------------------------------------------------------
 */

static void run_take(struct pg_writer *w, size_t n)
{
	struct engine_job **end = &w->jobs;

	for (size_t i = 0; i < n; i++)
		end = &(*end)->next;
	w->run = w->jobs;
	w->jobs = *end;
	*end = NULL;
	w->njobs -= n;
	w->nrun = n;
	if (!w->jobs)
		w->jobs_end = &w->jobs;
	w->verdict = V_OK;
	w->culprit = NULL;
	w->started_us = clock_mono_us();
}

/* Back to where it came from: what comes behind it stays behind it. */
void writer_back(struct pg_writer *w, unsigned marks)
{
	struct engine_job **end = &w->run;

	w->phase = W_IDLE;
	if (!w->run)
		return;
	for (; *end; end = &(*end)->next)
		(*end)->marks |= marks;
	*end = w->jobs;
	if (!w->jobs)
		w->jobs_end = end;
	w->jobs = w->run;
	w->njobs += w->nrun;
	w->run = NULL;
	w->nrun = 0;
}

static void answer(struct pg_writer *w, struct engine_job *list)
{
	struct engine_job *next;

	for (; list; list = next) {
		next = list->next;
		engine_job_done(w->engine, list);
	}
}

/* The next group is under way while the answers of this one are written. */
void writer_done(struct pg_writer *w)
{
	struct engine_job *list = w->run;

	w->run = NULL;
	w->nrun = 0;
	w->phase = W_IDLE;
	w->tries = 0;
	writer_go(w);
	answer(w, list);
}

/* The database takes nothing now: nothing that waits may commit before what came before it. */
void writer_fail(struct pg_writer *w, const char *why)
{
	struct engine_stats *st = &w->engine->stats;
	struct engine_job *list;

	writer_back(w, 0);
	list = w->jobs;
	w->jobs = NULL;
	w->jobs_end = &w->jobs;
	w->njobs = 0;
	w->tries = 0;
	snprintf(w->trouble, sizeof(w->trouble), "%s", why);
	st->failing = true;
	st->trouble = w->trouble;
	for (struct engine_job *j = list; j; j = j->next)
		engine_job_fail(j, w->trouble);
	answer(w, list);
}

/* A failure inside a batch never lets a later append of the same shard commit. */
void writer_shard_fail(struct pg_writer *w, const struct engine_write *b, bool again)
{
	static const char why[] = "an earlier batch of its shard failed";
	struct engine_job **at = &w->jobs, *failed = NULL, **end = &failed, *j;

	while ((j = *at)) {
		struct engine_write *x = (struct engine_write *)j;

		if (j->kind != JOB_WRITE || x->sender != b->sender || x->shard != b->shard) {
			at = &j->next;
			continue;
		}
		if (again)
			engine_job_fail(j, why);
		else
			engine_write_status(x, STORE_FAILED, 0, why);
		*at = j->next;
		*end = j;
		end = &j->next;
		w->njobs--;
	}
	*end = NULL;
	w->jobs_end = at;
	/* Answered behind the batch itself. */
	for (at = &w->run; *at; at = &(*at)->next)
		;
	*at = failed;
}

/* --- sending ------------------------------------------------------------------------------------
 */

static void send_purge(struct pg_writer *w)
{
	struct pg_params p = {0};
	uint64_t now = clock_mono_us();

	if (now < w->purge_due)
		return;
	w->purge_due = now + PURGE_EVERY_S * UINT64_C(1000000);
	param_int(&p, clock_wall_us() - w->engine->config.keep_requests * 1000);
	pg_conn_sql(w->conn, "DELETE FROM mercutio_request WHERE \"time\" < $1", &p, NULL, 0);
}

/* PostgreSQL waits for a synchronous standby only where a transaction has written something. A repetition
 * changes nothing, and what it repeats may not be with the standby yet: so it writes a row. */
static void send_trace(struct pg_writer *w)
{
	struct pg_params p = {0};

	param_int(&p, (int64_t)random_u64());
	param_int(&p, clock_wall_us());
	pg_conn_sql(w->conn,
		    "INSERT INTO mercutio_request (sender, request, \"time\") VALUES (0, $1, $2)"
		    " ON CONFLICT DO NOTHING",
		    &p, NULL, 0);
}

static bool run_repeats(const struct pg_writer *w)
{
	for (const struct engine_job *j = w->run; j; j = j->next)
		if (j->marks & MARK_KNOWN)
			return true;
	return false;
}

static void group_start(struct pg_writer *w)
{
	w->phase = W_GROUP;
	fences_clear(w->fences);
	for (struct engine_job *j = w->run; j; j = j->next)
		fences_add(w->fences, (struct engine_write *)j);
	fences_send(w->fences, w->conn);
	run_send(w);
	if (run_repeats(w))
		send_trace(w);
	send_purge(w);
	pg_conn_sync(w->conn);
}

static void send_request(struct pg_writer *w, const struct engine_write *b, const char *sql,
			 bool time, void *arg)
{
	struct pg_params p = {0};

	param_int(&p, (int64_t)b->sender);
	param_int(&p, (int64_t)b->request);
	if (time)
		param_int(&p, clock_wall_us());
	pg_conn_sql(w->conn, sql, &p, arg, 0);
}

static void alone_start(struct pg_writer *w)
{
	struct engine_write *b = (struct engine_write *)w->run;
	bool repeats = run_repeats(w);

	w->phase = W_ALONE;
	w->known = false;
	b->job.marks |= MARK_KNOWN;
	pg_conn_sql(w->conn, "BEGIN", NULL, NULL, 0);
	fences_clear(w->fences);
	fences_add(w->fences, b);
	fences_send(w->fences, w->conn);
	if (write_is_conditional(b))
		send_request(w, b,
			     "SELECT 1 FROM mercutio_request WHERE sender = $1 AND request = $2",
			     false, w);
	run_send(w);
	if (write_is_conditional(b))
		send_request(w, b,
			     "INSERT INTO mercutio_request (sender, request, \"time\")"
			     " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			     true, NULL);
	else if (repeats)
		send_trace(w);
	send_purge(w);
	pg_conn_sync(w->conn);
}

void run_end(struct pg_writer *w, bool commit)
{
	w->phase = W_END;
	w->committing = commit;
	pg_conn_sql(w->conn, commit ? "COMMIT" : "ROLLBACK", NULL, NULL, 0);
	if (!commit && w->run->kind == JOB_WRITE && w->known)
		send_trace(w);
	pg_conn_sync(w->conn);
}

/* --- what is next -------------------------------------------------------------------------------
 */

static bool goes_alone(const struct engine_job *j)
{
	return (j->marks & MARK_ALONE) || write_is_conditional((const struct engine_write *)j);
}

static size_t write_bytes(const struct engine_write *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->nops; i++)
		for (size_t v = 0; v < b->ops[i].nvalues; v++)
			n += b->ops[i].values[v].s.len;
	return n;
}

static size_t group_size(const struct pg_writer *w)
{
	size_t n = 0, bytes = 0;

	for (struct engine_job *j = w->jobs; j && n < w->engine->config.commit_max; j = j->next) {
		if (j->kind != JOB_WRITE || goes_alone(j) || bytes > GROUP_BYTES)
			break;
		bytes += write_bytes((struct engine_write *)j);
		n++;
	}
	return n;
}

/* Starts the next transaction, when there is something to do and none is under way. */
void writer_go(void *arg)
{
	struct pg_writer *w = arg;
	size_t n;

	if (w->phase != W_IDLE || !w->jobs)
		return;
	pg_watch(w->pg);
	if (!w->conn || pace_waits(&w->pace, w->njobs))
		return;
	if (w->jobs->kind == JOB_LEASE) {
		run_take(w, 1);
		pace_began(&w->pace, 1);
		lease_start(w);
		return;
	}
	n = group_size(w);
	run_take(w, n ? n : 1);
	pace_began(&w->pace, n ? n : 1);
	if (n)
		group_start(w);
	else
		alone_start(w);
}

/* --- from outside -------------------------------------------------------------------------------
 */

struct pg_writer *pg_writer_new(struct pg *pg, struct engine *e)
{
	struct pg_writer *w = xcalloc(1, sizeof(*w));

	w->pg = pg;
	w->engine = e;
	w->jobs_end = &w->jobs;
	w->fences = fences_new();
	w->book = leases_new();
	w->task = (struct loop_task){.fn = writer_go, .arg = w};
	return w;
}

struct pg_writer *pg_writer_free(struct pg_writer *w)
{
	if (!w)
		return NULL;
	loop_task_cancel(w->engine->config.loop, &w->task);
	pace_free(&w->pace);
	pg_conn_free(w->conn);
	fences_free(w->fences);
	leases_free(w->book);
	free(w);
	return NULL;
}

void pg_writer_add(struct pg_writer *w, struct engine_job *j)
{
	if (j->kind == JOB_WRITE && ((struct engine_write *)j)->repeated)
		j->marks |= MARK_KNOWN;
	*w->jobs_end = j;
	w->jobs_end = &j->next;
	w->njobs++;
	/* At the end of the turn, so that all of the turn go together. */
	if (w->phase == W_IDLE)
		loop_defer(w->engine->config.loop, &w->task);
}

void pg_writer_attach(struct pg_writer *w, PGconn *take_handle)
{
	if (!w->pace.timer)
		pace_init(&w->pace, w->engine->config.loop, &w->engine->config, writer_go, w);
	w->conn = pg_conn_new(w->engine->config.loop, take_handle, &writer_conn_ops, w);
	loop_defer(w->engine->config.loop, &w->task);
}

bool pg_writer_idle(const struct pg_writer *w)
{
	return !w->jobs && !w->run;
}

void pg_writer_tick(struct pg_writer *w, uint64_t away, const char *why)
{
	uint64_t now = loop_now(w->engine->config.loop);
	uint64_t limit = (uint64_t)w->engine->config.statement_timeout + PG_GRACE_MS;

	if (w->conn && pg_conn_busy_since(w->conn) && now - pg_conn_busy_since(w->conn) > limit) {
		snprintf(w->text, sizeof(w->text), "no answer for %llu ms",
			 (unsigned long long)limit);
		writer_reconnect(w);
	} else if (!w->conn && away >= PG_HOLD_MS && w->jobs) {
		writer_fail(w, why);
	}
}
