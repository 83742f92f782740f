/* SPDX-License-Identifier: MIT */
/* Giving a session what the log holds for it: offline messages, and what a take-over left. */
#include <utlist.h>
#include "sm/inbox.h"

enum { PAGE = 50 };

static void flush_next(struct session *s);

/* Kept in the log at all is one thing, to be given to this session another: it was appended since
 * the session began (and not given), or nobody has it. */
static bool row_wanted(struct session *s, uint64_t log, uint32_t target,
		       const struct msg_stanza_key *key)
{
	struct entry *e = inbox_entry(s->user->inbox, log);

	if (session_given(s, key))
		return false;
	if (log > s->settled && cover_region(s, log, target))
		return true;
	return e && e->holders == 0;
}

/* XEP-0191 section 3.2: what came from somebody who was blocked since is not delivered, as long as he
 * is. */
static bool is_hidden(const struct session *s, uint64_t log, const struct stanza *st)
{
	struct entry *e;
	struct jid from;

	if (!st->from.ptr || jid_split(st->from, &from) < 0 || run_is_blocked(s->user, &from) != HANDLED)
		return false;
	e = inbox_entry(s->user->inbox, log);
	if (e)
		e->hidden = true;
	return true;
}

void user_unhide(struct user *u)
{
	for (uint32_t i = 0; u->inbox && i < u->inbox->n; i++)
		u->inbox->entries[i].hidden = false;
}

struct text *row_text(struct session *s, const struct msg_row *row, bool given)
{
	const struct msg_value *v = row->values;
	uint64_t log = (uint64_t)v[COL_LOG_NUMBER].i;
	struct pool *pool = sm_pool(s->user->sm);
	struct buf xml = BUF_INIT, out = BUF_INIT;
	struct text *t = NULL;
	struct xml_writer w;
	struct stanza st;
	struct jid to;

	if (stanza_parse(pool, v[COL_LOG_STANZA].s, &st) == 0 && jid_split(st.to, &to) == 0 &&
	    (given || (message_is_for(s, &to) && !is_hidden(s, log, &st)))) {
		/* XEP-0203: it did not come just now. */
		if (!cover_region(s, log, (uint32_t)v[COL_LOG_FLAGS].i) ||
		    v[COL_LOG_TIME].i < s->takes_since) {
			xw_init(&w, &xml);
			delay_write(&w, session_jid(s).domain, v[COL_LOG_TIME].i, "Offline Storage");
			stanza_append(pool, &st, "delay", NS_DELAY, buf_str(&xml));
		}
		stanza_write(&st, &out);
		t = text_new(buf_str(&out));
	}
	buf_free(&xml);
	buf_free(&out);
	sm_pool_back(s->user->sm, pool);
	return t;
}

static void row_give(struct session *s, const struct msg_row *row, const struct msg_stanza_key *key)
{
	const struct msg_value *v = row->values;
	uint64_t log = (uint64_t)v[COL_LOG_NUMBER].i;
	uint32_t target = (uint32_t)v[COL_LOG_FLAGS].i;
	struct text *t;

	if (!row_wanted(s, log, target, key))
		return;
	if (!logged_fits(s->user->sm, v[COL_LOG_STANZA].s.len)) { /* as one from a file may be */
		inbox_remove(s->user->inbox, log);
		return;
	}
	if (!(t = row_text(s, row, false)))
		return;
	session_give_logged(s, key, log, target, true, inbox_entry(s->user->inbox, log), t);
	text_unref(t);
}

/* False: it is given by itself, when what must come before it is. */
static bool row_take(struct session *s, const struct msg_row *row)
{
	const struct msg_value *v = row->values;
	uint64_t log = (uint64_t)v[COL_LOG_NUMBER].i;
	struct msg_stanza_key key = {(uint64_t)v[COL_LOG_ORIGIN].i, (uint64_t)v[COL_LOG_ORIGIN_NUMBER].i,
				     (uint16_t)v[COL_LOG_PART].i};

	if (append_waits(s->user, log))
		return session_given(s, &key) != NULL;
	if (!append_seen(s->user, log))
		row_give(s, row, &key);
	return true;
}

/* Many messages wait: the rest follows when the client has acknowledged some. */
static bool too_much_at_once(struct session *s)
{
	s->flush_paused = hold_load(s) > (size_t)s->user->sm->config->given_max / 4 ||
			  (s->c2s && hold_holds(s));
	return s->flush_paused;
}

void flush_go_on(struct session *s)
{
	if (s->flush_paused && !too_much_at_once(s))
		flush_next(s);
}

static void flush_again(struct session *s)
{
	s->flushing = s->flush_again = false;
	inbox_flush(s);
}

static bool rows_have(const struct msg_rows *rows, uint64_t log)
{
	for (size_t i = 0; i < rows->nrows; i++)
		if ((uint64_t)rows->rows[i].values[COL_LOG_NUMBER].i == log)
			return true;
	return false;
}

/* True: all that was committed when the page was asked for has been seen; what came since has higher numbers, as the
 * commits of an account keep the order of its numbers. */
static bool last_page(const struct msg_rows *rows)
{
	return !rows->more && rows->nrows < PAGE;
}

/* Entries that wait for somebody and are not in the log (it keeps them for a time): they never come, and would count
 * for ever. Up to flush_top nothing was on its way there when the page was asked for; what came in between since is
 * not in it. */
static void drop_missing(const struct session *s, const struct msg_rows *rows)
{
	struct inbox *b = s->user->inbox;
	uint64_t end = s->flush_top, last = 0;

	if (b->inserted != s->flush_inserted)
		return;
	if (rows->nrows)
		last = (uint64_t)rows->rows[rows->nrows - 1].values[COL_LOG_NUMBER].i;
	if (!last_page(rows) && last < end)
		end = last;
	for (size_t i = b->n; i-- > 0 && b->entries[i].log > s->flush_at;)
		if (b->entries[i].log <= end && !b->entries[i].holders && !rows_have(rows, b->entries[i].log))
			inbox_remove(b, b->entries[i].log);
}

static void flush_page(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct session *s = session_still(arg);

	(void)u;
	if (!s)
		return;
	/* Storage was asked for as long as a read may take. What follows must not go before it. */
	if (err) {
		log_warn("offline messages not read", LF_S("jid", s->full), LF_ERR(err));
		s->flush_failed = true;
		session_tick_need(s);
		return;
	}
	/* What was passed over, since the client took no messages then, comes before what follows. */
	if (s->flush_again) {
		flush_again(s);
		return;
	}
	drop_missing(s, &rows[0]);
	for (size_t i = 0; i < rows[0].nrows; i++) {
		uint64_t log = (uint64_t)rows[0].rows[i].values[COL_LOG_NUMBER].i;

		if (too_much_at_once(s))
			return;
		s->flush_at = log - 1; /* all before it was looked at; or what may go now is put back to wait */
		session_behind_run(s, log);
		if (!row_take(s, &rows[0].rows[i])) {
			flush_next(s);
			return;
		}
		s->flush_at = log;
	}
	if (last_page(&rows[0]) && s->flush_at < s->flush_top)
		s->flush_at = s->flush_top;
	flush_next(s);
}

/* All up to here is committed, but for what this session has and for numbers of earlier owners, below what was
 * read. The rest is given by itself. */
static uint64_t flush_limit(struct session *s)
{
	const struct user *u = s->user;
	uint64_t top = u->inbox->top;
	const struct append *a;

	for (a = u->pending; a; a = a->user_next)
		if (a->log > s->flush_at && a->log <= top && !a->failed && !session_given(s, &a->key))
			top = a->log - 1;
	return top;
}

/* Reads on above what was read, until the newest committed entry was looked at. */
static void flush_next(struct session *s)
{
	struct user *u = s->user;
	struct msg_value key = value_text(user_jid(u));
	struct msg_read_op op = {.op = STORE_LOG_READ,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .limit = PAGE,
				 .from = s->flush_at};
	uint64_t limit = flush_limit(s);

	/* One that was committed and passed over is behind another that is not: looked at again. */
	if (s->flush_at >= limit && limit < u->inbox->top && s->flush_missed > s->flush_at) {
		s->flush_failed = true;
		session_tick_need(s);
		return;
	}
	if (s->flush_at >= limit) {
		s->flushing = false;
		session_behind_run(s, UINT64_MAX);
		if (s->flush_again)
			flush_again(s);
		return;
	}
	s->flush_top = limit;
	s->flush_inserted = u->inbox->inserted;
	user_read(u, &op, 1, flush_page, session_ref_new(s), free);
}

/* Where reading must begin: below the first entry that the session may want. */
static uint64_t flush_start(const struct session *s)
{
	const struct inbox *b = s->user->inbox;
	uint64_t start = s->settled > s->base ? s->settled : s->base;

	for (size_t i = 0; i < b->n && b->entries[i].log <= start; i++)
		if (b->entries[i].holders == 0 && !b->entries[i].hidden)
			return b->entries[i].log - 1;
	return start;
}

void inbox_flush(struct session *s)
{
	if (s->flushing) {
		s->flush_again = true;
		return;
	}
	s->flush_at = flush_start(s);
	s->flush_missed = 0;
	s->flushing = true;
	flush_next(s);
}

bool flushes_tick(struct sm *sm)
{
	struct session *s, *tmp;
	bool any = false;

	DL_FOREACH_SAFE2(sm->ticked, s, tmp, tick_next)
	{
		any |= session_behind_tick(s);
		if (!s->flush_failed)
			continue;
		s->flush_failed = false;
		any = true;
		flush_next(s);
	}
	return any;
}
