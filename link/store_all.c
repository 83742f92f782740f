/* SPDX-License-Identifier: MIT */
/* Reads whose rows one answer has no room for: asked for again behind the last row, page by page. */
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/log.h"
#include "link/store_client.h"

struct store_all {
	struct link *link;
	struct store_read *read;
	store_read_fn *fn;
	void *arg;
	uint32_t timeout_ms;
	struct pool *pool;
	struct msg_read m;     /* all ops, in pool */
	struct msg_rows *rows; /* of each, gathered in pool; NULL: nothing was cut yet */
	size_t *asked;	       /* which ops the page under way is of */
	size_t nasked;
};

static void page_read(void *arg, int err, const struct msg_rows *results, size_t n);

static void all_finish(struct store_all *a, int err, const struct msg_rows *results)
{
	a->read = NULL;
	a->fn(a->arg, err, results, err ? 0 : a->m.nops);
	store_read_all_cancel(a);
}

/* docs/storage.md: an op that found no room behind the others has no rows. */
static bool unfinished(const struct msg_read_op *op, const struct msg_rows *rows)
{
	return rows->more && (!rows->nrows || (op->op == STORE_LIST && !op->limit));
}

static void gather(struct pool *p, struct msg_rows *all, const struct msg_rows *page)
{
	struct msg_row *rows = pool_alloc(p, (all->nrows + page->nrows + 1) * sizeof *rows);

	if (all->nrows)
		memcpy(rows, all->rows, all->nrows * sizeof *rows);
	for (size_t i = 0; i < page->nrows; i++) {
		const struct msg_row *from = &page->rows[i];
		struct msg_row *to = &rows[all->nrows + i];

		to->nvalues = from->nvalues;
		to->values = pool_alloc(p, (from->nvalues + 1) * sizeof *to->values);
		for (size_t v = 0; v < from->nvalues; v++) {
			to->values[v] = from->values[v];
			to->values[v].s = pool_str(p, from->values[v].s);
		}
	}
	all->rows = rows;
	all->nrows += page->nrows;
	all->more = page->more;
}

static void read_on(struct store_all *a)
{
	struct msg_read_op *ops = xcalloc(a->m.nops, sizeof *ops);

	a->nasked = 0;
	for (size_t i = 0; i < a->m.nops; i++) {
		const struct msg_rows *rows = &a->rows[i];
		struct msg_read_op *op = &ops[a->nasked];

		if (!unfinished(&a->m.ops[i], rows))
			continue;
		*op = a->m.ops[i];
		if (rows->nrows) { /* a row begins with its key */
			op->after = rows->rows[rows->nrows - 1].values;
			op->nafter = tables[op->table].nkeys;
		}
		a->asked[a->nasked++] = i;
	}
	if (a->nasked)
		a->read = store_read(a->link, ops, a->nasked, a->timeout_ms, page_read, a);
	free(ops);
	if (!a->nasked)
		all_finish(a, 0, a->rows);
}

static void page_read(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct store_all *a = arg;

	a->read = NULL;
	if (!err && n != a->nasked)
		err = -EPROTO;
	if (err) {
		all_finish(a, err, NULL);
		return;
	}
	for (size_t i = 0; i < n; i++)
		gather(a->pool, &a->rows[a->asked[i]], &results[i]);
	read_on(a);
}

static void first_read(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct store_all *a = arg;
	bool whole = true;

	a->read = NULL;
	if (!err && n != a->m.nops)
		err = -EPROTO;
	for (size_t i = 0; !err && i < n; i++)
		whole = whole && !unfinished(&a->m.ops[i], &results[i]);
	if (err || whole) {
		all_finish(a, err, results);
		return;
	}
	a->rows = pool_calloc(a->pool, n * sizeof *a->rows);
	a->asked = pool_calloc(a->pool, n * sizeof *a->asked);
	for (size_t i = 0; i < n; i++)
		gather(a->pool, &a->rows[i], &results[i]);
	read_on(a);
}

struct store_all *store_read_all(struct link *k, const struct msg_read_op *ops, size_t n,
				 uint32_t timeout_ms, store_read_fn *fn, void *arg)
{
	struct msg_read m = {.ops = (struct msg_read_op *)ops, .nops = n};
	struct store_all *a = xcalloc(1, sizeof *a);
	size_t len = msg_length(MSG_READ, &m);
	char *body;

	a->link = k;
	a->fn = fn;
	a->arg = arg;
	a->timeout_ms = timeout_ms;
	a->pool = pool_new();
	body = pool_alloc(a->pool, len);
	msg_put(MSG_READ, &m, body);
	if (msg_decode(MSG_READ, a->pool, str_n(body, len), &a->m) < 0)
		bug("a read of our own does not decode");
	a->read = store_read(k, ops, n, timeout_ms, first_read, a);
	return a;
}

void store_read_all_cancel(struct store_all *a)
{
	if (!a)
		return;
	store_read_cancel(a->read);
	pool_free(a->pool);
	free(a);
}
