/* SPDX-License-Identifier: MIT */
/* Pairs of domains: finding a stream for what waits, and remembering failures. */
#include "s2s/resume.h"
#include "s2s/steps.h"

enum { RECONNECTS = 8, SOON = 1000, OFTEN = 100 /* ms */ };

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
	pairs_look(x);
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
	pairs_look(x);
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
static uint64_t remembered_until(const struct pair *p)
{
	uint64_t until = p->failures || p->lost || p->reconnect
				 ? p->retry_at + (uint64_t)p->s2s->config->backoff_max + 1000
				 : 0;

	if (until < p->external_failed)
		until = p->external_failed;
	return until > p->alone_until ? until : p->alone_until;
}

static bool remembers(const struct pair *p)
{
	return loop_now(p->s2s->loop) < remembered_until(p);
}

static bool in_use(const struct pair *p)
{
	return p->queue || p->joining || p->verifies || p->out || p->via || p->test ||
	       p->flushing || p->written || p->resumable;
}

static bool needed(const struct pair *p)
{
	return in_use(p) || remembers(p);
}

/* Anybody can name, or ask us to look for, as many domains as he likes that are nowhere. */
bool pair_room(struct s2s *x)
{
	struct pair *p, *next;

	if (HASH_COUNT(x->pairs) < 2 * (size_t)x->config->max_streams)
		return true;
	HASH_ITER (hh, x->pairs, p, next) { /* the oldest first */
		if (p->reached || in_use(p))
			continue;
		pair_free(p);
		return true;
	}
	return false;
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
	met_free(x);
}

/* --- streams ----------------------------------------------------------------------------- */

void pair_detach(struct pair *p)
{
	if (!p->via)
		return;
	DL_DELETE2(p->via->pairs, p, sprev, snext);
	p->via = NULL;
	pairs_look(p->s2s);
}

void pair_attach(struct pair *p, struct stream *s)
{
	if (p->via == s)
		return;
	/* What a stream carries stays with it; new stanzas take the new one, behind none that
	 * waits. */
	pair_detach(p);
	p->via = s;
	p->policy = s2s_policy(p->s2s, str_z(p->remote));
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

/* Worth to be kept until the next try: a server that restarts loses nobody's messages. */
static bool is_patient(const struct pair *p, const struct item *i)
{
	return p->passing && i->patience > p->retry_at && i->patience > loop_now(p->s2s->loop);
}

static void give_back(struct pair *p)
{
	struct item *i, *next;

	DL_FOREACH_SAFE (p->queue, i, next)
		if (!is_patient(p, i))
			item_done(i, (int)p->error, p->why);
}

/* Who says that it is of that domain makes it likely that there is somebody again. Anybody may say
 * so: there is a pause all the same. */
static void heard_of(struct pair *p)
{
	uint64_t soonest = p->failed_at + (uint64_t)p->s2s->config->backoff_min;

	if (p->passing && p->retry_at > soonest)
		p->retry_at = soonest;
}

void pair_need(struct pair *p)
{
	bool stanzas;

	pairs_look(p->s2s);
	if (p->s2s->closing)
		return;
	if (!p->via && p->out && p->out->phase == PHASE_READY)
		pair_attach(p, p->out);
	stanzas = p->queue && !p->via;
	if (p->via)
		pair_flush(p);
	if (!stanzas && !verifies_wait(p) && !p->test)
		return;
	if (verifies_wait(p))
		heard_of(p);
	if (p->out && p->out->phase != PHASE_CLOSED) {
		/* It would wait for them, they may wait for us. */
		if (verifies_wait(p))
			join_alone(p, "its server is asked about a key");
		out_go_on(p->out);
	} else if (waits(p) && !p->test) {
		/* Not tried again yet: what happened last time is still the answer. */
		give_back(p);
		if (!p->passing)
			verifies_fail(p, false, STANZA_E_REMOTE_SERVER_TIMEOUT, p->why);
		pairs_wake(p->s2s, p->retry_at);
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

void pair_failed(struct pair *p, bool passing, enum stanza_error e, const char *text)
{
	struct s2s *x = p->s2s;
	char *before = p->why; /* the text may be that */

	p->failures++;
	p->lost = true;
	p->passing = passing;
	p->error = e;
	p->failed_at = loop_now(x->loop);
	p->retry_at = p->failed_at + backoff(p);
	p->why = xstrdup(text);
	free(before);
	if (p->failures >= RECONNECTS)
		p->reconnect = false;
	log_info("remote domain not reached", LF_S("remote", p->remote), LF_S("own", p->own),
		 LF_S("reason", p->why), LF_U("failures", p->failures),
		 LF_U("stanzas", p->nqueued));
	if (!p->via)
		give_back(p);
	verifies_fail(p, false,
		      e == STANZA_E_REMOTE_SERVER_NOT_FOUND ? e : STANZA_E_REMOTE_SERVER_TIMEOUT,
		      p->why);
	pairs_wake(x, p->retry_at);
}

void pair_lost(struct pair *p, unsigned pauses)
{
	const struct s2s *x = p->s2s;

	p->lost = p->reconnect = true;
	p->retry_at = loop_now(x->loop) + pauses * (uint64_t)x->config->backoff_min;
}

void pair_gone(struct pair *p)
{
	uint64_t now = loop_now(p->s2s->loop);

	p->lost = true;
	if (p->retry_at < now)
		p->retry_at = now; /* remembered from here on; without failures nothing waits for it */
}

/* --- time -------------------------------------------------------------------------------- */

/* The earlier of two moments; 0: none. */
static uint64_t sooner(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static uint64_t tick_items(struct pair *p, uint64_t now)
{
	struct item *i, *next;
	uint64_t due = 0;

	DL_FOREACH_SAFE (p->queue, i, next) {
		if (i->due <= now) {
			item_done(i, STANZA_E_REMOTE_SERVER_TIMEOUT,
				  "the remote server was not reached in time");
			continue;
		}
		due = sooner(due, i->due);
	}
	return due;
}

static uint64_t tick_verifies(struct pair *p, uint64_t now)
{
	struct verify *v, *next;
	uint64_t due = 0;

	DL_FOREACH_SAFE (p->verifies, v, next) {
		if (v->due > now) {
			due = sooner(due, v->due);
			continue;
		}
		if (v->asker)
			dialback_verdict(v->asker, p->own, p->remote, false,
					 STANZA_E_REMOTE_SERVER_TIMEOUT);
		verify_free(p, v);
	}
	return due;
}

/* By itself: to hear whether presence is old, or to go on with the stream that was lost. */
static bool comes_back(const struct pair *p)
{
	return (p->reconnect && !p->via) || p->resumable;
}

static void tick_streams(struct pair *p, uint64_t now)
{
	if (p->external_failed && p->external_failed <= now)
		p->external_failed = 0;
	if ((p->queue && !p->via && (!p->out || p->out->phase == PHASE_READY)) ||
	    (verifies_wait(p) && !p->out))
		pair_need(p);
	if (comes_back(p) && p->retry_at <= now && !p->out && !p->s2s->draining)
		out_start(p);
}

/* Moments that are over are somebody else's matter: a stream is under way. */
static uint64_t ahead(uint64_t at, uint64_t now)
{
	return at > now ? at : 0;
}

static uint64_t pair_tick(struct pair *p, uint64_t now)
{
	uint64_t due = sooner(tick_items(p, now), tick_verifies(p, now));

	join_tick(p, now);
	tick_streams(p, now);
	if (!needed(p)) {
		pair_free(p);
		return 0;
	}
	if (p->joining)
		due = sooner(due, p->join_due);
	if (p->queue || p->reconnect || p->resumable || p->verifies)
		due = sooner(due, ahead(p->retry_at, now));
	due = sooner(due, ahead(p->external_failed, now));
	return sooner(due, ahead(remembered_until(p), now));
}

void pairs_wake(struct s2s *x, uint64_t at)
{
	uint64_t now = loop_now(x->loop);

	if (x->tick_at && x->tick_at <= at)
		return;
	x->tick_at = at;
	loop_timer_start(x->tick, at > now ? at - now : 0, 0);
}

void pairs_look(struct s2s *x)
{
	pairs_wake(x, loop_now(x->loop) + SOON);
}

void pairs_tick(void *arg)
{
	struct s2s *x = arg;
	uint64_t now = loop_now(x->loop), due = 0;
	struct pair *p, *next;

	x->tick_at = 0;
	HASH_ITER (hh, x->pairs, p, next)
		due = sooner(due, pair_tick(p, now));
	due = sooner(due, answered_tick(x));
	due = sooner(due, resumables_tick(x));
	if (x->draining) {
		due = sooner(due, now + SOON);
		drain_look(x);
	}
	if (due)
		pairs_wake(x, due > now + OFTEN ? due : now + OFTEN);
}
