/* SPDX-License-Identifier: MIT */
/*
 * A domain of ours, looked at as other servers see it: each target of its SRV records, each address
 * of a target, with TLS at each, compared with the configuration. The record of the trial has a
 * sentence for each and counts what is wrong.
 */
#ifndef S2S_SELF_H
#define S2S_SELF_H

#include "s2s/reach_internal.h"
#include "s2s/stream.h"

enum { SELF_LOOKS = 32 }; /* addresses looked at; more are only counted */

struct place;
struct look;

struct self_test {
	struct self_test *prev, *next;
	struct s2s *s2s;
	struct attempt *record;
	struct resolver *dns; /* its own: what was just published is found */
	struct loop_task ending;
	char *domain, *ascii;
	struct dns_lookup *srv[2]; /* _xmpp-server, _xmpps-server */
	bool none[2], given[2];	   /* "." alone; some target */
	bool failed;		   /* one of them could not be had */
	bool secure_none;
	struct targets targets;
	struct place *places; /* DL list */
	struct look *looks;   /* DL list, those under way */
	size_t busy, nlooks, left_out, good, bad;
};

/* One target. */
struct place {
	struct place *prev, *next;
	struct self_test *test;
	const struct target *target;
	struct dns_lookup *a, *aaaa, *tlsa;
	bool secure; /* its addresses too */
	struct dns_tlsa *tlsas;
	size_t ntlsas;
	char *addresses[2 * REACH_ADDRESSES];
	size_t naddresses;
};

/* Begins; the number of its record, or 0 and *ret_error (malloc'ed). domain: one of ours. */
uint64_t self_test_start(struct s2s *x, struct str domain, char **ret_error);
void self_tests_end(struct s2s *x); /* without a result */

/* For one address or record: a sentence, and whether all is well. */
void self_say(struct self_test *t, bool good, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void self_step_done(struct self_test *t); /* one of busy */
const char *self_service(bool direct);	  /* of the SRV records */
bool self_listens(const struct self_test *t, const struct target *at);

/* --- self_look.c: one address ------------------------------------------------------------------
 */

void look_start(struct place *p, const char *address);
void looks_end(struct self_test *t);

#endif
