/* SPDX-License-Identifier: MIT */
/* Which frames for a shard are handled, which wait for it to open, and which go back. */
#include "link/shards_internal.h"

enum { NOT_OWNER = 1, QUEUE_FULL = 2 }; /* why of BOUNCE */

struct waiting {
	struct waiting *prev, *next;
	struct frame f;
	uint64_t since;
	char body[];
};

static uint32_t newest_epoch(const struct shards *s, uint16_t shard)
{
	uint32_t epoch = 0;

	link_owner(s->link, s->route, shard, &epoch);
	return epoch > s->shard[shard].epoch ? epoch : s->shard[shard].epoch;
}

/* Takes the first out, for waiting_end. */
static struct waiting *waiting_take(struct shards *s, struct waiting **list)
{
	struct waiting *w = *list;

	DL_DELETE(*list, w);
	s->waiting_bytes -= sizeof *w + w->f.body.len;
	return w;
}

static void waiting_end(struct waiting *w)
{
	if (w->f.flags & FRAME_SECRET)
		wipe(w->body, w->f.body.len);
	free(w);
}

static void list_free(struct shards *s, struct waiting **list)
{
	while (*list)
		waiting_end(waiting_take(s, list));
}

static void waiting_add(struct shards *s, struct waiting **list, const struct frame *f)
{
	size_t size = sizeof(struct waiting) + f->body.len;
	struct waiting *w;

	if (s->waiting_bytes + size > s->waiting_limit) {
		link_bounce(s->link, f, QUEUE_FULL,
			    f->to_shard < SHARDS ? s->shard[f->to_shard].epoch : 0);
		return;
	}
	w = xmalloc(size);
	w->f = *f;
	w->since = loop_now(link_loop(s->link));
	if (f->body.len)
		memcpy(w->body, f->body.ptr, f->body.len);
	w->f.body.ptr = w->body;
	DL_APPEND(*list, w);
	s->waiting_bytes += size;
}

/* Nothing is taken out that would have to wait again, behind those that it came before. */
static bool sure(struct shards *s)
{
	if (!s->unsure && shards_stalled(s))
		leases_doubt(s);
	return !s->unsure;
}

/* Taken out first: the handler may refuse or free what still waits. */
static void dispatch_first(struct shards *s, struct waiting **list)
{
	struct waiting *w = waiting_take(s, list);
	uint64_t waited = loop_now(link_loop(s->link)) - w->since;

	if (w->f.remaining_ms)
		w->f.remaining_ms = w->f.remaining_ms > waited
					    ? w->f.remaining_ms - (uint32_t)waited
					    : 1;
	link_dispatch(s->link, &w->f);
	waiting_end(w);
}

void waiting_dispatch(struct shards *s, uint16_t i)
{
	struct shard *sh = &s->shard[i];

	/* A handler may lose the shard, or all of them be put in doubt. */
	while (sure(s) && sh->waiting && sh->state == SHARD_OPEN)
		dispatch_first(s, &sh->waiting);
}

void waiting_dispatch_any(struct shards *s)
{
	while (sure(s) && s->waiting)
		dispatch_first(s, &s->waiting);
}

void waiting_refuse(struct shards *s, uint16_t i)
{
	struct shard *sh = &s->shard[i];

	while (sh->waiting) {
		struct waiting *w = waiting_take(s, &sh->waiting);

		link_bounce(s->link, &w->f, NOT_OWNER, newest_epoch(s, i));
		waiting_end(w);
	}
}

void waiting_free(struct shards *s)
{
	for (uint16_t i = 0; i < SHARDS; i++)
		list_free(s, &s->shard[i].waiting);
	list_free(s, &s->waiting);
}

static bool must_wait(const struct shards *s, const struct shard *sh, bool always)
{
	if (sh->state == SHARD_CLOSED)
		return !always;
	return s->unsure || sh->state == SHARD_RELEASING;
}

static bool same_route(const struct shards *s, uint64_t instance)
{
	const struct member *m;

	if (instance == link_id(s->link))
		return true;
	m = link_member(s->link, instance);
	for (size_t n = 0; m && n < m->nbinds; n++) {
		if (m->binds[n].shard && !strcmp(m->binds[n].route, s->route))
			return true;
	}
	return false;
}

/* Rule 3: what an owner says that has been followed by another is not heard. */
static bool speaks_for_past(struct shards *s, const struct frame *f)
{
	struct shard *from;
	uint32_t known;

	if (f->from_shard >= SHARDS || !same_route(s, f->from))
		return false;
	from = &s->shard[f->from_shard];
	known = newest_epoch(s, f->from_shard);
	if (known > from->newest)
		from->newest = known;
	if (f->from_epoch < from->newest)
		return true;
	from->newest = f->from_epoch;
	return false;
}

bool shards_admit(struct shards *s, const struct frame *f, bool always)
{
	struct shard *sh;

	if (f->to_shard >= SHARDS) {
		link_bounce(s->link, f, NOT_OWNER, 0);
		return false;
	}
	sh = &s->shard[f->to_shard];
	(void)sure(s);
	if (!shard_held(sh) || f->to_epoch != sh->epoch) {
		link_bounce(s->link, f, NOT_OWNER, newest_epoch(s, f->to_shard));
		return false;
	}
	if (must_wait(s, sh, always)) {
		waiting_add(s, &sh->waiting, f);
		return false;
	}
	/* The number counts even if the frame does not: others of that sender come behind it. */
	return channels_take(s->channels, f) && !speaks_for_past(s, f);
}

bool shards_admit_any(struct shards *s, const struct frame *f)
{
	if (sure(s))
		return true;
	waiting_add(s, &s->waiting, f);
	return false;
}
