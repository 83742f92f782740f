/* SPDX-License-Identifier: MIT */
/*
 * Rows that are in no hurry: they go along with whatever is written next for their account, or
 * after a second or two, many accounts' together: one frame and one commit for all.
 */
#include <stdlib.h>
#include <utlist.h>
#include "sm/sm_internal.h"

enum { SOON_S = 1 };

struct later {
	struct later *prev, *next; /* of those that are due soon */
	struct user *user;
	bool soon;
	size_t n;
	struct {
		struct pool *pool;
		struct msg_write_op op;
	} rows[LATER_ROWS];
};

static void row_set(struct later *l, size_t i, const struct msg_write_op *op)
{
	struct pool *pool = pool_new();
	struct msg_value *v = pool_calloc(pool, op->nvalues * sizeof *v);

	for (size_t k = 0; k < op->nvalues; k++) {
		v[k] = op->values[k];
		if (v[k].s.ptr)
			v[k].s = pool_str(pool, v[k].s);
	}
	l->rows[i].pool = pool;
	l->rows[i].op = *op;
	l->rows[i].op.values = v;
}

void later_free(struct user *u)
{
	struct later *l = u->later;

	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		pool_free(l->rows[i].pool);
	if (l->soon)
		DL_DELETE(u->sm->laters, l);
	if (!u->sm->laters)
		loop_timeout_stop(u->sm->loop, &u->sm->later_timeout);
	free(l);
	u->later = NULL;
}

/* First, so that a batch that deletes all of an account deletes that too. Not in a batch that may
 * be refused for a condition: the rows would be lost with it. */
size_t later_join(struct user *u, const struct msg_write_op *ops, size_t n,
		  struct msg_write_op joined[LATER_ROWS + LATER_OPS])
{
	size_t at;

	if (!u->later || !user_exists(u) || n > LATER_OPS)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (ops[i].condition)
			return 0;
	for (at = 0; at < u->later->n; at++)
		joined[at] = u->later->rows[at].op;
	if (n)
		memcpy(joined + at, ops, n * sizeof *ops);
	return at + n;
}

void user_write_later(struct user *u, const struct msg_write_op *op)
{
	struct later *l = u->later;
	size_t i = 0;

	if (u->temporary)
		return;
	if (!l) {
		l = u->later = xcalloc(1, sizeof *l);
		l->user = u;
	}
	while (i < l->n && l->rows[i].op.table != op->table)
		i++;
	if (i < l->n) {
		pool_free(l->rows[i].pool);
	} else if (i == LATER_ROWS) {
		user_write(u, NULL, op, 1, NULL, NULL, NULL); /* and those that wait with it */
		return;
	} else {
		l->n++;
	}
	row_set(l, i, op);
}

static void write_all(void *arg)
{
	struct sm *sm = arg;

	while (sm->laters) {
		struct user *u = sm->laters->user;

		if (user_exists(u))
			user_write_now(u);
		else
			later_free(u);
	}
}

void user_write_soon(struct user *u)
{
	struct sm *sm = u->sm;

	if (!u->later || u->later->soon)
		return;
	if (!sm->laters) {
		sm->later_timeout.fn = write_all;
		sm->later_timeout.arg = sm;
		loop_timeout_start(sm->loop, &sm->later_timeout, SOON_S);
	}
	u->later->soon = true;
	DL_APPEND(sm->laters, u->later);
}

bool later_is_due(const struct user *u)
{
	return u->later && u->later->soon;
}

void user_write_now(struct user *u)
{
	if (u->later && user_exists(u))
		user_write(u, NULL, NULL, 0, NULL, NULL, NULL);
}
