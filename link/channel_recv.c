/* SPDX-License-Identifier: MIT */
/* The receiving side of channels: only the next number of the run is taken (rule 3). */
#include "base/mutation.h"
#include "link/channel_internal.h"

/* A gap is told again after this, should the sender not have heard. */
enum { GAP_AGAIN = 1000 }; /* ms */

struct receiver_key {
	uint64_t from;
	uint64_t shard;
};

struct receiver {
	UT_hash_handle hh;
	struct receiver_key key;
	uint32_t run, next;
	uint32_t gap_run; /* in which a gap was told */
	uint64_t gap_at;
};

static struct receiver *receiver_get(struct channels *c, const struct frame *f)
{
	struct receiver_key key = {
		.from = f->from,
		.shard = f->to_shard != SHARD_NONE ? f->to_shard : f->from_shard,
	};
	struct receiver *r;

	HASH_FIND (hh, c->receivers, &key, sizeof key, r)
		;
	if (r)
		return r;
	r = xcalloc(1, sizeof *r);
	r->key = key;
	HASH_ADD(hh, c->receivers, key, sizeof r->key, r);
	return r;
}

/* Once for each gap: every frame behind it is out of order too. */
static void tell_gap(struct channels *c, struct receiver *r, const struct frame *f)
{
	enum { OUT_OF_ORDER = 4 };
	uint64_t now = loop_now(link_loop(c->link));

	if (r->gap_run == f->run && now - r->gap_at < GAP_AGAIN)
		return;
	r->gap_run = f->run;
	r->gap_at = now;
	link_bounce(c->link, f, OUT_OF_ORDER, f->to_epoch);
}

bool channels_take(struct channels *c, const struct frame *f)
{
	struct receiver *r;

	if (!(f->flags & FRAME_CHANNEL) || MUTATION("run"))
		return true;
	r = receiver_get(c, f);
	if (f->run < r->run || (f->run == r->run && f->number < r->next))
		return false;
	if (f->run > r->run && f->number == 0) {
		r->run = f->run;
		r->next = 1;
		return true;
	}
	if (f->run == r->run && f->number == r->next) {
		r->next++;
		return true;
	}
	tell_gap(c, r, f);
	return false;
}

void channels_forget_member(struct channels *c, uint64_t instance)
{
	struct receiver *r, *next;

	HASH_ITER (hh, c->receivers, r, next) {
		if (r->key.from != instance)
			continue;
		HASH_DEL(c->receivers, r);
		free(r);
	}
}

void channels_forget_shard(struct channels *c, uint16_t to_shard)
{
	struct receiver *r, *next;

	HASH_ITER (hh, c->receivers, r, next) {
		if (r->key.shard != to_shard)
			continue;
		HASH_DEL(c->receivers, r);
		free(r);
	}
}

void receivers_free(struct channels *c)
{
	struct receiver *r, *next;

	HASH_ITER (hh, c->receivers, r, next) {
		HASH_DEL(c->receivers, r);
		free(r);
	}
}
