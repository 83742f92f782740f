/* SPDX-License-Identifier: MIT */
/* Sessions as the core sees them: sm/session.c, sm/give.c, and what has a file of its own below. */
#ifndef SM_SESSION_INTERNAL_H
#define SM_SESSION_INTERNAL_H

#include "base/loop.h"
#include "link/message.h"
#include "sm/module.h"

struct append;
struct entry;
struct follower;
struct given_index;
struct resuming;
struct scan;
struct text;
struct txn;

struct given {
	struct msg_stanza_key key;
	uint64_t log;
	uint32_t m;
	bool committed, acked;
	bool late; /* committed after it was given: c2s must be told that it is settled */
	/* The session's highest settled number does not speak for it (sm/cover.c): it is settled when a
	 * position that knows it as delivered was written. */
	bool unsaved;
	/* c2s has it with another number than the log: that one is settled together with what comes
	 * behind it and has a greater one, so that c2s's highest settled number speaks for it. */
	bool renumbered;
	bool owed;              /* a request; the error that is due without it has a row (sm/owed.c) */
	bool held;              /* counted in its entry's holders */
	bool fades;             /* its bytes are in the log alone; it leaves that when acknowledged */
	uint32_t sender;        /* of a presence: hash of its address; 0: it is none */
	uint32_t flight;        /* bytes sent to c2s and not acknowledged */
	uint64_t acked_version; /* of the inbox, when it was acknowledged */
	uint64_t since;         /* not logged: its key is held since then; 0: not */
	struct text *text; /* NULL once acknowledged, when an earlier owner gave it or the log has it alone */
};

struct session {
	uint64_t sid;
	void *sid_next; /* struct keyed */
	struct user *user;
	struct session *prev, *next;
	uint32_t serial; /* tells it from an earlier object of the same sid */
	uint16_t nlocal, ndomain, nresource; /* lengths of its parts, for session_jid() */
	char *full;
	uint64_t c2s; /* instance; 0: detached */
	uint64_t last_c2s; /* the same, or where it was */
	uint32_t attachment;
	uint32_t taken, done, out, acked;
	uint32_t sent; /* last number that c2s was given; those above are held back: sm/hold.c */
	uint64_t settled; /* highest settled log number */
	uint64_t base;    /* newest log number when the session began */
	/* Above this log number it is given all that is to the account, in order; UINT64_MAX: it takes
	 * no such messages. floor_told: as the record at c2s has it. */
	uint64_t floor, floor_told;
	uint64_t highest;   /* log number given */
	uint64_t adopted;   /* loop_now when it was announced to us, 0: it began here */
	uint32_t announced; /* stanzas that c2s had taken then; an earlier owner may have them */
	uint32_t target;    /* what its resource is in flags of the log */
	int64_t takes_since; /* wall clock, us: when it began to take messages to the account */
	uint64_t flush_at, flush_top, flush_missed; /* log numbers */
	uint64_t flush_inserted; /* of the inbox, when the page was asked for */
	struct follower *behind; /* what waits for that: DL list */
	size_t nbehind, behind_bytes;
	struct txn *work; /* DL list */
	struct given *given;
	uint32_t ngiven, given_cap;
	uint64_t given_base; /* settled and gone */
	struct given_index *given_index;
	size_t given_bytes, flight;
	uint64_t hold_from; /* log number that is being read */
	struct text *presence; /* XML of the last available presence; NULL: unavailable */
	int8_t priority;
	bool secure, full_out, leaving, closing, record_changed;
	bool flushing, flush_again, flush_failed, flush_due, flush_paused;
	bool unsure; /* the log is to be asked again what of its given it has: sm/adopt.c */
	bool row, row_busy; /* in table session; being written or deleted */
	bool thin, hold_reading, hold_failed; /* sm/hold.c */
	bool breaking; /* c2s was told to end the connection */
	uint8_t error; /* it ends with that: as in SESSION_END */
	/* As the record at c2s has it: something not logged is held back. lost: it was, by an owner who is
	 * gone. */
	bool owing, lost;
	bool restored; /* from that table, and not resumed since */
	bool ticks;    /* it is among those to be looked at now and then */
	struct txn *barrier; /* nothing is done before it */
	unsigned flags;
	uint32_t ndirected;
	struct str *directed;
	char *address;
	int64_t since;
	uint64_t spoke; /* loop_now of the last stanza, or of when we got the session */
	uint64_t detached_since;
	uint64_t resumed_by;       /* the ticket of this attachment (session_ticket_good), 0: none, or not known */
	uint64_t resume_ms;        /* XEP-0198 resumption was granted for so long; 0: not */
	struct resuming *resuming; /* its answer waits for what is under way */
	struct loop_task *ending; /* soon: its client took too little, or left */
	struct session *tick_prev, *tick_next; /* of those that tick */
};

struct session *session_find(struct sm *sm, uint64_t sid);
struct session *session_new(struct user *u, uint64_t sid, struct str resource);
void session_began(struct session *s, int64_t us); /* wall clock, microseconds */
/* Takes it out of everything and frees it; close hooks run before by whoever ends it. */
void session_free(struct session *s);
/* Unavailable presence to all, close hooks, undelivered back to the inbox, then free. */
void session_close(struct session *s);
/* A session whose history is an earlier owner's: counters, and what was given and is not settled. */
void session_adopt(struct session *s, const struct msg_announce *m);
void session_unacked(struct session *s); /* it ends: what is not logged and its client may not have */
/* The account goes to another owner, and c2s drops what comes from us once it has told that one what
 * it has: requests that it may not have are given by the next. */
void unacked_ask_again(struct user *u);
void session_leave(struct session *s);
/* A session that may be gone, or another object, when what was asked for it comes. */
struct session_ref {
	struct sm *sm;
	uint64_t sid;
	uint32_t serial;
};
struct session_ref session_ref(const struct session *s);
struct session_ref *session_ref_new(const struct session *s); /* malloc'ed */
struct session *session_still(const struct session_ref *r); /* NULL: it is gone */
/* For fn, called by user_run() with session_ref_new(): NULL, it is gone; or storage does not answer, and fn is called
 * again. The reference is released with the last call. */
struct session *session_loaded(void *ref, struct user *u, void (*fn)(void *arg, struct user *u));
struct session *session_live(struct sm *sm, uint64_t sid, uint32_t attachment, uint64_t c2s);
struct entry;
/* Not logged. */
/* False: no frame takes it, and nothing was given. */
bool session_give(struct session *s, const struct msg_stanza_key *key, const struct stanza *st, bool hold,
		  struct text *text);
/* A message of so many bytes fits into a frame as an entry of the log, and when it is given out of that. */
bool logged_fits(const struct sm *sm, size_t xml);
void session_answer(struct session *s, struct txn *t, const struct stanza *st);
/* The key of the n-th answer to that stanza, counted from 0. */
struct msg_stanza_key session_answer_key(const struct txn *t, unsigned n);
bool given_tick(struct sm *sm); /* true: keys are held */
/* e may be NULL: delivered to another session already. */
void session_give_logged(struct session *s, const struct msg_stanza_key *key, uint64_t log,
			 uint32_t target, bool committed, struct entry *e, struct text *text);
/* A log entry as this session is sent it; NULL: malformed, or (unless given already) not for it. The
 * reference is the caller's. */
struct text *row_text(struct session *s, const struct msg_row *row, bool given);
void given_send(struct session *s, struct given *g); /* the next that is held back */
void given_text_drop(struct session *s, struct given *g);
void session_acked(struct session *s, uint32_t m);
void session_settle(struct session *s);
void session_overflow(struct session *s); /* ends it, soon: it takes nothing */
bool session_ends_soon(const struct session *s); /* by either of these two */
void session_end_soon(struct session *s); /* at the end of this turn: its client has left */
struct given *session_given(struct session *s, const struct msg_stanza_key *key); /* NULL: none */
void given_settled(struct session *s, uint32_t n); /* the first n have left the list */
void session_committed(struct session *s, const struct msg_stanza_key *key);

/* What a session's client does not take now: sm/hold.c */
bool hold_holds(const struct session *s); /* something is held back */
bool hold_takes(const struct session *s); /* it may be sent more */
bool hold_room(const struct session *s);  /* c2s could announce one more in a frame */
void hold_go_on(struct session *s);       /* it may take again */
void hold_later(struct session *s);       /* the same, within a second */
void hold_again(struct session *s, uint32_t from_m); /* c2s got nothing above that */
uint32_t hold_sender(const struct stanza *st); /* of a presence that a newer one replaces; 0: of none */
void hold_newest(struct session *s, uint32_t sender); /* an older one is not worth sending any more */
void hold_thin(struct session *s, struct given *g); /* drops bytes that the log has when there are many */
void hold_look(struct session *s);        /* whether it is too much: may break or end it, later */
size_t hold_load(const struct session *s); /* bytes */
bool hold_tick(struct sm *sm);            /* false: nothing was to go on later */

/* Detached sessions in storage: sm/detached.c */
void detached_look(struct session *s); /* something changed */
void detached_reattached(struct session *s); /* its c2s was not dead */
void detached_stale(struct session *s); /* it has a row that is old; accepts NULL */
bool detached_written(const struct session *s);
void detached_ended(struct session *s);
void detached_restore(struct user *u, const struct msg_rows *rows);
void detached_catch_up(struct user *u); /* the account is loaded */
/* Accounts with rows are loaded, so that their sessions end when their time is over. */
struct scan *detached_scan_new(struct sm *sm);
bool session_detach(struct session *s); /* false: it cannot be resumed */
void session_resume_ready(struct session *s);
void resuming_free(struct session *s); /* the session goes */
/* The attachment that it is being resumed from; its c2s hears of the end when that is through. */
bool session_old_closes(const struct session *s, uint64_t c2s, uint32_t attachment);
bool resuming_tick(struct sm *sm); /* true: some wait */
/* A stanza of the old attachment that an earlier owner may have taken. */
bool session_old_takes(const struct session *s, const struct frame *f, const struct msg_stanza *m);
bool detached_tick(struct sm *sm); /* true: some are left */
/* *ret_id tells the ticket from others. */
bool session_ticket_good(struct sm *sm, const struct frame *f, struct str sealed, struct str account,
			 uint64_t *ret_id);

/* A request for a session that is detached: sm/owed.c */
void owed_write(struct packet *p, struct session *s);
/* The error that an earlier owner owed was given to whoever asked: it is this request. */
bool owed_answered(const struct packet *p);
/* It was answered by an error, for there is no such session: the same, should it be owed, is not given. */
void owed_refused(const struct packet *p);
void owed_delete(struct user *u, const struct msg_stanza_key *key);

/* Ends: sm/ended.c */
bool session_has_ended(struct sm *sm, uint64_t sid);
unsigned session_ended_error(struct sm *sm, uint64_t sid); /* as in SESSION_END */
/* How many of its client's stanzas were done, if it was a session of that account. */
bool session_ended_done(struct sm *sm, uint64_t sid, struct str account, uint32_t *ret_done);
void session_remember_end(struct session *s);
void ended_free(struct sm *sm);
void farewell_later(struct session *s);          /* SESSION_END, when the position is written */
void farewells_look(struct user *u, bool all); /* all: now, in any case */
void farewells_drop(struct user *u);

/* DONE and SETTLED, gathered for the turn: sm/notices.c */
void notice_done(struct session *s);
void notice_settled(struct session *s, uint32_t m);
void notices_flush(void *arg);
void notices_free(struct sm *sm);

/* Records: sm/record.c */
void record_seal(struct session *s, struct buf *b);
/* Whether a frame has room for so many of what it was given, besides the record. */
bool record_given_fits(const struct session *s, size_t n);
/* Makes the session that the record describes; NULL: not one of ours. */
struct session *record_open(struct sm *sm, uint64_t sid, struct str sealed);
/* The same with the counters, for a detached session's row. */
void record_seal_detached(struct session *s, struct buf *b);
struct session *record_open_detached(struct sm *sm, uint64_t sid, struct str sealed);

#endif
