/* SPDX-License-Identifier: MIT */
/* The queue of PBKDF2 jobs before the loop's worker threads. */
#include <stdlib.h>
#include <utlist.h>
#include "auth/derive.h"
#include "base/alloc.h"

struct derive_job {
	struct derive *derive;
	struct derive_job *prev, *next;
	enum derive_class class;
	bool running;
	derive_fn *fn; /* NULL: cancelled while it ran */
	void *arg;
	struct buf password;
	struct scram_keys keys[DERIVE_MAX_KEYS];
	size_t n;
};

struct derive {
	struct loop *loop;
	size_t workers, running;
	struct derive_job *waiting[DERIVE_CLASSES];
	size_t nwaiting[DERIVE_CLASSES], max[DERIVE_CLASSES];
	uint64_t done;
	bool closed; /* freed when the last job that runs has ended */
};

struct derive *derive_new(struct loop *l, size_t workers, size_t max_login, size_t max_bulk)
{
	struct derive *d = xcalloc(1, sizeof(*d));

	d->loop = l;
	d->workers = workers;
	d->max[DERIVE_LOGIN] = d->max[DERIVE_CHANGE] = max_login;
	d->max[DERIVE_BULK] = max_bulk;
	return d;
}

static void job_free(struct derive_job *j)
{
	buf_wipe(&j->password);
	wipe(j, sizeof(*j));
	free(j);
}

static void unqueue(struct derive_job *j)
{
	DL_DELETE(j->derive->waiting[j->class], j);
	j->derive->nwaiting[j->class]--;
}

struct derive *derive_free(struct derive *d)
{
	if (!d)
		return NULL;
	for (int c = 0; c < DERIVE_CLASSES; c++) {
		while (d->waiting[c]) {
			struct derive_job *j = d->waiting[c];

			unqueue(j);
			job_free(j);
		}
	}
	d->closed = true;
	if (!d->running)
		free(d);
	return NULL;
}

/* On a worker thread: touches nothing but the job. */
static void work(void *arg)
{
	struct derive_job *j = arg;

	for (size_t i = 0; i < j->n; i++)
		scram_derive(buf_str(&j->password), &j->keys[i]);
}

static void run_next(struct derive *d);

static void done(void *arg)
{
	struct derive_job *j = arg;
	struct derive *d = j->derive;

	d->done++;
	if (j->fn && !d->closed)
		j->fn(j->arg, j->keys, j->n);
	job_free(j);
	d->running--; /* not before the callback: it may free d */
	if (!d->closed)
		run_next(d);
	else if (!d->running)
		free(d);
}

static void run_next(struct derive *d)
{
	while (d->running < d->workers) {
		struct derive_job *j = NULL;

		for (int c = 0; c < DERIVE_CLASSES && !j; c++)
			j = d->waiting[c];
		if (!j)
			return;
		unqueue(j);
		j->running = true;
		d->running++;
		loop_work(d->loop, work, done, j);
	}
}

struct derive_job *derive_start(struct derive *d, enum derive_class class, struct str password,
				const struct scram_keys *keys, size_t n, derive_fn *fn, void *arg)
{
	struct derive_job *j;

	if (d->nwaiting[class] >= d->max[class])
		return NULL;
	j = xcalloc(1, sizeof(*j));
	j->derive = d;
	j->class = class;
	j->fn = fn;
	j->arg = arg;
	buf_str_append(&j->password, password);
	memcpy(j->keys, keys, n * sizeof(*keys));
	j->n = n;
	DL_APPEND(d->waiting[class], j);
	d->nwaiting[class]++;
	run_next(d);
	return j;
}

void derive_cancel(struct derive_job *j)
{
	if (!j)
		return;
	if (j->running) {
		j->fn = NULL;
		return;
	}
	unqueue(j);
	job_free(j);
}

size_t derive_waiting(const struct derive *d, enum derive_class class)
{
	return d->nwaiting[class];
}

size_t derive_running(const struct derive *d)
{
	return d->running;
}

uint64_t derive_done(const struct derive *d)
{
	return d->done;
}
