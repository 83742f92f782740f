/* SPDX-License-Identifier: MIT */
/* The way of a question to a thread and of its answer back. */
#include <stdlib.h>
#include "auth/threaded.h"
#include "base/alloc.h"

struct backend_job {
	struct work *work;
	backend_answer_fn *fn;
	void *arg;
	/* the thread's */
	const struct threaded_ops *ops;
	void *state;
	struct buf local, domain, password, reason;
	struct backend_answer answer;
};

static void work(void *arg)
{
	struct backend_job *j = arg;
	struct threaded_query q = {.local = buf_str(&j->local),
				   .domain = buf_str(&j->domain),
				   .password = buf_str(&j->password)};

	j->answer = j->ops->ask(j->state, &q, &j->reason);
	buf_putc(&j->reason, '\0');
}

static void done(void *arg)
{
	struct backend_job *j = arg;
	struct backend_answer r = j->answer;

	r.reason = j->reason.len > 1 ? buf_ptr(&j->reason) : NULL;
	j->fn(j->arg, &r);
}

static void release(void *arg)
{
	struct backend_job *j = arg;

	j->ops->release(j->state);
	buf_free(&j->local);
	buf_free(&j->domain);
	buf_wipe(&j->password);
	buf_free(&j->reason);
	free(j);
}

struct backend_job *threaded_ask(struct workers *w, const struct threaded_ops *ops,
				 void *take_state, const struct backend_query *q,
				 backend_answer_fn *fn, void *arg)
{
	static const struct work_ops work_ops = {work, done, release};
	struct backend_job *j = xcalloc(1, sizeof(*j));

	j->fn = fn;
	j->arg = arg;
	j->ops = ops;
	j->state = take_state;
	buf_str_append(&j->local, q->local);
	buf_str_append(&j->domain, q->domain);
	buf_str_append(&j->password, q->password);
	j->work = workers_start(w, &work_ops, j);
	if (j->work)
		return j;
	release(j);
	return NULL;
}

void threaded_cancel(struct backend_job *j)
{
	work_cancel(j->work);
}
