/* SPDX-License-Identifier: MIT */
/* Membership: who is there, by what all our routers say, and through which router we talk to whom. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/random.h"
#include "link/link_internal.h"

/* How long a member that only a lost router knew may stay away before it counts as lost: it has to
 * find a router again, as we had to. Longer than the longest pause between two attempts (link/way.c). */
enum { LIMBO_MS = 3000 };

static uint32_t bit_of(const struct way *w)
{
	return UINT32_C(1) << w->index;
}

bool link_is_peer(const struct link *k, const char *process)
{
	if (!k->peers || strcmp(process, "ctl") == 0 || strcmp(process, "router") == 0)
		return true;
	for (char **p = k->peers; *p; p++) {
		if (strcmp(*p, process) == 0)
			return true;
	}
	return false;
}

struct link_member *member_find(const struct link *k, uint64_t id)
{
	struct link_member *e;

	HASH_FIND(hh, k->members, &id, sizeof(id), e);
	return e;
}

/* Returns the former ones, for the caller to free after the event. */
static struct pool *take_binds(struct link_member *e, const struct msg_bind *binds, size_t n)
{
	struct pool *old = e->binds;
	struct member_bind *b;

	e->binds = pool_new();
	b = pool_calloc(e->binds, (n + 1) * sizeof(*b));
	for (size_t i = 0; i < n; i++) {
		b[i].route = pool_str(e->binds, binds[i].route).ptr;
		b[i].shard = binds[i].mode == 1;
	}
	e->pub.binds = b;
	e->pub.nbinds = n;
	return old;
}

static bool same_binds(const struct link_member *e, const struct msg_bind *binds, size_t n)
{
	if (e->pub.nbinds != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!str_eqz(binds[i].route, e->pub.binds[i].route) ||
		    (binds[i].mode == 1) != e->pub.binds[i].shard)
			return false;
	}
	return true;
}

static struct link_member *member_add(struct link *k, const struct msg_member_up *m)
{
	struct link_member *e = xcalloc(1, sizeof(*e));

	e->pub.id = m->id;
	e->pub.name = str_dup(m->name);
	e->pub.process = str_dup(m->process);
	e->pub.version = str_dup(m->version);
	e->pub.host = str_dup(m->host);
	e->pub.pid = m->pid;
	e->name_hash = hash64(m->name.ptr, m->name.len);
	e->bit = msg_process_bit(e->pub.process);
	e->is_peer = link_is_peer(k, e->pub.process);
	e->way = -1;
	take_binds(e, m->binds, m->nbinds);
	HASH_ADD(hh, k->members, pub.id, sizeof(e->pub.id), e);
	return e;
}

static void member_free(struct link_member *e)
{
	free((char *)e->pub.name);
	free((char *)e->pub.process);
	free((char *)e->pub.version);
	free((char *)e->pub.host);
	pool_free(e->binds);
	free(e);
}

/* We are a member ourselves: placement counts us. Also called when our routes have changed. */
void members_init(struct link *k)
{
	struct msg_member_up me = {
		.id = k->self.id,
		.name = str_z(k->name),
		.process = str_z(k->process),
		.version = str_z(k->version),
		.binds = k->binds,
		.nbinds = k->nbinds,
	};

	if (!k->me) {
		k->me = member_add(k, &me);
		k->me->is_peer = true;
		return;
	}
	pool_free(take_binds(k->me, k->binds, k->nbinds));
}

void members_deinit(struct link *k)
{
	struct link_member *e, *next;

	HASH_ITER(hh, k->members, e, next) {
		HASH_DEL(k->members, e);
		member_free(e);
	}
	k->me = NULL;
}

/* No router that we see has it: gone from all lookups, then said, then freed. */
static void member_lost(struct link *k, struct link_member *e)
{
	uint64_t id = e->pub.id;

	HASH_DEL(k->members, e);
	requests_member_lost(k, id);
	trace_stop(k, id);
	link_enter(k);
	owners_member_lost(k, id);
	if (!k->freed)
		link_emit(k, LINK_MEMBER_LOST, &e->pub);
	link_leave(k);
	member_free(e);
}

void member_up(struct link *k, struct way *w, const struct msg_member_up *m)
{
	struct link_member *e = member_find(k, m->id);
	struct pool *old;
	bool back;

	if (m->id == k->self.id)
		return;
	if (!e) {
		e = member_add(k, m);
		e->ways = bit_of(w);
		link_emit(k, LINK_MEMBER, &e->pub);
		return;
	}
	back = !e->ways;
	e->ways |= bit_of(w);
	if (same_binds(e, m->binds, m->nbinds)) {
		if (back) /* what could not be sent to it need not wait any longer */
			link_emit(k, LINK_MEMBER, &e->pub);
		return;
	}
	old = take_binds(e, m->binds, m->nbinds);
	link_emit(k, LINK_MEMBER, &e->pub);
	pool_free(old);
}

/* Whether something may have been under way there. What it sent us and never came, nobody tells:
 * so every router counts that both are linked to. */
static bool used_way(const struct link_member *e, const struct way *w)
{
	return (e->ways | e->came) & bit_of(w);
}

static void forget_way(struct link_member *e, const struct way *w)
{
	e->ways &= ~bit_of(w);
	e->came &= ~bit_of(w);
	if (e->way == (int)w->index)
		e->way = -1;
}

void member_down(struct link *k, struct way *w, const struct msg_member_down *m)
{
	struct link_member *e = member_find(k, m->id);
	bool used;

	if (!e || e == k->me || !(e->ways & bit_of(w)))
		return;
	used = used_way(e, w);
	forget_way(e, w);
	if (!e->ways) {
		member_lost(k, e);
	} else if (used) {
		requests_member_lost(k, m->id); /* the answer may have been on that way */
		link_emit(k, LINK_PATH_LOST, &e->pub);
	}
}

static void start_limbo(struct link *k)
{
	struct link_member *e, *next;

	HASH_ITER(hh, k->members, e, next) {
		if (!e->ways && e != k->me) {
			loop_timer_start(k->limbo, LIMBO_MS, 0);
			return;
		}
	}
}

void members_end(struct link *k, struct way *w)
{
	start_limbo(k);
}

/* The ids of the members that fn picks: they may change under the events for each. */
static uint64_t *pick(struct link *k, bool (*fn)(const struct link_member *e, const struct way *w),
		      const struct way *w, size_t *ret_n)
{
	uint64_t *ids = xcalloc(HASH_COUNT(k->members) + 1, sizeof(*ids));
	struct link_member *e, *next;

	*ret_n = 0;
	HASH_ITER(hh, k->members, e, next) {
		if (e != k->me && fn(e, w))
			ids[(*ret_n)++] = e->pub.id;
	}
	return ids;
}

static bool in_limbo(const struct link_member *e, const struct way *w)
{
	return e->ways == 0;
}

void members_limbo_over(void *arg)
{
	struct link *k = arg;
	size_t n;
	uint64_t *ids;

	if (!k->nready)
		return;
	ids = pick(k, in_limbo, NULL, &n);
	link_enter(k);
	for (size_t i = 0; i < n && !k->freed; i++) {
		struct link_member *e = member_find(k, ids[i]);

		if (e && !e->ways)
			member_lost(k, e);
	}
	link_leave(k);
	free(ids);
}

static bool is_router_of(const struct link_member *e, const struct way *w)
{
	return strcmp(e->pub.process, "router") == 0 && (e->ways & bit_of(w));
}

/* The lost router itself is no member any more; nobody else can have said so. */
static void routers_lost(struct link *k, struct way *w)
{
	size_t n;
	uint64_t *ids = pick(k, is_router_of, w, &n);

	for (size_t i = 0; i < n && !k->freed; i++) {
		struct link_member *e = member_find(k, ids[i]);

		if (e)
			member_lost(k, e);
	}
	free(ids);
}

void members_way_lost(struct link *k, struct way *w)
{
	struct link_member *e, *next;
	size_t n;
	uint64_t *ids;

	link_enter(k);
	routers_lost(k, w);
	if (k->freed) {
		link_leave(k);
		return;
	}
	ids = pick(k, used_way, w, &n);
	for (size_t i = 0; i < n; i++)
		requests_member_lost(k, ids[i]); /* the answer may have been on that way */
	HASH_ITER(hh, k->members, e, next)
		forget_way(e, w);
	if (k->nready)
		start_limbo(k);
	else
		link_emit(k, LINK_PATH_LOST, NULL);
	for (size_t i = 0; i < n && k->nready && !k->freed; i++) {
		e = member_find(k, ids[i]);
		if (e)
			link_emit(k, LINK_PATH_LOST, &e->pub);
	}
	free(ids);
	link_leave(k);
}

struct way *member_way(struct link *k, struct link_member *e)
{
	unsigned start;

	if (e->way >= 0)
		return &k->ways[e->way];
	if (!e->ways)
		return NULL;
	/* Spread over the routers, always the same for the same two instances. */
	start = (unsigned)(hash64_pair(k->self.id, e->pub.id) % k->nways);
	for (unsigned i = 0; i < k->nways; i++) {
		struct way *w = &k->ways[(start + i) % k->nways];

		if (way_works(w) && (e->ways & bit_of(w))) {
			e->way = (int)w->index;
			return w;
		}
	}
	return NULL;
}

struct way *member_way_back(struct link *k, struct link_member *e, unsigned index)
{
	struct way *w = index < k->nways ? &k->ways[index] : NULL;

	return w && way_works(w) && (e->ways & bit_of(w)) ? w : member_way(k, e);
}

const struct member *link_member(const struct link *k, uint64_t id)
{
	const struct link_member *e = member_find(k, id);

	return e ? &e->pub : NULL;
}

/* While an instance is being replaced two have the name: the later one is meant. */
const struct member *link_member_named(const struct link *k, const char *name)
{
	const struct member *found = NULL;
	struct link_member *e, *next;

	HASH_ITER(hh, k->members, e, next) {
		if (strcmp(e->pub.name, name) == 0)
			found = &e->pub;
	}
	return found;
}

void link_members(const struct link *k, void (*fn)(void *arg, const struct member *m), void *arg)
{
	struct link_member *e, *next;

	HASH_ITER(hh, k->members, e, next)
		fn(arg, &e->pub);
}

static bool serves(const struct link_member *e, const char *route)
{
	for (size_t i = 0; i < e->pub.nbinds; i++) {
		if (strcmp(e->pub.binds[i].route, route) == 0)
			return true;
	}
	return false;
}

void link_serving(const struct link *k, const char *route,
		  void (*fn)(void *arg, const struct member *m), void *arg)
{
	struct link_member *e, *next;

	HASH_ITER(hh, k->members, e, next) {
		if (serves(e, route))
			fn(arg, &e->pub);
	}
}

/* By names, not ids: a restarted instance is given what it had. */
uint64_t link_place(const struct link *k, const char *route, uint64_t key)
{
	uint64_t best = 0, id = 0;
	struct link_member *e, *next;

	HASH_ITER(hh, k->members, e, next) {
		uint64_t score;

		if (!serves(e, route))
			continue;
		score = hash64_pair(e->name_hash, key);
		if (!id || score >= best) {
			best = score;
			id = e->pub.id;
		}
	}
	return id;
}
