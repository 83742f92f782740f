/* SPDX-License-Identifier: MIT */
/* Several pairs of domains on one stream (XEP-0220 section 2.6): dialback for one more, where the
 * other server knows errors that end nothing. Here: several of our domains with one of theirs, and
 * the answers; piggyback.c has several of theirs. */
#include "s2s/steps.h"

enum { ALONE_MS = 600000 }; /* for which a pair that was refused has streams of its own */

bool join_possible(const struct pair *p)
{
	const struct s2s *x = p->s2s;

	return !p->joining && p->alone_until <= loop_now(x->loop) && !p->test && !p->resumable &&
	       x->has_secret && !x->draining;
}

bool join_takes(const struct stream *s)
{
	size_t asked = 0, all = 0;
	const struct pair *p;

	if (!s->out || s->phase != PHASE_READY || !(s->features & FEATURE_ERRORS) || !s->id ||
	    !*s->id || s->resuming || s->ending)
		return false;
	DL_FOREACH2(s->joins, p, jnext)
	asked++;
	DL_FOREACH2(s->pairs, p, snext)
	all++;
	return asked < DIALBACKS_PENDING && all + asked < (size_t)s->s2s->config->max_pairs;
}

void join_ask(struct pair *p, struct stream *s)
{
	struct s2s *x = p->s2s;

	dialback_give(s, p->own, p->remote);
	p->joining = s;
	p->join_due = loop_now(x->loop) + (uint64_t)x->config->login_timeout;
	DL_APPEND2(s->joins, p, jprev, jnext);
	pairs_look(x);
	attempt_step(s->record, "dialback asked for %s and %s as well", p->own, p->remote);
}

static struct stream *shared_stream(const struct pair *p)
{
	const struct s2s *x = p->s2s;
	struct stream *s;

	DL_FOREACH (x->streams, s) {
		if (s->out && s->phase == PHASE_READY && strcmp(s->remote, p->remote) == 0 &&
		    join_takes(s))
			return s;
	}
	return NULL;
}

bool join_begin(struct pair *p)
{
	struct s2s *x = p->s2s;
	struct stream *s;

	if (p->joining)
		return p->join_due != 0;
	if (!x->config->multiplex || p->reconnect || !join_possible(p) ||
	    s2s_policy(x, str_z(p->remote)).dialback == NEED_FORBIDDEN)
		return false;
	s = shared_stream(p);
	if (s)
		join_ask(p, s);
	return s != NULL;
}

/* --- answers ----------------------------------------------------------------------------- */

static void leave(struct pair *p)
{
	DL_DELETE2(p->joining->joins, p, jprev, jnext);
	p->joining = NULL;
}

void join_alone(struct pair *p, const char *why)
{
	struct stream *s = p->out;

	if (!s || !s->sharing)
		return;
	attempt_step(s->record, "it does not share that stream: %s", why);
	s->sharing = false;
	reach_alone(s->reach);
}

/* It gets a stream of its own. */
static void refused(struct pair *p, const char *why)
{
	attempt_step(p->joining->record, "%s and %s do not share this stream: %s", p->own,
		     p->remote, why);
	leave(p);
	p->alone_until = loop_now(p->s2s->loop) + ALONE_MS;
	join_alone(p, why);
	pair_need(p);
}

/* The stream that was to be opened for it is not needed. */
static void spare(struct pair *p, const struct stream *shared)
{
	struct stream *s = p->out;

	if (!s || !s->sharing)
		return;
	attempt_result(s->record, true, "shares the stream to %s", shared->remote);
	s->reason = "no connection of its own is needed";
	p->out = NULL;
	s->pair = NULL;
	stream_free(s);
}

static void taken(struct pair *p, struct stream *s)
{
	struct str own = str_z(p->own), remote = str_z(p->remote);

	attempt_step(s->record, "%s and %s share this stream", p->own, p->remote);
	log_info("stream to another server is shared", LF_STR("remote", remote), LF_STR("own", own),
		 LF_S("stream", s->remote));
	leave(p);
	s->s2s->stats.shared++;
	spare(p, s);
	pair_reached(p);
	if (!p->via)
		pair_attach(p, s);
	/* XEP-0220 section 2.6.2: what it may be sent over, it may send over. */
	if (s->bidi && !proof_find(s, own, remote))
		proof_good(s, proof_add(s, own, remote, true));
	pair_need(p);
}

bool join_answered(struct stream *s, struct str from, struct str to, struct str type,
		   struct str condition)
{
	struct pair *p;
	char *why;

	DL_FOREACH2(s->joins, p, jnext)
	{
		if (str_eqz(from, p->remote) && str_eqz(to, p->own))
			break;
	}
	if (!p)
		return false;
	if (str_eqz(type, "valid")) {
		taken(p, s);
		return true;
	}
	why = xasprintf("the other server says %.*s", STR_ARG(condition));
	refused(p, why);
	free(why);
	return true;
}

bool joins_wait(const struct stream *s)
{
	const struct pair *p;

	DL_FOREACH2(s->joins, p, jnext)
	if (p->join_due)
		return true;
	return false;
}

/* --- the end ----------------------------------------------------------------------------- */

void joins_end(struct stream *s)
{
	while (s->joins)
		refused(s->joins, "it ended");
}

void joined_lost(struct stream *s)
{
	struct pair *p;

	if (!s->out || s->orderly || s->s2s->draining)
		return;
	/* After the stream's own pair, whose next stream they may share again. */
	DL_FOREACH2(s->pairs, p, snext)
	if (p != s->pair)
		pair_lost(p, 2);
}

/* Its answer still counts, for one that comes late would let them use a stream that goes both ways;
 * nobody waits for it. */
void join_tick(struct pair *p, uint64_t now)
{
	if (!p->joining || !p->join_due || p->join_due > now)
		return;
	p->join_due = 0;
	attempt_step(p->joining->record, "no answer about %s and %s in time", p->own, p->remote);
	join_alone(p, "no answer in time");
	pair_need(p);
}
