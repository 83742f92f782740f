/* SPDX-License-Identifier: MIT */
/* The loop on libuv: turns, descriptors, timers, signals, workers, deferred calls. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/loop_internal.h"

struct loop {
	uv_loop_t uv;
	uv_prepare_t before_wait; /* also keeps uv_run from ending while nothing is watched */
	uv_check_t after_wait;
	struct loop_task tasks, last; /* heads of rings */
	struct loop_wheel wheel;
	bool running;
	bool once; /* loop_run_once: a timer is what it waits for */
	bool now_known; /* now_ms holds for this turn */
	uint64_t now_ms;
};

struct loop_io {
	uv_poll_t uv;
	loop_io_fn *fn;
	void *arg;
	unsigned events;
};

struct loop_timer {
	uv_timer_t uv;
	loop_fn *fn;
	void *arg;
};

struct loop_signal {
	uv_signal_t uv;
	loop_fn *fn;
	void *arg;
};

struct work {
	uv_work_t uv;
	loop_fn *work, *done;
	void *arg;
};

static void must(int r, const char *what)
{
	if (r < 0)
		bug("%s: %s", what, uv_strerror(r));
}

static void release(uv_handle_t *handle)
{
	/* The uv struct is the first member of each of ours. */
	free(handle);
}

static struct loop_task *next_task(struct loop *l)
{
	if (l->tasks.next != &l->tasks)
		return l->tasks.next;
	return l->last.next != &l->last ? l->last.next : NULL;
}

static void run_tasks(struct loop *l)
{
	struct loop_task *t;

	while ((t = next_task(l))) {
		loop_task_cancel(l, t);
		t->fn(t->arg);
	}
}

static void on_before_wait(uv_prepare_t *handle)
{
	struct loop *l = handle->data;

	run_tasks(l);
	l->now_known = false;
}

static void on_after_wait(uv_check_t *handle)
{
	run_tasks(handle->data);
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	/* OpenSSL writes without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	must(uv_loop_init(&l->uv), "uv_loop_init");
	l->uv.data = l;
	l->tasks.next = l->tasks.prev = &l->tasks;
	l->last.next = l->last.prev = &l->last;
	uv_prepare_init(&l->uv, &l->before_wait);
	l->before_wait.data = l;
	uv_prepare_start(&l->before_wait, on_before_wait);
	uv_check_init(&l->uv, &l->after_wait);
	l->after_wait.data = l;
	uv_check_start(&l->after_wait, on_after_wait);
	loop_wheel_init(&l->wheel, &l->uv);
	return l;
}

struct loop *loop_free(struct loop *l)
{
	int r;

	if (!l)
		return NULL;
	uv_close((uv_handle_t *)&l->before_wait, NULL);
	uv_close((uv_handle_t *)&l->after_wait, NULL);
	loop_wheel_close(&l->wheel);
	/* Lets closed handles and workers' last calls finish. */
	uv_run(&l->uv, UV_RUN_DEFAULT);
	r = uv_loop_close(&l->uv);
	if (r < 0)
		bug("loop freed while something is tied to it: %s", uv_strerror(r));
	free(l);
	return NULL;
}

static void turn(struct loop *l, uv_run_mode mode)
{
	l->running = true;
	l->now_known = false;
	uv_run(&l->uv, mode);
	run_tasks(l);
	l->running = false;
}

void loop_run(struct loop *l)
{
	turn(l, UV_RUN_DEFAULT);
}

void loop_run_once(struct loop *l)
{
	bool waits = !next_task(l);

	l->once = true;
	/* Deferred calls are what this turn was waiting for. */
	turn(l, waits ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	l->once = false;
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

uint64_t loop_now(const struct loop *l)
{
	struct loop *cache = (struct loop *)l;

	if (!l->running)
		return clock_mono_ms();
	if (!l->now_known) {
		cache->now_ms = clock_mono_ms();
		cache->now_known = true;
	}
	return l->now_ms;
}

static void enqueue(struct loop_task *ring, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->prev = ring->prev;
	t->next = ring;
	t->prev->next = t;
	ring->prev = t;
}

void loop_defer(struct loop *l, struct loop_task *t)
{
	enqueue(&l->tasks, t);
}

void loop_defer_last(struct loop *l, struct loop_task *t)
{
	enqueue(&l->last, t);
}

void loop_task_cancel(struct loop *l, struct loop_task *t)
{
	if (!t->queued)
		return;
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->prev = t->next = NULL;
	t->queued = false;
}

/* libuv counts delays from the turn's time, which stands still outside of turns. */
static void fresh_time(struct loop *l)
{
	if (!l->running)
		uv_update_time(&l->uv);
}

void loop_timeout_start(struct loop *l, struct loop_timeout *t, unsigned seconds)
{
	fresh_time(l);
	loop_wheel_start(&l->wheel, t, seconds);
}

void loop_timeout_stop(struct loop *l, struct loop_timeout *t)
{
	loop_wheel_stop(&l->wheel, t);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct loop_io *io = (struct loop_io *)handle;
	unsigned seen = (events & UV_READABLE ? LOOP_READ : 0u) |
			(events & UV_WRITABLE ? LOOP_WRITE : 0u);

	if (status < 0) {
		/* libuv has stopped watching; as with epoll, an error that nobody fetches
		 * from the socket is to be told again. */
		unsigned wanted = io->events;

		io->events = 0;
		loop_io_set(io, wanted);
		seen = LOOP_READ;
	}
	io->fn(io->arg, seen);
}

struct loop_io *loop_io_new(struct loop *l, int fd, loop_io_fn *fn, void *arg)
{
	struct loop_io *io = xcalloc(1, sizeof(*io));

	must(uv_poll_init(&l->uv, &io->uv, fd), "uv_poll_init");
	io->fn = fn;
	io->arg = arg;
	return io;
}

void loop_io_set(struct loop_io *io, unsigned events)
{
	int wanted = (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0);

	if (events == io->events)
		return;
	io->events = events;
	if (wanted)
		must(uv_poll_start(&io->uv, wanted, on_poll), "uv_poll_start");
	else
		uv_poll_stop(&io->uv);
}

struct loop_io *loop_io_free(struct loop_io *io)
{
	if (io)
		uv_close((uv_handle_t *)&io->uv, release);
	return NULL;
}

/* libuv calls timers that are due before it waits, and would then wait for one event more, which
 * may never come: told to stop, it polls only. */
void loop_timer_fired(uv_loop_t *uv)
{
	struct loop *l = uv->data;

	if (l->once)
		uv_stop(uv);
}

static void on_timer(uv_timer_t *handle)
{
	struct loop_timer *t = (struct loop_timer *)handle;

	loop_timer_fired(handle->loop);
	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	uv_timer_init(&l->uv, &t->uv);
	t->fn = fn;
	t->arg = arg;
	return t;
}

void loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms)
{
	fresh_time(t->uv.loop->data);
	must(uv_timer_start(&t->uv, on_timer, ms, repeat_ms), "uv_timer_start");
}

void loop_timer_ensure(struct loop_timer *t, uint64_t ms)
{
	if (!uv_is_active((uv_handle_t *)&t->uv))
		loop_timer_start(t, ms, 0);
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, release);
	return NULL;
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct loop_signal *s = (struct loop_signal *)handle;

	s->fn(s->arg);
}

struct loop_signal *loop_signal_new(struct loop *l, int signum, loop_fn *fn, void *arg)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));

	must(uv_signal_init(&l->uv, &s->uv), "uv_signal_init");
	s->fn = fn;
	s->arg = arg;
	must(uv_signal_start(&s->uv, on_signal, signum), "uv_signal_start");
	return s;
}

struct loop_signal *loop_signal_free(struct loop_signal *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->uv, release);
	return NULL;
}

static void on_work(uv_work_t *req)
{
	struct work *w = (struct work *)req;

	w->work(w->arg);
}

static void on_work_done(uv_work_t *req, int status)
{
	struct work *w = (struct work *)req;
	loop_fn *done = w->done;
	void *arg = w->arg;

	free(w);
	done(arg);
}

/* libuv makes four threads, at the first work, unless the environment says otherwise. */
void loop_workers(size_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", n);
	setenv("UV_THREADPOOL_SIZE", text, 0);
}

void loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
	struct work *w = xcalloc(1, sizeof(*w));

	w->work = work;
	w->done = done;
	w->arg = arg;
	must(uv_queue_work(&l->uv, &w->uv, on_work, on_work_done), "uv_queue_work");
}
