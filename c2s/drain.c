/* SPDX-License-Identifier: MIT */
/* The end of the process: its clients are moved to the other instances, or told goodbye. */
#include <utlist.h>
#include "c2s/session.h"

enum {
	LAST_SECONDS = 8, /* for the last streams to close */
	MOVE_TICK_MS = 100,
	PATIENCE_MS = 10000 /* of the skeleton, beyond drain_time */
};

static void drain_over(void *arg)
{
	struct c2s *x = arg;

	if (x->drained)
		return;
	x->drained = true;
	if (x->sessions.n)
		log_warn("stopping with sessions that no session manager has ended",
			 LF_U("sessions", x->sessions.n));
	process_drained(x->app);
}

static void say_goodbye(struct client *c)
{
	if (c->starting_tls)
		client_break(c, "shutdown");
	else
		stream_error(c, STREAM_E_SYSTEM_SHUTDOWN, NULL);
}

/* All that are left, at once. */
static void drain_now(struct c2s *x)
{
	struct client *c, *tmp;
	struct session *s, *next;

	x->moving = false;
	loop_timer_stop(x->mover);
	DL_FOREACH_SAFE (x->clients, c, tmp)
		say_goodbye(c);
	for (s = keyed_first(&x->sessions); s; s = next) {
		next = keyed_after(&x->sessions, s);
		session_drain(s);
	}
	loop_timeout_start(x->loop, &x->drain_limit, LAST_SECONDS);
	drain_look(x);
}

static bool can_resume(const struct client *c)
{
	return c->phase == PHASE_BOUND && c->session->acks && c->session->acks->on &&
	       c->session->acks->resumable;
}

static size_t count_resumable(const struct c2s *x)
{
	const struct client *c;
	size_t n = 0;

	DL_FOREACH (x->clients, c)
		n += can_resume(c);
	return n;
}

/* The session goes on over the client's next connection, which another instance accepts. */
static void move(struct client *c)
{
	const char *host = c->c2s->config->drain_host;

	if (host && *host)
		stream_error_see_other(c, host);
	else
		stream_error(c, STREAM_E_RESET, "this server process ends, another takes over");
}

static void move_some(void *arg)
{
	struct c2s *x = arg;
	uint64_t now = loop_now(x->loop);
	struct client *c, *tmp;
	size_t left, keep;

	if (now >= x->move_until) {
		drain_now(x);
		return;
	}
	left = count_resumable(x);
	keep = (size_t)(x->to_move * (x->move_until - now) / x->move_ms);
	DL_FOREACH_SAFE (x->clients, c, tmp) {
		if (left <= keep)
			break;
		if (!can_resume(c))
			continue;
		move(c);
		left--;
	}
	if (!left)
		drain_now(x); /* waiting would serve nobody */
}

static void seen(void *arg, const struct member *m)
{
	bool *any = arg;

	*any = true;
}

static bool others_serve(struct c2s *x)
{
	bool any = false;

	link_serving(x->link, "c2s", seen, &any); /* a draining process serves no route */
	return any;
}

void c2s_drain(void *state)
{
	struct c2s *x = state;
	struct client *c, *tmp;

	if (x->draining)
		return;
	x->draining = true;
	listen_stop(x);
	x->to_move = count_resumable(x);
	x->moving = x->config->drain_time > 0 && x->to_move && others_serve(x);
	if (!x->moving) {
		drain_now(x);
		return;
	}
	x->move_ms = (uint64_t)x->config->drain_time;
	x->move_until = loop_now(x->loop) + x->move_ms;
	process_drain_time(x->app, x->move_ms + PATIENCE_MS);
	loop_timer_start(x->mover, 0, MOVE_TICK_MS);
	DL_FOREACH_SAFE (x->clients, c, tmp)
		if (c->phase < PHASE_BOUND && !c->session)
			say_goodbye(c); /* they have nothing to lose */
}

void drain_look(struct c2s *x)
{
	if (x->draining && !x->drained && !x->clients && !x->sessions.n)
		drain_over(x);
}

void drain_members_changed(struct c2s *x)
{
	if (x->moving && !others_serve(x))
		drain_now(x); /* the whole server stops */
}

void drain_init(struct c2s *x)
{
	x->drain_limit.fn = drain_over;
	x->drain_limit.arg = x;
	x->mover = loop_timer_new(x->loop, move_some, x);
}

void drain_deinit(struct c2s *x)
{
	loop_timeout_stop(x->loop, &x->drain_limit);
	loop_timer_free(x->mover);
}
