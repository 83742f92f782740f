/* SPDX-License-Identifier: MIT */
/* Policies that were changed by a reload, applied to what is open and to what waits. */
#include "s2s/resume.h"
#include "s2s/steps.h"

static const char denial[] = "this server does not speak with that domain";

static bool is_denied(const struct s2s *x, const char *remote)
{
	return s2s_policy(x, str_z(remote)).denied;
}

static bool denied(const struct stream *s)
{
	const struct proof *proof;
	const struct pair *p;

	if (s->remote && is_denied(s->s2s, s->remote))
		return true;
	DL_FOREACH (s->proofs, proof)
		if (is_denied(s->s2s, proof->remote))
			return true;
	DL_FOREACH2(s->pairs, p, snext)
	if (is_denied(s->s2s, p->remote))
		return true;
	return false;
}

static bool differs(const struct s2s *x, const char *remote, struct policy then)
{
	struct policy now = s2s_policy(x, str_z(remote));

	return now.tls != then.tls || now.certificate != then.certificate ||
	       now.dialback != then.dialback;
}

static bool is_another(const struct stream *s)
{
	const struct proof *proof;
	const struct pair *p;

	if (s->look)
		return false; /* it goes by no rules */
	DL_FOREACH2(s->pairs, p, snext)
	if (differs(s->s2s, p->remote, p->policy))
		return true;
	DL_FOREACH (s->proofs, proof)
		if (differs(s->s2s, proof->remote, proof->policy))
			return true;
	return s->remote && differs(s->s2s, s->remote, s->policy);
}

static void deny_queue(struct pair *p)
{
	if (!s2s_policy(p->s2s, str_z(p->remote)).denied)
		return;
	while (p->queue)
		item_done(p->queue, STANZA_E_NOT_ALLOWED, denial);
	p->reconnect = false;
}

/* RFC 6120 section 4.9.3.14. */
static void deny_stream(struct stream *s)
{
	s->orderly = s->ready;
	s->useful = s->lasting = true; /* no other try */
	if (s->out && s->phase != PHASE_READY)
		out_failed(s, STANZA_E_NOT_ALLOWED, denial);
	else
		stream_error(s, STREAM_E_POLICY_VIOLATION, denial);
}

/* What was written over them is not written again to a domain that is denied. */
static void deny_detached(struct s2s *x)
{
	struct resumable *r, *next;

	DL_FOREACH_SAFE (x->detached, r, next)
		if (!r->asker && is_denied(x, r->remote))
			resumable_end(r);
}

void policies_enforce(struct s2s *x)
{
	struct stream *s, *next;
	struct pair *p, *after;

	HASH_ITER (hh, x->pairs, p, after) {
		p->external_failed = 0; /* our certificate may be another one */
		deny_queue(p);
	}
	deny_detached(x);
	DL_FOREACH_SAFE (x->streams, s, next) {
		if (s->phase == PHASE_CLOSED)
			continue;
		stream_watch(s); /* its times may be others */
		if (denied(s)) {
			deny_stream(s);
		} else if (s->phase == PHASE_REACH) {
			s->policy = s2s_policy(x, str_z(s->remote)); /* nothing was done by it yet */
		} else if (is_another(s)) {
			/* The next one is opened by the rules of today. */
			stream_end(s, "other rules hold for the domain now");
		}
	}
}
