/* SPDX-License-Identifier: MIT */
/* The process's one context, its options, and what its parts know of one another. */
#ifndef C2S_C2S_H
#define C2S_C2S_H

#include <netinet/in.h>
#include <uthash.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/keyed.h"
#include "base/log.h"
#include "base/random.h"
#include "base/tls.h"
#include "c2s/options.h"
#include "link/process.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml_write.h"

struct acks;
struct client;
struct session;
struct pending;
struct offer;
struct question;
struct tenant;

struct domain {
	char *name;
	/* What auth offers, by (secure, channel bindings that the connection has). */
	struct offer *offers[8];
	char *caps_node, *caps_ver; /* NULL: not known yet */
	struct link_request *asking_caps;
};

/* What this c2s knows of a shard of "sm": the owner to which its sessions were announced. */
struct shard {
	struct session *sessions; /* DL list */
	uint64_t owner;		  /* 0: none, or not announced: input is held */
	uint32_t epoch;
};

struct c2s_stats {
	uint64_t connections, logins, login_failures, stanzas_in, stanzas_out, stream_errors;
	uint64_t refused_address, refused_unauthenticated, resumed, throttled;
};

struct c2s {
	struct app *app;
	struct loop *loop;
	struct link *link;
	struct c2s_config *config;
	struct tls_store *tls;
	struct xml_pool *xml;
	struct pool *scratch; /* for the element in hand */
	struct domain *domains;
	size_t ndomains;
	struct listeners *listeners; /* NULL: no more */
	size_t full_at;		   /* connections at the limit of open files */
	bool full, full_told;	   /* at it now; it was logged */
	struct loop_timeout watch; /* certificates */

	struct client *clients; /* DL list */
	size_t nclients, nunauthenticated;
	size_t clients_peak; /* see alloc_shrunk() */
	struct tenant *tenants;	    /* connections by address */
	struct question *questions; /* to auth, under way: offers.c */
	struct start *starts;	    /* likewise: steps_sasl.c */
	struct client *throttled;   /* DL list by tprev, tnext */
	struct loop_timer *throttle;

	struct keyed sessions; /* by sid */
	struct shard shards[SHARDS];
	struct loop_task scan; /* owners, at the end of the turn */
	struct loop_timer *rescan;
	struct pending *pending; /* DL list */
	struct loop_timer *retry;
	struct session *acks; /* those that may have something to acknowledge */
	size_t nacks;
	bool acks_soon; /* ack_timer runs for much or many */
	struct loop_timer *ack_timer;
	struct acks *asks; /* sessions whose clients are to be asked for an acknowledgement */
	struct loop_timer *ask_timer;

	struct loop_timeout drain_limit;
	struct loop_timer *mover; /* of clients to other instances */
	uint64_t move_until, move_ms;
	size_t to_move;
	bool draining, moving, drained;
	struct c2s_stats stats;
};

/* --- listening, limits of connections: listen.c ------------------------------------------ */

void listen_prepare(struct c2s *x); /* fatal() when an address cannot be had */
void listen_start(struct c2s *x);
void listen_stop(struct c2s *x);
/* A connection has this descriptor: none is accepted any more when too few are left. */
void listen_taken(struct c2s *x, int fd);
void listen_given_back(struct c2s *x);
/* certs.c: a store as the options say, without certificates; NULL: *ret_error says why not. */
struct tls_store *tls_make(const struct c2s_config *o, char **ret_error);
void tls_setup(struct c2s *x); /* fatal() when a certificate cannot be used */
void tls_watch(void *c2s);     /* loads again what has changed */
void tls_reload(struct c2s *x); /* the same, where the configuration says now */

/* Counts a connection from an address. NULL: it has too many. */
struct tenant *tenant_enter(struct c2s *x, int fd, bool *ret_full);
void tenant_leave(struct c2s *x, struct tenant *t);

/* --- what auth offers: offers.c ---------------------------------------------------------- */

enum { BIND_EXPORTER = 1, BIND_END_POINT = 2 };

struct offer {
	unsigned refs;
	size_t nmechanisms, nbindings;
	struct str *mechanisms, *bindings; /* one allocation each, texts behind */
	bool stale;
	bool elsewhere; /* accounts cannot be registered here */
};
/* The offer for a domain (a new reference), or NULL: it has been asked for, and every client that
 * waits (client_offer) is told. */
struct offer *offer_get(struct c2s *x, struct domain *d, bool secure, unsigned bindings);
struct offer *offer_new(const struct msg_auth_offer *m);
size_t offer_bindings(unsigned bindings, struct str ret_names[2]);
void offer_unref(struct offer *o);
bool offer_has(const struct offer *o, struct str mechanism);
/* Auth instances came or went, or have other options: what is cached is asked for anew. */
void offers_changed(struct c2s *x);
void on_offers_changed(void *arg, const struct frame *f, const void *msg);
void offers_retry(struct c2s *x); /* what could not be asked */
void offers_free(struct c2s *x);
void starts_free(struct c2s *x);
/* Any instance that serves the route, at random; 0: none. */
uint64_t any_serving(struct c2s *x, const char *route);

/* --- what sm says of the server: caps.c -------------------------------------------------- */

void caps_ask(struct c2s *x); /* now and then, and when sm instances come: it may have changed */
void caps_feature(const struct domain *d, struct xml_writer *w);
void caps_free(struct domain *d);

/* --- rates: limits.c --------------------------------------------------------------------- */

void limits_xml(const struct c2s *x, bool authenticated, struct xml_limits *ret);
void limits_start(struct client *c);
void limits_bytes(struct client *c, size_t n);
void limits_stanza(struct client *c);
void limits_forget(struct client *c);
void limits_tick(void *c2s);

/* --- the end: drain.c -------------------------------------------------------------------- */

void drain_init(struct c2s *x);
void drain_deinit(struct c2s *x);
void c2s_drain(void *c2s);
void drain_look(struct c2s *x); /* while draining: ends the process when nothing is left */
void drain_members_changed(struct c2s *x);

static inline uint32_t now_s(const struct c2s *x)
{
	return (uint32_t)(loop_now(x->loop) / 1000) + 1; /* never 0 */
}

#endif
