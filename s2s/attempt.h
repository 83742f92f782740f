/* SPDX-License-Identifier: MIT */
/* Records of what was tried with remote domains, in and out: what `mercutioctl s2s why` tells. */
#ifndef S2S_ATTEMPT_H
#define S2S_ATTEMPT_H

#include <jansson.h>
#include "s2s/cert.h"

struct attempts; /* all records, bounded: the oldest go */
struct attempt;

struct attempts *attempts_new(void);
struct attempts *attempts_free(struct attempts *all);
void attempts_limit(struct attempts *all, size_t most);

/* A new record; own or remote "" where it is not known yet (attempt_domains). The caller holds it
 * until attempt_end or attempt_drop; after that it may vanish. */
struct attempt *attempt_new(struct attempts *all, bool out, const char *own, const char *remote);
void attempt_domains(struct attempt *a, struct str own, struct str remote);
uint64_t attempt_number(const struct attempt *a);
/* What happened, one line; beyond a bound lines are only counted. */
void attempt_step(struct attempt *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Version, cipher, and the peer's certificate with its verdict. */
void attempt_tls(struct attempt *a, SSL *ssl, struct cert_verdict v);
/* What somebody can do about it: one sentence, a literal. The first counts. */
void attempt_advise(struct attempt *a, const char *advice);
/* The outcome; good: the stream works (steps may still follow). */
void attempt_result(struct attempt *a, bool good, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The stream is over; NULL: nothing to add. The record is left to the bound. Accepts NULL. */
void attempt_end(struct attempt *a, const char *why);

/* Records of a remote domain, newest first, as an array; number != 0: that one alone. */
json_t *attempts_json(const struct attempts *all, struct str remote, uint64_t number);

#endif
