/* SPDX-License-Identifier: MIT */
/* What the other server has proven on a stream: which pairs of domains it may speak for. */
#include "s2s/steps.h"

struct proof *proof_find(const struct stream *s, struct str own, struct str remote)
{
	struct proof *p;

	DL_FOREACH (s->proofs, p)
		if (str_eqz(remote, p->remote) && (!p->own || str_eqz(own, p->own)))
			return p;
	return NULL;
}

struct proof *proof_add(struct stream *s, struct str own, struct str remote, bool proven)
{
	struct proof *p = xcalloc(1, sizeof *p);

	p->own = own.len ? str_dup(own) : NULL;
	p->remote = str_dup(remote);
	p->proven = proven;
	p->policy = s2s_policy(s->s2s, remote);
	DL_APPEND(s->proofs, p);
	s->nproofs++;
	return p;
}

struct proof *proof_of_certificate(const struct stream *s)
{
	struct proof *p;

	DL_FOREACH (s->proofs, p)
		if (!p->own)
			return p;
	return NULL;
}

void proof_free(struct stream *s, struct proof *p)
{
	DL_DELETE(s->proofs, p);
	s->nproofs--;
	bucket_unref(s->s2s, p->bucket);
	free(p->own);
	free(p->remote);
	free(p);
}

void proof_both_ways(struct stream *s, struct str own, struct str remote)
{
	struct s2s *x = s->s2s;
	struct pair *pair;

	if (s->out || !s->bidi || s->phase == PHASE_CLOSED ||
	    pair_place(x, own, remote) != link_id(x->link))
		return;
	pair = pair_get(x, own, remote);
	if (pair->via)
		return;
	pair_reached(pair);
	pair_attach(pair, s);
	pair_need(pair);
}

void proof_good(struct stream *s, struct proof *p)
{
	struct s2s *x = s->s2s;
	struct str own = str_z(p->own ? p->own : s->own), remote = str_z(p->remote);
	struct xml_limits limits;
	struct pair *pair;

	p->proven = true;
	if (!p->bucket)
		p->bucket = bucket_ref(x, remote);
	stream_proven(s);
	limits_xml(x, true, &limits);
	xml_reader_limits(s->reader, &limits);
	pair = pair_find(x, own, remote);
	/* It is there: what waited for it need not wait longer. */
	if (pair && !s->out && !pair->via && !pair->out)
		pair_reached(pair);
	/* And from now on we may use the stream as well. */
	proof_both_ways(s, own, remote);
}
