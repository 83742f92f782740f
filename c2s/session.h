/* SPDX-License-Identifier: MIT */
/*
 * A bound session as c2s sees it: counters, what is not confirmed, what is not settled. The words
 * are those of the delivery rules.
 */
#ifndef C2S_SESSION_H
#define C2S_SESSION_H

#include "c2s/client.h"
#include "c2s/pending.h"

/* sm sends a quarter of its given_max ahead: it must hear of so many bytes before that is used up, and the client be
 * asked for them. */
enum { TELL_BYTES = 256 * 1024 };

struct given {
	uint64_t origin, number, log;
	uint64_t position; /* of the connection's output behind it */
	uint32_t m;
	uint16_t part;
	bool committed;
};

/* XEP-0198 on a session. */
struct acks {
	struct acks *prev, *next; /* those that are to be asked soon */
	struct session *session;
	uint32_t in_base, out_base; /* session's counters where the client's begin */
	uint32_t told;		    /* last h said, as number of the session */
	uint32_t wanted;	    /* stanzas taken when the client last asked */
	uint32_t asked;		    /* out when we asked last */
	uint32_t asked_position;    /* of the connection's output then, the low bits */
	uint32_t asked_at;	    /* seconds; 0: no <r/> is unanswered */
	bool resumable;
	bool on;     /* <enabled/> was written */
	bool behind; /* in_base is not done yet */
	bool queued;
	bool owed; /* <r/> came before that */
};

struct session {
	uint64_t sid;
	void *sid_next; /* struct keyed */
	struct session *prev, *next; /* in its shard */
	struct c2s *c2s;
	struct client *client; /* NULL: the connection is gone */
	uint64_t settled;
	uint16_t shard, bare; /* bytes of the bare JID in jid */
	uint32_t attachment, in, done, out, acked;
	uint32_t acked_told; /* to the owner */
	uint32_t acked_at, told_at; /* positions of what is acknowledged, and told: the low bits */
	char *jid, *record;
	uint32_t njid, nrecord;
	struct buf unconfirmed; /* done+1 … in: u32 length and envelope each */
	struct given *given;
	uint32_t given_first, ngiven, given_cap;
	uint32_t unsent_from;
	struct acks *acks;
	struct pending *pending;
	struct session *ack_prev, *ack_next;
	struct loop_timeout *timeout; /* when it has no client */
	bool listed; /* it has a sid, is in the tables */
	bool ack_queued, closing, closed, close_sent, full, reannounce;
	bool enable_lost; /* XEP-0198 may be on at sm, and the client has no id to resume by */
};

/* --- session.c --------------------------------------------------------------------------- */

struct session *session_new(struct c2s *x, struct client *c);
/* Known by sid from now on. */
void session_list(struct session *s, uint64_t sid, uint32_t attachment, struct str jid,
		  struct str record);
void session_free(struct session *s);
void session_keep(struct session *s, int64_t ms); /* so long, without a client */
struct session *session_find(struct c2s *x, uint64_t sid);
void session_record(struct session *s, struct str record);
void session_send_stanzas(struct session *s, bool repeated); /* all that are not confirmed */
void session_send_close(struct session *s);
/* The client is gone or going: what it sent stays until it is done. closed: the session is over for
 * good; false: its connection broke (XEP-0198 may resume it). */
void session_leave(struct client *c, bool closed);
void session_done(struct session *s, uint32_t n);
/* While draining a detached session is not waited for: its owner has it, and says nothing. May free
 * the session. */
void session_drain(struct session *s);
struct str session_bare(const struct session *s);

/* --- announce.c: owners ------------------------------------------------------------------ */

void owners_scan_later(struct c2s *x);
void owners_scan(void *c2s);
void owners_path_lost(struct c2s *x, const struct member *m); /* NULL: of all */
/* Sends about a session to the owner of its shard. False: there is none (it is announced later). */
bool owner_send(struct session *s, uint16_t kind, unsigned flags, const void *m);
/* The frame is from the owner to which the session was announced. */
bool owner_speaks(const struct session *s, const struct frame *f);
void owner_lost(struct c2s *x, uint16_t shard); /* frames for it got lost: announce again soon */
void session_announce(struct session *s);
void session_announce_later(struct session *s);
link_handler_fn on_bounce, on_announce_again;

/* --- deliver.c, acks to sm --------------------------------------------------------------- */

link_handler_fn on_give, on_give_many, on_done, on_done_record, on_settled, on_session_end, on_session_break;
/* The session's client has everything up to m. */
void given_acked(struct session *s, uint32_t m);
void given_push(struct session *s, const struct given *g);
struct given *given_at(const struct session *s, uint32_t i);
uint32_t given_unsent(const struct session *s); /* first m that the kernel has not taken; 0: none */
/* The owner is to hear what is acknowledged: in a while, or soon when much was written, up to that
 * position of the connection's output. */
void acks_queue(struct session *s, uint64_t position);
void acks_flush(void *c2s);
void acks_forget(struct session *s);
void acks_now(struct session *s); /* tells the owner what is acknowledged, at once */
void deliver_drained(struct client *c);
void deliver_look(struct client *c); /* whether the client reads */

/* --- ack.c, ack_resume.c: XEP-0198 ------------------------------------------------------- */

void ack_done(struct session *s); /* more is done */
void ack_gave(struct session *s); /* a stanza was written */
void ack_ask(struct session *s);  /* writes <r/> */
void ack_gather(void *c2s);	  /* bursts are over: asks */
struct acks *ack_new(struct session *s);
void ack_free(struct session *s);
void ack_failed(struct client *c, enum stanza_error e, const uint32_t *h); /* h may be NULL */
void ack_too_high(struct client *c, uint32_t h, const uint32_t *sent);	   /* sent may be NULL */

#endif
