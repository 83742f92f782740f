/* SPDX-License-Identifier: MIT */
/* Chains in buckets, one or two of these for an item. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/keyed.h"
#include "base/log.h"

enum { FIRST_BITS = 4 };

static uint64_t key_of(const struct keyed *t, const void *item)
{
	return *(const uint64_t *)((const char *)item + t->key);
}

static void **next_of(const struct keyed *t, const void *item)
{
	return (void **)((const char *)item + t->next);
}

/* Keys may be small, or of equal low bits (accounts of few shards): all of their bits count. */
static size_t bucket(const struct keyed *t, uint64_t key)
{
	return (size_t)(key * 0x9e3779b97f4a7c15 >> (64 - t->bits));
}

static size_t size(const struct keyed *t)
{
	return t->bits ? (size_t)1 << t->bits : 0;
}

static void put(struct keyed *t, void *item)
{
	void **head = &t->buckets[bucket(t, key_of(t, item))];

	*next_of(t, item) = *head;
	*head = item;
}

static void grow(struct keyed *t)
{
	struct keyed old = *t;

	t->bits = old.bits ? old.bits + 1 : FIRST_BITS;
	t->buckets = xcalloc(size(t), sizeof *t->buckets);
	for (size_t i = 0; i < size(&old); i++) {
		for (void *item = old.buckets[i], *next; item; item = next) {
			next = *next_of(t, item);
			put(t, item);
		}
	}
	free(old.buckets);
}

void keyed_add(struct keyed *t, void *item)
{
	if (t->n == size(t))
		grow(t);
	put(t, item);
	t->n++;
}

void keyed_remove(struct keyed *t, void *item)
{
	void **at = t->bits ? &t->buckets[bucket(t, key_of(t, item))] : NULL;

	while (at && *at != item)
		at = *at ? next_of(t, *at) : NULL;
	if (!at)
		bug("an item is not in its table");
	*at = *next_of(t, item);
	t->n--;
}

static void *same(const struct keyed *t, void *item, uint64_t key)
{
	while (item && key_of(t, item) != key)
		item = *next_of(t, item);
	return item;
}

void *keyed_find(const struct keyed *t, uint64_t key)
{
	return t->bits ? same(t, t->buckets[bucket(t, key)], key) : NULL;
}

void *keyed_again(const struct keyed *t, const void *item)
{
	return same(t, *next_of(t, item), key_of(t, item));
}

static void *first_from(const struct keyed *t, size_t i)
{
	for (; i < size(t); i++) {
		if (t->buckets[i])
			return t->buckets[i];
	}
	return NULL;
}

void *keyed_first(const struct keyed *t)
{
	return first_from(t, 0);
}

void *keyed_after(const struct keyed *t, const void *item)
{
	void *next = *next_of(t, item);

	return next ? next : first_from(t, bucket(t, key_of(t, item)) + 1);
}

void keyed_free(struct keyed *t)
{
	free(t->buckets);
	t->buckets = NULL;
	t->n = t->bits = 0;
}
