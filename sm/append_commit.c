/* SPDX-License-Identifier: MIT */
/* What becomes of messages on their way into the log: given when they are committed or that takes too long,
 * and answered. */
#include <utlist.h>
#include "sm/inbox.h"

enum { RELAXED_MS = 10000 }; /* how long an acknowledgement may make the log unnecessary */

/* The senders are told that it was not stored, which makes it done; nobody waits for it then. */
static void append_error(struct append *a, enum stanza_error e)
{
	struct sm *sm = a->user->sm;
	struct pool *pool = sm_pool(sm);
	struct stanza st, r;

	if (stanza_parse(pool, str_n(a->text->bytes, a->text->len), &st) < 0)
		bug("a message that we wrote cannot be parsed");
	if (!stanza_no_reply(&st)) {
		r = stanza_error_reply(pool, &st, e, NULL, NULL, STR_NONE);
		for (size_t i = 0; i < a->nwaiters; i++)
			txn_answer(a->waiters[i], &r);
	}
	a->failed = true;
	inbox_remove(a->user->inbox, a->log);
	append_release(a);
	sm_pool_back(sm, pool);
	followers_run(a);
}

/* Given before by an earlier owner, who had not committed it: its bytes come only now. */
static void given_adopt(struct session *s, struct given *g, struct entry *e, struct text *text)
{
	if (g->acked)
		return;
	if (!g->text) {
		g->text = text_ref(text);
		s->given_bytes += text->len;
	}
	if (e && !g->held) {
		e->holders++;
		g->held = true;
	}
}

/* The session was given it, and has settled it since, or was not there when others were given it. */
static bool had_it(const struct session *s, const struct append *a, const struct entry *e)
{
	bool taken = a->delivered || (a->given && e && e->holders);

	return taken && (a->log <= s->base || (a->relaxed && a->given));
}

/* Acknowledged before it was committed: that is settled when the position that is written says so. */
static void delivered_before(const struct append *a)
{
	struct user *u = a->user;

	for (struct session *s = u->sessions; s; s = s->next) {
		struct given *g = session_given(s, &a->key);

		if (g && g->acked && g->unsaved)
			g->acked_version = ++u->inbox->version;
	}
	inbox_settle(u);
}

/* To every session it is for which can take it now; those that are being flushed find it in the
 * log. */
void append_give(struct append *a, bool committed)
{
	struct user *u = a->user;
	struct entry *e = inbox_entry(u->inbox, a->log);
	struct jid to = {.bare = user_jid(u),
			 .resource = str_n(a->names + a->from_len, a->resource_len)};

	for (struct session *s = u->sessions; s; s = s->next) {
		const struct given *g = session_given(s, &a->key);

		a->delivered |= g && g->acked;
	}
	if (!e && !a->delivered)
		e = inbox_add(u->inbox, a->log, a->target);
	for (struct session *s = u->sessions; s; s = s->next) {
		struct given *g = session_given(s, &a->key);

		if (g)
			given_adopt(s, g, e, a->text);
		else if (!message_is_for(s, &to) || had_it(s, a, e))
			continue;
		else if (!s->flushing)
			session_give_logged(s, &a->key, a->log, a->target, committed, e, a->text);
		else if (committed && a->log <= s->flush_at)
			s->flush_again = true; /* a number of an earlier owner: it was not there when that was read */
		else if (committed && a->log > s->flush_missed)
			s->flush_missed = a->log; /* what was read may not reach up to it */
	}
	if (a->delivered) /* what one session has acknowledged waits for nobody */
		inbox_remove(u->inbox, a->log);
	if (committed && a->log > u->inbox->top)
		u->inbox->top = a->log;
	if (committed && a->delivered)
		delivered_before(a);
}

static void log_delete(struct user *u, uint64_t log)
{
	struct msg_value v[] = {value_text(user_jid(u)), value_int((int64_t)log)};
	struct msg_write_op op = {
		.op = STORE_LOG_DELETE, .table = TABLE_LOG, .values = v, .nvalues = 2};

	user_write(u, NULL, &op, 1, NULL, NULL, NULL);
}

static void append_committed(struct append *a)
{
	struct user *u = a->user;

	a->seen->committed = true;
	a->seen->append = NULL;
	if (a->failed) { /* its sender was told otherwise */
		log_delete(u, a->log);
	} else {
		append_give(a, true);
		for (struct session *s = u->sessions; s; s = s->next)
			session_committed(s, &a->key);
	}
	a->given = true;
	followers_run(a);
	append_release(a);
}

/* --- commits ------------------------------------------------------------------------------------------ */

static bool must_wait(const struct append *a)
{
	const struct append *b;

	for (b = a->user->pending; b != a && !a->given; b = b->user_next)
		if (!b->stored && !b->given && !b->failed)
			return true;
	return false;
}

void append_end(struct append *a)
{
	append_committed(a);
	append_free(a);
}

/* Commits keep the order of numbers; their answers may not, when one of two routers is slow. What
 * is durable is done, but it is given behind what was before it. */
static void append_stored(struct append *a)
{
	if (!must_wait(a)) {
		append_end(a);
		return;
	}
	a->stored = true;
	a->user->sm->appends_stored++;
	append_release(a);
}

static void stored_go_on(struct user *u)
{
	struct append *a, *tmp;

	if (!u->sm->appends_stored)
		return;
	DL_FOREACH_SAFE2(u->pending, a, tmp, user_next)
		if (a->stored && !must_wait(a))
			append_end(a);
}

uint64_t append_newest(const struct user *u)
{
	const struct append *last = u->pending ? u->pending->user_prev : NULL;

	return last && last->log > u->inbox->top ? last->log : u->inbox->top;
}

/* NULL: it is committed, or not of this owner. */
static struct append *pending_of(const struct user *u, uint64_t log)
{
	struct append *a;

	DL_FOREACH2(u->pending, a, user_next)
		if (a->log == log)
			break;
	return a;
}

bool append_waits(const struct user *u, uint64_t log)
{
	const struct append *a = pending_of(u, log);

	return a && !a->failed && must_wait(a);
}

void append_acked(struct user *u, uint64_t log)
{
	struct append *a = pending_of(u, log);

	if (!a)
		return;
	a->delivered = true;
	append_release(a);
}

bool append_seen(struct user *u, uint64_t log)
{
	struct append *a = pending_of(u, log);
	bool failed;

	if (!a)
		return false;
	if (a->write)
		channel_forget(a->write);
	failed = a->failed;
	append_end(a);
	return failed;
}

void append_written(void *arg, enum store_status status, struct str text)
{
	struct append *a = arg;
	struct user *u = a->user;

	a->write = NULL;
	switch (status) {
	case STORE_COMMITTED:
		append_stored(a); /* may be gone */
		a = NULL;
		break;
	case STORE_REFUSED:
		shards_refused(u->sm->shards, u->shard); /* a goes with the account */
		return;
	default:
		log_error("message not stored", LF_S("account", u->jid), LF_STR("reason", text));
		if (!a->failed)
			append_error(a, STANZA_E_INTERNAL_SERVER_ERROR);
		seen_drop(a->seen);
	}
	if (a)
		append_free(a);
	stored_go_on(u);
	for (struct session *s = u->sessions; s; s = s->next)
		if (!s->c2s)
			detached_look(s); /* its row may have waited for the commit */
	user_touch(u);
}

/* --- time ------------------------------------------------------------------------------------------ */

/* Once it is known as undelivered, somebody must have come who takes it: before what is newer. */
static bool may_have_taker(const struct append *a)
{
	return a->user->sessions || !inbox_entry(a->user->inbox, a->log);
}

/* Slow storage: what waits too long is given before its commit; past the deadline, what no
 * session was given is answered by an error (DELIVERY rule 12). */
void appends_tick(struct sm *sm)
{
	uint64_t now = loop_now(sm->loop);
	struct append *a, *tmp;

	DL_FOREACH_SAFE(sm->appends_first, a, tmp)
	{
		uint64_t age = now - a->since;

		if (age < (uint64_t)sm->config->slow_storage)
			break; /* the list is in order of age */
		if (a->unwritten && age >= RELAXED_MS)
			relaxed_write(a->user);
		if (!a->given && !a->failed && may_have_taker(a)) {
			const struct entry *e;

			append_give(a, false);
			e = inbox_entry(a->user->inbox, a->log);
			a->given = !e || e->holders > 0;
			followers_run(a);
		}
		if (age >= (uint64_t)sm->config->deadline && !a->failed && a->nwaiters) {
			struct entry *e = inbox_entry(a->user->inbox, a->log);

			if (e && e->holders == 0)
				append_error(a, STANZA_E_RESOURCE_CONSTRAINT);
		}
	}
	if (sm->appends_stored)
		DL_FOREACH_SAFE(sm->appends_first, a, tmp)
			if (a->stored && !must_wait(a))
				append_end(a);
	unwritten_tick(sm);
	seens_tick(sm);
}
