/* SPDX-License-Identifier: MIT */
/*
 * Keys of the messages that were appended lately, so that a repetition is known (DELIVERY rule 7):
 * by key, by age, and by account, in some 70 bytes each. An entry stays where it is until it is
 * forgotten: after SEEN_MS, not before it is committed, and together with its account.
 */
#ifndef SM_SEEN_H
#define SM_SEEN_H

#include "link/messages.h"

struct sm;
struct user;
struct append;
struct seens;

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

struct seen *seen_find(struct user *u, const struct msg_stanza_key *key);
struct seen *seen_add(struct user *u, const struct msg_stanza_key *key, uint64_t log);
/* The log number of the first one known that the same origin has made after that key; 0: none. */
uint64_t seen_after(struct user *u, const struct msg_stanza_key *key);
void seen_drop(struct seen *e);
/* Forgets all but the newest keys of that origin. */
void seen_trim(struct user *u, uint64_t origin, size_t keep);
void seen_forget(struct user *u); /* all of the account */

#endif
