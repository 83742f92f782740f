/* SPDX-License-Identifier: MIT */
/*
 * Domains that are reached again, or by this process for the first time: sm hears of it (S2S_BACK). What an
 * s2s before it, which may have died, had from the other server or did not get there, is presence that may be
 * old: so the first time counts as "back", for the sessions that are older than this process. Pairs themselves
 * are forgotten when nothing is under way, so those that were met are kept apart.
 */
#include "s2s/steps.h"

enum { MET_MAX = 100000 }; /* for those beyond it is never the first time */

struct met {
	uint64_t key;
	struct met *next;
};

static bool met_first(struct s2s *x, struct str own, struct str remote)
{
	uint64_t key = hash64_pair(hash64(own.ptr, own.len), hash64(remote.ptr, remote.len));
	struct met *m;

	if (!x->met.bits)
		x->met = KEYED(struct met, key, next);
	if (x->met.n >= MET_MAX || keyed_find(&x->met, key))
		return false;
	m = xcalloc(1, sizeof *m);
	m->key = key;
	keyed_add(&x->met, m);
	return true;
}

struct back {
	const struct pair *pair;
	int64_t before;
};

static void tell_sm(void *arg, const struct member *m)
{
	const struct back *back = arg;
	const struct pair *p = back->pair;
	struct msg_s2s_back b = {
		.own = str_z(p->own), .remote = str_z(p->remote), .before = back->before};
	struct frame head = {.kind = MSG_S2S_BACK,
			     .to = m->id,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};

	(void)link_send(p->s2s->link, &head, &b);
}

void pair_reached(struct pair *p)
{
	bool back = p->lost, first = !p->test && met_first(p->s2s, str_z(p->own), str_z(p->remote));
	struct back b = {.pair = p, .before = back ? 0 : p->s2s->started};

	p->reached = true;
	p->failures = 0;
	p->retry_at = 0;
	p->lost = p->reconnect = false;
	if (back)
		log_info("remote domain reached again", LF_S("remote", p->remote), LF_S("own", p->own));
	if (back || first)
		link_serving(p->s2s->link, "sm", tell_sm, &b);
}

void met_free(struct s2s *x)
{
	struct met *m = keyed_first(&x->met), *next;

	for (; m; m = next) {
		next = keyed_after(&x->met, m);
		keyed_remove(&x->met, m);
		free(m);
	}
	keyed_free(&x->met);
}
