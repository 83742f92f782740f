/* SPDX-License-Identifier: MIT */
/* The coarse timeout wheel: one-second ticks, one timer for all, which sleeps to the next slot that
 * holds anything. */
#include "base/loop_internal.h"

#define TICK_MS 1000

static uint64_t tick_now(struct loop_wheel *w)
{
	/* One more, so that 0 stays free for "not armed". */
	return uv_now(w->timer.loop) / TICK_MS + 1;
}

static void ring_init(struct loop_timeout *head)
{
	head->prev = head->next = head;
}

static void ring_add(struct loop_timeout *head, struct loop_timeout *t)
{
	t->prev = head->prev;
	t->next = head;
	t->prev->next = t;
	head->prev = t;
}

static void ring_remove(struct loop_timeout *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
}

static void collect(struct loop_timeout *slot, uint64_t now, struct loop_timeout *due)
{
	struct loop_timeout *t = slot->next;

	while (t != slot) {
		struct loop_timeout *next = t->next;

		if (t->due <= now) {
			ring_remove(t);
			ring_add(due, t);
		}
		t = next;
	}
}

static void on_tick(uv_timer_t *timer);

static void arm_for(struct loop_wheel *w, uint64_t tick)
{
	uint64_t now = uv_now(w->timer.loop), at = (tick - 1) * TICK_MS;

	w->armed = tick;
	uv_timer_start(&w->timer, on_tick, at > now ? at - now : 0, 0);
}

/* A slot may hold only what is due in a later round: then it wakes for nothing, once a round. */
static void arm(struct loop_wheel *w)
{
	uint64_t tick = w->tick + 1;

	while (tick < w->tick + WHEEL_SLOTS &&
	       w->slots[tick % WHEEL_SLOTS].next == &w->slots[tick % WHEEL_SLOTS])
		tick++;
	arm_for(w, tick);
}

static void on_tick(uv_timer_t *timer)
{
	struct loop_wheel *w = timer->data;
	uint64_t now = tick_now(w);
	struct loop_timeout due;

	loop_timer_fired(timer->loop);
	ring_init(&due);
	/* After a long stop of the process once around is enough. */
	if (now - w->tick > WHEEL_SLOTS)
		w->tick = now - WHEEL_SLOTS;
	while (w->tick < now)
		collect(&w->slots[++w->tick % WHEEL_SLOTS], now, &due);
	/* A callback may stop, restart or free any timeout, also those still in due. */
	while (due.next != &due) {
		struct loop_timeout *t = due.next;

		loop_wheel_stop(w, t);
		t->fn(t->arg);
	}
	if (w->count)
		arm(w);
}

void loop_wheel_init(struct loop_wheel *w, uv_loop_t *uv)
{
	uv_timer_init(uv, &w->timer);
	w->timer.data = w;
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		ring_init(&w->slots[i]);
}

void loop_wheel_close(struct loop_wheel *w)
{
	uv_close((uv_handle_t *)&w->timer, NULL);
}

void loop_wheel_start(struct loop_wheel *w, struct loop_timeout *t, unsigned seconds)
{
	uint64_t now = tick_now(w);

	loop_wheel_stop(w, t);
	if (!w->count++)
		w->tick = now;
	t->due = now + seconds + 1;
	ring_add(&w->slots[t->due % WHEEL_SLOTS], t);
	if (!uv_is_active((uv_handle_t *)&w->timer) || t->due < w->armed)
		arm_for(w, t->due);
}

void loop_wheel_stop(struct loop_wheel *w, struct loop_timeout *t)
{
	if (!t->due)
		return;
	ring_remove(t);
	t->prev = t->next = NULL;
	t->due = 0;
	if (!--w->count)
		uv_timer_stop(&w->timer);
}
