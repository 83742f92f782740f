/* SPDX-License-Identifier: MIT */
/*
 * The leases that a group of batches stands on: locked, compared and raised by one statement.
 *
 * The first batch of a run of its channel raises the shard's write epoch, under the exclusive lock:
 * what the owner sent to another storage before is refused there from then on. Those that follow
 * take the lock shared.
 */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/random.h"
#include "storage/pg_internal.h"

struct fence {
	struct engine_write *write; /* the first that needs it */
	size_t op;
	const char *route;
	uint16_t shard;
	int64_t owner, epoch, run; /* epoch 0: any (a shard that the batch touches besides) */
	bool raise;
	struct fence *same; /* the next of its shard */
};

/* What is stored, as far as this storage has written it. */
struct known_route {
	struct known_route *next;
	char *name;
	struct {
		uint64_t owner;
		uint32_t epoch, run;
	} shards[SHARDS];
};

struct pg_fences {
	struct fence **list; /* sorted when sent */
	size_t n, cap, routes;
	struct fence *by_shard[SHARDS];
	struct known_route *known;
};

struct pg_fences *fences_new(void)
{
	return xcalloc(1, sizeof(struct pg_fences));
}

void fences_clear(struct pg_fences *f)
{
	for (size_t i = 0; i < f->n; i++) {
		f->by_shard[f->list[i]->shard] = NULL;
		free(f->list[i]);
	}
	f->n = 0;
}

struct pg_fences *fences_free(struct pg_fences *f)
{
	struct known_route *k;

	fences_clear(f);
	while ((k = f->known)) {
		f->known = k->next;
		free(k->name);
		free(k);
	}
	free(f->list);
	free(f);
	return NULL;
}

static struct known_route *known_get(struct pg_fences *f, const char *route)
{
	struct known_route *k = f->known;

	while (k && strcmp(k->name, route) != 0)
		k = k->next;
	if (k)
		return k;
	k = xcalloc(1, sizeof(*k));
	k->name = xstrdup(route);
	k->next = f->known;
	f->known = k;
	return k;
}

static bool same_fence(const struct fence *a, const struct fence *b)
{
	return a->shard == b->shard && a->owner == b->owner && a->epoch == b->epoch &&
	       a->run == b->run && strcmp(a->route, b->route) == 0;
}

static void fence_add(struct pg_fences *f, const struct fence *wanted)
{
	struct fence *x;

	for (x = f->by_shard[wanted->shard]; x; x = x->same)
		if (same_fence(x, wanted))
			return;
	x = xmalloc(sizeof(*x));
	*x = *wanted;
	x->same = f->by_shard[x->shard];
	f->by_shard[x->shard] = x;
	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 64;
		f->list = xrealloc(f->list, f->cap * sizeof(*f->list));
	}
	f->list[f->n++] = x;
}

void fences_add(struct pg_fences *f, struct engine_write *w)
{
	struct known_route *k;
	struct fence x = {
		.write = w,
		.route = w->process,
		.shard = w->shard,
		.owner = (int64_t)w->sender,
		/* 0 is the epoch of a lease that nobody has taken: it fits none. */
		.epoch = w->epoch ? (int64_t)w->epoch : -1,
		.run = w->write_epoch,
	};

	if (w->shard == SHARD_NONE)
		return;
	k = known_get(f, w->process);
	x.raise = k->shards[w->shard].owner != w->sender || k->shards[w->shard].epoch != w->epoch ||
		  k->shards[w->shard].run != w->write_epoch;
	fence_add(f, &x);
	x.epoch = x.run = 0;
	x.raise = false;
	for (size_t i = 0; i < w->nops; i++) {
		const struct msg_value *account = &w->ops[i].values[0];

		if (!tables[w->ops[i].table].sharded)
			continue;
		x.shard = link_shard(account->s);
		x.op = i;
		if (x.shard != w->shard)
			fence_add(f, &x);
	}
}

/* Everybody takes locks in the order of routes and shards, the exclusive one of a shard first. */
static int fence_cmp(const void *a, const void *b)
{
	const struct fence *x = *(struct fence *const *)a, *y = *(struct fence *const *)b;
	int c = strcmp(x->route, y->route);

	if (c == 0)
		c = (int)x->shard - (int)y->shard;
	return c ? c : (int)y->raise - (int)x->raise;
}

int32_t fence_key(const char *route)
{
	return (int32_t)(hash64(route, strlen(route)) & 0x7fffffff);
}

static void send_route(struct pg_conn *c, struct fence **list, size_t n, size_t first)
{
	struct pg_params p = {0};
	int64_t *columns = xcalloc(5 * n, sizeof(*columns));

	for (size_t i = 0; i < n; i++) {
		columns[i] = list[i]->shard;
		columns[n + i] = list[i]->raise;
		columns[2 * n + i] = list[i]->owner;
		columns[3 * n + i] = list[i]->epoch;
		columns[4 * n + i] = list[i]->run;
	}
	param_int4(&p, fence_key(list[0]->route));
	param_text(&p, str_z(list[0]->route));
	for (size_t i = 0; i < 5; i++)
		param_ints(&p, i >= 2, columns + i * n, n);
	pg_conn_run(c, SQL_FENCE, 0, 0, &p, NULL, first);
	params_free(&p);
	free(columns);
}

void fences_send(struct pg_fences *f, struct pg_conn *c)
{
	size_t from = 0;

	if (f->n)
		qsort(f->list, f->n, sizeof(*f->list), fence_cmp);
	for (size_t i = 1; i <= f->n; i++) {
		if (i < f->n && strcmp(f->list[i]->route, f->list[from]->route) == 0)
			continue;
		send_route(c, f->list + from, i - from, from);
		from = i;
	}
}

void fences_blame(const struct pg_fences *f, const PGresult *error, size_t first,
		  void (*fn)(void *arg, struct engine_write *w, size_t op), void *arg)
{
	const char *at = PQresultErrorField(error, PG_DIAG_MESSAGE_DETAIL);

	while (at && *at) {
		char *end;
		size_t n = strtoul(at, &end, 10) + first;

		if (end == at || n == 0 || n > f->n)
			return;
		fn(arg, f->list[n - 1]->write, f->list[n - 1]->op);
		at = *end == ',' ? end + 1 : end;
	}
}

void fences_committed(struct pg_fences *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct fence *x = f->list[i];
		struct known_route *k = known_get(f, x->route);

		if (x->epoch == 0)
			continue;
		k->shards[x->shard].owner = (uint64_t)x->owner;
		k->shards[x->shard].epoch = (uint32_t)x->epoch;
		k->shards[x->shard].run = (uint32_t)x->run;
	}
}
