/* SPDX-License-Identifier: MIT */
/* A client connection of the load generator: login, stanzas in and out, and no more than that. */
#ifndef TESTS_BENCH_CLIENT_H
#define TESTS_BENCH_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

enum step { STEP_DEAD, STEP_CONNECT, STEP_OPEN, STEP_PROCEED, STEP_TLS, STEP_AUTH, STEP_BIND,
	    STEP_SYNC, STEP_READY, STEP_CLOSING };

/* A server. */
struct home {
	const char *host, *domain;
	int port;
};

struct client {
	int fd, user; /* user N is PREFIXN with password pwPREFIXN */
	const struct home *home;
	enum step step;
	SSL *ssl;
	bool authenticated, in_stream, want_write, queued;
	struct buf in, out;
	struct client *next; /* of those with something to write */
	char *first_bare;    /* of the SCRAM exchange under way */
	char nonce[40];
	char signature[64]; /* the server's, as base64: it must prove itself */
	/* The scenario's. */
	struct client *peer;
	uint32_t sent, received, in_flight;
};

/* Where to, as whom, and what is called. */
struct bench {
	const char *prefix, *mechanism;
	int poll;
	SSL_CTX *tls;
	unsigned errors;
	struct client *to_write;
	void (*ready)(struct client *c);
	void (*gone)(struct client *c); /* after errors was counted, when it was one */
	void (*message)(struct client *c, char *stanza); /* NUL-terminated, may be cut up */
};
extern struct bench bench;

void client_open(struct client *c);
void client_send(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void client_close(struct client *c); /* by </stream:stream> */
void client_fail(struct client *c, const char *why, const char *stanza);
/* Value of the attribute NAME (given as " name=") of the first tag, cut out of the stanza; NULL: none. */
char *attribute(char *stanza, const char *name);
/* One turn: waits up to ms for sockets and serves them. */
void bench_turn(int ms);

/* --- sasl.c: PLAIN, SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 4616, 5802, 7677) --------------------- */

void sasl_start(struct client *c);
/* False: the challenge or the server's signature is wrong. */
bool sasl_challenge(struct client *c, const char *text);
bool sasl_success(struct client *c, const char *text);

#endif
