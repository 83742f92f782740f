/* SPDX-License-Identifier: MIT */
/* mercutioctl trace: frames between processes, live. */
#include <signal.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "tools/ctl.h"

struct trace {
	struct ctl *c;
	struct msg_trace_start start;
	bool over;
};

static void ask_member(void *arg, const struct member *m)
{
	struct trace *t = arg;
	struct frame head = ctl_head(MSG_TRACE_START, m->id);

	if (strcmp(m->process, "ctl") != 0)
		link_send(t->c->link, &head, &t->start);
}

static void stop_member(void *arg, const struct member *m)
{
	struct trace *t = arg;
	struct frame head = ctl_head(MSG_TRACE_STOP, m->id);
	struct msg_trace_stop stop = {0};

	if (strcmp(m->process, "ctl") != 0)
		link_send(t->c->link, &head, &stop);
}

static void on_event(void *arg, enum link_event e, const struct member *m)
{
	if (e == LINK_MEMBER && m)
		ask_member(arg, m);
}

static void on_trace(void *arg, const struct frame *f, const void *msg)
{
	struct trace *t = arg;
	const struct msg_trace *m = msg;
	const struct member *from = link_member(t->c->link, f->from);
	char stamp[32];

	clock_format(m->time, stamp);
	if (t->c->json) {
		json_t *o = json_pack("{s:s, s:s, s:s%}", "time", stamp, "instance",
				      from ? from->name : "?", "frame", m->line.ptr, m->line.len);

		json_dumpf(o, stdout, JSON_COMPACT);
		json_decref(o);
	} else {
		printf("%s %s ", stamp, from ? from->name : "?");
		ctl_put(stdout, m->line);
	}
	putchar('\n');
	/* Whoever reads a pipe wants it now. */
	if (fflush(stdout) != 0)
		t->over = true;
}

static void on_signal(void *arg)
{
	struct trace *t = arg;

	t->over = true;
}

static bool is_over(struct ctl *c, void *arg)
{
	return ((struct trace *)arg)->over;
}

static bool flushed(struct ctl *c, void *arg)
{
	return link_flushed(c->link);
}

static int trace(struct ctl *c, int argc, char **argv)
{
	static const struct link_ops ops = {.event = on_event};
	static const struct link_handler handlers[] = {{MSG_TRACE, on_trace}, {0, NULL}};
	struct trace t = {.c = c};
	struct pool *p = pool_new();
	struct loop_signal *intr, *term;
	struct jid j;

	if (argc) {
		if (jid_parse(p, str_z(argv[0]), &j) < 0) {
			pool_free(p);
			return ctl_error("%s is no JID", argv[0]);
		}
		t.start.jid = j.full;
	}
	intr = loop_signal_new(c->loop, SIGINT, on_signal, &t);
	term = loop_signal_new(c->loop, SIGTERM, on_signal, &t);
	link_handlers(c->link, handlers, &t);
	link_events(c->link, &ops, &t);
	link_members(c->link, ask_member, &t);
	ctl_wait(c, 1000, flushed, NULL);
	fputs("mercutioctl: watching, an interrupt ends it\n", stderr);
	ctl_wait(c, 0, is_over, &t);
	link_members(c->link, stop_member, &t);
	ctl_wait(c, 1000, flushed, NULL);
	loop_signal_free(intr);
	loop_signal_free(term);
	ctl_disconnect(c);
	pool_free(p);
	return CTL_GOOD;
}

const struct ctl_command ctl_trace_commands[] = {
	{"trace", "[JID]", 0, 1, CTL_LINK, trace,
	 "frames between processes that speak of the JID, until interrupted"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
