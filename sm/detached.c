/* SPDX-License-Identifier: MIT */
/*
 * Detached sessions in storage: written once, when what their clients sent is done, so that they can
 * be resumed when their owner and their c2s are both gone (DESIGN section 7).
 *
 * A session that is owed something that is not logged has no row: it would be resumed with a hole.
 * A resumption is answered when the row is deleted, so that no later owner finds an old one. Where its
 * c2s comes back instead, nothing more of it is confirmed until then (the barrier), so that an old row
 * still says the truth about `h`.
 */
#include <errno.h>
#include <utlist.h>
#include "sm/inbox.h"
#include "sm/scan.h"

enum { SESSION_ACCOUNT, SESSION_SID, SESSION_RECORD }; /* columns of TABLE_SESSION */

struct row_change {
	struct session_ref session;
	bool put;
};

static bool owed_unlogged(const struct session *s)
{
	for (uint32_t i = 0; i < s->ngiven; i++)
		if (!s->given[i].acked && !s->given[i].log)
			return true;
	return false;
}

static bool wants_row(const struct session *s)
{
	return !s->c2s && s->detached_since && s->resume_ms && !s->leaving && !s->closing &&
	       !s->resuming && !s->work && s->user->sm->record_key && !owed_unlogged(s) &&
	       !s->user->relaxed && record_given_fits(s, s->ngiven);
}

/* The last call about s: what waited for it may end it. */
static void barrier_look(struct session *s)
{
	struct txn *t = s->barrier;

	if (detached_written(s))
		return;
	s->barrier = NULL;
	if (t)
		txn_release(t);
	else
		session_resume_ready(s);
}

void detached_reattached(struct session *s)
{
	struct txn *t;

	if (!detached_written(s) || s->barrier)
		return;
	t = txn_new(s->user->sm, TXN_STANZA, NULL);
	t->sid = s->sid;
	t->serial = s->serial;
	t->n = s->done;
	DL_PREPEND(s->work, t);
	s->barrier = t;
	detached_look(s);
}

static void row_changed(struct user *u, int err, void *arg)
{
	const struct row_change *c = arg;
	struct session *s = session_still(&c->session);

	(void)u;
	if (!s)
		return;
	s->row_busy = false;
	/* A put that failed is tried again at the next change, or a second later; what cannot be deleted
	 * now is known by its attachment as old. */
	s->row = c->put && !err;
	if (!c->put || !err)
		detached_look(s);
	barrier_look(s);
}

static void row_write(struct session *s, bool put)
{
	struct row_change *c = xcalloc(1, sizeof *c);
	struct buf record = BUF_INIT;
	struct msg_value v[] = {value_text(user_jid(s->user)), value_int((int64_t)s->sid),
				value_null()};
	struct msg_write_op op = {.op = put ? STORE_PUT : STORE_DELETE,
				  .table = TABLE_SESSION,
				  .values = v,
				  .nvalues = put ? 3 : 2};

	if (put) {
		record_seal_detached(s, &record);
		v[SESSION_RECORD] = value_blob(buf_str(&record));
	}
	*c = (struct row_change){session_ref(s), put};
	s->row_busy = true;
	user_write(s->user, NULL, &op, 1, row_changed, c, free);
	buf_free(&record);
}

void detached_look(struct session *s)
{
	bool wanted = wants_row(s);

	if (!s->row_busy && wanted != s->row && s->user->state == USER_LOADED && !s->closing)
		row_write(s, wanted);
}

bool detached_written(const struct session *s)
{
	return s->row || s->row_busy;
}

void detached_stale(struct session *s)
{
	if (!s)
		return;
	s->row = true;
	detached_reattached(s);
}

void detached_ended(struct session *s)
{
	struct msg_value v[] = {value_text(user_jid(s->user)), value_int((int64_t)s->sid)};
	struct msg_write_op op = {
		.op = STORE_DELETE, .table = TABLE_SESSION, .values = v, .nvalues = 2};

	if (detached_written(s) && user_exists(s->user))
		user_write(s->user, NULL, &op, 1, NULL, NULL, NULL);
}

/* --- after a take-over --------------------------------------------------------------------------- */

static void row_forget(struct user *u, uint64_t sid)
{
	struct msg_value v[] = {value_text(user_jid(u)), value_int((int64_t)sid)};
	struct msg_write_op op = {
		.op = STORE_DELETE, .table = TABLE_SESSION, .values = v, .nvalues = 2};

	user_write(u, NULL, &op, 1, NULL, NULL, NULL);
}

void detached_restore(struct user *u, const struct msg_rows *rows)
{
	struct sm *sm = u->sm;

	for (size_t i = 0; i < rows->nrows; i++) {
		const struct msg_value *v = rows->rows[i].values;
		uint64_t sid = (uint64_t)v[SESSION_SID].i;
		struct session *s = session_find(sm, sid);

		/* Announced by a c2s as well: that is newer, or the same. */
		if (s) {
			detached_stale(s);
			continue;
		}
		if (session_has_ended(sm, sid)) {
			row_forget(u, sid);
			continue;
		}
		s = record_open_detached(sm, sid, v[SESSION_RECORD].s);
		if (!s) {
			log_error("record of a detached session refused", LF_S("account", u->jid));
			row_forget(u, sid);
			continue;
		}
		s->row = s->restored = true;
		run_session_open(s, false);
		session_tick_need(s);
	}
}

/* What came after the row was written stands in the log; nothing may be given before it. */
void detached_catch_up(struct user *u)
{
	struct session *s;

	DL_FOREACH(u->sessions, s)
		if (s->restored)
			inbox_flush(s);
}

static void loaded(void *arg, struct user *u)
{
	(void)arg;
	(void)u; /* detached_restore has done it */
}

static void row_found(struct sm *sm, uint16_t shard, const struct msg_value *v)
{
	if (shards_is_open(sm->shards, shard) && !session_find(sm, (uint64_t)v[SESSION_SID].i))
		user_run(user_need(sm, v[SESSION_ACCOUNT].s), loaded, NULL);
}

struct scan *detached_scan_new(struct sm *sm)
{
	return scan_new(sm, TABLE_SESSION, row_found, NULL);
}
