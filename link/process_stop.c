/* SPDX-License-Identifier: MIT */
/*
 * The end of the whole service, as an administrator orders it (XEP-0133). Every process is told at
 * once and decides by itself when its turn is: those that face strangers first, then those whose
 * work they carry, storage when nobody can want it any more, the routers last.
 */
#include <stdlib.h>
#include "base/alloc.h"
#include "link/process_internal.h"

enum { LOOK_MS = 50, TURN_MS = 35000 /* a drain takes up to 30 s */ };

static unsigned turn_of(const char *process)
{
	static const struct {
		const char *process;
		unsigned turn;
	} turns[] = {{"router", 4}, {"storage", 3}, {"auth", 2}, {"sm", 2},
		     {"muc", 1},    {"pubsub", 1},  {"ctl", 4}};

	for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
		if (strcmp(process, turns[i].process) == 0)
			return turns[i].turn;
	return 0;
}

/* Those that are there now: when the service restarts, the first are back before the last have
 * gone. */
static void note_before(void *arg, const struct member *m)
{
	struct running *r = arg;

	if (turn_of(m->process) >= turn_of(r->app.process->name))
		return;
	r->before = xrealloc(r->before, (r->nbefore + 1) * sizeof *r->before);
	r->before[r->nbefore++] = m->id;
}

static void on_look(void *arg)
{
	struct running *r = arg;

	for (size_t i = 0; i < r->nbefore; i++)
		if (link_member(r->app.link, r->before[i]) && loop_now(r->app.loop) < r->stop_until)
			return;
	loop_timer_stop(r->stop_timer);
	process_drain(r);
}

void process_on_stop(void *arg, const struct frame *f, const void *m)
{
	struct running *r = arg;
	const struct msg_stop *stop = m;

	(void)f;
	if (r->stop_timer)
		return;
	log_info("stopped by an administrator",
		 LF_S("then", stop->restart ? "restart" : "stay down"));
	r->status = stop->restart ? PROCESS_RESTART : PROCESS_STOPPED;
	r->stop_until = loop_now(r->app.loop) + (uint64_t)TURN_MS * turn_of(r->app.process->name);
	link_members(r->app.link, note_before, r);
	r->stop_timer = loop_timer_new(r->app.loop, on_look, r);
	loop_timer_start(r->stop_timer, LOOK_MS, LOOK_MS);
}

bool process_is_watched(void)
{
	/* systemd sets one, the launcher the other. */
	return getenv("INVOCATION_ID") || getenv("MERCUTIO_LAUNCHER");
}
