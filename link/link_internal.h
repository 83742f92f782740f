/* SPDX-License-Identifier: MIT */
/* A link from the inside, for the files that make it up. */
#ifndef LINK_LINK_INTERNAL_H
#define LINK_LINK_INTERNAL_H

#include <uthash.h>
#include "link/handshake.h"
#include "link/link.h"
#include "link/link_tls.h"
#include "link/local.h"

enum { LINK_WAYS = 32, LINK_WATCHERS = 8 };

struct link_handler_entry {
	link_handler_fn *fn;
	void *arg;
};

/* One router and our connection to it. */
struct way {
	struct link *link;
	unsigned index;
	char *address;
	struct dial *dial;
	struct peer *peer;
	struct handshake *handshake;
	struct loop_timer *timer; /* the next attempt, or the end of patience with this one */
	enum { WAY_DOWN, WAY_PROVING, WAY_UP, WAY_READY } state;
	uint64_t backoff_ms;
	uint64_t router; /* its instance id, while up */
	const struct link_local_ops *local; /* the router in this process, instead of a peer */
	void *local_arg;
	struct peer_counts past; /* of the connections before */
	char *told; /* the failure that was reported last */
};

struct link_member {
	struct member pub;
	struct pool *binds; /* what pub.binds points to */
	uint64_t name_hash;
	uint32_t bit;  /* msg_process_bit */
	bool is_peer;  /* we may talk to it */
	uint32_t ways; /* bits of the routers that it is linked to as they say; 0: unknown */
	uint32_t came; /* bits of those through which it has sent us something */
	int way;       /* index of the one that we send through; -1: none chosen */
	UT_hash_handle hh;
};

struct shard_owner {
	uint64_t id;
	uint32_t epoch;
	uint32_t claims; /* bits of the routers that say so */
};

struct route {
	char *name;
	struct shard_owner owners[SHARDS];
	uint32_t bound[SHARDS]; /* epochs of those that are ours; 0: not */
	struct route *next;
};

struct link_watcher {
	uint64_t id;
	char *jid;
};

struct link {
	struct loop *loop;
	struct handshake_self self; /* strings are ours */
	char *name, *process, *version, *secret;
	char *tls_cert, *tls_key, *tls_ca;
	struct link_tls_files tls;
	size_t max_frame;
	uint64_t heartbeat_ms;
	uint32_t bit;
	char **peers; /* NULL: any */

	struct way ways[LINK_WAYS];
	unsigned nways, nready;
	struct loop_timer *tick, *limbo;
	uint64_t last_tick;

	struct link_listener {
		const struct link_ops *ops;
		void *arg;
	} *listeners;
	size_t nlisteners;
	struct link_handler_list {
		struct link_handler_entry *entries;
		size_t n;
	} handlers[MSG_KINDS];

	struct pool *binds_pool;
	struct msg_bind *binds;
	size_t nbinds;
	struct link_member *members, *me;
	struct route *routes;

	struct link_request **requests; /* by the low bits of their tags */
	size_t request_slots, nrequests;
	uint32_t last_tag;
	struct link_request **heap; /* by deadline */
	size_t heap_cap, heap_len;
	struct loop_timer *request_timer;
	struct link_request *finished; /* failed ones whose callback is due */
	struct loop_task finished_task;

	struct buf self_queue; /* frames to ourselves */
	bool self_secret;
	struct loop_task self_task;

	struct pool *pool; /* of the message being handled */
	bool pool_busy;
	uint64_t trace_base, trace_count;
	struct link_watcher watchers[LINK_WATCHERS];
	unsigned nwatchers;
	bool tracing; /* a TRACE is being made: it is not traced */

	unsigned depth; /* callbacks on the stack */
	bool freed;
};

/* Around every entry from outside; leave says whether the link still exists. */
void link_enter(struct link *k);
bool link_leave(struct link *k);
void link_emit(struct link *k, enum link_event e, const struct member *m);
void link_notice(struct link *k, const struct link_notice *n);

/* ways */
void ways_start(struct link *k);
void way_stop(struct way *w); /* without events */
void way_down(struct way *w, int err, const char *reason);
bool way_works(const struct way *w);
int way_send(struct way *w, const struct frame *f, const void *m); /* m NULL: f->body */
/* To every router that we are linked to. */
void ways_send(struct link *k, uint16_t kind, const void *m);
void link_send_binds(struct link *k, struct way *w);
void link_beat(struct link *k); /* a router's heartbeat came: it is answered at once */

/* membership: messages of a router */
void members_init(struct link *k);
void members_deinit(struct link *k);
struct link_member *member_find(const struct link *k, uint64_t id);
void member_up(struct link *k, struct way *w, const struct msg_member_up *m);
void member_down(struct link *k, struct way *w, const struct msg_member_down *m);
void members_end(struct link *k, struct way *w);
void members_way_lost(struct link *k, struct way *w);
void members_limbo_over(void *link);
struct way *member_way(struct link *k, struct link_member *e);
/* That one, if it works and leads there; else the usual one. */
struct way *member_way_back(struct link *k, struct link_member *e, unsigned index);
bool link_is_peer(const struct link *k, const char *process);

/* shards: messages of a router */
void owners_told(struct link *k, struct way *w, const struct msg_shards *m);
void owners_way_lost(struct link *k, struct way *w);
void owners_member_lost(struct link *k, uint64_t id); /* says so by an event */
void owners_send_bound(struct link *k, struct way *w);
void owners_deinit(struct link *k);

/* requests */
void requests_init(struct link *k);
void requests_deinit(struct link *k);
bool request_answered(struct link *k, const struct frame *f, const void *m);
bool request_bounced(struct link *k, const struct frame *f);
void requests_member_lost(struct link *k, uint64_t id);
void requests_way_lost(struct link *k, unsigned index);

/* sending and receiving */
int link_send_frame(struct link *k, const struct frame *head, const void *m, int *ret_way);
void link_receive(struct link *k, struct way *w, const struct frame *f);
void link_self_task(void *link);

/* trace */
void trace_frame(struct link *k, bool in, const struct frame *f, const void *m);
void trace_start(struct link *k, const struct frame *f, const struct msg_trace_start *m);
void trace_stop(struct link *k, uint64_t watcher);
void trace_deinit(struct link *k);

#endif
