/* SPDX-License-Identifier: MIT */
/*
 * Keys appended lately. Entries lie in blocks in the order in which they came, each with a number
 * of that sequence; the table by key has only these numbers, so that what leaves at the old end
 * needs not be taken out of it.
 */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/random.h"
#include "sm/sm_internal.h"

enum { BLOCK = 128, SLOTS_MIN = 64 };

struct seens {
	struct seen **blocks;
	size_t nblocks, cap, peak; /* peak: see alloc_shrunk() */
	uint64_t base;	     /* number of the first entry of the first block */
	uint64_t first, end; /* numbers of the oldest entry and behind the newest */
	uint32_t *slots;     /* lower bits of a number; 0: empty */
	uint32_t mask, used;
	struct seen loaded; /* seen_find() has found it among those read with the account */
};

struct seens *seens_new(void)
{
	struct seens *x = xcalloc(1, sizeof *x);

	x->first = x->end = 1;
	x->base = 1;
	return x;
}

void seens_free(struct seens *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->nblocks; i++)
		free(x->blocks[i]);
	free(x->blocks);
	free(x->slots);
	free(x);
}

bool seens_any(const struct seens *x)
{
	return x->first != x->end;
}

static struct seen *entry_at(const struct seens *x, uint64_t number)
{
	uint64_t i = number - x->base;

	return &x->blocks[i / BLOCK][i % BLOCK];
}

/* NULL: it has left. */
static struct seen *entry_of(const struct seens *x, uint32_t low)
{
	uint64_t number = x->first + (uint32_t)(low - (uint32_t)x->first);

	return low && number < x->end ? entry_at(x, number) : NULL;
}

static struct seen *push(struct seens *x)
{
	if ((x->end - x->base) / BLOCK == x->nblocks) {
		if (x->nblocks == x->cap) {
			x->cap = x->cap ? x->cap * 2 : 4;
			x->blocks = xrealloc(x->blocks, x->cap * sizeof *x->blocks);
		}
		x->blocks[x->nblocks++] = xcalloc(BLOCK, sizeof **x->blocks);
	}
	return entry_at(x, x->end++);
}

static void pop(struct seens *x)
{
	x->first++;
	if (x->first - x->base == BLOCK) {
		free(x->blocks[0]);
		memmove(x->blocks, x->blocks + 1, --x->nblocks * sizeof *x->blocks);
		x->base = x->first;
	}
	if (x->first != x->end)
		return;
	while (x->nblocks)
		free(x->blocks[--x->nblocks]);
	free(x->slots);
	x->slots = NULL;
	x->mask = x->used = 0;
	x->base = x->first;
}

/* --- by key ---------------------------------------------------------------------------------- */

static uint32_t hash(const struct user *u, uint64_t origin, uint64_t number, uint16_t part)
{
	return (uint32_t)hash64_pair((uintptr_t)u ^ origin, number ^ (uint64_t)part << 48);
}

static void slot_take(struct seens *x, uint64_t number)
{
	const struct seen *e = entry_at(x, number);
	uint32_t at = hash(e->user, e->origin, e->number, e->part);

	while (x->slots[at & x->mask])
		at++;
	x->slots[at & x->mask] = (uint32_t)number;
	x->used++;
}

/* Half empty at the least, so that walks are short; what has left is left out. */
static void make_room(struct seens *x)
{
	uint64_t n = x->end - x->first;
	uint32_t size = SLOTS_MIN;

	if (x->slots && (x->used + 1) * 2 <= x->mask)
		return;
	while (size < 4 * n)
		size *= 2;
	free(x->slots);
	x->slots = xcalloc(size, sizeof *x->slots);
	x->mask = size - 1;
	x->used = 0;
	for (uint64_t i = x->first; i != x->end; i++)
		if (entry_at(x, i)->user)
			slot_take(x, i);
}

struct seen *seen_find(struct user *u, const struct msg_stanza_key *key)
{
	struct seens *x = u->sm->seens;
	uint32_t at = hash(u, key->origin, key->number, key->part);
	struct seen *e;

	for (; x->slots && x->slots[at & x->mask]; at++) {
		e = entry_of(x, x->slots[at & x->mask]);
		if (e && e->user == u && e->number == key->number && e->origin == key->origin &&
		    e->part == key->part)
			return e;
	}
	x->loaded = (struct seen){.user = u,
				  .origin = key->origin,
				  .number = key->number,
				  .part = key->part,
				  .committed = true};
	return seen_loaded_find(u, key, &x->loaded.log) ? &x->loaded : NULL;
}

struct seen *seen_add(struct user *u, const struct msg_stanza_key *key, uint64_t log)
{
	struct seens *x = u->sm->seens;
	struct seen *e;

	make_room(x);
	if (!(uint32_t)x->end)
		push(x)->committed = true; /* nobody's: that number means none */
	e = push(x);
	*e = (struct seen){.user = u,
			   .origin = key->origin,
			   .number = key->number,
			   .log = log,
			   .older = u->seen,
			   .since = (uint32_t)loop_now(u->sm->loop),
			   .part = key->part};
	u->seen = (uint32_t)(x->end - 1);
	slot_take(x, x->end - 1);
	return e;
}

uint64_t seen_after(struct user *u, const struct msg_stanza_key *key)
{
	const struct seens *x = u->sm->seens;
	uint64_t best = seen_loaded_after(u, key);

	for (struct seen *e = entry_of(x, u->seen); e; e = entry_of(x, e->older))
		if (e->user == u && e->log && e->origin == key->origin && e->number > key->number &&
		    (!best || e->log < best))
			best = e->log;
	return best;
}

/* --- forgetting ------------------------------------------------------------------------------ */

void seen_drop(struct seen *e)
{
	e->user = NULL;
	e->append = NULL;
	e->committed = true;
}

void seens_tick(struct sm *sm)
{
	struct seens *x = sm->seens;
	uint32_t now = (uint32_t)loop_now(sm->loop);

	seen_loaded_tick(sm);
	while (seens_any(x)) {
		const struct seen *e = entry_at(x, x->first);

		if (e->user && (!e->committed || now - e->since <= SEEN_MS))
			break;
		pop(x);
	}
	alloc_shrunk(&x->peak, x->nblocks);
}

void seen_trim(struct user *u, uint64_t origin, size_t keep)
{
	const struct seens *x = u->sm->seens;

	for (struct seen *e = entry_of(x, u->seen); e; e = entry_of(x, e->older)) {
		if (e->user != u || e->origin != origin || !e->committed)
			continue;
		if (keep)
			keep--;
		else
			seen_drop(e);
	}
}

void seen_forget(struct user *u)
{
	const struct seens *x = u->sm->seens;

	for (struct seen *e = entry_of(x, u->seen); e; e = entry_of(x, e->older))
		if (e->user == u)
			seen_drop(e);
	u->seen = 0;
	seen_unload(u);
}
