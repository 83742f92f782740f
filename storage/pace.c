/* SPDX-License-Identifier: MIT */
/*
 * When the next commit begins. At few writes a second each commits at once; at many, company is
 * awaited: a commit costs far more than a row. Waits that bring nobody are given up for a while.
 */
#include <string.h>
#include "storage/pace.h"

enum { VAIN_MAX = 6 }; /* so that one of 64 commits tries again */

void pace_init(struct pace *p, struct loop *l, const struct engine_config *c, loop_fn *go,
	       void *arg)
{
	memset(p, 0, sizeof(*p));
	p->loop = l;
	p->config = c;
	p->timer = loop_timer_new(l, go, arg);
}

void pace_free(struct pace *p)
{
	p->timer = loop_timer_free(p->timer);
}

bool pace_waits(struct pace *p, size_t jobs)
{
	const struct engine_config *c = p->config;
	uint64_t now = loop_now(p->loop), at = p->last + (uint64_t)c->commit_delay;

	if (p->skip || jobs >= ENOUGH_JOBS || jobs >= c->commit_max || now >= at)
		return false;
	loop_timer_start(p->timer, at - now, 0); /* again: it may be a millisecond early */
	p->armed = true;
	return true;
}

void pace_began(struct pace *p, size_t jobs)
{
	p->last = loop_now(p->loop);
	if (jobs > 1) {
		p->skip = p->vain = 0;
	} else if (p->armed) {
		p->vain += p->vain < VAIN_MAX;
		p->skip = 1u << p->vain;
	} else if (p->skip) {
		p->skip--;
	}
	p->armed = false;
	loop_timer_stop(p->timer);
}
