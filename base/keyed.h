/* SPDX-License-Identifier: MIT */
/*
 * Items found by a number of 64 bits, for what there is most of, sessions and accounts: an item spends one
 * pointer on it and the table one or two, where uthash's handle takes 56 bytes.
 */
#ifndef BASE_KEYED_H
#define BASE_KEYED_H

#include <stddef.h>
#include <stdint.h>

struct keyed {
	void **buckets;
	size_t n;
	unsigned bits;	  /* of the number of buckets; 0: there are none yet */
	size_t key, next; /* where in an item its key and the table's pointer are */
};

/* The offsets of the members uint64_t key and void *next; items keep the key while they are in the table. */
#define KEYED(type, key_member, next_member)                                                                 \
	((struct keyed){.key = offsetof(type, key_member), .next = offsetof(type, next_member)})
void keyed_free(struct keyed *t); /* what it took itself; its items are the caller's */
void keyed_add(struct keyed *t, void *item);
void keyed_remove(struct keyed *t, void *item); /* which must be there */
void *keyed_find(const struct keyed *t, uint64_t key); /* NULL: none */
void *keyed_again(const struct keyed *t, const void *item); /* another one with the same key */
/* All of them, in no order. Nothing may be added meanwhile, and only that one removed whose successor was asked for
 * before. */
void *keyed_first(const struct keyed *t);
void *keyed_after(const struct keyed *t, const void *item);

#endif
