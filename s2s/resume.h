/* SPDX-License-Identifier: MIT */
/*
 * What outlives the connection of a stream with acknowledgements (XEP-0198 section 5): how much of
 * either side's was done, and what was written without an answer. Only the counters go over to the
 * next stream: what `h` says is missing returns to the queues of its pairs, which are written by
 * whatever stream takes them.
 */
#ifndef S2S_RESUME_H
#define S2S_RESUME_H

#include "s2s/stream.h"

struct resumable {
	UT_hash_handle hh;	       /* by id; those of streams that came in */
	struct resumable *prev, *next; /* detached, the oldest first */
	struct s2s *s2s;
	char *id;
	bool out;
	char *own, *remote;    /* who goes on with it proves these */
	struct stream *stream; /* that has it; NULL: detached */
	struct stream *asker;  /* proven, and asks to go on with it; or NULL */
	uint64_t ms, until;    /* kept for, and (detached) to */
	uint32_t h;	       /* theirs that is done */
	uint32_t sent, base;   /* as sm_out and sm_out_base of its stream */
	struct work *works;    /* theirs that is not done yet */
	struct item *carried;  /* ours that has no answer, in order */
	/* out: where the next connection is tried first. */
	struct pair *pair;	/* detached: that it was opened for */
	char *location;		/* as the peer said; NULL: nothing */
	char *target, *address; /* name and "192.0.2.1:5269" of the last one */
	bool direct, secure, tlsa;
};

/* The stream may be gone on with under that id (out: the peer's; copied), for so long. */
void resumable_new(struct stream *s, struct str id, uint64_t ms);
struct resumable *resumable_find(const struct s2s *x, struct str id); /* of streams that came in */
/* The stream's connection is lost: takes what has to outlive it, where it may be resumed. */
void resumable_detach(struct stream *s);
/* The stream ends in order, or is freed: it is not resumed, nor does it ask any longer. */
void resumable_leave(struct stream *s);
/* The asker goes on with it: what their h covers is done, the rest waits in its queues again. */
void resumable_attach(struct resumable *r, uint32_t their_h);
/* The peer has it no more, but knows that it did so much (XEP-0198: <failed h=''/>). Frees it. */
void resumable_settle(struct resumable *r, uint32_t their_h);
/* Nobody goes on with it: what has no answer is returned. Frees it. */
void resumable_end(struct resumable *r);
uint32_t resumable_sent(const struct resumable *r); /* ours, as h counts them */
bool resumable_too_high(const struct resumable *r, uint32_t their_h);
uint64_t resumables_tick(struct s2s *x); /* when it is due again; 0: none is waited for */
/* Whoever opened the stream begins anew: it does not come back to those of its pair, for which
 * stanzas of ours wait. */
void resumables_replace(struct stream *s);
void resumables_end(struct s2s *x); /* all that are detached */
/* The stream has proven what whoever goes on with it has to. */
bool resumable_belongs(const struct resumable *r, const struct stream *s);

/* A work of it is done (in_stanza.c). */
void resumable_work_done(struct resumable *r);

#endif
