/* SPDX-License-Identifier: MIT */
/*
 * A pair of domains, ours and a remote one: what waits to be sent, over which stream, and what is
 * remembered of failures. Only pairs_tick frees pairs, those that nothing needs any more.
 */
#ifndef S2S_PAIR_H
#define S2S_PAIR_H

#include "s2s/s2s.h"

/* A stanza for another server, from its TELL to its TOLD. */
struct item {
	UT_hash_handle hh;	  /* by key */
	struct item *prev, *next; /* in its pair's queue, or among its stream's unacknowledged */
	struct pair *pair;
	struct stream *stream;	/* that carries it; NULL: it is in the queue, or kept */
	struct resumable *kept; /* written, on a stream that is lost and may be resumed; or NULL */
	struct msg_stanza_key key;
	struct frame *waiters; /* frames to be answered; none: it is our own answer to a stanza */
	size_t nwaiters;
	struct str envelope; /* own memory */
	uint64_t due;	     /* loop_now */
	uint64_t patience;   /* till when it waits for a server that fails but may come back */
	uint64_t position;   /* of its stream's output behind it, when it was written */
	uint32_t number;     /* in its stream, with XEP-0198 */
	bool held;	     /* HELD was said */
};

/* A dialback key that another server gave us, on its way to who can tell (XEP-0220 step 3). */
struct verify {
	struct verify *prev, *next;
	struct stream *asker; /* NULL: it has gone */
	char *id;	      /* of that stream */
	char *key;
	uint64_t due;
	bool sent; /* over the pair's out */
};

struct pair {
	UT_hash_handle hh;
	struct s2s *s2s;
	struct pair *rprev, *rnext;
	struct pair *sprev, *snext; /* pairs of the stream via */
	char *name;		    /* own NUL remote NUL: the key */
	const char *own, *remote;
	struct stream *out; /* that we opened for it, however far it is; NULL: none */
	struct stream *via; /* that takes its stanzas; NULL: none yet */
	struct item *queue; /* not written, in order */
	size_t nqueued, bytes;
	size_t written;	  /* stanzas without an answer, on whatever stream */
	size_t suspended; /* those of them on lost streams: nothing is written before their fate */
	struct resumable *resumable; /* a lost stream that was opened for it; or NULL */
	struct verify *verifies;
	size_t nverifies;
	unsigned failures;
	uint64_t retry_at;	 /* not tried before, loop_now; 0: no failure */
	uint64_t failed_at;	 /* the last failure */
	bool passing;		 /* the last failure may pass: what is patient waits for it */
	enum stanza_error error; /* what the last failure was to senders */
	char *why;
	uint64_t external_failed; /* dialback alone until then */
	bool reached;		  /* ever */
	bool lost;		  /* it was reached, and then not: tell when it is again */
	struct policy policy; /* when it got via */
	struct pair *jprev, *jnext;
	struct stream *joining; /* that is asked to take it as well; NULL: none */
	uint64_t join_due;	/* not waited for any longer; 0: it is late */
	uint64_t alone_until;	/* one would not: no other one is asked until then */
	bool reconnect; /* try again by ourselves, at retry_at */
	bool flushing;	/* in s2s.ready */
	bool holds;	/* HELD was said of what may be in its queue */
	bool test;	/* nothing is sent: it is enough to get there */
};

/* --- pair.c -------------------------------------------------------------------------------- */

/* The instance that stanzas of the pair go to; 0: none is there. */
uint64_t pair_place(const struct s2s *x, struct str own, struct str remote);
struct pair *pair_find(struct s2s *x, struct str own, struct str remote);
void met_free(struct s2s *x); /* back.c: as pair_reached() */
/* Whether there may be one more; what is remembered of one that never was reached goes for it. */
bool pair_room(struct s2s *x);
struct pair *pair_test(struct s2s *x, struct str own,
		       struct str remote); /* one that nobody finds */
struct pair *pair_get(struct s2s *x, struct str own, struct str remote);
void pairs_free(struct s2s *x);
/* Something waits: sees to a stream for it, or writes. */
void pair_need(struct pair *p);
/* A stream that is proven in our direction takes its stanzas from now on. */
void pair_attach(struct pair *p, struct stream *s);
void pair_detach(struct pair *p); /* from via */
/* It could not be reached or proven: what waits goes back with this error. passing: only what has
 * no patience, or none that lasts until the next try. The text is for people: senders get it too.
 */
void pair_failed(struct pair *p, bool passing, enum stanza_error e, const char *text);
/* The stream that took its stanzas is lost: it is looked whether the domain comes back, after that
 * many times the shortest pause. */
void pair_lost(struct pair *p, unsigned pauses);
void pair_gone(struct pair *p); /* lost as well, but it is theirs to come back */
/* It was heard of again, from either side: failures are forgotten. */
void pair_reached(struct pair *p);
void pairs_tick(void *s2s);		     /* what is due */
void pairs_wake(struct s2s *x, uint64_t at); /* pairs_tick is to come then, or before; loop_now */
void pairs_look(struct s2s *x);		     /* the same, soon */

/* --- flush.c: writing ------------------------------------------------------------------------ */

/* Announces what was held, then writes what the stream takes. */
void pair_flush(struct pair *p);
void pairs_flush_ready(void *s2s);

/* --- tells.c: TELL, TOLD -----------------------------------------------------------------------
 */

link_handler_fn on_tell;
/* A stanza out of our own hands (an answer to another server), to wherever its pair lives. */
void tell_out(struct s2s *x, const struct stanza *st, const struct msg_stanza_key *key);
/* It is done: error NULL_ERROR; else the sender gets that error. Frees it. */
enum { NO_ERROR = -1 };
void item_done(struct item *i, int error, const char *text);
void item_drop(struct item *i);	   /* without a word: whoever asked asks another one */
void item_unqueue(struct item *i); /* out of its pair's queue */
/* Back at the head of its pair's queue: it surely did not arrive. */
void item_again(struct item *i);
void item_hold(struct item *i);	       /* says HELD */
uint64_t answered_tick(struct s2s *x); /* when it is due again; 0: nothing is remembered */
void answered_free(struct s2s *x);

#endif
