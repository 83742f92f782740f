/* SPDX-License-Identifier: MIT */
/* Whether a session was given a stanza of that key: looked up for each one that comes for it, among
 * thousands where many are held (DELIVERY rule 7). */
#include "sm/sm_internal.h"

enum { FEW = 64 }; /* are looked through */

/* What is given is only added at the end and settled at the front; base counts what was settled, so
 * that base + i, which a slot has, is an entry's number for ever. */
struct given_index {
	uint32_t mask, used;
	uint64_t next;	  /* the first that is not in it */
	uint64_t slots[]; /* number + 1; 0: empty; of one that was settled it is a dead slot */
};

static uint32_t key_hash(const struct msg_stanza_key *k)
{
	return (uint32_t)hash64_pair(k->origin, k->number ^ (uint64_t)k->part << 48);
}

static void add(struct session *s, uint64_t number)
{
	struct given_index *x = s->given_index;
	uint32_t at = key_hash(&s->given[number - s->given_base].key);

	while (x->slots[at & x->mask])
		at++;
	x->slots[at & x->mask] = number + 1;
	x->used++;
}

/* Half empty at the least, so that the walk ends. */
static void bring_up(struct session *s)
{
	struct given_index *x = s->given_index;
	uint64_t end = s->given_base + s->ngiven;
	uint32_t size = 4 * FEW;

	if (!x || (x->used + (end - x->next)) * 2 > x->mask || x->next < s->given_base) {
		while (size < 4 * s->ngiven)
			size *= 2;
		free(x);
		x = s->given_index = xcalloc(1, sizeof *x + size * sizeof x->slots[0]);
		x->mask = size - 1;
		x->next = s->given_base;
	}
	while (x->next != end)
		add(s, x->next++);
}

struct given *session_given(struct session *s, const struct msg_stanza_key *key)
{
	const struct given_index *x;

	if (s->ngiven <= FEW) {
		for (uint32_t i = 0; i < s->ngiven; i++)
			if (key_same(&s->given[i].key, key))
				return &s->given[i];
		return NULL;
	}
	bring_up(s);
	x = s->given_index;
	for (uint32_t at = key_hash(key); x->slots[at & x->mask]; at++) {
		uint64_t i = x->slots[at & x->mask] - 1 - s->given_base;

		if (i < s->ngiven && key_same(&s->given[i].key, key))
			return &s->given[i];
	}
	return NULL;
}

void given_settled(struct session *s, uint32_t n)
{
	s->given_base += n;
	if (s->ngiven > FEW)
		return;
	free(s->given_index);
	s->given_index = NULL;
}
