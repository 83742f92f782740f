/* SPDX-License-Identifier: MIT */
/*
 * A double of the link and the loop for tests of what stands on them: time stands still until it is
 * advanced, what is sent is kept to be looked at, and the test says who is a member and owns what.
 */
#ifndef TESTS_FAKE_LINK_H
#define TESTS_FAKE_LINK_H

#include "link/link.h"

enum { FAKE_SELF = 1000 }; /* link_id of the first */

/* A frame that went out: sent, bounced (why), or answered. */
struct fake_frame {
	struct frame f; /* body: a copy */
	enum fake_how { FAKE_SENT, FAKE_BOUNCED } how;
	uint8_t why;
	uint32_t epoch;
};

struct fake_request {
	struct frame f;
	uint32_t timeout_ms;
	struct link_request *handle;
};

struct link *fake_new(uint64_t id);
struct link *fake_free(struct link *k);
void fake_ready(struct link *k, bool ready); /* READY or PATH_LOST of all */
void fake_member(struct link *k, uint64_t id, const char *process, const char *route, bool shard);
void fake_member_lost(struct link *k, uint64_t id);
/* No event by itself: several changes, then fake_event. */
void fake_owner(struct link *k, uint16_t shard, uint64_t owner, uint32_t epoch);
void fake_event(struct link *k, enum link_event e, uint64_t member);
/* link_place of all keys of a route; 0: rendezvous among the members and self_serves. */
void fake_place(struct link *k, const char *route, uint64_t instance);
void fake_unreachable(struct link *k, bool unreachable); /* link_send_body refuses */
void fake_max_frame(struct link *k, size_t bytes);	 /* likewise what is longer; before: 1 MB */

size_t fake_sent(const struct link *k);
struct fake_frame *fake_out(struct link *k, size_t n);
void fake_forget(struct link *k);	 /* all that was sent */
size_t fake_bound(const struct link *k); /* shards named in link_shards_bind */
size_t fake_freed(const struct link *k); /* … in link_shards_free */
bool fake_unbound(const struct link *k); /* link_bind was called */

size_t fake_requests(const struct link *k); /* open ones */
struct fake_request *fake_request(struct link *k, size_t n);
void fake_answer(struct link *k, size_t n, int err, uint16_t kind, const void *m);

/* A frame arrives: from must be set; m of f->kind is encoded, or NULL: f->body is it. */
void fake_receive(struct link *k, struct frame f, const void *m);
/* What a receiver or router would say to that frame. */
void fake_reply(struct link *k, const struct frame *sent, uint16_t kind, const void *m);
void fake_bounce(struct link *k, const struct frame *sent, uint8_t why, uint32_t epoch);

/* What far has bounced comes back to k, and is forgotten there. */
void fake_bounces(struct link *far, struct link *k, uint32_t epoch);

void fake_turn(struct link *k);			/* deferred tasks */
void fake_advance(struct link *k, uint64_t ms); /* timers, timeouts, tasks on the way */
void fake_sleep(struct link *k, uint64_t ms);	/* time passes and nothing runs: we were stopped */

#endif
