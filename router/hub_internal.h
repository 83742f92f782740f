/* SPDX-License-Identifier: MIT */
/* The hub from the inside, for the files that make it up. */
#ifndef ROUTER_HUB_INTERNAL_H
#define ROUTER_HUB_INTERNAL_H

#include <uthash.h>
#include "link/handshake.h"
#include "link/local.h"
#include "router/hub.h"

enum { HUB_LISTENERS = 16, HUB_ROUTES = 64, HUB_BINDS = 1000, HUB_UIDS = 64 };

/* One link of a process to us. */
struct port {
	struct hub *hub;
	struct peer *peer;
	struct handshake *handshake; /* until it is proved */
	struct loop_timeout patience;
	bool proved;
	bool announced; /* has said what it binds: others know it */
	bool may_all;   /* no rule restricts it */
	const char *doom; /* it is dropped at the end of this turn, and why */
	uint64_t id;
	uint32_t bit, pid; /* msg_process_bit */
	char *name, *process, *version, *host, *mechanism;
	struct pool *binds_pool;
	struct msg_bind *binds;
	size_t nbinds;
	uint64_t bounced; /* frames for it */
	struct port *prev, *next; /* unproven ones */
	UT_hash_handle hh;        /* proved ones by id */
};

struct hub_route {
	char *name;
	struct {
		uint64_t owner;
		uint32_t epoch;
	} shards[SHARDS];
	struct hub_route *next;
};

struct hub_listener {
	struct hub *hub;
	struct listener *listener;
	bool tcp;
};

struct hub {
	struct link *link;
	struct loop *loop;
	const struct router_config *config;
	char *secret, *cert, *key, *ca;
	struct link_tls_files tls;
	struct handshake_self self;
	uid_t uids[HUB_UIDS];
	uint64_t id, heartbeat_ms, last_tick;
	uint32_t bit;
	size_t max_frame;
	struct hub_listener listeners[HUB_LISTENERS];
	unsigned nlisteners;
	struct port *unproven, *ports;
	size_t nunproven;
	struct hub_route *routes;
	struct loop_timer *tick, *drain_timer;
	uint64_t drain_until;
	loop_fn *drained;
	void *drained_arg;
	struct loop_task reaper;
	uint64_t passed, bounced, refused;
};

/* accepting */
bool hub_listen(struct hub *h, const char *default_address, char **ret_error);
struct port *port_free(struct port *p); /* without telling anybody */
/* What was sent to it still leaves, nothing of it is heard; then it is freed. It is no member any more. */
void port_linger(struct port *p);

/* links that are proved */
const char *port_admit(struct hub *h, struct port *p, const struct handshake_other *o);
void port_join(struct port *p);
/* The end of a link, told to all others. p is freed. */
void port_leave(struct port *p, const char *reason);
/* The same, but the process is told why before the connection ends. */
void port_send_away(struct port *p, const char *reason);
/* The end of a link at the end of this turn: safe while ports are walked. */
void port_doom(struct port *p, const char *reason);
void hub_reap(void *hub);
void port_binds(struct port *p, const struct msg_binds *m);

/* rules */
bool allow_link(const struct router_config *c, const char *name, const char *process);
bool allow_bind(const struct router_config *c, const char *name, const char *process,
		struct str route);

/* frames */
void port_frame(void *port, const struct frame *f, struct str bytes);
/* A message of the router itself. */
void port_send(struct port *p, uint16_t kind, const void *m);
void hub_local_send(struct hub *h, uint16_t kind, const void *m);
/* To all proved links but one (NULL: none), and to our own process. */
void hub_publish(struct hub *h, const struct port *but, uint16_t kind, const void *m);
extern const struct link_local_ops hub_local_ops;

/* shards */
void hub_shards_bound(struct port *p, const struct msg_shards_bound *m);
void hub_shards_freed(struct port *p, const struct msg_shards_freed *m);
void hub_shards_orphaned(struct hub *h, uint64_t owner);
void hub_shards_tell_all(struct port *p);
void routes_free(struct hub *h);

#endif
