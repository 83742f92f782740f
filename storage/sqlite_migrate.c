/* SPDX-License-Identifier: MIT */
/* Makes and extends the SQLite schema: each version's tables, columns and indexes, in order. */
#include "storage/sqlite_internal.h"

/* What the engine keeps for itself; an operator's query finds it by the prefix. */
static const char own_tables[] =
	"CREATE TABLE IF NOT EXISTS mercutio_schema (version INTEGER PRIMARY KEY) STRICT;"
	"CREATE TABLE IF NOT EXISTS mercutio_lease ("
	" route TEXT NOT NULL, shard INTEGER NOT NULL, owner TEXT NOT NULL,"
	" owner_id INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" PRIMARY KEY (route, shard)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS mercutio_request ("
	" sender INTEGER NOT NULL, request INTEGER NOT NULL, time INTEGER NOT NULL,"
	" PRIMARY KEY (sender, request)) STRICT, WITHOUT ROWID";

/* -1: failed. */
static long number(struct db *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	long n = -1;

	sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (s && sqlite3_step(s) == SQLITE_ROW)
		n = (long)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

static bool has_column(struct db *db, const char *table, const char *column)
{
	struct buf sql = BUF_INIT;
	long n;

	buf_printf(&sql, "SELECT count(*) FROM pragma_table_info('%s') WHERE name = '%s'", table,
		   column);
	buf_putc(&sql, 0);
	n = number(db, buf_ptr(&sql));
	buf_free(&sql);
	return n > 0;
}

static bool run(struct db *db, struct buf *sql)
{
	int rc;

	if (db->plan) {
		buf_str_append(db->plan, buf_str(sql));
		buf_lit(db->plan, ";\n");
		buf_clear(sql);
		return true;
	}
	buf_putc(sql, 0);
	rc = db_exec(db, buf_ptr(sql));
	buf_clear(sql);
	return rc == SQLITE_OK;
}

static bool table_to(struct db *db, const struct table_def *t, unsigned version)
{
	struct buf sql = BUF_INIT;
	bool ok = true;

	if (t->since == version) {
		sql_create_table(&sql, SQL_SQLITE, t, version);
		ok = run(db, &sql);
	}
	for (size_t i = 0; i < t->ncolumns && ok; i++) {
		if (t->columns[i].since != version || t->since >= version ||
		    has_column(db, t->name, t->columns[i].name))
			continue;
		sql_add_column(&sql, SQL_SQLITE, t, i);
		ok = run(db, &sql);
	}
	for (size_t i = 0; i < t->nindexes && ok; i++) {
		if (t->indexes[i].since != version)
			continue;
		sql_create_index(&sql, t, i);
		ok = run(db, &sql);
	}
	buf_free(&sql);
	return ok;
}

static bool version_to(struct db *db, const struct table_def *defs, size_t ndefs, unsigned version)
{
	struct buf sql = BUF_INIT;
	bool ok = true;

	for (size_t i = 0; i < ndefs && ok; i++)
		ok = table_to(db, &defs[i], version);
	if (!ok)
		return false;
	buf_printf(&sql, "INSERT OR IGNORE INTO mercutio_schema (version) VALUES (%u)", version);
	ok = run(db, &sql);
	buf_free(&sql);
	return ok;
}

static bool versions_to(struct db *db, const struct table_def *defs, size_t ndefs, long stored,
			unsigned version)
{
	bool ok = true;

	for (long v = stored + 1; ok && v <= (long)version; v++)
		ok = version_to(db, defs, ndefs, (unsigned)v);
	return ok;
}

static long stored_version(struct db *db)
{
	long there = number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'mercutio_schema'");

	if (there <= 0)
		return there;
	return number(db, "SELECT coalesce(max(version), 0) FROM mercutio_schema");
}

static bool plan_it(struct db *db, const struct table_def *defs, size_t ndefs, unsigned version,
		    long stored, struct buf *plan)
{
	bool ok;

	if (stored == 0)
		buf_printf(plan, "%s;\n", own_tables);
	db->plan = plan;
	ok = versions_to(db, defs, ndefs, stored, version);
	db->plan = NULL;
	return ok;
}

static bool migrate(struct db *db, const struct table_def *defs, size_t ndefs, unsigned version)
{
	bool ok = db_exec(db, "BEGIN IMMEDIATE") == SQLITE_OK && db_exec(db, own_tables) == SQLITE_OK;
	/* Another process may have done it while this one waited. */
	long stored = ok ? stored_version(db) : -1;

	return stored >= 0 && versions_to(db, defs, ndefs, stored, version) &&
	       db_exec(db, "COMMIT") == SQLITE_OK;
}

bool db_schema(struct db *db, const struct table_def *defs, size_t ndefs, unsigned version,
	       enum schema_mode mode, struct buf *plan, struct buf *error)
{
	long stored = stored_version(db);

	if (stored > (long)version) {
		buf_printf(error,
			   "its schema (version %ld) is newer than this program's (version %u)",
			   stored, version);
		return false;
	}
	if (mode == SCHEMA_CHECK && stored >= 0 && stored < (long)version) {
		buf_printf(error,
			   "its schema (version %ld) is older than this program's (version %u): "
			   "run mercutioctl storage migrate",
			   stored, version);
		return false;
	}
	if (stored == (long)version)
		return mode != SCHEMA_MIGRATE || db_exec(db, own_tables) == SQLITE_OK;
	if (stored >= 0 && (mode == SCHEMA_PLAN ? plan_it(db, defs, ndefs, version, stored, plan)
						: migrate(db, defs, ndefs, version)))
		return true;
	buf_printf(error, "%s", db_error(db));
	db_exec(db, "ROLLBACK");
	return false;
}

bool db_migrate(struct db *db, const struct table_def *defs, size_t ndefs, unsigned version,
		struct buf *error)
{
	return db_schema(db, defs, ndefs, version, SCHEMA_MIGRATE, NULL, error);
}
