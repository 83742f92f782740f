/* SPDX-License-Identifier: MIT */
/*
 * Turns: requests for an account that storage has to be asked for are handled one after the other,
 * so that each finds what those before it have done, and nothing of those behind it (RFC 6120
 * section 10.1: "it MUST suspend processing of subsequent data until it has processed the
 * request").
 */
#include <utlist.h>
#include "sm/sm_internal.h"

struct turn {
	struct turn *prev, *next;
	struct user *user;
	struct packet *p;
	turn_fn *fn;
	uint16_t table;
	unsigned holds; /* 0: it waits */
};

static bool is_first(const struct turn *t)
{
	const struct turn *b = t->user->turns;

	while (b->table != t->table)
		b = b->next;
	return b == t;
}

static void run(struct turn *t)
{
	t->holds = 1;
	t->fn(t->p, stanza_payload(t->p->pool, &t->p->st)); /* t may be gone */
}

static void turn_free(struct turn *t)
{
	struct user *u = t->user;

	DL_DELETE(u->turns, t);
	packet_free(t->p);
	free(t);
	u->busy--;
}

static struct turn *turn_of(const struct packet *p)
{
	struct turn *t;

	if (!p->user)
		return NULL;
	DL_FOREACH (p->user->turns, t)
		if (t->p == p)
			return t;
	return NULL;
}

void packet_in_turn(struct packet *p, uint16_t table, turn_fn *fn)
{
	struct user *u = p->user;
	struct turn *t = xcalloc(1, sizeof *t);

	t->user = u;
	t->p = packet_keep(p);
	t->fn = fn;
	t->table = table;
	u->busy++;
	DL_APPEND(u->turns, t);
	if (is_first(t))
		run(t);
}

bool packet_turn_hold(struct packet *p)
{
	struct turn *t = turn_of(p);

	if (t)
		t->holds++;
	return t != NULL;
}

void packet_turn_over(void *packet)
{
	struct turn *t = turn_of(packet), *next;
	struct user *u = t->user;
	uint16_t table = t->table;

	if (--t->holds)
		return;
	turn_free(t);
	for (next = u->turns; next && next->table != table; next = next->next)
		;
	if (next && !next->holds)
		run(next);
}

void turns_drop(struct user *u)
{
	struct turn *t, *tmp;

	DL_FOREACH_SAFE (u->turns, t, tmp) {
		packet_lost(t->p);
		if (!t->holds) /* the first ones end with what they have asked storage for */
			turn_free(t);
	}
}
