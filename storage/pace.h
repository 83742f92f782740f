/* SPDX-License-Identifier: MIT */
/* When the next commit begins: at once, or when others have come to share it. */
#ifndef STORAGE_PACE_H
#define STORAGE_PACE_H

#include "storage/engine.h"

struct pace {
	struct loop *loop;
	const struct engine_config *config;
	struct loop_timer *timer;
	uint64_t last; /* loop_now when a commit began */
	bool armed;    /* the next one has been waited for */
	/* Whoever waits for an answer before it writes again has no company: after waits in vain,
	 * so many commits do not wait. */
	unsigned skip, vain;
};

/* go: looks again whether there is something to do. c is looked at later only. */
void pace_init(struct pace *p, struct loop *l, const struct engine_config *c, loop_fn *go,
	       void *arg);
void pace_free(struct pace *p);
/* True: not yet, go will be called. jobs: how many wait. */
bool pace_waits(struct pace *p, size_t jobs);
void pace_began(struct pace *p, size_t jobs); /* a commit, with so many */

#endif
