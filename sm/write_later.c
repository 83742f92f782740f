/* SPDX-License-Identifier: MIT */
/* A row that is in no hurry: it goes along with whatever is written next for its account. */
#include <stdlib.h>
#include "sm/sm_internal.h"

struct later {
	struct pool *pool;
	struct msg_write_op op;
};

static void later_set(struct user *u, const struct msg_write_op *op)
{
	struct later *l = xcalloc(1, sizeof *l);
	struct msg_value *v;

	l->pool = pool_new();
	l->op = *op;
	l->op.values = v = pool_calloc(l->pool, op->nvalues * sizeof *v);
	for (size_t i = 0; i < op->nvalues; i++) {
		v[i] = op->values[i];
		if (v[i].s.ptr)
			v[i].s = pool_str(l->pool, v[i].s);
	}
	u->later = l;
}

void later_free(struct user *u)
{
	if (u->later)
		pool_free(u->later->pool);
	free(u->later);
	u->later = NULL;
}

/* First, so that a batch that deletes all of an account deletes that too. Not in a batch that may
 * be refused for a condition: the row would be lost with it. */
size_t later_join(struct user *u, const struct msg_write_op *ops, size_t n,
		  struct msg_write_op joined[1 + LATER_OPS])
{
	if (!u->later || !user_exists(u) || n > LATER_OPS)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (ops[i].condition)
			return 0;
	joined[0] = u->later->op;
	if (n)
		memcpy(joined + 1, ops, n * sizeof *ops);
	return n + 1;
}

void user_write_later(struct user *u, const struct msg_write_op *op)
{
	if (u->temporary)
		return;
	if (u->later && u->later->op.table != op->table)
		user_write_now(u);
	later_free(u);
	later_set(u, op);
}

void user_write_now(struct user *u)
{
	if (u->later && user_exists(u))
		user_write(u, NULL, NULL, 0, NULL, NULL, NULL);
}
