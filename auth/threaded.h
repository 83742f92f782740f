/* SPDX-License-Identifier: MIT */
/* A question that blocks, asked on a thread: what back ends with blocking libraries have in common.
 */
#ifndef AUTH_THREADED_H
#define AUTH_THREADED_H

#include "auth/backend.h"
#include "auth/workers.h"

struct threaded_query { /* the thread's own copies */
	struct str local, domain, password;
};

struct threaded_ops {
	/* On the thread. The reason is appended to the buffer, not set. */
	struct backend_answer (*ask)(void *state, const struct threaded_query *q,
				     struct buf *reason);
	void (*release)(void *state); /* on any thread, always */
};

/* What is in a struct backend: NULL when too many wait; then state has been released already. */
struct backend_job *threaded_ask(struct workers *w, const struct threaded_ops *ops,
				 void *take_state, const struct backend_query *q,
				 backend_answer_fn *fn, void *arg);
void threaded_cancel(struct backend_job *j);

#endif
