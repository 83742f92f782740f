/* SPDX-License-Identifier: MIT */
/* State of the shards of one route; for link/shards*.c alone. */
#ifndef LINK_SHARDS_INTERNAL_H
#define LINK_SHARDS_INTERNAL_H

#include "base/alloc.h"
/* uthash would exit without a word; here running out of memory aborts. */
#define uthash_malloc(size)    xmalloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>
#include "link/shards.h"

/* The loop turns at least once a second; after a longer silence we were stopped, and another may
 * own what we hold. */
enum { SHARDS_TICK = 1000, SHARDS_TICK_MAX = 5000, SHARDS_STALLED = 1500 }; /* ms */

enum shard_state {
	SHARD_FREE,   /* not ours */
	SHARD_TAKING, /* asked of storage */
	SHARD_CLOSED, /* ours from here on; announcements are awaited */
	SHARD_OPEN,
	SHARD_RELEASING
};

struct shard {
	enum shard_state state;
	uint32_t epoch;		 /* of our lease, 0: not ours */
	uint32_t denied;	 /* epoch believed when storage knew a newer one */
	uint32_t asked;		 /* epoch that storage was asked to confirm */
	uint32_t newest;	 /* newest epoch in frames that speak for this shard of the route */
	uint64_t open_by;	 /* loop_now: opens then, whoever has not announced */
	uint64_t not_before;	 /* is not taken before that */
	struct waiting *waiting; /* frames, oldest first */
};

struct announcer {
	UT_hash_handle hh;
	uint64_t id;
	uint32_t epochs[SHARDS]; /* that it has announced to */
};

struct shards {
	struct link *link;
	struct channels *channels;
	char *route, *announced_by;
	const struct shards_ops *ops;
	void *arg;
	struct shard shard[SHARDS];
	struct announcer *announcers;
	struct loop_task plan;
	struct loop_timer *tick, *opening, *retry;
	struct link_request *take, *check;
	unsigned failures; /* of leases, one after the other */
	uint64_t plan_at;  /* the earliest not_before; 0: none */
	uint64_t alive_at; /* the last tick: a gap means that we were stopped */
	uint64_t tick_ms;  /* between two ticks */
	uint32_t write_epoch;
	bool relaxed;
	bool unsure; /* our leases must be confirmed before anything is done for our shards */
	size_t releasing;
	struct waiting *waiting; /* frames for no shard in particular */
	size_t waiting_bytes, waiting_limit; /* of all that waits */
	loop_fn *drained;
	void *drained_arg;
	bool draining;
};

static inline bool shard_held(const struct shard *sh)
{
	return sh->state >= SHARD_CLOSED;
}

/* shards.c */
void shards_plan_later(struct shards *s);
void shards_tick_again(struct shards *s);
bool shards_stalled(const struct shards *s); /* this process did not run for a while */
/* It is another's now: all its state goes. */
void shard_lose(struct shards *s, uint16_t i);
/* Says so to the routers. */
void shard_unbind(struct shards *s, uint16_t i, uint32_t epoch);
bool shards_any_held(const struct shards *s);
/* Opens those whose time has come. */
void shards_try_open(void *shards);
/* shards_plan.c */
void shards_plan(void *shards); /* takes and releases what placement says */
/* shards_lease.c */
void leases_take(struct shards *s, struct msg_shard_epoch *e, size_t n);
/* Asks storage which leases are still ours, frames wait meanwhile. */
void leases_check(struct shards *s);
void leases_member(struct shards *s, const struct member *m); /* it came, or came back */
void leases_doubt(struct shards *s); /* the same, as we did not run */
void leases_cancel_take(struct shards *s);
void leases_cancel(struct shards *s);
/* shards_admit.c */
void waiting_dispatch(struct shards *s, uint16_t i);
void waiting_refuse(struct shards *s, uint16_t i); /* back to their senders */
void waiting_dispatch_any(struct shards *s); /* those for no shard in particular */
void waiting_free(struct shards *s);

#endif
