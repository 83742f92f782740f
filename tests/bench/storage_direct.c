/* SPDX-License-Identifier: MIT */
/* The yardstick: inserts into the log's table, batches of 100, durable, and nothing else. */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/pg_internal.h"
#include "storage/sql.h"
#include "tests/bench/storage_bench.h"

static void check(bool ok, const char *what, const char *why)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

/* --- SQLite ------------------------------------------------------------------------------------ */

static void lite_exec(sqlite3 *db, const char *sql)
{
	check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql, sqlite3_errmsg(db));
}

static sqlite3 *lite_open(const struct place *p)
{
	char *path = xasprintf("%s/direct.db", p->dir);
	struct buf sql = BUF_INIT;
	sqlite3 *db;

	check(sqlite3_open(path, &db) == SQLITE_OK, path, "cannot be opened");
	lite_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		      "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16384");
	sql_create_table(&sql, SQL_SQLITE, &tables[TABLE_LOG], SCHEMA_VERSION);
	buf_putc(&sql, 0);
	lite_exec(db, buf_ptr(&sql));
	buf_free(&sql);
	free(path);
	return db;
}

static void lite_insert(sqlite3_stmt *s, int64_t n)
{
	char account[24];

	snprintf(account, sizeof(account), "a%d@x", (int)(n % ACCOUNTS));
	sqlite3_bind_text(s, 1, account, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 2, n);
	sqlite3_bind_int64(s, 3, clock_wall_us());
	sqlite3_bind_text(s, 4, "b@y/r", -1, SQLITE_STATIC);
	for (int i = 5; i <= 8; i++)
		sqlite3_bind_int64(s, i, n);
	sqlite3_bind_text(s, 9, stanza(), STANZA_BYTES, SQLITE_STATIC);
	sqlite3_step(s);
	sqlite3_reset(s);
}

static double lite_run(struct place *p, double seconds)
{
	sqlite3 *db = lite_open(p);
	struct buf sql = BUF_INIT;
	sqlite3_stmt *s = NULL;
	uint64_t begin, now;
	int64_t n = 0;

	sql_text(&sql, SQL_SQLITE, SQL_APPEND, &tables[TABLE_LOG], 0);
	sqlite3_prepare_v2(db, buf_ptr(&sql), (int)sql.len, &s, NULL);
	check(s != NULL, "prepare", sqlite3_errmsg(db));
	begin = clock_mono_us();
	do {
		lite_exec(db, "BEGIN");
		for (int i = 0; i < BATCH; i++)
			lite_insert(s, ++n);
		lite_exec(db, "COMMIT");
		now = clock_mono_us();
	} while ((double)(now - begin) < seconds * 1e6);
	sqlite3_finalize(s);
	sqlite3_close(db);
	buf_free(&sql);
	return (double)n * 1e6 / (double)(now - begin);
}

/* --- PostgreSQL -------------------------------------------------------------------------------- */

static PGconn *pg_open(const struct place *p)
{
	PGconn *c = PQconnectdb(p->conninfo);
	char why[WRITE_TEXT] = "";

	check(PQstatus(c) == CONNECTION_OK, "PostgreSQL", PQerrorMessage(c));
	PQclear(PQexec(c, "SET client_min_messages = error"));
	check(pg_migrate(c, tables, TABLES, SCHEMA_VERSION, why) == PG_OK, "schema", why);
	check(pg_partitions(c, clock_wall_us(), why), "partitions", why);
	return c;
}

static void pg_insert(PGconn *c, int64_t n)
{
	struct pg_params p = {0};
	char account[24];

	snprintf(account, sizeof(account), "d%d@x", (int)(n % ACCOUNTS));
	param_text(&p, str_z(account));
	param_int(&p, n);
	param_int(&p, clock_wall_us());
	param_text(&p, STR("b@y/r"));
	for (int i = 0; i < 4; i++)
		param_int(&p, n);
	param_text(&p, str_n(stanza(), STANZA_BYTES));
	check(PQsendQueryPrepared(c, "insert", p.n, p.values, p.lengths, p.formats, 1), "insert",
	      PQerrorMessage(c));
	params_free(&p);
}

static void pg_sync(PGconn *c, int results)
{
	PGresult *r;

	check(PQpipelineSync(c), "sync", PQerrorMessage(c));
	while (results) {
		r = PQgetResult(c);
		if (!r)
			continue;
		check(PQresultStatus(r) == PGRES_COMMAND_OK ||
			      PQresultStatus(r) == PGRES_PIPELINE_SYNC,
		      "insert", PQresultErrorMessage(r));
		if (PQresultStatus(r) == PGRES_PIPELINE_SYNC)
			results = 0;
		PQclear(r);
	}
}

static double pg_run(struct place *p, double seconds)
{
	PGconn *c = pg_open(p);
	struct buf sql = BUF_INIT;
	uint64_t begin, now;
	int64_t n = 0;

	sql_text(&sql, SQL_POSTGRESQL, SQL_APPEND, &tables[TABLE_LOG], 0);
	buf_putc(&sql, 0);
	PQclear(PQprepare(c, "insert", buf_ptr(&sql), 0, NULL));
	check(PQenterPipelineMode(c), "pipeline", PQerrorMessage(c));
	begin = clock_mono_us();
	do {
		for (int i = 0; i < BATCH; i++)
			pg_insert(c, ++n);
		pg_sync(c, BATCH);
		now = clock_mono_us();
	} while ((double)(now - begin) < seconds * 1e6);
	PQfinish(c);
	buf_free(&sql);
	return (double)n * 1e6 / (double)(now - begin);
}

double direct_appends(struct place *p, double seconds)
{
	return strcmp(p->engine, "sqlite") == 0 ? lite_run(p, seconds) : pg_run(p, seconds);
}
