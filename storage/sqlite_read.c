/* SPDX-License-Identifier: MIT */
/* Reads on a connection of their own: writers do not hold them up (WAL). */
#include <errno.h>
#include "storage/result.h"
#include "storage/sqlite_internal.h"

/* 0 or a negative errno. */
static int read_op(struct db *db, struct result *res, const struct msg_read_op *o)
{
	struct sql_query q;
	struct msg_value row[QUERY_COLUMNS];
	sqlite3_stmt *s;
	int rc = SQLITE_ROW, err = 0;

	sql_query_make(&q, SQL_SQLITE, o, res->max_rows, res->read->pool);
	if (q.nothing)
		return 0;
	s = db_stmt(db, q.kind, o->table, q.variant);
	if (!s)
		return -EIO;
	db_bind(s, 1, q.values, q.nvalues);
	while (err == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW && result_wants(res)) {
		db_row(s, row, q.columns.n);
		err = result_row(res, row, q.columns.n);
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
	bool begun = db_control(db, DB_BEGIN) == SQLITE_OK;

	for (struct engine_read *r = list; r; r = r->next) {
		if (begun) {
			read_run(db, c, r);
			continue;
		}
		r->err = -EIO;
		r->text = pool_strdup(r->pool, db_error(db));
	}
	db_control(db, DB_COMMIT);
}
