/* SPDX-License-Identifier: MIT */
/* Rows that a read found, copied into its pool and counted as they will be encoded. */
#include <errno.h>
#include "storage/result.h"

/* Lengths of the codec: a list's count, a struct's length, the fixed part of a value. */
enum { COUNT_SIZE = 4, STRUCT_SIZE = 4, VALUE_SIZE = 13, MORE_SIZE = 1 };

void result_begin(struct result *res, struct engine_read *r, const struct engine_config *c)
{
	size_t fixed = COUNT_SIZE + r->nops * (STRUCT_SIZE + COUNT_SIZE + MORE_SIZE);

	*res = (struct result){.read = r, .max_rows = c->read_rows};
	res->left = c->read_bytes > fixed ? c->read_bytes - fixed : 0;
	r->results = pool_calloc(r->pool, (r->nops + 1) * sizeof(*r->results));
}

void result_op(struct result *res, size_t op)
{
	size_t limit = res->read->ops[op].limit;

	res->rows = &res->read->results[op];
	res->limit = limit && limit < res->max_rows ? limit : res->max_rows;
	res->cap = 0;
}

bool result_wants(struct result *res)
{
	if (res->rows->nrows < res->limit)
		return true;
	res->rows->more = true;
	return false;
}

static size_t row_size(const struct msg_value *values, size_t n)
{
	size_t size = STRUCT_SIZE + COUNT_SIZE;

	for (size_t i = 0; i < n; i++)
		size += STRUCT_SIZE + VALUE_SIZE + values[i].s.len;
	return size;
}

static struct msg_row *row_new(struct result *res)
{
	struct msg_rows *rows = res->rows;

	if (rows->nrows == res->cap) {
		size_t cap = res->cap ? 2 * res->cap : 8;
		struct msg_row *more = pool_alloc(res->read->pool, cap * sizeof(*more));

		if (rows->nrows)
			memcpy(more, rows->rows, rows->nrows * sizeof(*more));
		rows->rows = more;
		res->cap = cap;
	}
	return &rows->rows[rows->nrows++];
}

int result_row(struct result *res, const struct msg_value *values, size_t n)
{
	struct pool *p = res->read->pool;
	size_t size = row_size(values, n);
	struct msg_row *row;

	if (size > res->left) {
		res->rows->more = true;
		return res->used ? 1 : -EMSGSIZE;
	}
	res->left -= size;
	res->used = true;
	row = row_new(res);
	row->nvalues = n;
	row->values = pool_alloc(p, n * sizeof(*row->values));
	for (size_t i = 0; i < n; i++) {
		row->values[i] = values[i];
		row->values[i].s = pool_str(p, values[i].s);
	}
	return 0;
}
