/* SPDX-License-Identifier: MIT */
/* Which shards to take and which to let go, by placement. */
#include "link/shards_internal.h"

#include "base/random.h"

enum { RELEASES = 64 }; /* under way at a time */

/* The instance that should own it. */
static uint64_t placed(const struct shards *s, uint16_t i)
{
	return link_place(s->link, s->route, hash64_pair(i, SHARDS));
}

static bool should_take(struct shards *s, uint16_t i, uint64_t now, uint32_t *ret_epoch)
{
	const struct shard *sh = &s->shard[i];
	uint64_t owner, self = link_id(s->link);

	if (sh->state != SHARD_FREE)
		return false;
	/* Ours by what routers say, yet not held: it was refused or lost and nobody followed. */
	owner = link_owner(s->link, s->route, i, ret_epoch);
	if ((owner && owner != self) || placed(s, i) != self)
		return false;
	/* Whoever was faster has owned it since, and has let it go: there is nothing to wait for. */
	if (sh->not_before <= now || (sh->denied && *ret_epoch > sh->denied))
		return true;
	if (!s->plan_at || sh->not_before < s->plan_at)
		s->plan_at = sh->not_before;
	return false;
}

static void plan_takes(struct shards *s)
{
	struct msg_shard_epoch e[SHARDS];
	uint64_t now = loop_now(link_loop(s->link));
	size_t n = 0;

	s->plan_at = 0;
	for (uint16_t i = 0; i < SHARDS; i++) {
		uint32_t epoch = 0;

		if (should_take(s, i, now, &epoch))
			e[n++] = (struct msg_shard_epoch){i, epoch};
	}
	if (n > 0)
		leases_take(s, e, n);
	if (s->plan_at)
		shards_tick_again(s);
}

static bool should_release(const struct shards *s, uint16_t i)
{
	uint64_t better;

	if (s->shard[i].state != SHARD_OPEN)
		return false;
	if (s->draining)
		return true;
	better = placed(s, i);
	return better && better != link_id(s->link);
}

static void plan_releases(struct shards *s)
{
	for (uint16_t i = 0; i < SHARDS && s->releasing < RELEASES; i++) {
		if (!should_release(s, i))
			continue;
		s->shard[i].state = SHARD_RELEASING;
		s->releasing++;
		s->ops->release(s->arg, i);
	}
}

/* What was never open has nothing under way. */
static void drop_closed(struct shards *s)
{
	for (uint16_t i = 0; i < SHARDS; i++) {
		uint32_t epoch = s->shard[i].epoch;

		if (s->shard[i].state != SHARD_CLOSED)
			continue;
		shard_unbind(s, i, epoch);
		shard_lose(s, i);
	}
}

void shards_plan(void *shards)
{
	struct shards *s = shards;

	if (s->draining) {
		loop_fn *drained = s->drained;

		drop_closed(s);
		plan_releases(s);
		if (!drained || shards_any_held(s))
			return;
		s->drained = NULL;
		drained(s->drained_arg);
		return;
	}
	if (!link_ready(s->link) || s->unsure)
		return;
	plan_releases(s);
	if (!s->take)
		plan_takes(s);
}
