/* SPDX-License-Identifier: MIT */
/*
 * Finding and reaching the servers of a remote domain: SRV of both kinds (RFC 6120 section 3.2,
 * XEP-0368), addresses, connections (RFC 8305), TLSA (RFC 7673); or targets of the configuration.
 *
 *     r = reach_new(all, domain, watch, fn, arg);   fn(arg, r, result)  a connection stands
 *     reach_next(r)                                 it was of no use: the next target
 *     reach_free(r)                                 enough
 */
#ifndef S2S_REACH_H
#define S2S_REACH_H

#include "s2s/resolve.h"

/* Where a domain is by configuration, instead of the DNS. */
struct reach_static {
	const char *domain;  /* prepared */
	const char *address; /* "192.0.2.1:5269", "[::1]:5269"; a host name is looked up */
	bool direct_tls;
};

struct reach_config {
	struct resolver *resolver; /* NULL: static targets and address literals only */
	const struct reach_static *statics;
	size_t nstatics;
	bool ipv4, ipv6;
	int64_t connect_ms; /* for one connection */
	int64_t total_ms;   /* for all of a reach, up to a connection */
};

struct reaches; /* what all share */
/* statics are copied, the resolver is not. */
struct reaches *reaches_new(struct loop *l, const struct reach_config *c);
/* Other targets and times, for what begins from now on. */
void reaches_set(struct reaches *all, const struct reach_config *c);
struct reaches *reaches_free(struct reaches *all);

struct reach_result {
	int err;	     /* 0, or a negative errno: no target is left; text then says why.
			      * -EBADMSG: DNSSEC says that answers were forged */
	const char *text;    /* one line for a person; NULL without error */
	bool no_service;     /* the domain says that it has none (SRV "."), or does not exist */
	int fd;		     /* connected, non-blocking; the callee's; -1: see reach_share */
	bool direct_tls;     /* TLS begins at once, ALPN xmpp-server */
	const char *target;  /* host name (A-label) or address that was connected to */
	bool secure;	     /* DNSSEC vouches for the way from domain to target: a reference identity too */
	const char *address; /* "192.0.2.1:5269" */
	const struct dns_tlsa *tlsa; /* that DNSSEC vouches for; none without it */
	size_t ntlsa;
};

struct reach;
/* The result and what it points to live for the call; fd is the callee's. */
typedef void reach_fn(void *arg, struct reach *r, const struct reach_result *result);
/* What happens on the way, for the records of attempts: a line each ("_xmpps-server…: no such
 * record", "192.0.2.1:5269: connection refused"). May be NULL. */
typedef void reach_watch_fn(void *arg, const char *line);

/* Asked before a connection to result->address (fd -1), while none is under way. True: a stream to
 * there may take the stanzas as well: the reach rests until reach_alone, reach_next or reach_free,
 * of which none may be called from inside. */
typedef bool reach_share_fn(void *arg, const struct reach_result *result);

/* domain: prepared. Never calls back from inside. */
struct reach *reach_new(struct reaches *all, const char *domain, reach_watch_fn *watch,
			reach_fn *fn, void *arg);
/* Before the loop's next turn: this one is tried first, then the usual ones; again for a second
 * one. where->domain does not count. name: whose address it was (else NULL), reported as target;
 * secure: as in the result then. */
void reach_prefer(struct reach *r, const struct reach_static *where, const char *name, bool secure);
/* Before the loop's next turn: fn is asked whether connections are needed. */
void reach_share(struct reach *r, reach_share_fn *fn);
/* One is needed after all, and nothing is asked any more. */
void reach_alone(struct reach *r);
/* The connection handed out last failed before it was of use; fn comes again. */
void reach_next(struct reach *r);
struct reach *reach_free(struct reach *r); /* accepts NULL */

#endif
