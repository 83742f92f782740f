/* SPDX-License-Identifier: MIT */
/* Where a stanza goes by its address: an account here, another owner, the domain, another server. */
#include "sm/sm_internal.h"

bool sm_local_domain(const struct sm *sm, struct str domain)
{
	for (const char *const *d = sm->domains; *d; d++)
		if (str_eqz(domain, *d))
			return true;
	return false;
}

const char *const *sm_domains(const struct sm *sm)
{
	return sm->domains;
}

static void in_loaded(void *arg, struct user *u)
{
	struct packet *p = arg;

	if (u) {
		p->user = u;
		packet_in(p);
	} else if (!shards_is_open(p->sm->shards, link_shard(p->to.bare))) {
		packet_lost(p);
	} else if (!txn_lost(p->txn)) { /* who asked has a deadline too, and may have asked again */
		packet_error(p, STANZA_E_INTERNAL_SERVER_ERROR); /* storage does not answer */
	}
	packet_free(p);
}

void packet_here(struct packet *p)
{
	struct user *u = user_need(p->sm, p->to.bare);

	p->session = NULL;
	if (u->state == USER_LOADED && !u->jobs) {
		p->user = u;
		u->busy++; /* an account that does not exist would go before we are back */
		packet_in(p);
		u->busy--;
		user_touch(u);
		return;
	}
	user_run(u, in_loaded, packet_keep(p));
}

static void route_local(struct packet *p)
{
	struct sm *sm = p->sm;
	uint16_t shard = link_shard(p->to.bare);

	p->session = NULL;
	p->user = NULL;
	/* While earlier ones to that owner are unanswered (it may be us by now), order is the
	 * channel's. */
	if (shards_is_open(sm->shards, shard) && !channel_busy(sm->channels, "sm", shard))
		packet_here(p);
	else
		tell_send(p, shard, p->to.bare);
}

bool sm_serves_domain(struct sm *sm, struct str domain)
{
	char *route = str_dup(domain);
	bool serves = sm_local_domain(sm, domain) || link_place(sm->link, route, 0);

	free(route);
	return serves;
}

void packet_route(struct packet *p)
{
	if (run_route(p) == HANDLED)
		return;
	if (!sm_local_domain(p->sm, p->to.domain)) {
		outgoing_send(p);
	} else if (p->to.local.len) {
		route_local(p);
	} else {
		p->user = NULL;
		packet_domain(p);
	}
}

void sm_route(struct sm *sm, struct txn *t, const struct stanza *st)
{
	struct packet p;
	struct pool *pool = sm_pool(sm);
	struct txn *own = t ? NULL : txn_new(sm, TXN_PLAIN, NULL);

	packet_init(&p, sm, pool, t ? t : own);
	p.key = txn_key(sm, t);
	p.st = *st;
	packet_addresses(&p);
	if (p.to.full.len)
		packet_route(&p);
	sm_pool_back(sm, pool);
	txn_release(own);
}

/* --- one presence to many ------------------------------------------------------------------------------ */

static int by_shard(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	unsigned sx = link_shard(*x), sy = link_shard(*y);

	return sx < sy ? -1 : sx > sy;
}

void sm_route_many(struct sm *sm, struct txn *t, const struct stanza *st, const struct str *to,
		   size_t n)
{
	struct str *far = xmalloc((n + 1) * sizeof *far);
	struct stanza one = *st;
	size_t nfar = 0;

	for (size_t i = 0; i < n; i++) {
		struct jid j;
		uint16_t shard = link_shard(to[i]);

		if (jid_split(to[i], &j) < 0)
			continue;
		if (sm_local_domain(sm, j.domain) && j.local.len &&
		    !(shards_is_open(sm->shards, shard) &&
		      !channel_busy(sm->channels, "sm", shard))) {
			far[nfar++] = to[i];
			continue;
		}
		one.to = to[i];
		sm_route(sm, t, &one);
	}
	qsort(far, nfar, sizeof *far, by_shard);
	for (size_t i = 0, end; i < nfar; i = end) {
		for (end = i + 1; end < nfar && by_shard(&far[i], &far[end]) == 0; end++)
			;
		tell_many(sm, t, st, far + i, end - i);
	}
	free(far);
}
