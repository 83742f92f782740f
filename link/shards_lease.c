/* SPDX-License-Identifier: MIT */
/* Leases at storage: taking them in one batch, and asking whether they are still ours. */
#include "link/shards_internal.h"

#include <errno.h>
#include "base/log.h"
#include "base/random.h"

enum { LEASE_TIMEOUT = 10000 }; /* ms */
/* Whoever was faster binds what he took at once. When he is not seen with it after this time, he has
 * probably died before he could, as when all instances are killed together. */
enum { DENIED_MS = 1000 };
enum { RETRY_FIRST = 100, RETRY_MOST = 5000 };

static uint64_t storage_of(const struct shards *s)
{
	return link_place(s->link, "storage", hash64(s->route, strlen(s->route)));
}

static void retry_later(struct shards *s)
{
	uint64_t ms = (uint64_t)RETRY_FIRST << (s->failures < 6 ? s->failures : 6);

	s->failures++;
	loop_timer_start(s->retry, ms < RETRY_MOST ? ms : RETRY_MOST, 0);
}

/* The outcome of a take is unknown after a failure: storage grants it to us again. */
static void take_failed(struct shards *s)
{
	for (uint16_t i = 0; i < SHARDS; i++) {
		if (s->shard[i].state == SHARD_TAKING)
			s->shard[i].state = SHARD_FREE;
	}
	retry_later(s);
}

static bool take_one(struct shards *s, const struct msg_shard_epoch *e)
{
	uint32_t known = 0;

	if (e->shard >= SHARDS || e->epoch == 0 || s->shard[e->shard].state != SHARD_TAKING)
		return false;
	link_owner(s->link, s->route, e->shard, &known);
	if (known > e->epoch) /* taken again from us on the way */
		return false;
	s->shard[e->shard].state = SHARD_CLOSED;
	s->shard[e->shard].epoch = e->epoch;
	s->ops->taken(s->arg, e->shard, e->epoch);
	return true;
}

static void take_granted(struct shards *s, const struct msg_leases *m)
{
	enum { OPEN_AFTER = 5000 };
	uint64_t now = loop_now(link_loop(s->link));
	struct msg_shard_epoch *mine = xcalloc(m->nshards + 1, sizeof *mine);
	size_t n = 0;

	s->failures = 0;
	s->write_epoch = m->write_epoch;
	s->relaxed = m->relaxed;
	for (size_t k = 0; k < m->nshards; k++) {
		if (!take_one(s, &m->shards[k]))
			continue;
		s->shard[m->shards[k].shard].open_by = now + OPEN_AFTER;
		mine[n++] = m->shards[k];
	}
	for (uint16_t i = 0; i < SHARDS; i++) { /* another was faster, and will say so */
		if (s->shard[i].state != SHARD_TAKING)
			continue;
		s->shard[i].state = SHARD_FREE;
		s->shard[i].denied = s->shard[i].asked;
		s->shard[i].not_before = now + DENIED_MS;
	}
	if (n > 0)
		link_shards_bind(s->link, s->route, mine, n);
	free(mine);
	shards_try_open(s);
}

static void on_taken(void *arg, int err, uint16_t kind, const void *m)
{
	struct shards *s = arg;

	s->take = NULL;
	if (err < 0 || kind != MSG_LEASES)
		take_failed(s);
	else
		take_granted(s, m);
}

void leases_take(struct shards *s, struct msg_shard_epoch *e, size_t n)
{
	struct frame head = {
		.kind = MSG_LEASE_TAKE,
		.to = storage_of(s),
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};
	struct msg_lease_take m = {
		.route = str_z(s->route),
		.owner = str_z(link_name(s->link)),
		.owner_id = link_id(s->link),
		.shards = e,
		.nshards = n,
	};

	if (!head.to) /* membership will tell when there is one */
		return;
	for (size_t k = 0; k < n; k++) {
		struct shard *sh = &s->shard[e[k].shard];

		sh->state = SHARD_TAKING;
		sh->asked = e[k].epoch;
		/* Whoever took it has not been seen with it since: he died before he could say so.
		 */
		if (sh->denied && sh->denied == sh->asked)
			e[k].epoch = 0;
	}
	s->take = link_request(s->link, &head, &m, LEASE_TIMEOUT, on_taken, s);
}

/* What is not in the list was taken by another; he has bound it, or will. */
static void check_done(struct shards *s, const struct msg_leases *m)
{
	bool kept[SHARDS] = {false};

	s->failures = 0;
	s->write_epoch = m->write_epoch;
	s->relaxed = m->relaxed;
	for (size_t k = 0; k < m->nshards; k++) {
		uint16_t i = m->shards[k].shard;

		if (i < SHARDS && s->shard[i].epoch == m->shards[k].epoch)
			kept[i] = true;
	}
	for (uint16_t i = 0; i < SHARDS; i++) {
		/* Those taken since were not asked about. */
		if (shard_held(&s->shard[i]) && s->shard[i].asked == s->shard[i].epoch && !kept[i])
			shards_refused(s, i);
	}
	log_info("leases confirmed");
	s->unsure = false;
	for (uint16_t i = 0; i < SHARDS; i++)
		waiting_dispatch(s, i);
	waiting_dispatch_any(s);
	shards_try_open(s);
}

static void on_checked(void *arg, int err, uint16_t kind, const void *m)
{
	struct shards *s = arg;

	s->check = NULL;
	if (err < 0 || kind != MSG_LEASES)
		retry_later(s);
	else
		check_done(s, m);
}

void leases_check(struct shards *s)
{
	struct msg_shard_epoch e[SHARDS];
	struct frame head = {
		.kind = MSG_LEASE_CHECK,
		.to = storage_of(s),
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};
	struct msg_lease_check m = {
		.route = str_z(s->route),
		.owner_id = link_id(s->link),
		.shards = e,
	};

	s->alive_at = loop_now(link_loop(s->link));
	for (uint16_t i = 0; i < SHARDS; i++) {
		if (!shard_held(&s->shard[i]))
			continue;
		s->shard[i].asked = s->shard[i].epoch;
		e[m.nshards++] = (struct msg_shard_epoch){i, s->shard[i].epoch};
	}
	s->unsure = m.nshards > 0;
	link_cancel(s->check); /* what it says may be older than the doubt */
	s->check = NULL;
	if (!s->unsure) {
		waiting_dispatch_any(s);
		return;
	}
	if (head.to)
		s->check = link_request(s->link, &head, &m, LEASE_TIMEOUT, on_checked, s);
	else
		retry_later(s);
}

void leases_member(struct shards *s, const struct member *m)
{
	if (s->unsure && !s->check && m->id == storage_of(s))
		leases_check(s);
}

void leases_doubt(struct shards *s)
{
	uint64_t ms = loop_now(link_loop(s->link)) - s->alive_at;

	leases_check(s);
	if (s->unsure)
		log_warn("this process did not run for a while: nothing is taken until storage confirms its leases",
			 LF_U("ms", ms));
}

void leases_cancel_take(struct shards *s)
{
	link_cancel(s->take);
	s->take = NULL;
	for (uint16_t i = 0; i < SHARDS; i++) {
		if (s->shard[i].state == SHARD_TAKING)
			s->shard[i].state = SHARD_FREE;
	}
}

void leases_cancel(struct shards *s)
{
	leases_cancel_take(s);
	link_cancel(s->check);
	s->check = NULL;
}
