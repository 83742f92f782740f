/* SPDX-License-Identifier: MIT */
/* The statement that answers a read, with its parameters: the same for both databases. */
#include "storage/sql.h"

static void add(struct sql_query *q, struct msg_value v)
{
	q->values[q->nvalues++] = v;
}

/* [1,2] or {1,2}: as each database takes a list in one text. */
static struct str number_list(enum sql_dialect d, const struct msg_read_op *o, struct pool *pool)
{
	struct buf b = BUF_INIT;
	struct str s;

	buf_putc(&b, d == SQL_SQLITE ? '[' : '{');
	for (size_t i = 0; i < o->nnumbers; i++)
		buf_printf(&b, "%s%lld", i ? "," : "", (long long)o->numbers[i]);
	buf_putc(&b, d == SQL_SQLITE ? ']' : '}');
	s = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return s;
}

static void make_selected(struct sql_query *q, enum sql_dialect d, const struct msg_read_op *o,
			  struct pool *pool)
{
	q->variant = o->reverse ? SQL_REVERSE : 0;
	add(q, value_int((int64_t)o->from));
	add(q, value_int(o->to ? (int64_t)o->to : INT64_MAX));
	if (o->with.len) {
		q->variant |= memchr(o->with.ptr, '/', o->with.len) ? SQL_WITH_FULL : SQL_WITH_BARE;
		add(q, value_text(o->with));
	}
	if (o->start || o->end) {
		q->variant |= SQL_TIME;
		add(q, value_int(o->start ? o->start : INT64_MIN));
		add(q, value_int(o->end ? o->end : INT64_MAX));
	}
	if (o->nnumbers) {
		q->variant |= SQL_NUMBERS;
		add(q, value_text(number_list(d, o, pool)));
	}
}

static void make_list(struct sql_query *q, const struct msg_read_op *o)
{
	q->variant = (unsigned)o->nkey | (o->reverse ? SQL_REVERSE : 0);
	if (o->op != STORE_LIST || !o->nafter)
		return;
	/* A whole key has nothing behind it. */
	q->nothing = o->nkey == tables[o->table].nkeys;
	if (q->nothing)
		return;
	q->variant |= SQL_AFTER;
	for (size_t k = o->nkey; k < o->nafter; k++)
		add(q, o->after[k]);
}

static const enum sql_kind kinds[] = {
	[STORE_GET] = SQL_LIST,
	[STORE_LIST] = SQL_LIST,
	[STORE_COUNT] = SQL_COUNT,
	[STORE_LOG_READ] = SQL_RANGE,
	[STORE_LOG_LAST] = SQL_LAST,
	[STORE_LOG_COUNT] = SQL_RANGE_COUNT,
	[STORE_LOG_SIZES] = SQL_RANGE_SIZES,
	[STORE_LOG_ACCOUNTS] = SQL_ACCOUNTS,
};

void sql_query_columns(struct sql_columns *c, const struct msg_read_op *o)
{
	static const uint8_t ints[SQL_KINDS] = {[SQL_COUNT] = 1,
						[SQL_RANGE_COUNT] = 1,
						[SQL_RANGE_SIZES] = 3,
						[SQL_LAST] = 6};
	const struct table_def *t = &tables[o->table];
	enum sql_kind kind = kinds[o->op];

	c->n = ints[kind] ? ints[kind] : kind == SQL_ACCOUNTS ? 1 : t->ncolumns;
	for (size_t i = 0; i < c->n; i++)
		c->types[i] = ints[kind] ? COLUMN_INT : t->columns[i].type;
}

void sql_query_make(struct sql_query *q, enum sql_dialect d, const struct msg_read_op *o,
		    size_t most, struct pool *pool)
{
	size_t rows = o->limit && o->limit < most ? o->limit : most;

	*q = (struct sql_query){.kind = kinds[o->op]};
	for (size_t k = 0; k < o->nkey; k++)
		add(q, o->key[k]);
	sql_query_columns(&q->columns, o);
	switch (q->kind) {
	case SQL_COUNT:
		q->variant = (unsigned)o->nkey;
		return;
	case SQL_RANGE_COUNT:
		make_selected(q, d, o, pool);
		q->variant &= ~(unsigned)SQL_REVERSE;
		add(q, value_int(o->limit ? (int64_t)o->limit : INT64_MAX));
		return;
	case SQL_RANGE:
	case SQL_RANGE_SIZES:
		make_selected(q, d, o, pool);
		break;
	case SQL_ACCOUNTS:
		add(q, o->nafter ? o->after[0] : value_text(STR("")));
		break;
	case SQL_LAST:
		add(q, value_int(o->to ? (int64_t)o->to : INT64_MAX));
		break;
	default:
		make_list(q, o);
	}
	add(q, value_int((int64_t)rows + 1));
}
