/* SPDX-License-Identifier: MIT */
/* Leases: one owner and one epoch for each shard of a route (DESIGN section 5 in short). */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/mutation.h"
#include "storage/lease.h"

/* What parts the writes of one owner through several storages is the run of its channel (see
 * storage/pg_fence.c); with one storage nothing has to. */
enum { ONLY_WRITE_EPOCH = 1 };

struct lease_route {
	struct lease_route *next;
	char *name;
	struct lease shards[SHARDS];
};

struct lease_book {
	struct lease_route *routes; /* a handful: sm, muc, pubsub */
};

struct lease_book *leases_new(void)
{
	return xcalloc(1, sizeof(struct lease_book));
}

void leases_clear(struct lease_book *b)
{
	struct lease_route *r;

	while ((r = b->routes)) {
		b->routes = r->next;
		free(r->name);
		free(r);
	}
}

struct lease_book *leases_free(struct lease_book *b)
{
	if (!b)
		return NULL;
	leases_clear(b);
	free(b);
	return NULL;
}

static struct lease_route *route_find(const struct lease_book *b, const char *name)
{
	for (struct lease_route *r = b->routes; r; r = r->next)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

static struct lease_route *route_get(struct lease_book *b, const char *name)
{
	struct lease_route *r = route_find(b, name);

	if (r)
		return r;
	r = xcalloc(1, sizeof(*r));
	r->name = xstrdup(name);
	r->next = b->routes;
	b->routes = r;
	return r;
}

void leases_set(struct lease_book *b, const char *route, uint16_t shard, struct lease value)
{
	route_get(b, route)->shards[shard] = value;
}

/* The epoch that a take leads to; 0: it is another's, or newer than the taker knows. */
static uint32_t take_epoch(const struct lease *now, const struct engine_lease *l, uint32_t believed)
{
	/* The same request again, whose answer was lost (or that came late): raised already. */
	if (believed && now->owner_id == l->owner_id && now->epoch == believed + 1)
		return now->epoch;
	if (believed && believed < now->epoch)
		return 0;
	/* What the taker has seen may be newer than the data, when these came from a backup. */
	return (believed > now->epoch ? believed : now->epoch) + 1;
}

static int run_take(struct lease_route *r, struct engine_lease *l, lease_store_fn *store, void *arg)
{
	for (size_t i = 0; i < l->nshards; i++) {
		struct lease *now = &r->shards[l->shards[i].shard];
		uint32_t epoch = take_epoch(now, l, l->shards[i].epoch);
		int err = 0;

		if (epoch == 0)
			continue;
		if (epoch != now->epoch)
			err = store(arg, l->shards[i].shard, epoch);
		if (err)
			return err;
		*now = (struct lease){.owner_id = l->owner_id, .epoch = epoch};
		l->held[l->nheld] = l->shards[i];
		l->held[l->nheld++].epoch = epoch;
	}
	return 0;
}

static void run_check(const struct lease_route *r, struct engine_lease *l)
{
	for (size_t i = 0; i < l->nshards; i++) {
		const struct lease *now = &r->shards[l->shards[i].shard];

		if (now->owner_id == l->owner_id && now->epoch == l->shards[i].epoch)
			l->held[l->nheld++] = l->shards[i];
	}
}

int leases_run(struct lease_book *b, struct engine_lease *l, lease_store_fn *store, void *arg)
{
	struct lease_route *r = route_get(b, l->route);

	free(l->held); /* of an attempt that was rolled back */
	l->held = xcalloc(l->nshards + 1, sizeof(*l->held));
	l->nheld = 0;
	l->write_epoch = ONLY_WRITE_EPOCH;
	if (l->take)
		return run_take(r, l, store, arg);
	run_check(r, l);
	return 0;
}

static uint16_t account_shard(const struct msg_write_op *o)
{
	return link_shard(o->values[0].s);
}

enum store_status leases_fence(const struct lease_book *b, const struct engine_write *w,
			       size_t *ret_op)
{
	const struct lease_route *r;
	const struct lease *own;

	*ret_op = 0;
	if (w->shard == SHARD_NONE || MUTATION("fence"))
		return STORE_COMMITTED;
	r = route_find(b, w->process);
	own = r ? &r->shards[w->shard] : NULL;
	if (!own || own->epoch != w->epoch || own->owner_id != w->sender || !w->epoch)
		return STORE_REFUSED;
	/* One owner of two accounts may write both in one batch: it must still own the other. */
	for (size_t i = 0; i < w->nops; i++) {
		if (!tables[w->ops[i].table].sharded)
			continue;
		if (r->shards[account_shard(&w->ops[i])].owner_id == w->sender)
			continue;
		*ret_op = i;
		return STORE_REFUSED;
	}
	return STORE_COMMITTED;
}
