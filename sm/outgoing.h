/* SPDX-License-Identifier: MIT */
/*
 * Stanzas to destinations that are not ours and may take nothing: other servers, components.
 *
 * Such a stanza is asked of the instance that has its lane (link/channel.h). When there is no
 * answer for the time of option outgoing_after, it no longer holds back what its sender sent (RFC
 * 6120 and XEP-0198 know nothing of other servers' troubles): messages and requests of accounts of
 * ours are committed in table outgoing, which makes them done, presence is done as it is. What the
 * answer says comes as a stanza of its own then. A new owner of the account goes on with the rows.
 */
#ifndef SM_OUTGOING_H
#define SM_OUTGOING_H

#include <uthash.h>
#include "sm/scan.h"

enum outgoing_state {
	OUT_WAITING, /* its sender's stanza waits for the answer */
	OUT_COMMITTING,
	OUT_COMMITTED, /* has a row */
	OUT_LOOSE      /* done, kept by nobody but us */
};

/* Of one account: what bounds it. */
struct outgoing_sender {
	UT_hash_handle hh;
	size_t n;
	size_t kept, bytes; /* of these, those worth a row */
	char jid[];
};

/* A destination, as the account's domain sees it. */
struct outgoing_pair {
	UT_hash_handle hh;
	size_t n;    /* unanswered */
	size_t rows; /* of these have rows: it is known to take nothing */
	uint16_t lane;
	size_t len;
	char name[]; /* own, zero, remote */
};

struct outgoing {
	UT_hash_handle hh;	      /* by key; the first of those that have it */
	struct outgoing *prev, *next; /* of its shard */
	struct outgoing *queue_prev, *queue_next;
	struct sm *sm;
	struct msg_stanza_key key;
	struct outgoing_sender *sender;
	struct outgoing_pair *pair;
	uint16_t shard; /* of the sender's account; SHARDS: it has none here */
	enum outgoing_state state;
	bool queued; /* not sent yet: older ones of the shard are still being read */
	bool quiet;  /* nobody hears of its failure */
	bool kept;   /* message or request: worth a row */
	struct txn **waiters;
	size_t nwaiters;
	struct channel_item *item, *write;
	struct loop_timeout patience;
	bool patient;	  /* the first patience is over */
	int64_t deadline; /* wall clock, us */
	size_t size;
	char *route;
	struct buf envelope;
};

/* What sm knows of them. */
struct outgoings {
	struct outgoing *by_key;
	struct outgoing *shards[SHARDS + 1]; /* DL lists */
	struct outgoing *queue;		     /* DL list */
	struct outgoing_sender *senders;
	struct outgoing_pair *pairs;
	size_t n;
	size_t bytes, loose; /* of those that are kept, and of the others */
	struct scan *scan;   /* of the rows of earlier owners */
	struct outgoing_deletes {
		struct sm *sm;
		uint16_t shard;
		unsigned n; /* under way */
	} deletes[SHARDS];
	uint64_t stat_committed, stat_bounced;
};

/* --- sm/outgoing.c --- */
struct outgoing *outgoing_find(struct sm *sm, const struct msg_stanza_key *key);
struct outgoing *outgoing_new(struct sm *sm, const struct msg_stanza_key *key,
			      const struct stanza *st, uint16_t shard);
void outgoing_ask(struct outgoing *o);	/* sends it */
void outgoing_free(struct outgoing *o); /* its waiters are released */
void outgoing_waiters_done(struct outgoing *o);
void outgoing_hurry(struct outgoing *o); /* it is held: stored at once when its sender has many */
/* Where a stanza to that domain goes: the route, malloc'ed; NULL: nowhere. */
char *outgoing_route(struct sm *sm, struct str domain);

/* --- sm/outgoing_answer.c: each ends it --- */
link_reply_fn outgoing_answered;
void outgoing_expired(struct outgoing *o); /* read from the table past its deadline */
void outgoing_give_up(struct outgoing *o); /* it could not be committed either */

/* An error to whoever sent the stanza of that key, which was done already: always with the same key. */
void outgoing_deliver(struct sm *sm, const struct msg_stanza_key *key, const struct stanza *st);

/* --- sm/outgoing_rows.c --- */
void outgoing_commit(struct outgoing *o);
void outgoing_delete(struct outgoing *o); /* its row */

/* --- sm/owed.c: a row of table outgoing that is an error, of an earlier owner --- */
void owed_adopt(struct sm *sm, const struct msg_stanza_key *key, const struct msg_value *row);

#endif
