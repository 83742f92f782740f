/* SPDX-License-Identifier: MIT */
/* Routers and processes' links in one loop, over real sockets. */
#ifndef ROUTER_TESTS_WORLD_H
#define ROUTER_TESTS_WORLD_H

#include <check.h>
#include "base/log.h"
#include "link/handshake.h"
#include "router/hub.h"

enum { WORLD_ROUTERS = 2, WORLD_NODES = 4 };

struct world {
	struct loop *loop;
	char *dir;
	struct world_router {
		struct router_config config;
		struct hub_setup setup;
		char *address;
		struct link *link;
		struct hub *hub;
	} routers[WORLD_ROUTERS];
	struct node *nodes[WORLD_NODES];
	unsigned nnodes;
	int64_t heartbeat_ms;
};

/* One process: its link, and what it was told. */
struct node {
	struct world *world;
	struct link *link;
	unsigned ready, members, lost, path_lost, all_paths_lost, shards;
	unsigned up, down, failed, malformed, forbidden;
	char *last_lost, *failure;
	/* the newest message that its table takes */
	unsigned got;
	struct frame frame;
	uint16_t bounced_kind;
	uint8_t bounced_why;
	unsigned bounces, stanzas, traces;
	char *trace;
	bool silent; /* answers no request */
};

struct world *world_new(void);
struct world *world_free(struct world *w);
/* Listens at a Unix socket of the world's directory, or at address. */
void router_start(struct world *w, unsigned i);
void router_stop(struct world *w, unsigned i);
char *router_start_error(struct world *w, unsigned i); /* malloc'ed; it must not start */

/* Linked to all routers of the world that have an address; binds the route of its process's name,
 * a sharded one for sm. */
struct node *node_new(struct world *w, const char *name, const char *process);
struct node *node_new_with(struct world *w, const struct link_config *c);
struct node *node_free(struct node *n);

/* Runs the loop until the condition holds; fails the test after 20 s. */
#define await(w, condition)                                                                        \
	do {                                                                                       \
		uint64_t await_end = await_start(w);                                               \
		while (!(condition)) {                                                             \
			loop_run_once((w)->loop);                                                  \
			ck_assert_msg(loop_now((w)->loop) < await_end, "waited for: " #condition); \
		}                                                                                  \
	} while (0)
uint64_t await_start(struct world *w);

/* A link that the test speaks itself, for what no link would say. */
struct raw {
	struct world *world;
	struct peer *peer;
	struct handshake *handshake;
	struct dial *dial;
	struct handshake_self self;
	bool linked, refused, down;
	unsigned frames, members;
	struct buf kinds; /* a byte each */
	struct frame last; /* without its body */
	char *reason;
};
struct raw *raw_new(struct world *w, const char *name, const char *process, uint64_t id);
struct raw *raw_free(struct raw *r);
void raw_await_linked(struct raw *r);
void raw_send(struct raw *r, uint16_t kind, uint64_t to, const void *m);

/* What the processes in the world log. */
void log_forget(void);
unsigned log_count(const char *text);

#endif
