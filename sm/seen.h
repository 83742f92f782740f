/* SPDX-License-Identifier: MIT */
/*
 * Keys of the messages that were appended lately, so that a repetition is known (DELIVERY rule 7):
 * by key, by age, and by account, in some 70 bytes each. An entry stays where it is until it is
 * forgotten: after SEEN_MS, not before it is committed, and together with its account. Those that
 * an account's log had when the account was read are known too, as long, in some 5 bytes each.
 */
#ifndef SM_SEEN_H
#define SM_SEEN_H

#include "link/messages.h"

struct sm;
struct user;
struct append;
struct seens;

enum { SEEN_MS = 150000 }; /* longer than any deadline: a repetition comes within it */

struct seen { /* a key that was appended, or is being */
	struct user *user; /* NULL: forgotten */
	uint64_t origin, number;
	uint64_t log;
	struct append *append; /* while it is not committed */
	uint32_t older;        /* the account's one before: its number in the sequence, 0: none */
	uint32_t since;        /* loop_now, its lower bits */
	uint16_t part;
	bool committed;
};

struct seens *seens_new(void);
void seens_free(struct seens *x); /* accepts NULL */
bool seens_any(const struct seens *x);
void seens_tick(struct sm *sm); /* forgets the old ones */

/* NULL: not known. Of one that was read with the account it is a copy, until the next call. */
struct seen *seen_find(struct user *u, const struct msg_stanza_key *key);
struct seen *seen_add(struct user *u, const struct msg_stanza_key *key, uint64_t log);
/* The log number of the first one known that the same origin has made after that key; 0: none. */
uint64_t seen_after(struct user *u, const struct msg_stanza_key *key);
void seen_drop(struct seen *e);
/* Forgets all but the newest keys of that origin; those read with the account stay. */
void seen_trim(struct user *u, uint64_t origin, size_t keep);
void seen_forget(struct user *u); /* all of the account */

/* --- read with the account: sm/seen_loaded.c; seen_find() and seen_after() ask these too --- */

struct seen_key {
	struct msg_stanza_key key;
	uint64_t log;
};
/* All that were read, committed; they come out sorted. Of equal keys the greatest log number counts. */
void seen_load(struct user *u, struct seen_key *keys, size_t n);
bool seen_loaded_find(const struct user *u, const struct msg_stanza_key *key, uint64_t *ret_log);
uint64_t seen_loaded_after(const struct user *u, const struct msg_stanza_key *key);
void seen_unload(struct user *u);
void seen_loaded_tick(struct sm *sm); /* forgets the old ones */

#endif
