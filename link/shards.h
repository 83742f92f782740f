/* SPDX-License-Identifier: MIT */
/*
 * Ownership of the shards of a route: placement, leases, opening, letting go.
 *
 * An instance takes a shard when rendezvous hashing says so and its present owner has let it go or
 * is linked to no router that we see: LEASE_TAKE at storage (epoch + 1), then it is bound at the
 * routers. A shard opens when every c2s in the membership has said ANNOUNCED for it with this
 * epoch, or has died, or 5 s have passed. Frames for a shard that is ours and not open wait here;
 * those for one that is not ours, or with another epoch, are bounced.
 */
#ifndef LINK_SHARDS_H
#define LINK_SHARDS_H

#include "link/channel.h"

struct shards;

struct shards_ops {
	void (*taken)(void *arg, uint16_t shard, uint32_t epoch); /* ours, not open */
	void (*open)(void *arg, uint16_t shard);
	/* Gone at once (another took it, a write was refused): drop all its state, say nothing. */
	void (*lost)(void *arg, uint16_t shard);
	/* Another instance should own it: finish what is under way, take nothing new (frames for it
	 * already wait here), then call shards_release. */
	void (*release)(void *arg, uint16_t shard);
};

/* announcers: the process whose announcements are awaited before a shard opens ("c2s"), or NULL. */
struct shards *shards_new(struct link *k, struct channels *c, const char *route,
			  const char *announcers, const struct shards_ops *ops, void *arg);
struct shards *shards_free(struct shards *s);

/* Bytes of frames that may wait for shards to open, 16 MB at first; past it they are bounced. */
void shards_wait_limit(struct shards *s, size_t bytes);

bool shards_mine(const struct shards *s, uint16_t shard);
bool shards_is_open(const struct shards *s, uint16_t shard);
uint32_t shards_epoch(const struct shards *s, uint16_t shard); /* 0: not ours */
uint32_t shards_write_epoch(const struct shards *s);
/* Storage's option durability, as it was said with the leases. */
bool shards_relaxed(const struct shards *s);
/* False: we may have been stopped, and storage has not confirmed our leases since: nothing may be
 * said for our shards. */
bool shards_sure(const struct shards *s);
void shards_announced(struct shards *s, uint64_t instance, const struct msg_shard_epoch *e,
		      size_t n);
void shards_released(struct shards *s, uint16_t shard); /* the answer to release */
void shards_refused(struct shards *s, uint16_t shard);	/* storage refused a write: lost, and not
							 * tried again for 10 s */
/* Lets everything go, one release after the other, then calls done. */
void shards_drain(struct shards *s, loop_fn *done, void *arg);

/* For a frame with to_shard: true: handle it now. False: it waits (copied), was bounced or
 * dropped. Call it first in each handler of such frames; `always` for announcements, which a
 * shard that is not open takes too. Tracked frames go through channels_take in it. When a shard
 * opens, waiting frames are dispatched again through the link's handlers, in order. */
bool shards_admit(struct shards *s, const struct frame *f, bool always);
/* The same for a frame that is for no shard, or says only what came of earlier ones: it waits while our
 * leases are in doubt, so that it does not come before those. */
bool shards_admit_any(struct shards *s, const struct frame *f);

#endif
