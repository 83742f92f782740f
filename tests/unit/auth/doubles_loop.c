/* SPDX-License-Identifier: MIT */
/* A loop: timers by the faked clock, descriptors that are real ones, workers that run in turn. */
#include <poll.h>
#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/unit/auth/doubles_internal.h"

struct loop_timer {
	loop_fn *fn;
	void *arg;
	uint64_t due; /* 0: stopped */
	struct loop_timer *prev, *next;
};

struct job {
	loop_fn *work, *done;
	void *arg;
	struct job *prev, *next;
};

static struct loop_timer *timers;
static struct loop_timeout *timeouts;
static struct job *jobs;

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	(void)l;
	t->fn = fn;
	t->arg = arg;
	DL_APPEND(timers, t);
	return t;
}

void loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms)
{
	(void)repeat_ms;
	t->due = clock_mono_ms() + ms;
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
	if (t) {
		DL_DELETE(timers, t);
		free(t);
	}
	return NULL;
}

void loop_timer_stop(struct loop_timer *t)
{
	t->due = 0;
}

/* Descriptors are real ones: what threads write to. */
struct loop_io {
	int fd;
	unsigned events;
	loop_io_fn *fn;
	void *arg;
	struct loop_io *prev, *next;
};

static struct loop_io *ios;

struct loop_io *loop_io_new(struct loop *l, int fd, loop_io_fn *fn, void *arg)
{
	struct loop_io *io = xcalloc(1, sizeof(*io));

	(void)l;
	*io = (struct loop_io){.fd = fd, .fn = fn, .arg = arg};
	DL_APPEND(ios, io);
	return io;
}

void loop_io_set(struct loop_io *io, unsigned events)
{
	io->events = events;
}

struct loop_io *loop_io_free(struct loop_io *io)
{
	if (io) {
		DL_DELETE(ios, io);
		free(io);
	}
	return NULL;
}

bool double_wait(void)
{
	struct pollfd fds[16];
	struct loop_io *io, *ready[16];
	nfds_t n = 0;

	DL_FOREACH (ios, io) {
		fds[n] = (struct pollfd){.fd = io->fd,
					 .events = (io->events & LOOP_READ ? POLLIN : 0) |
						   (io->events & LOOP_WRITE ? POLLOUT : 0)};
		ready[n++] = io;
	}
	if (poll(fds, n, 30000) <= 0)
		return false;
	for (nfds_t i = 0; i < n; i++) {
		if (fds[i].revents) { /* one: its callback may free the others */
			ready[i]->fn(ready[i]->arg,
				     (fds[i].revents & ~POLLOUT ? LOOP_READ : 0) |
					     (fds[i].revents & POLLOUT ? LOOP_WRITE : 0));
			break;
		}
	}
	double_run();
	return true;
}

void loop_timeout_start(struct loop *l, struct loop_timeout *t, unsigned seconds)
{
	loop_timeout_stop(l, t);
	t->due = clock_mono_ms() + seconds * 1000;
	DL_APPEND(timeouts, t);
}

void loop_timeout_stop(struct loop *l, struct loop_timeout *t)
{
	(void)l;
	if (t->due)
		DL_DELETE(timeouts, t);
	t->due = 0;
}

void loop_workers(size_t n)
{
	(void)n;
}

void loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	(void)l;
	*j = (struct job){.work = work, .done = done, .arg = arg};
	DL_APPEND(jobs, j);
}

bool double_fire(void)
{
	uint64_t now = clock_mono_ms();
	struct loop_timer *t;
	struct loop_timeout *o;

	DL_FOREACH (timers, t) {
		if (t->due && t->due <= now) {
			t->due = 0;
			t->fn(t->arg);
			return true;
		}
	}
	DL_FOREACH (timeouts, o) {
		if (o->due <= now) {
			loop_timeout_stop(NULL, o);
			o->fn(o->arg);
			return true;
		}
	}
	return false;
}

bool double_work_one(void)
{
	struct job *j = jobs;

	if (!j)
		return false;
	DL_DELETE(jobs, j);
	j->work(j->arg);
	double_store.works++;
	j->done(j->arg);
	free(j);
	return true;
}
