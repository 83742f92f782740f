/* SPDX-License-Identifier: MIT */
/* Counts by key that end by time, the oldest first to go. */
#include <stdlib.h>
#include <uthash.h>
#include "auth/tally.h"
#include "base/alloc.h"
#include "base/clock.h"

struct entry {
	uint64_t count, until_ms;
	UT_hash_handle hh; /* uthash keeps the order of insertion: oldest first */
	size_t len;
	char key[];
};

struct tally {
	struct entry *entries;
	size_t max;
};

struct tally *tally_new(size_t max)
{
	struct tally *t = xcalloc(1, sizeof(*t));

	t->max = max;
	return t;
}

static void drop(struct tally *t, struct entry *e)
{
	HASH_DEL(t->entries, e);
	free(e);
}

struct tally *tally_free(struct tally *t)
{
	if (t) {
		while (t->entries)
			drop(t, t->entries);
		free(t);
	}
	return NULL;
}

static struct entry *find(struct tally *t, struct str key)
{
	struct entry *e;

	HASH_FIND(hh, t->entries, key.ptr ? key.ptr : "", key.len, e);
	if (e && clock_mono_ms() >= e->until_ms) {
		drop(t, e);
		e = NULL;
	}
	return e;
}

bool tally_full(struct tally *t, struct str key, uint64_t limit)
{
	struct entry *e = limit ? find(t, key) : NULL;

	return e && e->count >= limit;
}

void tally_add(struct tally *t, struct str key, uint64_t limit, uint64_t window_ms, bool sliding)
{
	struct entry *e;

	if (!limit)
		return;
	e = find(t, key);
	if (e && e->count >= limit)
		return;
	if (!e) {
		if (HASH_COUNT(t->entries) >= t->max)
			drop(t, t->entries);
		e = xcalloc(1, sizeof(*e) + key.len);
		e->len = key.len;
		if (key.len)
			memcpy(e->key, key.ptr, key.len);
		e->until_ms = clock_mono_ms() + window_ms;
	} else {
		HASH_DEL(t->entries, e); /* to the end: counted last */
		if (sliding)
			e->until_ms = clock_mono_ms() + window_ms;
	}
	e->count++;
	HASH_ADD_KEYPTR(hh, t->entries, e->key, e->len, e);
}

void tally_clear(struct tally *t, struct str key)
{
	struct entry *e = find(t, key);

	if (e)
		drop(t, e);
}

size_t tally_size(const struct tally *t)
{
	return HASH_COUNT(t->entries);
}
