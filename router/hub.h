/* SPDX-License-Identifier: MIT */
/* The middle of the star: accepts links, knows who is there and owns what, passes frames by instance
 * id, bounces what it cannot pass. It reads headers, never bodies, but for messages to itself. */
#ifndef ROUTER_HUB_H
#define ROUTER_HUB_H

#include <jansson.h>
#include <sys/types.h>
#include "link/link.h"
#include "link/link_tls.h"

struct router_config {
	char **listen;  /* addresses; none: see hub_setup */
	char **allow;   /* "name-glob process route…"; none: everybody who proves himself, anything */
	char **trusted; /* users whose Unix connections need no secret, besides root and our own */
	int64_t queue;  /* bytes that may wait for one link */
	int64_t links_max, unproven_max;
};

struct hub_setup {
	const struct router_config *config; /* read anew at each use: it may be reloaded */
	const char *secret;                 /* copied; NULL: none */
	bool secret_always;                 /* see struct handshake_self */
	struct link_tls_files tls;          /* copied */
	const char *socket; /* where to listen when no address is configured: "unix:/path" */
	int64_t heartbeat_ms;
};

struct hub;

/* k is the process's own link, made without routers; it becomes a member. NULL: *ret_error, one
 * line (malloc'ed). */
struct hub *hub_new(struct link *k, const struct hub_setup *s, char **ret_error);
struct hub *hub_free(struct hub *h); /* before the link is freed */
/* No new links, no new frames; done is called when everything queued has left, or 2 s later. */
void hub_drain(struct hub *h, loop_fn *done, void *arg);

/* A user of option trusted, by name or number; false: there is none. */
bool hub_user(const char *name, uid_t *ret);

/* New references. */
json_t *hub_stats(const struct hub *h);
json_t *hub_links(const struct hub *h);
json_t *hub_routes(const struct hub *h);

#endif
