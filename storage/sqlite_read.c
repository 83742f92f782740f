/* SPDX-License-Identifier: MIT */
/* Reads on a connection of their own: writers do not hold them up (WAL). */
#include <errno.h>
#include "storage/result.h"
#include "storage/sqlite_internal.h"

enum { COLUMNS_MAX = 32 };

struct query {
	enum sql_kind kind;
	unsigned variant;
	size_t columns;
};

static struct query query_of(const struct msg_read_op *o)
{
	const struct table_def *t = &tables[o->table];
	unsigned variant = (unsigned)o->nkey | (o->reverse ? SQL_REVERSE : 0);

	switch ((enum store_read_op)o->op) {
	case STORE_COUNT:
		return (struct query){SQL_COUNT, (unsigned)o->nkey, 1};
	case STORE_LOG_READ:
		return (struct query){SQL_RANGE, variant, t->ncolumns};
	case STORE_LOG_LAST:
		return (struct query){SQL_LAST, 0, 5};
	case STORE_LIST:
		if (o->nafter && o->nkey < t->nkeys)
			variant |= SQL_AFTER;
		break;
	case STORE_GET:
		break;
	}
	return (struct query){SQL_LIST, variant, t->ncolumns};
}

static void bind_op(sqlite3_stmt *s, const struct msg_read_op *o, const struct query *q)
{
	int next = (int)o->nkey + 1;

	db_bind(s, 1, o->key, o->nkey);
	if (q->kind == SQL_LIST && (q->variant & SQL_AFTER))
		db_bind(s, next, o->after + o->nkey, o->nafter - o->nkey);
	if (q->kind == SQL_RANGE) {
		sqlite3_bind_int64(s, next, (int64_t)o->from);
		sqlite3_bind_int64(s, next + 1, o->to ? (int64_t)o->to : INT64_MAX);
	}
}

/* 0 or a negative errno. */
static int read_op(struct db *db, struct result *res, const struct msg_read_op *o)
{
	struct query q = query_of(o);
	struct msg_value row[COLUMNS_MAX];
	sqlite3_stmt *s;
	int rc = SQLITE_ROW, err = 0;

	/* A whole key has nothing behind it. */
	if (o->op == STORE_LIST && o->nafter && o->nkey == tables[o->table].nkeys)
		return 0;
	s = db_stmt(db, q.kind, o->table, q.variant);
	if (!s)
		return -EIO;
	bind_op(s, o, &q);
	while (err == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW && result_wants(res)) {
		db_row(s, row, q.columns);
		err = result_row(res, row, q.columns);
	}
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	if (err < 0)
		return err;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -EIO;
}

static void read_run(struct db *db, const struct engine_config *c, struct engine_read *r)
{
	struct result res;

	result_begin(&res, r, c);
	for (size_t i = 0; i < r->nops && r->err == 0; i++) {
		result_op(&res, i);
		r->err = read_op(db, &res, &r->ops[i]);
	}
	if (r->err == -EMSGSIZE)
		r->text = "one row is larger than an answer";
	else if (r->err)
		r->text = pool_strdup(r->pool, db_error(db));
}

void reads_run(struct db *db, const struct engine_config *c, struct engine_read *list)
{
	bool begun = db_exec(db, "BEGIN") == SQLITE_OK;

	for (struct engine_read *r = list; r; r = r->next) {
		if (begun) {
			read_run(db, c, r);
			continue;
		}
		r->err = -EIO;
		r->text = pool_strdup(r->pool, db_error(db));
	}
	db_exec(db, "COMMIT");
}
