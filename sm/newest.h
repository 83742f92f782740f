/* SPDX-License-Identifier: MIT */
/*
 * The newest entries of an account's log, read when the account is loaded: down to its position, as what is
 * above that may be undelivered; and so far back that a repetition is known (DELIVERY rules 3 and 8). While
 * hosts do not reach each other, or storage does not answer, any number of messages may come to wait for
 * one answer, all to be repeated: no fixed number of keys is enough.
 */
#ifndef SM_NEWEST_H
#define SM_NEWEST_H

#include "sm/sm_internal.h"

enum { NEWEST_KEYS = 64 }; /* that are read with an account; more follow where these are not enough */

struct newest_entry {
	struct seen_key seen;
	uint32_t target;
};
struct newest;

/* Looks at what was read with the account. True: with what was read since it was asked first that is
 * enough. False: more is being read, then done is called; err as with store_read(). */
typedef void newest_fn(struct user *u, int err);
bool newest_enough(struct user *u, uint64_t position, const struct msg_rows *rows, newest_fn *done);
/* Calls fn for these rows and all that were read beyond them, the newest first. */
void newest_each(struct user *u, const struct msg_rows *rows,
		 void (*fn)(void *arg, const struct newest_entry *e), void *arg);
/* How many these are. */
size_t newest_count(const struct user *u, const struct msg_rows *rows);
void newest_free(struct user *u); /* of what was read; also when there is nothing */

#endif
