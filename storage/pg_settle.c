/* SPDX-License-Identifier: MIT */
/* What became of a transaction: errors into verdicts, verdicts into answers or another attempt. */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "storage/pg_writer.h"

enum {
	SETTLE_TRIES = 8
}; /* deadlocks and locks that were not to be had, or connections lost, in a row */

/* Class 25, a transaction in another state than it was left in: the server became read-only, we
 * were idle for too long, or what ended the one before was cancelled. */
static enum verdict verdict_of(const char *state, bool append)
{
	static const struct {
		const char *prefix;
		enum verdict v;
	} list[] = {
		{"MR001", V_REFUSED}, {"MR002", V_CLASH}, {"MR003", V_STALE}, {"40", V_RETRY},
		{"55P03", V_LOCKED},  {"08", V_LOST},	  {"25", V_LOST},     {"26000", V_LOST},
		{"0A000", V_LOST},    {"57014", V_STUCK}, {"57", V_LOST},     {"53", V_TROUBLE},
		{"58", V_STUCK},      {"XX", V_STUCK},	  {"42", V_TROUBLE},  {"55", V_TROUBLE},
		{"28", V_TROUBLE},
	};

	if (!state)
		return V_LOST;
	if (append && strcmp(state, "23505") == 0)
		return V_KNOWN;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strncmp(state, list[i].prefix, strlen(list[i].prefix)) == 0)
			return list[i].v;
	return V_FAILED;
}

/* All that stand on the same lease. */
static void blame(void *arg, struct engine_write *bad, size_t op)
{
	struct pg_writer *w = arg;

	w->op = op;
	w->culprit = bad;
	for (struct engine_job *j = w->run; j; j = j->next) {
		const struct engine_write *b = (struct engine_write *)j;

		if (b->shard == bad->shard && b->sender == bad->sender && b->epoch == bad->epoch &&
		    b->write_epoch == bad->write_epoch && strcmp(b->process, bad->process) == 0)
			j->marks |= MARK_ALONE;
	}
}

static void on_failed(void *arg, const struct pg_cmd *cmd, const PGresult *r)
{
	struct pg_writer *w = arg;
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	bool many = w->phase == W_GROUP && cmd && cmd->arg == w, append = many;

	if (w->verdict != V_OK)
		return;
	w->culprit = cmd && !many ? cmd->arg : NULL;
	w->op = cmd ? cmd->op : 0;
	if (w->phase == W_GROUP && w->culprit)
		append = w->culprit->ops[w->op].op == STORE_LOG_APPEND;
	w->verdict = verdict_of(PQresultErrorField(r, PG_DIAG_SQLSTATE), append);
	/* Which of them it was is seen when each has a statement of its own. */
	if (many && w->verdict == V_FAILED)
		w->verdict = V_KNOWN;
	pg_text(w->text, text ? text : PQresultErrorMessage(r));
	if ((w->verdict == V_REFUSED || w->verdict == V_STALE) && cmd)
		fences_blame(w->fences, r, cmd->op, blame, w);
}

static void on_result(void *arg, const struct pg_cmd *cmd, const PGresult *r)
{
	struct pg_writer *w = arg;
	const struct engine_write *b = cmd->arg;

	if (w->phase == W_LEASE) {
		lease_rows(w, r);
	} else if (w->phase == W_END) {
		/* A transaction that had failed is rolled back by it. */
		if (w->committing && strcmp(PQcmdStatus((PGresult *)r), "COMMIT") == 0)
			return;
		if (w->committing && cmd->arg != w)
			w->verdict = w->verdict == V_OK ? V_TROUBLE : w->verdict;
	} else if (w->phase == W_ALONE && cmd->arg == w) {
		w->known = PQntuples(r) > 0;
	} else if (w->phase == W_ALONE && b && b->ops[cmd->op].condition &&
		   strcmp(PQcmdTuples((PGresult *)r), "0") == 0 && w->verdict == V_OK) {
		w->verdict = V_CONDITION;
		w->op = cmd->op;
	}
}

static void count_commit(struct pg_writer *w)
{
	struct engine_stats *st = &w->engine->stats;
	uint64_t us = clock_mono_us() - w->started_us;

	st->failing = false;
	st->trouble = NULL;
	st->commits++;
	st->commit_us += us;
	if (us > st->commit_us_max)
		st->commit_us_max = us;
	for (struct engine_job *j = w->run; j; j = j->next)
		st->commit_batches += j->kind == JOB_WRITE;
}

/* Whether it committed is not known: all of it is sent again, which changes nothing where it did.
 * What ends the connection each time is not sent for ever without a word. */
static void conn_gone(struct pg_writer *w, const char *why)
{
	bool again = w->run && ++w->tries > SETTLE_TRIES;

	writer_back(w, MARK_KNOWN);
	pg_slot_lost(w->pg, 0, why);
	if (again)
		writer_fail(w, why);
}

void writer_reconnect(struct pg_writer *w)
{
	char why[WRITE_TEXT];

	memcpy(why, w->text, sizeof(why));
	w->conn = pg_conn_free(w->conn);
	conn_gone(w, why);
}

/* Ends what a stopped storage has left open: it holds locks and waits for its client. */
static void unblock(struct pg_writer *w)
{
	const struct engine_job *j = w->run;
	struct pg_params p = {0};

	w->phase = W_UNBLOCK;
	w->verdict = V_OK;
	param_int(&p, fence_key(j->kind == JOB_LEASE ? ((struct engine_lease *)j)->route
						     : ((struct engine_write *)j)->process));
	pg_conn_sql(w->conn,
		    "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a"
		    " WHERE a.wait_event = 'ClientRead' AND a.xact_start < now() - interval '3 s'"
		    " AND a.pid <> pg_backend_pid() AND a.datname = current_database()"
		    " AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted"
		    "  AND l.locktype = 'advisory' AND l.classid::bigint = $1)",
		    &p, NULL, 0);
	pg_conn_sync(w->conn);
}

/* What is the same for a group, a batch and a lease. False: it is not. */
static bool handled(struct pg_writer *w)
{
	bool lost = w->verdict == V_LOST;

	if (w->verdict == V_TROUBLE || w->verdict == V_STUCK ||
	    (!lost && ++w->tries > SETTLE_TRIES)) {
		writer_fail(w, w->text);
		return true;
	}
	if (lost)
		writer_reconnect(w);
	else if (w->verdict == V_LOCKED)
		unblock(w);
	else if (w->verdict == V_RETRY)
		writer_back(w, 0);
	else
		return false;
	writer_go(w);
	return true;
}

static void group_synced(struct pg_writer *w)
{
	if (w->verdict == V_OK) {
		fences_committed(w->fences);
		count_commit(w);
		writer_done(w);
		return;
	}
	/* What the purge or the commit itself says is no batch's. */
	if (w->verdict <= V_STUCK && !w->culprit)
		w->verdict = V_TROUBLE;
	switch (w->verdict) {
	case V_STUCK: /* with others it would hold up each group */
	case V_FAILED:
	case V_CLASH:
		w->culprit->job.marks |= MARK_ALONE;
		writer_back(w, 0);
		break;
	case V_KNOWN:
		writer_back(w, MARK_KNOWN);
		break;
	case V_REFUSED:
	case V_STALE:
		writer_back(w, 0);
		break;
	default:
		handled(w);
		return;
	}
	writer_go(w);
}

static void alone_synced(struct pg_writer *w)
{
	/* Its answer was lost: whatever speaks against it now, it was done. */
	if (w->known && w->verdict <= V_FAILED)
		w->verdict = V_OK;
	run_end(w, w->verdict == V_OK && !w->known);
}

/* Its shard waits, as it would for a database that takes nothing, and nobody else does. */
static void stuck(struct pg_writer *w, struct engine_write *b)
{
	struct engine_stats *st = &w->engine->stats;

	snprintf(w->trouble, sizeof(w->trouble), "%s", w->text);
	st->failing = true;
	st->trouble = w->trouble;
	engine_job_fail(&b->job, w->trouble);
	writer_shard_fail(w, b, true);
	writer_done(w);
}

static void alone_ended(struct pg_writer *w)
{
	static const enum store_status statuses[] = {
		[V_OK] = STORE_COMMITTED,	 [V_REFUSED] = STORE_REFUSED,
		[V_STALE] = STORE_REFUSED,	 [V_CLASH] = STORE_CLASH,
		[V_CONDITION] = STORE_CONDITION, [V_FAILED] = STORE_FAILED,
	};
	struct engine_write *b = (struct engine_write *)w->run;

	if (w->verdict == V_STUCK && w->culprit) {
		stuck(w, b);
		return;
	}
	if (w->verdict > V_FAILED) {
		handled(w);
		return;
	}
	engine_write_status(b, statuses[w->verdict], w->verdict == V_OK ? 0 : w->op,
			    w->verdict == V_FAILED ? w->text : NULL);
	b->stale = w->verdict == V_STALE;
	if (w->verdict == V_OK && !w->known)
		fences_committed(w->fences);
	count_commit(w);
	if (w->verdict == V_FAILED)
		writer_shard_fail(w, b, false);
	writer_done(w);
}

static void lease_ended(struct pg_writer *w)
{
	if (w->verdict == V_OK) {
		count_commit(w);
		writer_done(w);
	} else if (w->verdict > V_FAILED) {
		handled(w);
	} else {
		engine_job_fail(w->run, w->text);
		writer_done(w);
	}
}

static void run_ended(struct pg_writer *w)
{
	/* It may not have come to the commit. */
	if (w->committing && w->verdict != V_OK)
		run_end(w, false);
	else if (w->run->kind == JOB_LEASE)
		lease_ended(w);
	else
		alone_ended(w);
}

static void unblocked(struct pg_writer *w)
{
	if (w->verdict == V_LOST) {
		writer_reconnect(w);
	} else if (w->verdict != V_OK) {
		writer_fail(w, w->text);
	} else {
		writer_back(w, 0);
	}
	writer_go(w);
}

static void on_synced(void *arg)
{
	static void (*const steps[])(struct pg_writer *) = {
		[W_GROUP] = group_synced, [W_ALONE] = alone_synced, [W_LEASE] = lease_synced,
		[W_END] = run_ended,	  [W_UNBLOCK] = unblocked,
	};
	struct pg_writer *w = arg;

	steps[w->phase](w);
}

static void on_lost(void *arg, const char *why)
{
	struct pg_writer *w = arg;

	w->conn = NULL;
	conn_gone(w, why);
	writer_go(w);
}

const struct pg_conn_ops writer_conn_ops = {
	.result = on_result, .failed = on_failed, .synced = on_synced, .lost = on_lost};
