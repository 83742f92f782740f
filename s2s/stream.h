/* SPDX-License-Identifier: MIT */
/* One connection with another server: an XML stream that they opened (in) or we (out). */
#ifndef S2S_STREAM_H
#define S2S_STREAM_H

#include "s2s/pair.h"
#include "s2s/reach.h"
#include "xmpp/node.h"
#include "xmpp/stream.h"

enum phase {
	PHASE_REACH,	/* out: no connection yet */
	PHASE_CLEAR,	/* no TLS; out: header or features are awaited */
	PHASE_TLS,	/* being begun */
	PHASE_SECURE,	/* out: header or features are awaited */
	PHASE_OPEN,	/* out: features are known, no step is under way */
	PHASE_SASL,	/* out: EXTERNAL is being asked */
	PHASE_DIALBACK, /* out: our key is being asked */
	PHASE_READY,	/* proven in the direction in which it was opened */
	PHASE_CLOSED	/* our end is written; input is dropped */
};

/* What the other server may say over this stream. */
struct proof {
	struct proof *prev, *next;
	char *own; /* NULL: to all domains of ours (by certificate) */
	char *remote;
	struct bucket *bucket;
	bool proven; /* else a dialback is under way */
	struct policy policy; /* of remote, when it began */
};

/* A stanza taken from the other server, not done. */
struct work {
	struct work *prev, *next;
	struct stream *stream;	/* NULL: it has gone */
	struct resumable *kept; /* by which it may be resumed then; NULL: it is not */
	struct s2s *s2s;
	struct channel_item *asking;
	struct buf envelope;
	uint64_t origin, n; /* its key */
	size_t size;
	bool done, counted; /* in h */
};

enum {
	FEATURE_TLS = 1,
	FEATURE_EXTERNAL = 2,
	FEATURE_DIALBACK = 4,
	FEATURE_ERRORS = 8,
	FEATURE_BIDI = 16,
	FEATURE_SM = 32,
	FEATURE_TLS_REQUIRED = 64
};
enum { PAUSE_WINDOW = 1, PAUSE_RATE = 2, PAUSE_ENDING = 4 };

struct stream {
	struct s2s *s2s;
	struct stream *prev, *next, *tprev, *tnext, *aprev, *anext;
	struct conn *conn;
	struct xml_reader *reader;
	struct attempt *record;
	struct tenant *tenant;
	const char *reason;	      /* why it ends, a literal */
	enum stanza_error fail_error; /* out: what senders get if it comes to nothing */
	char *fail_text;
	char *own, *remote; /* of the headers; NULL: not said yet */
	char *id;	    /* in: ours; out: theirs */
	struct loop_timeout timeout;
	struct loop_task flushed;
	uint64_t closed_at, began, last_in, last_out, partial_since,
		stuck_since; /* loop_now; 0: not */
	size_t login_bytes;
	struct cert_verdict verdict;
	uint64_t proven_until; /* loop_now: the certificates it rests on end; 0: it rests on none */
	struct policy policy; /* of its remote domain, when it began */
	uint8_t phase, paused;
	bool out, direct, secure, header_in, header_out, old; /* old: without version 1.0 */
	bool external;					      /* in: EXTERNAL was offered */
	bool was_external;				      /* in: it proved them */
	bool vouched;		/* in: TLSA records lead to their certificate */
	struct in_dane *dane; /* in: these are being looked for; or NULL */
	bool bidi, bidi_offered;			      /* agreed; in: offered */
	bool challenged;  /* in: for its authorization identity */
	uint8_t failures; /* in: of EXTERNAL */
	bool counted, throttled, sent_close, db_declared;
	const char *ending; /* why it is to end: nothing more is written; NULL: it is not */
	uint64_t ending_at; /* since when */
	bool resting; /* not looked at before it is idle for long, or stream_watch */

	/* out: how we came there. */
	struct pair *pair;
	struct look *look; /* at a domain of ours (self.h); then own and pair are NULL */
	struct reach *reach;
	char *target, *address; /* name, and "192.0.2.1:5269" */
	struct site *site; /* of its address, while it is ready; or NULL */
	bool target_secure;
	struct dns_tlsa *tlsa;
	size_t ntlsa, usable; /* TLSA records, and those that dane_prepare took */
	unsigned features;
	bool ready;   /* it was */
	bool useful;  /* features were seen: a failure now is no reason to try the next target */
	bool again;   /* the next target, at the end of this turn */
	bool refused; /* EXTERNAL was */
	bool lasting; /* the last failure is none that time mends */
	bool proven;  /* our certificate was accepted: features of the last stream are awaited */
	bool orderly; /* it ends because nothing needs it */
	bool sharing; /* PHASE_REACH: rests until another stream is refused to its pair (join.c) */

	/* What they may say. */
	struct proof *proofs;
	size_t nproofs;
	uint64_t origin, taken;
	struct work *works;
	size_t nworks, work_bytes;

	/* What we say. */
	struct pair *pairs;   /* by sprev, snext */
	struct pair *joins;   /* by jprev, jnext: that ask to share it */
	struct item *carried; /* written, not acknowledged, in order */
	size_t ncarried;
	uint64_t max_bytes, idle_ms; /* the peer's limits (XEP-0478), 0: not told */
	/* XEP-0198 */
	bool sm_asked, sm;
	uint32_t sm_out, sm_in; /* sm_in: done, as h says */
	uint32_t sm_out_base;	/* sm_out where the peer's h begins */
	uint32_t sm_asked_at;	/* sm_out at our last <r/> */
	uint64_t asked_ms;	/* when the oldest unanswered <r/> was sent; 0 */
	uint64_t sm_owed;	/* taken when the peer asked, and not all was done; 0 */
	struct resumable *resumable; /* what would outlive it; NULL: nothing */
	struct resumable *resuming;  /* that it asks for, or is asked for: no stanzas meanwhile */
	uint32_t resume_h;	     /* in: the peer's */
	bool resume_sent, resumed;
};

/* --- stream.c: life ------------------------------------------------------------------------ */

struct stream *stream_new(struct s2s *x, bool out);
void stream_connected(struct stream *s, int take_fd); /* makes conn and reader */
void stream_free(struct stream *s);
void stream_header(struct stream *s);  /* writes ours */
void stream_restart(struct stream *s); /* a new header is expected */
void stream_error(struct stream *s, enum stream_error e, const char *text);
/* app: an application-specific condition as XML (RFC 6120 section 4.9.4), or NULL. */
void stream_error_app(struct stream *s, enum stream_error e, const char *text, const char *app);
void stream_close(struct stream *s, const char *why); /* without an error; why is a literal */
void stream_break(struct stream *s, int err, const char *why); /* at once; frees it */
void stream_pause(struct stream *s, unsigned why);
void stream_resume(struct stream *s, unsigned why);
void stream_proven(struct stream *s); /* it is no longer among the unproven */
/* The direct character data of an element without children: its inner bytes, unescaped, trimmed. */
struct str element_text(struct pool *p, const struct xml_element *e);
const struct xml_child *element_child(const struct xml_element *e, const char *name,
				      const char *ns);
static inline void stream_flush(struct stream *s)
{
	conn_flush_later(s->conn);
}
/* Something for us can come over it, once proven. */
static inline bool stream_hears(const struct stream *s)
{
	return !s->out || s->bidi;
}

#endif
