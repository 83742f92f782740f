/* SPDX-License-Identifier: MIT */
/*
 * What a c2s did not get because too much waits for it already. A bounce does not say of which sessions it
 * was: that c2s is asked to announce all that it has with us again, and then each side knows what the other
 * lacks (DELIVERY rule 10).
 */
#include <utlist.h>
#include "sm/sm_internal.h"

enum { QUEUE_FULL = 2 }; /* why of BOUNCE */
enum { FIRST_MS = 1000, MOST_MS = 4000 };

struct bounced {
	struct bounced *next;
	struct sm *sm;
	struct loop_timer *timer;
	uint64_t c2s, wait_ms;
	bool more; /* since that c2s was asked last */
};

static void bounced_end(struct bounced *b)
{
	LL_DELETE(b->sm->bounced, b);
	loop_timer_free(b->timer);
	free(b);
}

/* Behind all that waits: when there is still no room, this comes back as well, and is tried again. */
static void ask(void *arg)
{
	struct bounced *b = arg;
	struct frame head = {.kind = MSG_ANNOUNCE_AGAIN,
			     .to = b->c2s,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};
	struct msg_announce_again m = {0};

	if (!b->more) {
		bounced_end(b);
		return;
	}
	b->more = false;
	b->wait_ms = b->wait_ms < MOST_MS ? b->wait_ms * 2 : MOST_MS;
	loop_timer_start(b->timer, b->wait_ms, 0);
	(void)link_send(b->sm->link, &head, &m);
}

static struct bounced *bounced_find(struct sm *sm, uint64_t c2s)
{
	struct bounced *b = sm->bounced;

	while (b && b->c2s != c2s)
		b = b->next;
	return b;
}

/* What is gone with a c2s or a router, c2s or its loss tells us without being asked. */
void on_bounce(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_bounce *m = msg;
	const struct member *from = link_member(sm->link, f->from);
	struct bounced *b;

	if (m->why != QUEUE_FULL || !from || strcmp(from->process, "c2s") != 0)
		return;
	b = bounced_find(sm, f->from);
	if (!b) {
		b = xcalloc(1, sizeof *b);
		b->sm = sm;
		b->c2s = f->from;
		b->wait_ms = FIRST_MS;
		b->timer = loop_timer_new(sm->loop, ask, b);
		loop_timer_start(b->timer, b->wait_ms, 0);
		LL_PREPEND(sm->bounced, b);
	}
	b->more = true;
}

void bounced_member_lost(struct sm *sm, uint64_t instance)
{
	struct bounced *b = bounced_find(sm, instance);

	if (b)
		bounced_end(b);
}

void bounced_free(struct sm *sm)
{
	while (sm->bounced)
		bounced_end(sm->bounced);
}
