/* SPDX-License-Identifier: MIT */
/* Timeouts that are made when they are first needed. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/loop.h"

void loop_timeout_need(struct loop *l, struct loop_timeout **t, loop_fn *fn, void *arg, unsigned seconds)
{
	if (!*t)
		*t = xcalloc(1, sizeof **t);
	(*t)->fn = fn;
	(*t)->arg = arg;
	loop_timeout_start(l, *t, seconds);
}

void loop_timeout_drop(struct loop *l, struct loop_timeout **t)
{
	if (!*t)
		return;
	loop_timeout_stop(l, *t);
	free(*t);
	*t = NULL;
}
