/* SPDX-License-Identifier: MIT */
/*
 * The event loop: descriptors, timers, deferred calls, signals, worker threads.
 *
 * The one lifetime rule: x_free(x) may be called at any time, also from inside x's own
 * callback; from then on no callback of x comes, and the caller must not touch x. The memory
 * itself goes back when the loop says that it may.
 *
 * Single-threaded: only loop_work's work function runs elsewhere.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct loop *loop_new(void);
struct loop *loop_free(struct loop *l); /* everything tied to it must be freed before; NULL */
void loop_run(struct loop *l);          /* until loop_stop */
void loop_run_once(struct loop *l);     /* one turn, waits for an event; for tests */
void loop_stop(struct loop *l);
uint64_t loop_now(const struct loop *l); /* clock_mono_ms as of this turn */

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_io;
typedef void loop_io_fn(void *arg, unsigned events); /* errors and hang-ups come as LOOP_READ */
/* Watches fd (non-blocking, one watcher each) for nothing yet. The caller closes fd after
 * loop_io_free. */
struct loop_io *loop_io_new(struct loop *l, int fd, loop_io_fn *fn, void *arg);
void loop_io_set(struct loop_io *io, unsigned events);
struct loop_io *loop_io_free(struct loop_io *io);

struct loop_timer;
typedef void loop_fn(void *arg);
struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg);
/* Fires after ms, then every repeat_ms if that is not 0. Starting again replaces. */
void loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms);
/* Fires once, after ms; when it runs already, as it would have: whoever asks again and again does not
 * put it off. */
void loop_timer_ensure(struct loop_timer *t, uint64_t ms);
void loop_timer_stop(struct loop_timer *t);
struct loop_timer *loop_timer_free(struct loop_timer *t);

/* A call at the end of this turn, after all descriptors were served: where output gathered
 * in the turn is written. Lies inside its owner, zeroed; may be asked for again from its
 * own call (then it runs in the same turn's next round, before the loop waits). */
struct loop_task {
	loop_fn *fn;
	void *arg;
	struct loop_task *prev, *next;
	bool queued;
};
void loop_defer(struct loop *l, struct loop_task *t); /* no effect when queued already */
/* Behind all of those, also those that they defer: for writing what the turn has gathered. */
void loop_defer_last(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop *l, struct loop_task *t);

/* Coarse timeouts for many objects: fires between s and s + 1 seconds, O(1), no timer each,
 * and no wake-up of the loop while nothing is armed. Lies inside its owner, zeroed. */
struct loop_timeout {
	loop_fn *fn;
	void *arg;
	struct loop_timeout *prev, *next;
	uint64_t due; /* in ticks; 0: not armed */
};
void loop_timeout_start(struct loop *l, struct loop_timeout *t, unsigned seconds);
void loop_timeout_stop(struct loop *l, struct loop_timeout *t);
/* For what there is much of and what seldom waits: *t is made when it is first needed, and stays until it is
 * dropped; NULL: never needed. */
void loop_timeout_need(struct loop *l, struct loop_timeout **t, loop_fn *fn, void *arg, unsigned seconds);
void loop_timeout_drop(struct loop *l, struct loop_timeout **t);

struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *l, int signum, loop_fn *fn, void *arg);
struct loop_signal *loop_signal_free(struct loop_signal *s);

/* Runs work(arg) on a worker thread, then done(arg) on the loop. Cannot be cancelled. */
void loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg);
/* How many of them run at once; before the first of the process, and before it has other threads. What the
 * operator says by UV_THREADPOOL_SIZE stands. */
void loop_workers(size_t n);

#endif
