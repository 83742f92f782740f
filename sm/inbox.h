/* SPDX-License-Identifier: MIT */
/* What sm does with the log of messages: appending, giving from it, and what clients have of it. */
#ifndef SM_INBOX_H
#define SM_INBOX_H

#include "sm/sm_internal.h"

struct append {
	struct append *prev, *next;
	struct append *user_prev, *user_next; /* of the same account */
	struct user *user;
	struct msg_stanza_key key;
	uint64_t log, since;
	struct text *text; /* XML, with its own from and to */
	enum stanza_type type;
	uint32_t target;    /* see session; 0: to the account */
	bool given, failed; /* given: before the commit; failed: its sender was told so */
	bool delivered;     /* a client has acknowledged it before the commit */
	bool stored;        /* committed; it waits for those before it to be given */
	bool relaxed;       /* given, done, and logged only when it is not acknowledged soon */
	bool unwritten;     /* that has not become necessary so far */
	bool below;         /* the position that was written before: by that it would count as delivered */
	int64_t time;       /* wall clock, us */
	struct txn **waiters, *one[1]; /* one: room for the first, which is often the only one */
	size_t nwaiters;
	struct follower *followers; /* what must not be given before it */
	struct seen *seen;
	struct channel_item *write;
	uint32_t from_len, resource_len;
	char names[]; /* its sender's full JID, and the resource that it is to */
};

/* Log entries that no session has acknowledged. */
struct entry {
	uint64_t log;
	unsigned holders : 31; /* sessions that were given it */
	unsigned hidden : 1;   /* its sender was found blocked: not looked for until that changes */
	uint32_t target;
};
struct inbox {
	uint64_t written; /* the highest position that storage may have: all below it are delivered but for those known */
	uint64_t top;    /* newest log number */
	uint64_t oldest; /* of those whose keys were read */
	struct entry *entries; /* ascending */
	uint32_t n, cap;
	uint64_t inserted;      /* entries and appends that came with a number below the newest */
	uint64_t version;       /* of the entries; in memory, being written, written */
	uint64_t saving_version, saved_version;
	bool saving, save_failed; /* failed: the last time; it is not tried again at once */
};
struct entry *inbox_entry(struct inbox *b, uint64_t log); /* NULL: delivered, or unknown */
struct entry *inbox_add(struct inbox *b, uint64_t log, uint32_t target);
void inbox_remove(struct inbox *b, uint64_t log); /* delivered */

/* sm/append.c: logs p for p->user and gives it to the sessions it is for, after the commit. */
void inbox_append(struct packet *p);
void appends_tick(struct sm *sm);
void appends_drop(struct user *u);
void append_acked(struct user *u, uint64_t log); /* a client has it, storage has not answered */
/* It was read from the log: committed, whatever became of the answer. True: its sender was told otherwise. */
bool append_seen(struct user *u, uint64_t log);
/* An earlier one has not been given, nor is it known to be committed. */
bool append_waits(const struct user *u, uint64_t log);
uint64_t append_newest(const struct user *u); /* the newest number, committed or not */
void append_write(struct append *a);
void append_written(void *append, enum store_status status, struct str text); /* storage has answered */
void append_give(struct append *a, bool committed);
void append_release(struct append *a); /* its waiters */
void append_free(struct append *a);
void append_end(struct append *a); /* as committed */
/* sm/unwritten.c: what waits for storage. */
size_t append_bytes(const struct append *a);
bool unwritten_full(const struct sm *sm);
bool unwritten_refuses(struct packet *p); /* it would change what is stored: answered by an error */
void unwritten_tick(struct sm *sm);
/* sm/append_relaxed.c: option durability. */
bool append_may_relax(struct user *u, const struct jid *to);
void append_relax(struct append *a);
bool append_unacked(const struct append *a); /* some client was given it, and has not acknowledged it */
void relaxed_acked(struct user *u, const struct msg_stanza_key *key);
void relaxed_write(struct user *u); /* all that are not written, in order */
/* sm/adopt.c: the session was announced and the account is loaded: what it has settled, or holds, is not
 * undelivered. */
void inbox_adopt(struct session *s);
/* sm/inbox.c: positions. */
void inbox_load(struct user *u, const struct msg_rows *position, const struct msg_rows *newest);
uint64_t inbox_position_of(const struct msg_rows *position); /* as it was written; 0: never */
void inbox_acked(struct session *s, struct given *g);
/* What was acknowledged out of order is settled once the position is written. */
void inbox_settle(struct user *u);
void inbox_released(struct session *s); /* it ends: what it had not acknowledged is undelivered */
bool inbox_unhold(struct session *s);   /* it goes without ending */
/* The row of the position as it is now; list holds what it borrows. */
void inbox_position(struct user *u, struct buf *list, struct msg_value row[COLS_POSITION]);
void inbox_save(struct user *u);        /* writes the position when it changed */
void inbox_free(struct user *u);
size_t inbox_most(size_t max_frame); /* entries whose position can be written, with other rows */
/* Whether offline_max allows more: the process's check. */
void inbox_check(const char *file, const struct conf *conf, const struct common_config *common,
		 const void *config, struct buf *errors);
/* sm/flush.c: gives a session what is in the log for it, in order: undelivered messages when it
 * becomes able to take them, and after a take-over what it was not given. */
void inbox_flush(struct session *s);
void flush_go_on(struct session *s); /* the client has acknowledged something */
bool flushes_tick(struct sm *sm); /* those that storage did not answer; false: none */
/* sm/cover.c: which log entries the session's highest settled number speaks for. */
/* In flags of the log: an entry of the archive alone, no session is given it. Other targets have 31
 * bits. */
#define TARGET_NOBODY 0x80000000u
uint32_t cover_target(struct str resource);
uint32_t message_target(const struct user *u, const struct jid *to);
/* It is given this entry by itself when its turn comes, so nobody else need see to it. */
bool cover_region(const struct session *s, uint64_t log, uint32_t target);
bool cover_has(const struct session *s, const struct entry *e);
bool cover_in_order(const struct session *s, uint64_t log, uint32_t target);
void cover_changed(struct session *s); /* its presence */
/* The sessions a logged message to that address is for. */
bool message_is_for(const struct session *s, const struct jid *to);
/* Is it kept? (DESIGN section 6: chat and normal with a body, or with `store`.) */
bool message_stored(struct packet *p);
/* sm/fade.c: a client has acknowledged it (its text is still there); if it is not to be kept for good it
 * leaves the log later. fades_tick: true, some are left. */
void fade_look(struct session *s, const struct given *g);
bool fade_wanted(struct sm *sm, const struct text *t);
bool fades_tick(struct sm *sm);
void fades_free(struct sm *sm);

#endif
