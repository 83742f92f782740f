/* SPDX-License-Identifier: MIT */
/* What the sending and the receiving side of channels share; for link/channel*.c alone. */
#ifndef LINK_CHANNEL_INTERNAL_H
#define LINK_CHANNEL_INTERNAL_H

#include "base/alloc.h"
/* uthash would exit without a word; here running out of memory aborts. */
#define uthash_malloc(size)    xmalloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>
#include "link/channel.h"

struct channel_key {
	uint32_t route; /* index into channels.routes */
	uint32_t shard; /* and SHARDED, when it is the destination's, LANED when it is a lane */
};
enum { SHARDED = 0x10000, LANED = 0x20000 };

struct channel {
	UT_hash_handle hh;
	struct channel_key key;
	struct channels *all;
	uint64_t owner; /* instance that the run goes to; 0: none, everything waits */
	uint32_t epoch; /* of the owner, 0 where there are no shards */
	uint32_t run, number;
	struct channel_item *items;  /* unanswered, oldest first */
	struct channel_item *unsent; /* the first that this run has not sent */
	size_t in_flight;	     /* bytes that this run has sent and that fill the window */
	struct loop_timer *retry;    /* made when first needed */
	unsigned failures;	     /* bounces since the last answer */
	bool held;		     /* retry runs: nothing is sent before a new run */
	bool stale;		     /* idle when a path was lost: the next frame begins a run */
	uint64_t patience;	     /* ms that a frame may be unanswered before a new run */
};

/* Calls the item's fn in the form that its sender gave it. */
typedef void item_deliver_fn(struct channel_item *i, int err, uint16_t kind, const void *m);

struct channel_item {
	UT_hash_handle hh; /* by tag */
	struct channel *ch;
	struct channel_item *prev, *next;
	struct loop_timeout timeout;
	item_deliver_fn *deliver;
	link_reply_fn *fn; /* NULL: nobody waits for the answer */
	void *arg;
	uint64_t queued, due; /* loop_now; due 0: no deadline */
	uint64_t sent;	      /* in its run */
	uint64_t trace;
	uint32_t tag;
	uint32_t run; /* the last that sent it, 0: none yet */
	uint32_t sends;
	uint64_t to;  /* by lane: the instance that may have it, 0: none */
	uint32_t from_epoch;
	uint16_t from_shard, kind;
	bool first;    /* older than those behind it, though it came later */
	bool too_long; /* no frame takes it: it fails at the end of the turn */
	bool kept;     /* that instance has not begun with it (channel_held) */
	bool counted;  /* in the channel's in_flight */
	bool expired;  /* keeps its place in the run under way, is in no later one */
	size_t len;
	char body[];
};

struct channels {
	struct link *link;
	struct channel *channels;
	struct channel_item *tags;
	struct receiver *receivers;
	struct link_handler *handlers; /* of bounces and of what answers tracked messages */
	size_t nhandlers;
	char **routes;
	size_t *route_bytes; /* unanswered, of each */
	size_t nroutes;
	struct loop_task refuse; /* what is too long */
	struct loop_timer *watch; /* runs while something is unanswered */
	bool watching;
	uint32_t last_tag;
	size_t frames, bytes;
};

static inline size_t item_size(const struct channel_item *i)
{
	return sizeof *i + i->len;
}

/* channel_run.c */
const char *channel_route(const struct channel *ch);
void item_free(struct channel_item *i);
/* Its callback, and its end. */
void item_finish(struct channel_item *i, int err, uint16_t kind, const void *m);
void item_expired(void *arg); /* its timeout */
/* In no later run. What this one has sent stays until it is answered: it fills the window. */
void item_retire(struct channel_item *i);
/* Some frame is with the present owner, which may pass it on. */
bool channel_engaged(const struct channel *ch);
/* The instance to talk to now, 0: none. */
uint64_t channel_resolve(const struct channel *ch, uint32_t *ret_epoch);
void channel_restart(struct channel *ch); /* a new run, to whoever is the owner now */
void channel_hold(struct channel *ch);	  /* a new run, a little later */
void channel_pump(struct channel *ch);	  /* sends what the window has room for */
void item_arrived(struct channel_item *i); /* it waits behind there: by lane, it fills no window */
void channels_watch(void *channels);	  /* new runs for what is unanswered for long */
void channels_watch_need(struct channels *c);
/* channel.c */
/* channel_send for clients whose callbacks are of another type, which deliver knows. */
struct channel_item *channel_send_as(struct channels *c, const struct channel_send *s,
				     item_deliver_fn *deliver);
/* channel_recv.c */
void receivers_free(struct channels *c);

#endif
