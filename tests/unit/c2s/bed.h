/* SPDX-License-Identifier: MIT */
/*
 * A test bed for c2s: the real process on a real loop, its clients at the other ends of socket
 * pairs, and in the place of the link a double that keeps what is sent and answers as the test
 * says.
 */
#ifndef TESTS_C2S_BED_H
#define TESTS_C2S_BED_H

#include <check.h>
#include "c2s/c2s_process.h"
#include "c2s/session.h"

Suite *ack_suite(void);
Suite *announce_suite(void);
Suite *bind_suite(void);
Suite *deliver_suite(void);
Suite *drain_suite(void);
Suite *external_suite(void);
Suite *limits_suite(void);
Suite *listen_suite(void);
Suite *register_suite(void);
Suite *sasl_suite(void);
Suite *session_suite(void);
Suite *stream_suite(void);

enum { AUTH_ID = 100, SM_ID = 200, SM2_ID = 201, C2S2_ID = 301 };

/* A frame that c2s has sent; lives until the bed's end. */
struct sent {
	struct sent *prev, *next;
	struct frame head;
	struct pool *pool;
	void *m;
	struct link_request *request; /* waits for an answer */
};

struct bed;
/* config: the content of section c2s ("tls=optional" stands before it), or NULL. */
struct bed *bed_new(const char *config);
void bed_free(struct bed *b);
struct c2s *bed_c2s(struct bed *b);
void bed_turn(struct bed *b); /* a few turns of the loop */
void bed_wait(struct bed *b, unsigned ms);
bool bed_drained(struct bed *b);
const char *bed_dir(const struct bed *b); /* temporary */

/* Membership and owners: all shards have one owner. Tells c2s. */
void bed_owner(struct bed *b, uint64_t owner, uint32_t epoch);
void bed_event(struct bed *b, enum link_event e, uint64_t member);
void bed_auth(struct bed *b, bool there);
void bed_others(struct bed *b, bool there);   /* another c2s */
void bed_unreachable(struct bed *b, bool on); /* link_send fails */
void bed_max_frame(struct bed *b, size_t bytes); /* likewise with what is longer; before: 1 MB */

/* Takes the oldest frame of that kind; fails the test when there is none. */
struct sent *bed_sent(struct bed *b, uint16_t kind);
size_t bed_count(struct bed *b, uint16_t kind);
void bed_forget(struct bed *b); /* all that was sent so far */
void bed_reply(struct bed *b, struct sent *s, int err, uint16_t kind, const void *m);
/* A message from an owner (its id and epoch in the header), as the link would hand it over. */
void bed_deliver(struct bed *b, uint64_t from, uint32_t epoch, uint16_t kind, const void *m);

/* --- clients ----------------------------------------------------------------------------- */

struct peer;
struct peer *peer_new(struct bed *b, bool direct_tls);
/* To a port of 127.0.0.1 where c2s listens. */
struct peer *peer_connect(struct bed *b, unsigned short port);
struct peer *peer_free(struct peer *p); /* closes; returns NULL */
void peer_send(struct peer *p, const char *text);
void peer_send_n(struct peer *p, const char *text, size_t n);
/* Turns the loop until the text has come; what came up to its end is forgotten. */
void peer_expect(struct peer *p, const char *text);
/* What came and was not expected; turns the loop before. */
const char *peer_heard(struct peer *p);
void peer_expect_end(struct peer *p); /* the connection is closed by the server */
void peer_clear(struct peer *p);
void peer_certificate(struct peer *p, const char *cert, const char *key); /* before TLS */
void peer_start_tls(struct peer *p, const char *sni, const char *alpn);
void peer_expect_tls(struct peer *p);	 /* the handshake is done */
void peer_read(struct peer *p, bool on); /* false: it reads nothing any more */

#define HEADER(to)                                                                                 \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                               \
	"xmlns:stream='http://etherx.jabber.org/streams' to='" to "' version='1.0'>"
#define STREAM_ERROR(name) "<stream:error><" name " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"

/* Header, features (auth's offer answered), SASL with success for alice@example.com, header. */
void peer_authenticate(struct peer *p);
void peer_authenticate_expect(struct peer *p, const char *text); /* in the last features */
/* The same and a bound session sid for alice@example.com/r; what came is forgotten. */
struct session *peer_login(struct peer *p, uint64_t sid);
void bed_answer_offer(struct bed *b);
/* The session answers: c2s is told to give this stanza as number m. */
void bed_give(struct bed *b, uint64_t sid, uint32_t m, uint64_t log, bool committed,
	      const char *xml);
void bed_give_long(struct bed *b, uint64_t sid, uint32_t m, size_t bytes); /* a body of so many */
void bed_done(struct bed *b, uint64_t sid, uint32_t n);

#endif
