/* SPDX-License-Identifier: MIT */
/* Threads, the queue before them, and the way back to the loop (an eventfd). */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>
#include "auth/workers.h"
#include "base/alloc.h"

struct work {
	struct workers *workers;
	const struct work_ops *ops;
	void *arg;
	enum { WAITS, RUNS, ENDED } state;
	bool cancelled;
	struct work *prev, *next;
};

struct workers {
	struct loop_io *io; /* the loop's alone */
	int fd;
	size_t max_threads, max_waiting;

	pthread_mutex_t lock; /* for what follows, and the state of every work */
	pthread_cond_t wake;
	struct work *waiting, *ended;
	size_t nwaiting, threads, idle;
	bool closed; /* freed by the last thread */
};

static void release(struct work *k)
{
	k->ops->release(k->arg);
	free(k);
}

static void destroy(struct workers *w)
{
	while (w->ended) {
		struct work *k = w->ended;

		DL_DELETE(w->ended, k);
		release(k);
	}
	close(w->fd);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void tell(struct workers *w)
{
	uint64_t one = 1;

	/* It cannot overflow; what is interrupted is done again. */
	while (write(w->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Under the lock. */
static struct work *take(struct workers *w)
{
	struct work *k;

	while (!w->waiting && !w->closed) {
		w->idle++;
		pthread_cond_wait(&w->wake, &w->lock);
		w->idle--;
	}
	k = w->waiting;
	if (k) {
		DL_DELETE(w->waiting, k);
		w->nwaiting--;
		k->state = RUNS;
	}
	return k;
}

static void *thread_main(void *arg)
{
	struct workers *w = arg;
	struct work *k;
	bool last;

	pthread_mutex_lock(&w->lock);
	while ((k = take(w)) != NULL) {
		pthread_mutex_unlock(&w->lock);
		k->ops->work(k->arg);
		pthread_mutex_lock(&w->lock);
		k->state = ENDED;
		DL_APPEND(w->ended, k);
		tell(w);
	}
	last = --w->threads == 0;
	pthread_mutex_unlock(&w->lock);
	if (last)
		destroy(w);
	return NULL;
}

static void on_ended(void *arg, unsigned events)
{
	struct workers *w = arg;
	struct work *list, *k, *next;
	uint64_t n;

	(void)events;
	while (read(w->fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&w->lock);
	list = w->ended;
	w->ended = NULL;
	pthread_mutex_unlock(&w->lock);
	/* Of no list any more: a callback may cancel others of them. */
	DL_FOREACH_SAFE (list, k, next) {
		if (!k->cancelled)
			k->ops->done(k->arg);
		release(k);
	}
}

struct workers *workers_new(struct loop *l, size_t threads, size_t max_waiting)
{
	struct workers *w = xcalloc(1, sizeof(*w));

	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0) {
		free(w);
		return NULL;
	}
	w->max_threads = threads;
	w->max_waiting = max_waiting;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->io = loop_io_new(l, w->fd, on_ended, w);
	loop_io_set(w->io, LOOP_READ);
	return w;
}

struct workers *workers_free(struct workers *w)
{
	bool last;

	if (!w)
		return NULL;
	w->io = loop_io_free(w->io);
	pthread_mutex_lock(&w->lock);
	w->closed = true;
	while (w->waiting) {
		struct work *k = w->waiting;

		DL_DELETE(w->waiting, k);
		release(k);
	}
	pthread_cond_broadcast(&w->wake);
	last = w->threads == 0;
	pthread_mutex_unlock(&w->lock);
	if (last)
		destroy(w);
	return NULL;
}

/* Under the lock. Signals are the main thread's. */
static void add_thread(struct workers *w)
{
	sigset_t all, old;
	pthread_t t;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&t, NULL, thread_main, w) == 0) {
		pthread_detach(t);
		w->threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct work *workers_start(struct workers *w, const struct work_ops *ops, void *arg)
{
	struct work *k = xcalloc(1, sizeof(*k));

	*k = (struct work){.workers = w, .ops = ops, .arg = arg};
	pthread_mutex_lock(&w->lock);
	if (w->idle <= w->nwaiting && w->threads < w->max_threads)
		add_thread(w);
	if (!w->threads || (w->idle <= w->nwaiting && w->nwaiting >= w->max_waiting)) {
		free(k);
		k = NULL;
	} else {
		DL_APPEND(w->waiting, k);
		w->nwaiting++;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return k;
}

void work_cancel(struct work *k)
{
	struct workers *w = k ? k->workers : NULL;
	bool waits;

	if (!k)
		return;
	pthread_mutex_lock(&w->lock);
	waits = k->state == WAITS;
	if (waits) {
		DL_DELETE(w->waiting, k);
		w->nwaiting--;
	}
	k->cancelled = true;
	pthread_mutex_unlock(&w->lock);
	if (waits)
		release(k);
}

size_t workers_waiting(const struct workers *w)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&w->lock;
	size_t n;

	pthread_mutex_lock(lock);
	n = w->nwaiting;
	pthread_mutex_unlock(lock);
	return n;
}
