/* SPDX-License-Identifier: MIT */
/* An s2s without a network: streams fed with bytes over socket pairs, the other server played by
 * the test; domains that it reaches are Unix sockets. */
#ifndef S2S_TESTS_WIRE_H
#define S2S_TESTS_WIRE_H

#include <check.h>
#include "s2s/steps.h"

#define OWN    "own.example"
#define OTHER  "other.example" /* ours as well */
#define REMOTE "remote.example"
#define NOBODY "nobody.example"
#define BESIDE "beside.example" /* remote, at the address of REMOTE */

/* A stream's start tag, with what differs. */
#define HEAD(attrs)                                                                                \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                               \
	"xmlns:db='jabber:server:dialback'"                                                        \
	" xmlns:stream='http://etherx.jabber.org/streams' " attrs ">"
#define MESSAGE(from, to)     "<message from='" from "' to='" to "'><body>x</body></message>"
#define RESULT(from, to, key) "<db:result from='" from "' to='" to "'>" key "</db:result>"
#define SM		      "xmlns='urn:xmpp:sm:3'"
#define CLEAR		      "s2s { tls = optional\n backoff_min = 60s }"
#define ROWS(table)	      (int)(sizeof(table) / sizeof *(table))
#define GOOD_HEAD	      HEAD("from='" REMOTE "' to='" OWN "' version='1.0'")

struct wire {
	struct s2s x;
	struct app app;
	struct common_config common;
	struct s2s_config config;
	struct loop_timer *pulse; /* so that no turn waits for ever */
	char *dir, *address;
	int listener; /* where REMOTE is */
	unsigned accepted;
};

/* text: the configuration. */
struct wire *wire_new(const char *text);
void wire_reload(struct wire *w, const char *text); /* another one, as mercutioctl reload */
void wire_free(struct wire *w); /* nothing may be left of streams and stanzas */

/* The other server's end of a stream. */
struct end {
	struct wire *w;
	int fd;
	struct buf got;
	bool closed; /* by us, or it will be: nothing more comes */
};

struct end *end_in(struct wire *w); /* they open one */
/* The same, and it has begun: as if TLS stood, with a certificate that proves REMOTE. */
struct end *end_certified(struct wire *w);
struct end *end_proven(struct wire *w); /* and it has used that (SASL EXTERNAL) */
struct end *end_accept(struct wire *w); /* we open one: the next that comes */
void end_free(struct end *e);		/* closes; accepts NULL */
void end_say(struct end *e, const char *text);
void end_hears(struct end *e,
	       const char *text); /* waits until it was said, then forgets up to there */
void end_closes(struct end *e);	  /* waits for the end of the connection */
bool end_heard(const struct end *e, const char *text); /* among what is not forgotten */
/* What was said before is through: the answer to what is asked last is there (in streams). */
void end_settles(struct end *e);
/* closes: the stream has been ended and goes; else it lives on, without an error. */
void end_ends(struct end *take_e, bool closes);

struct stream *wire_stream(const struct wire *w); /* the newest */
/* An IQ of ours for REMOTE, whose answer nobody waits for; tag: its id. */
void wire_tell(struct wire *w, const char *tag);
void wire_tell_to(struct wire *w, const char *remote, const char *tag); /* the same, for another */
void wire_message(struct wire *w, const char *remote, const char *tag); /* one that can wait */
void wire_turns(struct wire *w, unsigned n);

/* Runs the loop until it is so; fails the test after 20 s. */
#define wire_await(w, condition)                                                                   \
	do {                                                                                       \
		uint64_t await_end = loop_now((w)->x.loop) + 20000;                                \
		while (!(condition)) {                                                             \
			loop_run_once((w)->x.loop);                                                \
			ck_assert_msg(loop_now((w)->x.loop) < await_end,                           \
				      "waited for: " #condition);                                  \
		}                                                                                  \
	} while (0)

#endif
