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

static void waiting_drop(struct shards *s, struct shard *sh, struct waiting *w)
{
	DL_DELETE(sh->waiting, w);
	s->waiting_bytes -= sizeof *w + w->f.body.len;
	if (w->f.flags & FRAME_SECRET)
		wipe(w->body, w->f.body.len);
	free(w);
}

static void waiting_add(struct shards *s, struct shard *sh, const struct frame *f)
{
	size_t size = sizeof(struct waiting) + f->body.len;
	struct waiting *w;

	if (s->waiting_bytes + size > s->waiting_limit) {
		link_bounce(s->link, f, QUEUE_FULL, sh->epoch);
		return;
	}
	w = xmalloc(size);
	w->f = *f;
	w->since = loop_now(link_loop(s->link));
	if (f->body.len)
		memcpy(w->body, f->body.ptr, f->body.len);
	w->f.body.ptr = w->body;
	DL_APPEND(sh->waiting, w);
	s->waiting_bytes += size;
}

void waiting_dispatch(struct shards *s, uint16_t i)
{
	struct shard *sh = &s->shard[i];
	uint64_t now = loop_now(link_loop(s->link));

	/* A handler may lose the shard, or all of them be put in doubt. */
	while (sh->waiting && sh->state == SHARD_OPEN && !s->unsure) {
		struct waiting *w = sh->waiting;
		uint64_t waited = now - w->since;

		/* Taken out first: the handler may refuse or free what still waits. */
		DL_DELETE(sh->waiting, w);
		s->waiting_bytes -= sizeof *w + w->f.body.len;
		if (w->f.remaining_ms)
			w->f.remaining_ms = w->f.remaining_ms > waited
						    ? w->f.remaining_ms - (uint32_t)waited
						    : 1;
		link_dispatch(s->link, &w->f);
		if (w->f.flags & FRAME_SECRET)
			wipe(w->body, w->f.body.len);
		free(w);
	}
}

void waiting_refuse(struct shards *s, uint16_t i)
{
	struct shard *sh = &s->shard[i];

	while (sh->waiting) {
		link_bounce(s->link, &sh->waiting->f, NOT_OWNER, newest_epoch(s, i));
		waiting_drop(s, sh, sh->waiting);
	}
}

void waiting_free(struct shards *s, uint16_t i)
{
	while (s->shard[i].waiting)
		waiting_drop(s, &s->shard[i], s->shard[i].waiting);
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
	if (!s->unsure && shards_stalled(s))
		leases_check(s);
	if (!shard_held(sh) || f->to_epoch != sh->epoch) {
		link_bounce(s->link, f, NOT_OWNER, newest_epoch(s, f->to_shard));
		return false;
	}
	if (must_wait(s, sh, always)) {
		waiting_add(s, sh, f);
		return false;
	}
	/* The number counts even if the frame does not: others of that sender come behind it. */
	return channels_take(s->channels, f) && !speaks_for_past(s, f);
}
