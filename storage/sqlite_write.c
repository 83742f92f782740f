/* SPDX-License-Identifier: MIT */
/*
 * Grouped commits: all batches that wait share one transaction, and one that fails fails alone.
 *
 * A group is first run without savepoints, which cost as much as a row. Only when a batch fails
 * after it may have written something is all rolled back and run again with a savepoint for each
 * batch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/check.h"
#include "storage/sqlite_internal.h"

enum step {
	STEP_DONE,
	STEP_AGAIN,  /* a batch may have left something behind: roll back, run with savepoints */
	STEP_TROUBLE /* the group fails as a whole */
};
enum { PURGE_EVERY_S = 600 };

/* --- single operations: COMMITTED, CONDITION, CLASH, FAILED or TROUBLE
 * ---------------------------- */

enum { TROUBLE = -1 };

/* Runs a statement that gives no rows; *ret_changed: rows that it changed. */
static int run(struct writer *w, sqlite3_stmt *s, int *ret_changed)
{
	int rc = s ? sqlite3_step(s) : sqlite3_extended_errcode(w->db->handle);

	*ret_changed = rc == SQLITE_DONE ? sqlite3_changes(w->db->handle) : 0;
	if (s) {
		sqlite3_reset(s);
		sqlite3_clear_bindings(s);
	}
	if (rc == SQLITE_DONE)
		return STORE_COMMITTED;
	return db_is_trouble(rc) ? TROUBLE : STORE_FAILED;
}

/* All columns; those that an older sender does not know are null. */
static int run_row(struct writer *w, enum sql_kind kind, const struct msg_write_op *o,
		   int *ret_changed)
{
	sqlite3_stmt *s = db_stmt(w->db, kind, o->table, 0);

	if (s)
		db_bind(s, 1, o->values, o->nvalues);
	return run(w, s, ret_changed);
}

static int op_put(struct writer *w, const struct msg_write_op *o)
{
	static const enum sql_kind kinds[] = {SQL_PUT, SQL_INSERT, SQL_UPDATE};
	int changed, status = run_row(w, kinds[o->condition], o, &changed);

	if (status == STORE_COMMITTED && o->condition && changed == 0)
		return STORE_CONDITION;
	return status;
}

static int op_delete(struct writer *w, const struct msg_write_op *o)
{
	sqlite3_stmt *s = db_stmt(w->db, SQL_DELETE, o->table, (unsigned)o->nvalues);
	int changed, status;

	if (s)
		db_bind(s, 1, o->values, o->nvalues);
	status = run(w, s, &changed);
	if (status == STORE_COMMITTED && o->condition && changed == 0)
		return STORE_CONDITION;
	return status;
}

/* The number is there: the same entry again, or our mistake. */
static int append_again(struct writer *w, const struct msg_write_op *o)
{
	sqlite3_stmt *s = db_stmt(w->db, SQL_LOG_KEY, TABLE_LOG, 0);
	int status = STORE_COMMITTED, rc;

	if (s)
		db_bind(s, 1, o->values, 2);
	rc = s ? sqlite3_step(s) : sqlite3_extended_errcode(w->db->handle);
	if (rc != SQLITE_ROW)
		status = db_is_trouble(rc) ? TROUBLE : STORE_FAILED;
	for (int c = COL_LOG_ORIGIN; c <= COL_LOG_PART && status == STORE_COMMITTED; c++)
		if (sqlite3_column_int64(s, c - COL_LOG_ORIGIN) != o->values[c].i)
			status = STORE_CLASH;
	sqlite3_reset(s);
	return status;
}

static int op_append(struct writer *w, const struct msg_write_op *o)
{
	int changed, status = run_row(w, SQL_INSERT, o, &changed);

	if (status == STORE_COMMITTED && changed == 0)
		return append_again(w, o);
	return status;
}

static int run_op(struct writer *w, const struct msg_write_op *o)
{
	static int (*const ops[])(struct writer *, const struct msg_write_op *) = {
		[STORE_PUT] = op_put,
		[STORE_DELETE] = op_delete,
		[STORE_LOG_APPEND] = op_append,
		[STORE_LOG_DELETE] = op_delete,
	};

	return ops[o->op](w, o);
}

/* --- ids of conditional batches -------------------------------------------------------------- */

/* sql: three parameters at the most. */
static int run_sql(struct writer *w, const char *sql, int64_t a, int64_t b, int64_t c,
		   bool *ret_found)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(w->db->handle, sql, -1, &s, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, a);
		sqlite3_bind_int64(s, 2, b);
		sqlite3_bind_int64(s, 3, c);
		rc = sqlite3_step(s);
	}
	sqlite3_finalize(s);
	*ret_found = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return STORE_COMMITTED;
	return db_is_trouble(rc) ? TROUBLE : STORE_FAILED;
}

static int request_known(struct writer *w, const struct engine_write *b, bool *ret_known)
{
	return run_sql(w, "SELECT 1 FROM mercutio_request WHERE sender = ? AND request = ?",
		       (int64_t)b->sender, (int64_t)b->request, 0, ret_known);
}

static int request_remember(struct writer *w, const struct engine_write *b)
{
	bool found;

	return run_sql(w, "INSERT INTO mercutio_request (sender, request, time) VALUES (?, ?, ?)",
		       (int64_t)b->sender, (int64_t)b->request, clock_wall_us(), &found);
}

static int requests_purge(struct writer *w)
{
	uint64_t now = clock_mono_us();
	bool found;

	if (now < w->purge_due)
		return STORE_COMMITTED;
	w->purge_due = now + PURGE_EVERY_S * UINT64_C(1000000);
	return run_sql(w, "DELETE FROM mercutio_request WHERE time < ?",
		       clock_wall_us() - w->config->keep_requests * 1000, 0, 0, &found);
}

/* --- leases ---------------------------------------------------------------------------------- */

static bool leases_load(struct writer *w)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(w->db->handle,
				    "SELECT route, shard, owner_id, epoch FROM mercutio_lease", -1,
				    &s, NULL);

	leases_clear(w->leases);
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct lease l = {
			.owner_id = (uint64_t)sqlite3_column_int64(s, 2),
			.epoch = (uint32_t)sqlite3_column_int64(s, 3),
		};

		leases_set(w->leases, (const char *)sqlite3_column_text(s, 0),
			   (uint16_t)sqlite3_column_int(s, 1), l);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	w->leases_known = rc == SQLITE_DONE;
	return w->leases_known;
}

struct lease_store {
	const struct engine_lease *lease;
	sqlite3_stmt *insert;
};

static int lease_store(void *arg, uint16_t shard, uint32_t epoch)
{
	struct lease_store *ls = arg;
	sqlite3_stmt *s = ls->insert;

	sqlite3_bind_text(s, 1, ls->lease->route, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 2, shard);
	sqlite3_bind_text(s, 3, ls->lease->owner, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 4, (int64_t)ls->lease->owner_id);
	sqlite3_bind_int64(s, 5, epoch);
	sqlite3_step(s);
	return sqlite3_reset(s) == SQLITE_OK ? 0 : -EIO;
}

static enum step lease_run(struct writer *w, struct engine_lease *l)
{
	struct lease_store ls = {.lease = l};

	if (sqlite3_prepare_v2(w->db->handle,
			       "INSERT INTO mercutio_lease (route, shard, owner, owner_id, epoch)"
			       " VALUES (?, ?, ?, ?, ?) ON CONFLICT (route, shard) DO UPDATE SET"
			       " owner = ?3, owner_id = ?4, epoch = ?5",
			       -1, &ls.insert, NULL) != SQLITE_OK)
		return STEP_TROUBLE;
	l->err = leases_run(w->leases, l, lease_store, &ls);
	sqlite3_finalize(ls.insert);
	return l->err ? STEP_TROUBLE : STEP_DONE;
}

/* --- batches --------------------------------------------------------------------------------- */

static bool shard_failed(const struct writer *w, const struct engine_write *b)
{
	for (size_t i = 0; i < w->nfailed; i++)
		if (w->failed[i].sender == b->sender && w->failed[i].shard == b->shard)
			return true;
	return false;
}

/* A failure inside a batch never lets a later append of the same shard commit. */
static void shard_fail(struct writer *w, const struct engine_write *b)
{
	if (w->nfailed == w->failed_cap) {
		w->failed_cap = w->failed_cap ? 2 * w->failed_cap : 8;
		w->failed = xrealloc(w->failed, w->failed_cap * sizeof(*w->failed));
	}
	w->failed[w->nfailed++] = (struct failed_shard){b->sender, b->shard};
}

static int batch_ops(struct writer *w, const struct engine_write *b, size_t *ret_op)
{
	bool conditional = write_is_conditional(b), known = false;
	int status = conditional ? request_known(w, b, &known) : STORE_COMMITTED;

	if (known)
		return status;
	for (size_t i = 0; i < b->nops && status == STORE_COMMITTED; i++) {
		*ret_op = i;
		status = run_op(w, &b->ops[i]);
	}
	if (conditional && status == STORE_COMMITTED)
		status = request_remember(w, b);
	return status;
}

static enum step batch_run(struct writer *w, struct engine_write *b, bool careful)
{
	size_t op = 0;
	int status = leases_fence(w->leases, b, &op);

	if (status == STORE_COMMITTED && shard_failed(w, b)) {
		engine_write_status(b, STORE_FAILED, 0, "an earlier batch of its shard failed");
		return STEP_DONE;
	}
	if (status == STORE_COMMITTED) {
		if (careful && db_exec(w->db, "SAVEPOINT batch") != SQLITE_OK)
			return STEP_TROUBLE;
		status = batch_ops(w, b, &op);
		if (status == TROUBLE)
			return STEP_TROUBLE;
		/* The first op wrote nothing when only its condition or number spoke against it. */
		if (!careful && status != STORE_COMMITTED && (op > 0 || status == STORE_FAILED))
			return STEP_AGAIN;
		engine_write_status(b, status, op, status == STORE_FAILED ? db_error(w->db) : NULL);
		if (careful && status != STORE_COMMITTED &&
		    db_exec(w->db, "ROLLBACK TO batch") != SQLITE_OK)
			return STEP_TROUBLE;
		if (careful && db_exec(w->db, "RELEASE batch") != SQLITE_OK)
			return STEP_TROUBLE;
	} else {
		engine_write_status(b, status, op, NULL);
	}
	if (status == STORE_FAILED)
		shard_fail(w, b);
	return STEP_DONE;
}

/* --- the group ------------------------------------------------------------------------------- */

static enum step group_try(struct writer *w, struct engine_job *list, bool careful)
{
	enum step step = STEP_DONE;

	w->nfailed = 0;
	if (db_control(w->db, DB_BEGIN_WRITE) != SQLITE_OK)
		return STEP_TROUBLE;
	if (!w->leases_known && !leases_load(w))
		return STEP_TROUBLE;
	for (struct engine_job *j = list; j && step == STEP_DONE; j = j->next)
		step = j->kind == JOB_WRITE ? batch_run(w, (struct engine_write *)j, careful)
					    : lease_run(w, (struct engine_lease *)j);
	if (step == STEP_DONE && requests_purge(w) != STORE_COMMITTED)
		step = STEP_TROUBLE;
	if (step == STEP_DONE)
		wal_room_make(&w->db->wal, w->db->handle);
	if (step == STEP_DONE && db_control(w->db, DB_COMMIT) != SQLITE_OK)
		step = STEP_TROUBLE;
	return step;
}

/* What the transaction had told the lease book is untrue now. */
static void group_undo(struct writer *w)
{
	if (!sqlite3_get_autocommit(w->db->handle))
		db_exec(w->db, "ROLLBACK");
	w->leases_known = false;
}

bool group_run(struct writer *w, struct engine_job *list)
{
	uint64_t start = clock_mono_us();
	enum step step = group_try(w, list, false);

	if (step == STEP_AGAIN) {
		group_undo(w);
		step = group_try(w, list, true);
	}
	w->trouble[0] = 0;
	if (step != STEP_DONE) {
		int err = sqlite3_system_errno(w->db->handle);

		snprintf(w->trouble, sizeof(w->trouble), "%s%s%s", db_error(w->db), err ? ": " : "",
			 err ? strerror(err) : "");
		group_undo(w);
	}
	for (struct engine_job *j = list; j && step != STEP_DONE; j = j->next)
		engine_job_fail(j, w->trouble);
	w->group_us = clock_mono_us() - start;
	return step == STEP_DONE;
}

void writer_free(struct writer *w)
{
	leases_free(w->leases);
	free(w->failed);
}
