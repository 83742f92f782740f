/* SPDX-License-Identifier: MIT */
/* The statements of batches: one for each op, but one for all the appends of a group. */
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/pg_writer.h"

/* Appends that nothing has to come between, in their order. */
struct appends {
	struct appended {
		struct engine_write *write;
		size_t op;
	} * list;
	size_t n, cap;
};

/* Columns that an older sender does not know are null. */
static const struct msg_value *column_of(const struct msg_write_op *o, size_t column)
{
	return column < o->nvalues ? &o->values[column] : NULL;
}

/* A number of this epoch is only ever sent again by its owner, with the same time: it meets itself
 * in the same partition, but when the time is so close to the begin of one that a later attempt's,
 * or an earlier one's, may have been in the other. */
static bool append_is_new(struct pg_writer *w, const struct engine_write *b,
			  const struct msg_write_op *o)
{
	const int64_t day = INT64_C(86400) * 1000000;
	int64_t time = o->values[COL_LOG_TIME].i;
	int year, month;

	if ((b->job.marks & MARK_KNOWN) || time < 0 ||
	    (uint64_t)o->values[COL_LOG_NUMBER].i >> 40 != b->epoch)
		return false;
	if (time < w->month_from || time >= w->month_to)
		pg_month(time, &year, &month, &w->month_from, &w->month_to);
	return time - w->month_from >= day;
}

static enum sql_kind kind_of(struct pg_writer *w, const struct engine_write *b,
			     const struct msg_write_op *o)
{
	static const enum sql_kind puts[] = {SQL_PUT, SQL_INSERT, SQL_UPDATE};

	if (o->op == STORE_PUT)
		return puts[o->condition];
	if (o->op == STORE_LOG_APPEND)
		return append_is_new(w, b, o) ? SQL_APPEND : SQL_APPEND_KNOWN;
	return SQL_DELETE;
}

static void send_op(struct pg_writer *w, struct engine_write *b, size_t i, enum sql_kind kind)
{
	const struct msg_write_op *o = &b->ops[i];
	const struct table_def *t = &tables[o->table];
	size_t n = kind == SQL_DELETE ? o->nvalues : t->ncolumns;
	struct pg_params p = {0};

	for (size_t c = 0; c < n; c++)
		param_value(&p, t->columns[c].type, column_of(o, c));
	pg_conn_run(w->conn, kind, o->table, kind == SQL_DELETE ? (unsigned)n : 0, &p, b, i);
	params_free(&p);
}

/* --- appends together --------------------------------------------------------------------------
 */

static void appends_add(struct appends *a, struct engine_write *b, size_t i)
{
	if (a->n == a->cap) {
		a->cap = a->cap ? 2 * a->cap : 64;
		a->list = xrealloc(a->list, a->cap * sizeof(*a->list));
	}
	a->list[a->n++] = (struct appended){b, i};
}

/* Most of what a statement costs is not the row. */
static void send_many(struct pg_writer *w, const struct appends *a)
{
	const struct table_def *t = &tables[TABLE_LOG];
	const struct msg_value **column = xmalloc(a->n * sizeof(*column));
	struct pg_params p = {0};

	for (size_t c = 0; c < t->ncolumns; c++) {
		for (size_t i = 0; i < a->n; i++)
			column[i] = column_of(&a->list[i].write->ops[a->list[i].op], c);
		param_values(&p, t->columns[c].type, column, a->n);
	}
	pg_conn_run(w->conn, SQL_APPEND_MANY, TABLE_LOG, 0, &p, w, 0);
	params_free(&p);
	free(column);
}

static void appends_send(struct pg_writer *w, struct appends *a)
{
	if (a->n == 1)
		send_op(w, a->list[0].write, a->list[0].op, SQL_APPEND);
	else if (a->n > 1)
		send_many(w, a);
	a->n = 0;
}

/* Appends of a group go behind its ops on other tables, which makes no difference: all of it
 * commits, or nothing. */
void run_send(struct pg_writer *w)
{
	struct appends a = {0};

	for (struct engine_job *j = w->run; j; j = j->next) {
		struct engine_write *b = (struct engine_write *)j;

		for (size_t i = 0; i < b->nops; i++) {
			enum sql_kind kind = kind_of(w, b, &b->ops[i]);

			if (kind == SQL_APPEND) {
				appends_add(&a, b, i);
				continue;
			}
			if (b->ops[i].table == TABLE_LOG)
				appends_send(w, &a);
			send_op(w, b, i, kind);
		}
	}
	appends_send(w, &a);
	free(a.list);
}
