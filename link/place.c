/* SPDX-License-Identifier: MIT */
/* Who owns which shard, by what the routers pass on of the owners' binds: the highest epoch wins. */
#include <stdlib.h>
#include "base/alloc.h"
#include "link/link_internal.h"

enum { LINK_ROUTES = 64 }; /* sharded routes that are remembered */

static struct route *find_route(const struct link *k, struct str name)
{
	for (struct route *r = k->routes; r; r = r->next) {
		if (str_eqz(name, r->name))
			return r;
	}
	return NULL;
}

static struct route *need_route(struct link *k, struct str name)
{
	struct route *r = find_route(k, name);
	size_t n = 0;

	if (r)
		return r;
	for (r = k->routes; r; r = r->next)
		n++;
	if (n >= LINK_ROUTES)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->name = str_dup(name);
	r->next = k->routes;
	k->routes = r;
	return r;
}

void owners_deinit(struct link *k)
{
	while (k->routes) {
		struct route *r = k->routes;

		k->routes = r->next;
		free(r->name);
		free(r);
	}
}

/* Returns true when the owner or the epoch is another now. claim: the router that says it. */
static bool learn(struct shard_owner *o, uint64_t owner, uint32_t epoch, uint32_t claim)
{
	struct shard_owner old = *o;

	if (epoch < o->epoch)
		return false;
	if (epoch > o->epoch) {
		*o = (struct shard_owner){owner, epoch, owner ? claim : 0};
	} else if (owner) {
		o->claims = owner == o->id ? o->claims | claim : claim;
		o->id = owner;
	} else {
		/* One router has lost sight of it; another may have it still. */
		o->claims &= ~claim;
		if (!o->claims)
			o->id = 0;
	}
	return o->id != old.id || o->epoch != old.epoch;
}

void owners_told(struct link *k, struct way *w, const struct msg_shards *m)
{
	struct route *r = need_route(k, m->route);
	const struct link_member *e;
	bool changed = false;

	for (size_t i = 0; r && i < m->nshards; i++) {
		const struct msg_shard_epoch *s = &m->shards[i];

		if (s->shard < SHARDS)
			changed |= learn(&r->owners[s->shard], m->owner, s->epoch,
					 UINT32_C(1) << w->index);
	}
	if (!changed)
		return;
	e = member_find(k, m->owner);
	link_emit(k, LINK_SHARDS, e ? &e->pub : NULL);
}

/* Owners stay: to be without a router says nothing about them. */
void owners_way_lost(struct link *k, struct way *w)
{
	for (struct route *r = k->routes; r; r = r->next) {
		for (unsigned i = 0; i < SHARDS; i++)
			r->owners[i].claims &= ~(UINT32_C(1) << w->index);
	}
}

void owners_member_lost(struct link *k, uint64_t id)
{
	bool changed = false;

	for (struct route *r = k->routes; r; r = r->next) {
		for (unsigned i = 0; i < SHARDS; i++) {
			if (r->owners[i].id != id)
				continue;
			r->owners[i].id = 0;
			r->owners[i].claims = 0;
			changed = true;
		}
	}
	if (changed)
		link_emit(k, LINK_SHARDS, NULL);
}

uint64_t link_owner(const struct link *k, const char *route, uint16_t shard, uint32_t *ret_epoch)
{
	const struct route *r = find_route(k, str_z(route));

	if (!r || shard >= SHARDS) {
		*ret_epoch = 0;
		return 0;
	}
	*ret_epoch = r->owners[shard].epoch;
	return r->owners[shard].id;
}

void link_shards_bind(struct link *k, const char *route, const struct msg_shard_epoch *s, size_t n)
{
	struct route *r = need_route(k, str_z(route));
	struct msg_shards_bound m = {
		.route = str_z(route),
		.shards = (struct msg_shard_epoch *)s,
		.nshards = n,
	};
	bool changed = false;

	if (!r || !n)
		return;
	for (size_t i = 0; i < n; i++) {
		r->bound[s[i].shard] = s[i].epoch;
		changed |= learn(&r->owners[s[i].shard], k->self.id, s[i].epoch, 0);
	}
	ways_send(k, MSG_SHARDS_BOUND, &m);
	if (changed)
		link_emit(k, LINK_SHARDS, &k->me->pub);
}

void link_shards_free(struct link *k, const char *route, const struct msg_shard_epoch *s, size_t n)
{
	struct route *r = need_route(k, str_z(route));
	struct msg_shards_freed m = {
		.route = str_z(route),
		.shards = (struct msg_shard_epoch *)s,
		.nshards = n,
	};
	bool changed = false;

	if (!r || !n)
		return;
	for (size_t i = 0; i < n; i++) {
		struct shard_owner *o = &r->owners[s[i].shard];

		r->bound[s[i].shard] = 0;
		if (o->id != k->self.id)
			continue;
		o->id = 0;
		o->claims = 0;
		changed = true;
	}
	ways_send(k, MSG_SHARDS_FREED, &m);
	if (changed)
		link_emit(k, LINK_SHARDS, NULL);
}

/* A router that is new to us is told what we own. */
void owners_send_bound(struct link *k, struct way *w)
{
	struct frame f = {
		.kind = MSG_SHARDS_BOUND,
		.flags = FRAME_CONTROL,
		.from = k->self.id,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};

	for (struct route *r = k->routes; r; r = r->next) {
		struct msg_shard_epoch list[SHARDS];
		struct msg_shards_bound m = {.route = str_z(r->name), .shards = list};

		for (uint16_t i = 0; i < SHARDS; i++) {
			if (r->bound[i])
				list[m.nshards++] = (struct msg_shard_epoch){i, r->bound[i]};
		}
		if (m.nshards)
			way_send(w, &f, &m);
	}
}
