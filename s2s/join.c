/* SPDX-License-Identifier: MIT */
/* Several of our domains on one stream (XEP-0220 section 2.6.1): dialback for one more pair, where
 * the other server knows errors that end nothing. */
#include "s2s/steps.h"

static struct stream *shared_stream(const struct pair *p)
{
	const struct s2s *x = p->s2s;
	struct stream *s;

	DL_FOREACH (x->streams, s) {
		if (s->out && s->phase == PHASE_READY && s->features & FEATURE_ERRORS &&
		    strcmp(s->remote, p->remote) == 0 && s->id && *s->id)
			return s;
	}
	return NULL;
}

bool join_begin(struct pair *p)
{
	struct s2s *x = p->s2s;
	struct stream *s;

	if (p->joining)
		return true;
	if (!x->config->multiplex || p->no_join || p->test || !x->has_secret || p->reconnect ||
	    p->resumable || s2s_policy(x, str_z(p->remote)).dialback == NEED_FORBIDDEN)
		return false;
	s = shared_stream(p);
	if (!s)
		return false;
	dialback_give(s, p->own);
	p->joining = s;
	p->join_due = loop_now(x->loop) + (uint64_t)x->config->login_timeout;
	DL_APPEND2(s->joins, p, jprev, jnext);
	attempt_step(s->record, "dialback asked for %s as well", p->own);
	return true;
}

static void leave(struct pair *p)
{
	DL_DELETE2(p->joining->joins, p, jprev, jnext);
	p->joining = NULL;
}

/* It gets a stream of its own. */
static void refused(struct pair *p, const char *why)
{
	attempt_step(p->joining->record, "%s does not share this stream: %s", p->own, why);
	leave(p);
	p->no_join = true;
	pair_need(p);
}

bool join_answered(struct stream *s, struct str from, struct str to, struct str type)
{
	struct pair *p;

	DL_FOREACH2(s->joins, p, jnext)
	{
		if (str_eqz(from, p->remote) && str_eqz(to, p->own))
			break;
	}
	if (!p)
		return false;
	if (!str_eqz(type, "valid")) {
		refused(p, str_eqz(type, "invalid") ? "the key is invalid" : "an error");
		return true;
	}
	attempt_step(s->record, "%s shares this stream", p->own);
	leave(p);
	pair_reached(p);
	if (!p->via)
		pair_attach(p, s);
	if (s->bidi && !proof_find(s, str_z(p->own), str_z(p->remote)))
		proof_good(s, proof_add(s, str_z(p->own), str_z(p->remote), true));
	pair_need(p);
	return true;
}

void joins_end(struct stream *s)
{
	while (s->joins)
		refused(s->joins, "it ended");
}

void join_tick(struct pair *p, uint64_t now)
{
	if (p->joining && p->join_due <= now)
		refused(p, "no answer");
}
