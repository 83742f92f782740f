/* SPDX-License-Identifier: MIT */
/* Pairs of domains: finding a stream for what waits, and remembering failures. */
#include "s2s/steps.h"

enum { RECONNECTS = 8 };

uint64_t pair_place(const struct s2s *x, struct str own, struct str remote)
{
	return link_place(x->link, "s2s", hash64_pair(channel_lane(own, remote), 0));
}

static char *pair_name(struct str own, struct str remote)
{
	char *name = xmalloc(own.len + remote.len + 2);

	memcpy(name, own.ptr, own.len);
	name[own.len] = '\0';
	memcpy(name + own.len + 1, remote.ptr, remote.len);
	name[own.len + 1 + remote.len] = '\0';
	return name;
}

struct pair *pair_find(struct s2s *x, struct str own, struct str remote)
{
	char *name = pair_name(own, remote);
	struct pair *p;

	HASH_FIND (hh, x->pairs, name, own.len + remote.len + 1, p)
		;
	free(name);
	return p;
}

static struct pair *pair_new(struct s2s *x, struct str own, struct str remote)
{
	struct pair *p = xcalloc(1, sizeof *p);

	p->s2s = x;
	p->name = pair_name(own, remote);
	p->own = p->name;
	p->remote = p->name + own.len + 1;
	return p;
}

struct pair *pair_get(struct s2s *x, struct str own, struct str remote)
{
	struct pair *p = pair_find(x, own, remote);

	if (p)
		return p;
	p = pair_new(x, own, remote);
	HASH_ADD_KEYPTR(hh, x->pairs, p->name, own.len + remote.len + 1, p);
	return p;
}

struct pair *pair_test(struct s2s *x, struct str own, struct str remote)
{
	struct pair *p = pair_new(x, own, remote);

	size_t n = own.len + remote.len + 2;
	uint64_t number = random_u64();

	/* A key that no two domains make. */
	p->name = xrealloc(p->name, n + sizeof number);
	memcpy(p->name + n, &number, sizeof number);
	p->own = p->name;
	p->remote = p->name + own.len + 1;
	p->test = true;
	HASH_ADD_KEYPTR(hh, x->pairs, p->name, n + sizeof number, p);
	return p;
}

static void pair_free(struct pair *p)
{
	struct s2s *x = p->s2s;

	if (p->flushing)
		DL_DELETE2(x->ready, p, rprev, rnext);
	pair_detach(p);
	HASH_DEL(x->pairs, p);
	free(p->why);
	free(p->name);
	free(p);
}

/* A failure is remembered a while longer than it keeps us from trying: the next one lasts longer.
 */
static bool remembers(const struct pair *p)
{
	return (p->failures || p->external_failed || p->lost || p->reconnect) &&
	       (loop_now(p->s2s->loop) <
			p->retry_at + (uint64_t)p->s2s->config->backoff_max + 1000 ||
		loop_now(p->s2s->loop) < p->external_failed);
}

static bool needed(const struct pair *p)
{
	return p->queue || p->joining || p->verifies || p->out || p->via || p->test ||
	       p->flushing || remembers(p);
}

void pairs_free(struct s2s *x)
{
	struct pair *p, *next;

	HASH_ITER (hh, x->pairs, p, next) {
		while (p->queue)
			item_drop(p->queue);
		while (p->verifies)
			verify_free(p, p->verifies);
		pair_free(p);
	}
}

/* --- streams ----------------------------------------------------------------------------- */

void pair_detach(struct pair *p)
{
	if (!p->via)
		return;
	DL_DELETE2(p->via->pairs, p, sprev, snext);
	p->via = NULL;
}

void pair_attach(struct pair *p, struct stream *s)
{
	if (p->via == s)
		return;
	/* What a stream carries stays with it; new stanzas take the new one, behind none that
	 * waits. */
	pair_detach(p);
	p->via = s;
	DL_APPEND2(s->pairs, p, sprev, snext);
}

static bool waits(const struct pair *p)
{
	return p->retry_at > loop_now(p->s2s->loop) && p->failures;
}

static bool verifies_wait(const struct pair *p)
{
	const struct verify *v;

	DL_FOREACH (p->verifies, v)
		if (!v->sent)
			return true;
	return false;
}

void pair_need(struct pair *p)
{
	bool stanzas;

	if (p->s2s->closing)
		return;
	if (!p->via && p->out && p->out->phase == PHASE_READY)
		pair_attach(p, p->out);
	stanzas = p->queue && !p->via;
	if (p->via)
		pair_flush(p);
	if (!stanzas && !verifies_wait(p) && !p->test)
		return;
	if (p->out && p->out->phase != PHASE_CLOSED) {
		out_go_on(p->out);
	} else if (waits(p) && !p->test) {
		char *why = xstrdup(p->why ? p->why : "");

		/* Not tried again yet: what happened last time is still the answer. */
		while (p->queue && !p->via)
			item_done(p->queue, (int)p->error, why);
		verifies_fail(p, false, STANZA_E_REMOTE_SERVER_TIMEOUT, why);
		free(why);
	} else if (!p->out && (!stanzas || verifies_wait(p) || !join_begin(p))) {
		out_start(p);
	}
	/* A stream that is closing calls us again when it is gone. */
}

/* --- failures ---------------------------------------------------------------------------- */

static uint64_t backoff(const struct pair *p)
{
	uint64_t ms = (uint64_t)p->s2s->config->backoff_min,
		 most = (uint64_t)p->s2s->config->backoff_max;

	for (unsigned i = 1; i < p->failures && ms < most; i++)
		ms *= 2;
	if (ms > most)
		ms = most;
	/* Jitter: those who lost the same server do not all come back at once. */
	return ms - ms / 4 + (ms ? random_u64() % (ms / 2 + 1) : 0);
}

void pair_failed(struct pair *p, enum stanza_error e, const char *text)
{
	struct s2s *x = p->s2s;
	char *why = xstrdup(text);

	p->failures++;
	p->lost = true;
	p->error = e;
	p->retry_at = loop_now(x->loop) + backoff(p);
	free(p->why);
	p->why = xstrdup(text);
	if (p->failures >= RECONNECTS)
		p->reconnect = false;
	log_info("remote domain not reached", LF_S("remote", p->remote), LF_S("own", p->own),
		 LF_S("reason", why), LF_U("failures", p->failures), LF_U("stanzas", p->nqueued));
	if (!p->via) {
		while (p->queue)
			item_done(p->queue, (int)e, why);
	}
	verifies_fail(p, false,
		      e == STANZA_E_REMOTE_SERVER_NOT_FOUND ? e : STANZA_E_REMOTE_SERVER_TIMEOUT,
		      why);
	free(why);
}

static void tell_sm(void *arg, const struct member *m)
{
	struct pair *p = arg;
	struct msg_s2s_back b = {.own = str_z(p->own), .remote = str_z(p->remote)};
	struct frame head = {.kind = MSG_S2S_BACK,
			     .to = m->id,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};

	(void)link_send(p->s2s->link, &head, &b);
}

void pair_reached(struct pair *p)
{
	bool back = p->lost;

	p->failures = 0;
	p->retry_at = 0;
	p->lost = p->reconnect = false;
	if (!back)
		return;
	log_info("remote domain reached again", LF_S("remote", p->remote), LF_S("own", p->own));
	link_serving(p->s2s->link, "sm", tell_sm, p);
}

/* --- time -------------------------------------------------------------------------------- */

static void tick_items(struct pair *p, uint64_t now)
{
	struct item *i, *next;

	DL_FOREACH_SAFE (p->queue, i, next)
		if (i->due <= now)
			item_done(i, STANZA_E_REMOTE_SERVER_TIMEOUT,
				  "the remote server was not reached in time");
}

static void tick_verifies(struct pair *p, uint64_t now)
{
	struct verify *v, *next;

	DL_FOREACH_SAFE (p->verifies, v, next) {
		if (v->due > now)
			continue;
		if (v->asker)
			dialback_verdict(v->asker, p->own, p->remote, false,
					 STANZA_E_REMOTE_SERVER_TIMEOUT);
		verify_free(p, v);
	}
}

void pairs_tick(void *arg)
{
	struct s2s *x = arg;
	uint64_t now = loop_now(x->loop);
	struct pair *p, *next;

	HASH_ITER (hh, x->pairs, p, next) {
		tick_items(p, now);
		tick_verifies(p, now);
		join_tick(p, now);
		if (p->external_failed && p->external_failed <= now)
			p->external_failed = 0;
		if (p->queue && !p->via && (!p->out || p->out->phase == PHASE_READY))
			pair_need(p);
		if (p->reconnect && p->retry_at <= now && !p->out && !p->via && !x->draining)
			out_start(p);
		if (!needed(p))
			pair_free(p);
	}
	answered_tick(x);
	if (x->draining)
		drain_look(x);
}
