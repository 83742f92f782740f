/* SPDX-License-Identifier: MIT */
/* The timeout wheel, as the loop drives it. */
#ifndef BASE_LOOP_INTERNAL_H
#define BASE_LOOP_INTERNAL_H

#include <uv.h>
#include "base/loop.h"

#define WHEEL_SLOTS 256

/* Each slot is the head of a ring of the timeouts whose due tick falls on it; one that is due
 * in a later round stays when its slot is passed. The timer runs only while count > 0. */
struct loop_wheel {
	uv_timer_t timer;
	uint64_t armed; /* the tick that the timer waits for */
	uint64_t tick; /* the last tick that was served */
	size_t count;
	struct loop_timeout slots[WHEEL_SLOTS];
};

/* Called by each timer of libuv's as it fires. */
void loop_timer_fired(uv_loop_t *uv);

void loop_wheel_init(struct loop_wheel *w, uv_loop_t *uv);
void loop_wheel_close(struct loop_wheel *w);
void loop_wheel_start(struct loop_wheel *w, struct loop_timeout *t, unsigned seconds);
void loop_wheel_stop(struct loop_wheel *w, struct loop_timeout *t);

#endif
