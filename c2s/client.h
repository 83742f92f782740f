/* SPDX-License-Identifier: MIT */
/* One client's connection: its stream, and the steps up to a bound session. */
#ifndef C2S_CLIENT_H
#define C2S_CLIENT_H

#include "c2s/c2s.h"
#include "xmpp/stream.h"

enum phase {
	PHASE_CLEAR,	     /* no TLS yet */
	PHASE_SECURE,	     /* TLS, nobody in particular */
	PHASE_AUTHENTICATED, /* SASL is done, no resource */
	PHASE_BOUND,
	PHASE_CLOSED /* we have closed our stream; input is dropped */
};

enum { PAUSE_WINDOW = 1, PAUSE_RATE = 2 };

/* What only a client that has not bound yet needs. */
struct login {
	uint64_t started_ms;
	size_t bytes;
	unsigned failures;
	struct offer *offer; /* as sent in this stream's features */
	/* The exchange with auth. */
	struct link_request *request;
	struct start *start; /* the request is the first one, and is its */
	uint64_t auth, exchange;
	bool running; /* a mechanism has begun */
	bool moved;
	char *mechanism;
	struct buf initial;
	bool has_initial;
	/* Whom the client's certificate names, and the question what it is offered. */
	struct str *certificate_jids;
	size_t ncertificate_jids;
	struct link_request *asking;
	/* After success. */
	char *account; /* bare JID */
	struct buf ticket;
	/* In-band registration. */
	struct link_request *registration;
	char *registration_id;
};

struct client {
	struct c2s *c2s;
	struct client *prev, *next, *tprev, *tnext;
	struct conn *conn;
	struct xml_reader *reader;
	struct domain *domain; /* from the stream's `to` */
	struct tenant *tenant;
	struct login *login;	 /* NULL once bound */
	struct session *session; /* also while it is being opened */
	char *lang;
	const char *reason; /* why we end it, for the log; a literal */
	struct loop_timeout timeout;
	struct loop_task flushed; /* looks at what the kernel took of this turn's output */
	uint32_t last_in, partial_since, full_since,
		closed_at;   /* seconds of the loop's clock; 0: no */
	uint32_t proven_until; /* likewise: a certificate has proven who it is */
	uint32_t limited_ms; /* when the buckets were filled last */
	int64_t credit_bytes, credit_stanzas; /* in thousandths, so that low rates lose nothing */
	uint8_t phase, paused;
	bool direct, header_in, header_out, wait_offer, throttled, counted;
	bool starting_tls, whitespace_sent, probed, ended;
};

/* --- client.c: life ---------------------------------------------------------------------- */

void client_accept(struct c2s *x, int take_fd, bool direct_tls);
void client_free(struct client *c); /* at once */
/* The connection is over; err and reason are for the log. Frees c. */
void client_gone(struct client *c, int err, const char *reason);
void client_tick(void *client); /* client_time.c */
void client_pause(struct client *c, unsigned why);
void client_resume(struct client *c, unsigned why);
/* Time in which we did not read is none that the client has let pass. */
void client_reads_again(struct client *c); /* client_time.c */
void client_authenticated(struct client *c);
void client_bound(struct client *c); /* forgets the login */
/* The end of our stream has been written: what is left is the peer's and the sockets'. */
void client_shut(struct client *c);
void client_look_later(struct client *c);	      /* at its output, behind this turn's write */
void client_break(struct client *c, const char *why); /* soon, without a word; why is a literal */
void client_arm(struct client *c);		      /* the next moment to look at it */
struct login *login_free(struct login *l);

/* --- stream.c: headers, features, errors, the end ---------------------------------------- */

extern const struct xml_reader_ops stream_ops;
/* The connection is new or a step has ended: a stream header is expected. */
void stream_restart(struct client *c);
/* What waited for auth's offer can be sent. */
void stream_offer_ready(struct client *c);
void stream_error(struct client *c, enum stream_error e, const char *text);
/* With an application-specific condition (XML). */
void stream_error_app(struct client *c, enum stream_error e, const char *text, struct str app);
void stream_error_see_other(struct client *c, const char *host); /* RFC 6120 section 4.9.3.19 */
void stream_features(struct client *c);				 /* features.c */
void stream_close(struct client *c);				 /* without an error */
void stream_ping(struct client *c); /* XEP-0199: asks for a sign of life */
/* After something was put into the connection's buffer. */
void client_flush(struct client *c);

/* --- client certificates: external.c ----------------------------------------------------- */

void external_look(struct client *c); /* TLS is complete */
/* Asks what this client is offered; stream_features follows. False: as any other. */
bool external_ask(struct client *c, unsigned bindings);
void external_forget(struct login *l);
void external_succeeded(struct client *c); /* it has logged in by its certificate */

/* --- steps ------------------------------------------------------------------------------- */

typedef void step_fn(struct client *c, const struct xml_element *e);
step_fn step_starttls, step_auth, step_response, step_abort; /* steps_tls.c, steps_sasl.c */
step_fn step_bind;					     /* an iq before binding */
step_fn step_register;					     /* a stanza before authentication */
step_fn ack_enable, ack_resume, ack_request, ack_answer;     /* ack.c */
step_fn session_stanza;					     /* session.c */
void login_stop(struct client *c); /* ends what waits for auth, there too */
/* RFC 6120 section 8.3: an error for an iq that no session answers, with the legacy code. */
void step_iq_error(struct client *c, const struct stanza *st, enum stanza_error e,
		   const char *text);

#endif
