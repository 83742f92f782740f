/* SPDX-License-Identifier: MIT */
/*
 * Order (RFC 6120 section 10.1): a recipient gets what one client sent in the order in which it was
 * sent. A message that is logged is given after its commit; what is not logged and comes behind it
 * waits for that, which is a few milliseconds, and at most the time after which messages are given
 * before their commit. While a session is given what the log has for it (sm/flush.c), what is not
 * logged waits until it has been given what was there before.
 */
#include <utlist.h>
#include "sm/inbox.h"

struct follower {
	struct follower *prev, *next;
	struct packet *p;
	uint64_t top;	/* of a session's: it is behind the log's entries up to this one */
	uint64_t since; /* loop_now */
	uint64_t sid;	/* of its session, which may end while it waits; 0: it has none */
	uint32_t serial;
};

/* The newest one of the same client that the account's sessions have not been given. */
static struct append *leader(const struct packet *p)
{
	struct append *first = p->user->pending;
	struct append *a = first ? first->user_prev : NULL; /* the last, as utlist has it */

	for (; a; a = a == first ? NULL : a->user_prev)
		if (a->key.origin == p->key.origin && !a->given && !a->failed)
			return a;
	return NULL;
}

static struct follower *follower_new(struct packet *p)
{
	struct follower *f = xcalloc(1, sizeof *f);

	f->p = packet_keep(p);
	f->since = loop_now(p->sm->loop);
	if (p->session) {
		f->sid = p->session->sid;
		f->serial = p->session->serial;
	}
	return f;
}

static void follower_free(struct follower *f)
{
	packet_free(f->p);
	free(f);
}

/* --- behind what a session is given out of the log ---------------------------------------------
 */

/* Straight to that client, without an entry in the log. Presence tells what is now: it waits for
 * nothing. */
static bool is_for(const struct session *s, struct packet *p)
{
	if (p->st.kind == STANZA_IQ)
		return p->to.resource.len && user_session(p->user, p->to.resource) == s;
	return p->st.kind == STANZA_MESSAGE && message_is_for(s, &p->to);
}

static struct session *flushing(struct packet *p, uint64_t top)
{
	for (struct session *s = p->user->sessions; s; s = s->next)
		if (s->flushing && !s->closing && s->flush_at < top && is_for(s, p))
			return s;
	return NULL;
}

static bool too_many(const struct session *s)
{
	const struct sm_config *c = s->user->sm->config;

	return s->nbehind >= (size_t)c->keys_max ||
	       s->behind_bytes + s->given_bytes > (size_t)c->given_max;
}

/* In the order of the entries that they wait for, and of their coming. */
static void behind_insert(struct session *s, struct follower *f)
{
	struct follower *at = s->behind ? s->behind->prev : NULL; /* the last, as utlist has it */

	while (at && at->top > f->top)
		at = at == s->behind ? NULL : at->prev;
	DL_APPEND_ELEM(s->behind, at, f);
}

/* How much of the log comes before p. A repetition of what an earlier owner had: what its client
 * sent behind it may be there already. */
static uint64_t log_before(struct packet *p)
{
	uint64_t top = p->user->inbox->top, after = seen_after(p->user, &p->key);

	return after && after <= top ? after - 1 : top;
}

/* True: p, or what is kept of it, is with a session that is not that far. */
static bool behind(struct packet *p, uint64_t top)
{
	struct session *s = flushing(p, top);
	struct follower *f;

	if (!s || (p->st.kind == STANZA_MESSAGE && message_stored(p)))
		return false;
	if (too_many(s)) { /* rather out of order than not at all, or without bounds */
		session_behind_run(s, UINT64_MAX);
		return false;
	}
	f = follower_new(p);
	f->top = top;
	behind_insert(s, f);
	s->nbehind++;
	s->behind_bytes += f->p->st.bytes.len;
	session_tick_need(s);
	return true;
}

/* --- repetitions --------------------------------------------------------------------------------
 */

static struct follower *waiting(struct follower *list, const struct packet *p)
{
	struct follower *f;

	DL_FOREACH (list, f)
		if (key_same(&f->p->key, &p->key))
			return f;
	return NULL;
}

/* Its sender asks again, or a new one in its place, while the first waits here (rule 3): that one
 * goes on waiting, and whoever asked last is answered. */
static bool repeated(const struct packet *p)
{
	struct follower *f = NULL;

	if (!p->txn || p->txn->kind != TXN_TELL)
		return false;
	for (struct append *a = p->user->pending; a && !f; a = a->user_next)
		f = waiting(a->followers, p);
	for (struct session *s = p->user->sessions; s && !f; s = s->next)
		f = waiting(s->behind, p);
	if (!f)
		return false;
	(void)txn_lost(f->p->txn);
	txn_release(f->p->txn);
	txn_hold(p->txn);
	f->p->txn = p->txn;
	return true;
}

bool follow(struct packet *p)
{
	struct append *a = leader(p);
	struct follower *f;

	if (repeated(p))
		return true;
	if (!a)
		return p->user->inbox && flushing(p, UINT64_MAX) && behind(p, log_before(p));
	if (p->st.kind == STANZA_MESSAGE && message_stored(p))
		return false;
	f = follower_new(p);
	DL_APPEND(a->followers, f);
	return true;
}

static struct session *session_of(struct sm *sm, const struct follower *f)
{
	struct session *s = f->sid ? session_find(sm, f->sid) : NULL;

	return s && s->serial == f->serial && !s->closing ? s : NULL;
}

static void arrive(struct follower *f, struct user *u, uint64_t top)
{
	f->p->user = u;
	f->p->session = session_of(u->sm, f);
	if (!behind(f->p, top))
		packet_arrive(f->p);
	follower_free(f);
}

void followers_run(struct append *a)
{
	struct follower *all = a->followers, *f;
	bool over = a->given || a->failed;

	a->followers = NULL;
	while ((f = all)) {
		DL_DELETE(all, f);
		if (!over && flushing(f->p, a->log)) /* that session is given it after the commit */
			DL_APPEND(a->followers, f);
		else
			arrive(f, a->user, a->log);
	}
}

static void behind_take(struct session *s, struct follower *f)
{
	DL_DELETE(s->behind, f);
	s->nbehind--;
	s->behind_bytes -= f->p->st.bytes.len;
}

void session_behind_run(struct session *s, uint64_t below)
{
	struct follower *f;

	while ((f = s->behind) && (f->top < below || below == UINT64_MAX)) {
		behind_take(s, f);
		arrive(f, s->user, below == UINT64_MAX ? 0 : f->top);
	}
}

bool session_behind_tick(struct session *s)
{
	struct sm *sm = s->user->sm;

	/* Its sender must not have been told that it came in vain. */
	if (s->behind && loop_now(sm->loop) - s->behind->since > (uint64_t)sm->config->deadline / 2)
		session_behind_run(s, UINT64_MAX);
	return s->behind != NULL;
}

static void follower_drop(struct follower *f)
{
	packet_lost(f->p); /* as the message before it (tell_again) */
	follower_free(f);
}

void session_behind_drop(struct session *s)
{
	struct follower *f;

	while ((f = s->behind)) {
		behind_take(s, f);
		follower_drop(f);
	}
}

void followers_drop(struct append *a)
{
	struct follower *f;

	while ((f = a->followers)) {
		DL_DELETE(a->followers, f);
		follower_drop(f);
	}
}
