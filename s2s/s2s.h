/* SPDX-License-Identifier: MIT */
/* The process's one context, and what its parts know of one another. */
#ifndef S2S_S2S_H
#define S2S_S2S_H

#include "base/alloc.h"
/* uthash would exit without a word; here running out of memory aborts. */
#define uthash_malloc(size)    xmalloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>
#include "base/conn.h"
#include "base/keyed.h"
#include "base/random.h"
#include "base/tls.h"
#include "link/channel.h"
#include "link/process.h"
#include "link/secrets.h"
#include "s2s/attempt.h"
#include "s2s/options.h"
#include "s2s/policy.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml_write.h"

struct stream;
struct pair;
struct item;
struct answered;
struct resumable;
struct site;
struct tenant;
struct bucket;
struct reaches;
struct resolver;
struct work;
struct self_test;

struct s2s_stats {
	uint64_t accepted, opened, stanzas_in, stanzas_out, returned, repeated;
	uint64_t refused_address, refused_unproven, stream_errors, dialbacks, dialbacks_failed;
	uint64_t throttled, resumed, shared;
};

struct s2s {
	struct app *app;
	struct loop *loop;
	struct link *link;
	struct channels *channels;
	struct s2s_config *config;
	struct policies *policies;
	struct tls_store *tls;
	struct xml_pool *xml;
	struct pool *scratch; /* for the element in hand */
	const char *const *domains;
	struct resolver *resolver;
	bool dnssec; /* the resolver validates */
	struct reaches *reaches;
	struct attempts *attempts;
	struct self_test *selves; /* DL list */

	struct secret_get *getting;
	uint8_t secret[SEAL_KEY]; /* of dialback, the same in all s2s */
	bool has_secret;

	struct listeners *listeners; /* NULL: no more */
	struct loop_timeout watch; /* certificates */

	struct stream *streams; /* DL list */
	size_t nstreams, nopened, nunproven;
	struct stream *throttled; /* DL list by tprev, tnext */
	struct loop_timer *throttle;
	struct site *sites;	 /* by address: streams that are ready (piggyback.c) */
	struct tenant *tenants;
	struct bucket *buckets;
	uint64_t origins; /* of the streams' keys */

	struct pair *pairs;
	struct keyed met;	      /* pairs that we have reached: back.c */
	int64_t started;	      /* wall clock, us */
	struct item *items;	      /* by key: stanzas that are not answered */
	size_t nqueued, queued_bytes; /* of all stanzas that are not answered */
	struct answered *answered;    /* by key */
	struct answered *answered_list;
	size_t nanswered;
	struct loop_timer *tick;     /* deadlines of pairs, what is remembered */
	uint64_t tick_at;	     /* loop_now; 0: nothing is due */
	struct loop_timer *flushing; /* WRITING was sent, the link is not flushed yet */
	struct pair *ready;	     /* pairs that wait for that, DL list by rprev, rnext */
	struct work *orphans;	     /* stanzas in work whose streams are gone */
	struct resumable *resumables; /* by id: streams that came in, with XEP-0198 */
	struct resumable *detached;   /* DL list: whose connection is lost, the oldest first */
	size_t ndetached;

	uint64_t drain_until, last_tell; /* loop_now; the latter of while we drain */
	bool draining, closing, drained;
	struct s2s_stats stats;
};

/* --- s2s_process.c ----------------------------------------------------------------------- */

bool s2s_own(const struct s2s *x, struct str domain); /* a domain that we serve */
static inline struct policy s2s_policy(const struct s2s *x, struct str remote)
{
	return policy_of(x->policies, x->config, remote);
}
void drain_look(struct s2s *x); /* ends the process when nothing is left to be done */

/* --- net.c: how domains are reached ------------------------------------------------------- */

void net_init(struct s2s *x); /* fatal() when the environment refuses */
void net_reload(struct s2s *x);
void net_deinit(struct s2s *x);
/* One that has nothing cached, for so many questions at the same time; as resolver_new. */
struct resolver *net_resolver(const struct s2s *x, size_t questions, char **ret_error);

/* --- listen.c, certs.c --------------------------------------------------------------------- */

void listen_prepare(struct s2s *x); /* fatal() when an address cannot be had */
void listen_start(struct s2s *x);
void listen_stop(struct s2s *x);
/* A store as the options say, without certificates; NULL: *ret_error says why not. */
struct tls_store *certs_make(const struct s2s_config *o, char **ret_error);
void certs_init(struct s2s *x); /* fatal() when a certificate cannot be used */
void certs_watch(void *s2s);	/* loads again what has changed */
void certs_reload(struct s2s *x); /* the same, where the configuration says now */

/* --- limits.c ------------------------------------------------------------------------------ */

/* Counts a connection from an address. NULL: it has too many (*ret_full), or has no address. */
struct tenant *tenant_enter(struct s2s *x, int fd, bool *ret_full);
void tenant_leave(struct s2s *x, struct tenant *t);
/* A remote domain's rates, shared by its streams; a reference. */
struct bucket *bucket_ref(struct s2s *x, struct str remote);
void bucket_unref(struct s2s *x, struct bucket *b);
/* Takes from it; false: it is used up for now. */
bool bucket_take(struct s2s *x, struct bucket *b, size_t bytes, unsigned stanzas);
void limits_xml(const struct s2s *x, bool proven, struct xml_limits *ret);
void limits_throttle(struct stream *s); /* stops reading until its bucket fills again */
void limits_forget(struct stream *s);
void limits_tick(void *s2s);

/* --- enforce.c ----------------------------------------------------------------------------- */

void policies_enforce(struct s2s *x); /* after they were changed */

/* --- control.c ----------------------------------------------------------------------------- */

extern const struct control_command s2s_commands[];

#endif
