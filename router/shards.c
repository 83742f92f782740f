/* SPDX-License-Identifier: MIT */
/* Who owns which shard of the sharded routes, by what the owners say; the higher epoch wins. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/log.h"
#include "router/hub_internal.h"

/* Changes of one message, to be published together. */
struct changes {
	struct msg_shard_epoch list[SHARDS];
	size_t n;
};

static void note(struct changes *c, uint16_t shard, uint32_t epoch)
{
	if (c->n < SHARDS)
		c->list[c->n++] = (struct msg_shard_epoch){shard, epoch};
}

static struct msg_shards make(const struct hub_route *r, uint64_t owner, struct changes *c)
{
	return (struct msg_shards){
		.route = str_z(r->name),
		.owner = owner,
		.shards = c->list,
		.nshards = c->n,
	};
}

static void publish(struct hub *h, const struct hub_route *r, uint64_t owner, struct changes *c)
{
	struct msg_shards m = make(r, owner, c);

	if (c->n)
		hub_publish(h, NULL, MSG_SHARDS, &m);
}

static struct hub_route *find_route(struct hub *h, struct str name, bool make_it)
{
	struct hub_route *r;
	size_t n = 0;

	for (r = h->routes; r; r = r->next, n++) {
		if (str_eqz(name, r->name))
			return r;
	}
	if (!make_it || n >= HUB_ROUTES)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->name = str_dup(name);
	r->next = h->routes;
	h->routes = r;
	return r;
}

static bool binds_shards_of(const struct port *p, struct str route)
{
	for (size_t i = 0; i < p->nbinds; i++) {
		if (p->binds[i].mode == 1 && str_eq(p->binds[i].route, route))
			return true;
	}
	return false;
}

/* Whoever binds with an older epoch has lost the shard and does not know it yet. */
static void tell_present(struct port *p, const struct hub_route *r, uint16_t shard)
{
	struct msg_shard_epoch one = {shard, r->shards[shard].epoch};
	struct msg_shards m = {
		.route = str_z(r->name),
		.owner = r->shards[shard].owner,
		.shards = &one,
		.nshards = 1,
	};

	port_send(p, MSG_SHARDS, &m);
}

void hub_shards_bound(struct port *p, const struct msg_shards_bound *m)
{
	struct changes c = {.n = 0};
	struct hub_route *r;

	if (!binds_shards_of(p, m->route)) {
		log_error("shards of a route that it does not bind", LF_S("instance", p->name),
			  LF_STR("route", m->route));
		port_doom(p, "shards of a route that it does not bind");
		return;
	}
	r = find_route(p->hub, m->route, true);
	for (size_t i = 0; r && i < m->nshards; i++) {
		uint16_t shard = m->shards[i].shard;
		uint32_t epoch = m->shards[i].epoch;

		if (shard >= SHARDS)
			continue;
		if (epoch < r->shards[shard].epoch ||
		    (epoch == r->shards[shard].epoch && r->shards[shard].owner &&
		     r->shards[shard].owner != p->id)) {
			tell_present(p, r, shard);
			continue;
		}
		r->shards[shard].owner = p->id;
		r->shards[shard].epoch = epoch;
		note(&c, shard, epoch);
	}
	if (r)
		publish(p->hub, r, p->id, &c);
}

void hub_shards_freed(struct port *p, const struct msg_shards_freed *m)
{
	struct hub_route *r = find_route(p->hub, m->route, false);
	struct changes c = {.n = 0};

	for (size_t i = 0; r && i < m->nshards; i++) {
		uint16_t shard = m->shards[i].shard;

		if (shard >= SHARDS || r->shards[shard].owner != p->id)
			continue;
		r->shards[shard].owner = 0;
		note(&c, shard, r->shards[shard].epoch);
	}
	if (r)
		publish(p->hub, r, 0, &c);
}

void hub_shards_orphaned(struct hub *h, uint64_t owner)
{
	for (struct hub_route *r = h->routes; r; r = r->next) {
		struct changes c = {.n = 0};

		for (uint16_t i = 0; i < SHARDS; i++) {
			if (r->shards[i].owner != owner)
				continue;
			r->shards[i].owner = 0;
			note(&c, i, r->shards[i].epoch);
		}
		publish(h, r, 0, &c);
	}
}

/* One message for each owner that a route has. */
static void tell_route(struct port *p, const struct hub_route *r)
{
	bool told[SHARDS] = {false};

	for (uint16_t i = 0; i < SHARDS; i++) {
		struct changes c = {.n = 0};
		uint64_t owner = r->shards[i].owner;
		struct msg_shards m;

		if (told[i])
			continue;
		for (uint16_t j = i; j < SHARDS; j++) {
			if (r->shards[j].owner != owner || (!owner && !r->shards[j].epoch))
				continue;
			told[j] = true;
			note(&c, j, r->shards[j].epoch);
		}
		m = make(r, owner, &c);
		if (c.n)
			port_send(p, MSG_SHARDS, &m);
	}
}

void hub_shards_tell_all(struct port *p)
{
	for (struct hub_route *r = p->hub->routes; r; r = r->next)
		tell_route(p, r);
}

void routes_free(struct hub *h)
{
	while (h->routes) {
		struct hub_route *r = h->routes;

		h->routes = r->next;
		free(r->name);
		free(r);
	}
}
