/* SPDX-License-Identifier: MIT */
/*
 * Channels: what must arrive once and in order, from this process to an owner.
 *
 * A channel goes to the owner of one shard of a sharded route (key: that shard), to the instance
 * that serves one of our own shards at an unsharded service (key: our shard; storage), or to the
 * one that serves a lane of it (key: the lane; s2s, components): that one may hand what it got to
 * strangers, so what it may have begun with is given up when it dies, not sent to the next.
 * It keeps each frame until it is answered. On a bounce, a refusal, a new owner or the loss of a
 * path it starts a new run: everything unanswered of it again, in order, before anything new.
 * While there is no owner, frames wait. Rules 2, 3, 8 and 10 of the delivery rules (docs/link.md).
 */
#ifndef LINK_CHANNEL_H
#define LINK_CHANNEL_H

#include "link/link.h"

struct channels;
struct channels *channels_new(struct link *k);
struct channels *channels_free(struct channels *c);

struct channel_send {
	const char *route;   /* "sm", "storage" */
	uint16_t to_shard;   /* SHARD_NONE: unsharded */
	uint16_t from_shard; /* ours that it speaks for; SHARD_NONE: none */
	bool by_lane;	     /* with to_shard SHARD_NONE: lane counts, and the frame names it as to_shard */
	uint16_t lane;	     /* channel_lane */
	uint32_t from_epoch;
	uint16_t kind;
	const void *m;
	uint32_t deadline_ms; /* from now; 0: none. Past it fn gets -ETIMEDOUT; the frame is never
			       * sent again (but keeps its place: the receiver may have it). */
	/* Older than what is in the channel: it goes first, behind others that came so. */
	bool first;
	uint64_t trace;
	/* exactly once: answer, -ETIMEDOUT, -EREMOTEIO with FAILED, or by lane -ECONNRESET: who had it
	 * is gone, and may have passed it on */
	link_reply_fn *fn;
	void *arg;
};
struct channel_item;
struct channel_item *channel_send(struct channels *c, const struct channel_send *s);
/* The lane of a pair of domains: frames between the two take one channel, in order. */
uint16_t channel_lane(struct str own, struct str remote);
/* By lane: the instance `from` has said (HELD, WRITING) that it has not begun with it and would not without
 * a word; then the next one gets it when that one dies. Holds until it is sent again. */
void channel_held(struct channel_item *i, uint64_t from, bool held);
/* The callback will not come; the frame stays in its channel until it is answered. */
void channel_forget(struct channel_item *i);
/* The same, and it is in no later run. */
void channel_abandon(struct channel_item *i);
bool channel_sent(const struct channel_item *i); /* false: nobody can have it */
/* We lost that shard of ours: everything sent for it is dropped without callbacks (rule 5). */
void channels_drop(struct channels *c, uint16_t from_shard);
/* Frames to that shard's owner are unanswered: what takes another way now would overtake them. */
bool channel_busy(const struct channels *c, const char *route, uint16_t to_shard);
size_t channels_unanswered(const struct channels *c);	    /* frames */
size_t channels_unanswered_bytes(const struct channels *c); /* their memory */
size_t channels_route_bytes(const struct channels *c, const char *route); /* of those to one route */
/* Longest time that the oldest unanswered frame to the route has waited, in ms; 0: none. */
uint64_t channels_oldest(const struct channels *c, const char *route);

/* The receiving side: true when this frame is the next of its run (it is then counted as taken),
 * by (sender instance, to_shard, or from_shard where there is none). False: the caller drops it; a
 * gap has been bounced with why 4 so that the sender starts a new run. */
bool channels_take(struct channels *c, const struct frame *f);
void channels_forget_member(struct channels *c, uint64_t instance);
void channels_forget_shard(struct channels *c, uint16_t to_shard);

#endif
