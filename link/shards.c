/* SPDX-License-Identifier: MIT */
/* Ownership of shards: opening, losing, and what events say about them. */
#include "base/mutation.h"
#include "link/shards_internal.h"

enum { HOLD_OFF = 10000 };	   /* ms */
enum { WAITING_LIMIT = 16 << 20 }; /* bytes of frames that wait, in all */

static uint64_t now_of(const struct shards *s)
{
	return loop_now(link_loop(s->link));
}

void shards_plan_later(struct shards *s)
{
	loop_defer(link_loop(s->link), &s->plan);
}

void shard_unbind(struct shards *s, uint16_t i, uint32_t epoch)
{
	struct msg_shard_epoch e = {i, epoch};

	link_shards_free(s->link, s->route, &e, 1);
}

bool shards_any_held(const struct shards *s)
{
	for (uint16_t i = 0; i < SHARDS; i++) {
		if (shard_held(&s->shard[i]))
			return true;
	}
	return false;
}

static bool all_announced(const struct shards *s, uint16_t i)
{
	for (const struct announcer *a = s->announcers; a; a = a->hh.next) {
		if (a->epochs[i] != s->shard[i].epoch)
			return false;
	}
	return true;
}

static void arm_opening(struct shards *s)
{
	uint64_t now = now_of(s), first = 0;

	for (uint16_t i = 0; i < SHARDS; i++) {
		const struct shard *sh = &s->shard[i];

		if (sh->state == SHARD_CLOSED && (!first || sh->open_by < first))
			first = sh->open_by;
	}
	if (first && !s->unsure && link_ready(s->link))
		loop_timer_start(s->opening, first > now ? first - now : 1, 0);
	else
		loop_timer_stop(s->opening);
}

static void try_open(struct shards *s, uint16_t i)
{
	struct shard *sh = &s->shard[i];

	/* Seeing nobody, we do not know whose announcements to await. */
	if (sh->state != SHARD_CLOSED || s->unsure || !link_ready(s->link))
		return;
	if (now_of(s) < sh->open_by && !all_announced(s, i) && !MUTATION("barrier"))
		return;
	sh->state = SHARD_OPEN;
	s->ops->open(s->arg, i);
	waiting_dispatch(s, i);
}

void shards_try_open(void *shards)
{
	struct shards *s = shards;

	for (uint16_t i = 0; i < SHARDS; i++)
		try_open(s, i);
	arm_opening(s);
	shards_plan_later(s);
}

static void shard_set_free(struct shards *s, uint16_t i)
{
	struct shard *sh = &s->shard[i];

	if (sh->state == SHARD_RELEASING)
		s->releasing--;
	sh->state = SHARD_FREE;
	sh->epoch = 0;
}

/* What was sent for it, and what waits for it. */
static void shard_clear(struct shards *s, uint16_t i)
{
	channels_drop(s->channels, i);
	channels_forget_shard(s->channels, i);
	waiting_refuse(s, i);
	shards_plan_later(s);
}

void shard_lose(struct shards *s, uint16_t i)
{
	if (!shard_held(&s->shard[i]))
		return;
	shard_set_free(s, i);
	s->ops->lost(s->arg, i);
	shard_clear(s, i);
}

static struct announcer *announcer_get(struct shards *s, uint64_t id)
{
	struct announcer *a;

	HASH_FIND (hh, s->announcers, &id, sizeof id, a)
		;
	if (!a) {
		a = xcalloc(1, sizeof *a);
		a->id = id;
		HASH_ADD(hh, s->announcers, id, sizeof a->id, a);
	}
	return a;
}

static void member_seen(void *arg, const struct member *m)
{
	struct shards *s = arg;

	if (s->announced_by && !strcmp(m->process, s->announced_by))
		announcer_get(s, m->id);
}

static void member_lost(struct shards *s, const struct member *m)
{
	struct announcer *a;

	HASH_FIND (hh, s->announcers, &m->id, sizeof m->id, a)
		;
	if (!a)
		return;
	HASH_DEL(s->announcers, a);
	free(a);
	shards_try_open(s);
}

/* Of two owners the one with the higher epoch is. */
static void owners_changed(struct shards *s)
{
	for (uint16_t i = 0; i < SHARDS; i++) {
		uint32_t epoch = 0;

		if (!shard_held(&s->shard[i]))
			continue;
		link_owner(s->link, s->route, i, &epoch);
		if (epoch > s->shard[i].epoch)
			shard_lose(s, i);
	}
}

static void bind_again(struct shards *s)
{
	struct msg_shard_epoch e[SHARDS];
	size_t n = 0;

	for (uint16_t i = 0; i < SHARDS; i++) {
		if (shard_held(&s->shard[i]))
			e[n++] = (struct msg_shard_epoch){i, s->shard[i].epoch};
	}
	if (n > 0)
		link_shards_bind(s->link, s->route, e, n);
}

static void on_event(void *arg, enum link_event e, const struct member *m)
{
	struct shards *s = arg;

	switch (e) {
	case LINK_READY:
		link_members(s->link, member_seen, s);
		owners_changed(s);
		bind_again(s);
		if (s->unsure)
			leases_check(s);
		else
			shards_try_open(s);
		break;
	case LINK_MEMBER:
		member_seen(s, m);
		leases_member(s, m);
		break;
	case LINK_MEMBER_LOST:
		member_lost(s, m);
		break;
	case LINK_SHARDS:
		owners_changed(s);
		break;
	case LINK_PATH_LOST:
		/* Nobody sees us: others take what was ours. */
		if (!m && !link_ready(s->link))
			s->unsure = shards_any_held(s);
		break;
	}
	shards_plan_later(s);
}

static void retry_due(void *arg)
{
	struct shards *s = arg;

	if (s->unsure && !s->check && link_ready(s->link))
		leases_check(s);
	shards_plan_later(s);
}

static void tick(void *arg)
{
	struct shards *s = arg;
	uint64_t now = now_of(s);

	if (shards_stalled(s))
		leases_doubt(s);
	s->alive_at = now;
	if (s->plan_at && s->plan_at <= now) {
		s->plan_at = 0; /* the plan sets it anew */
		shards_plan_later(s);
	}
	shards_tick_again(s);
}

void shards_tick_again(struct shards *s)
{
	uint64_t now = now_of(s), at = s->alive_at + s->tick_ms;

	if (s->plan_at && s->plan_at < at)
		at = s->plan_at;
	loop_timer_start(s->tick, at > now ? at - now : 1, 0);
}

bool shards_stalled(const struct shards *s)
{
	return now_of(s) - s->alive_at > s->tick_ms + SHARDS_STALLED;
}

/* Others miss our heartbeats only after three of them: a short stop is nothing to be found out early. */
static uint64_t tick_of(const struct link *k)
{
	uint64_t ms = link_heartbeat_ms(k);

	if (ms < SHARDS_TICK)
		return SHARDS_TICK;
	return ms < SHARDS_TICK_MAX ? ms : SHARDS_TICK_MAX;
}

struct shards *shards_new(struct link *k, struct channels *c, const char *route,
			  const char *announcers, const struct shards_ops *ops, void *arg)
{
	static const struct link_ops events = {.event = on_event};
	struct shards *s = xcalloc(1, sizeof *s);
	struct loop *l = link_loop(k);

	s->link = k;
	s->channels = c;
	s->route = xstrdup(route);
	s->announced_by = announcers ? xstrdup(announcers) : NULL;
	s->ops = ops;
	s->arg = arg;
	s->plan.fn = shards_plan;
	s->plan.arg = s;
	s->tick = loop_timer_new(l, tick, s);
	s->opening = loop_timer_new(l, shards_try_open, s);
	s->retry = loop_timer_new(l, retry_due, s);
	s->alive_at = loop_now(l);
	s->waiting_limit = WAITING_LIMIT;
	s->tick_ms = tick_of(k);
	shards_tick_again(s);
	link_events(k, &events, s);
	if (link_ready(k)) {
		link_members(k, member_seen, s);
		shards_plan_later(s);
	}
	return s;
}

struct shards *shards_free(struct shards *s)
{
	struct announcer *a, *next;

	if (!s)
		return NULL;
	leases_cancel(s);
	loop_task_cancel(link_loop(s->link), &s->plan);
	loop_timer_free(s->tick);
	loop_timer_free(s->opening);
	loop_timer_free(s->retry);
	waiting_free(s);
	HASH_ITER (hh, s->announcers, a, next) {
		HASH_DEL(s->announcers, a);
		free(a);
	}
	free(s->route);
	free(s->announced_by);
	free(s);
	return NULL;
}

void shards_wait_limit(struct shards *s, size_t bytes)
{
	s->waiting_limit = bytes;
}

bool shards_mine(const struct shards *s, uint16_t shard)
{
	return shard < SHARDS && shard_held(&s->shard[shard]);
}

bool shards_is_open(const struct shards *s, uint16_t shard)
{
	return shard < SHARDS && s->shard[shard].state == SHARD_OPEN;
}

uint32_t shards_epoch(const struct shards *s, uint16_t shard)
{
	return shard < SHARDS ? s->shard[shard].epoch : 0;
}

bool shards_sure(const struct shards *s)
{
	return !s->unsure && !shards_stalled(s);
}

uint32_t shards_write_epoch(const struct shards *s)
{
	return s->write_epoch;
}

bool shards_relaxed(const struct shards *s)
{
	return s->relaxed;
}

void shards_announced(struct shards *s, uint64_t instance, const struct msg_shard_epoch *e,
		      size_t n)
{
	struct announcer *a;

	if (!link_member(s->link, instance)) /* died since */
		return;
	a = announcer_get(s, instance);
	for (size_t k = 0; k < n; k++) {
		if (e[k].shard < SHARDS)
			a->epochs[e[k].shard] = e[k].epoch;
	}
	shards_try_open(s);
}

void shards_released(struct shards *s, uint16_t shard)
{
	uint32_t epoch;

	if (shard >= SHARDS || s->shard[shard].state != SHARD_RELEASING)
		return;
	epoch = s->shard[shard].epoch;
	shard_set_free(s, shard);
	shard_unbind(s, shard, epoch);
	shard_clear(s, shard);
}

void shards_refused(struct shards *s, uint16_t shard)
{
	uint32_t epoch;

	if (!shards_mine(s, shard))
		return;
	epoch = s->shard[shard].epoch;
	s->shard[shard].not_before = now_of(s) + HOLD_OFF;
	s->shard[shard].denied = epoch;
	shard_unbind(s, shard, epoch);
	shard_lose(s, shard);
}

void shards_drain(struct shards *s, loop_fn *done, void *arg)
{
	s->draining = true;
	s->drained = done;
	s->drained_arg = arg;
	link_bind(s->link, NULL, 0); /* placement names others from now on */
	leases_cancel_take(s);
	shards_plan_later(s);
}
