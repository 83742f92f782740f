/* SPDX-License-Identifier: MIT */
/* How PostgreSQL goes about reads of the log: by the index, whatever it knows of the parameters. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/pg_internal.h"
#include "tests/storage/pg_server.h"
#include "tests/storage/rig.h"

void fill_pg_plans(TCase *tc);

/* Twenty accounts with a few hundred entries each, in three months. */
static const char entries[] =
	"INSERT INTO log SELECT 'a' || (n %% 20) || '@x', n, %lld + n %% 3 * 2592000000000,"
	" 'b' || (n %% 50) || '@y/r', 1, n, 0, 0, repeat('x', 300) FROM generate_series(1, 9000) n";

/* Those without entries are looked through whole, which costs nothing. */
static const char empty_ones[] =
	"DO $$ DECLARE p regclass; found boolean; BEGIN FOR p IN SELECT inhrelid::regclass FROM"
	" pg_inherits WHERE inhparent = 'log'::regclass LOOP"
	" EXECUTE format('SELECT EXISTS (SELECT FROM %s)', p) INTO found;"
	" IF NOT found THEN EXECUTE format('DROP TABLE %s', p); END IF; END LOOP; END $$";

static char *plan_of(const char *conninfo, const char *sql, const char *values)
{
	char *prepare = xasprintf("PREPARE p AS %s", sql);
	char *explain = xasprintf("EXPLAIN (COSTS OFF) EXECUTE p (%s)", values);
	PGconn *c = PQconnectdb(conninfo);
	struct buf plan = BUF_INIT;
	PGresult *r;

	PQclear(PQexec(c, "SET plan_cache_mode = force_generic_plan; SET jit = off"));
	PQclear(PQexec(c, prepare));
	r = PQexec(c, explain);
	ck_assert_msg(PQresultStatus(r) == PGRES_TUPLES_OK, "%s: %s", sql, PQerrorMessage(c));
	for (int i = 0; i < PQntuples(r); i++)
		buf_printf(&plan, "%s\n", PQgetvalue(r, i, 0));
	PQclear(r);
	PQfinish(c);
	free(prepare);
	free(explain);
	return buf_take(&plan);
}

static void ck_plan(const char *conninfo, enum sql_kind kind, unsigned variant, const char *values)
{
	struct buf sql = BUF_INIT;
	char *plan;

	sql_text(&sql, SQL_POSTGRESQL, kind, &tables[TABLE_LOG], variant);
	buf_putc(&sql, 0);
	plan = plan_of(conninfo, buf_ptr(&sql), values);
	ck_assert_msg(strstr(plan, "Index") && !strstr(plan, "Seq Scan"), "%s\n%s", buf_ptr(&sql),
		      plan);
	free(plan);
	buf_free(&sql);
}

START_TEST(pages)
{
	char why[WRITE_TEXT] = "", *sql;
	PGconn *c;
	struct rig r;

	rig_open(&r, "postgresql");
	c = PQconnectdb(r.conninfo);
	ck_assert(pg_partitions(c, clock_wall_us() - INT64_C(90) * 86400 * 1000000, why));
	PQfinish(c);
	sql = xasprintf(entries, (long long)(clock_wall_us() - INT64_C(60) * 86400 * 1000000));
	free(pg_server_sql(r.conninfo, sql));
	free(pg_server_sql(r.conninfo, "ANALYZE log"));
	free(pg_server_sql(r.conninfo, empty_ones));
	/* The middle, the newest; with filters; counted; the accounts. */
	ck_plan(r.conninfo, SQL_RANGE, 0, "'a7@x', 4000, 9223372036854775807, 51");
	ck_plan(r.conninfo, SQL_RANGE, SQL_REVERSE, "'a7@x', 0, 9223372036854775807, 51");
	ck_plan(r.conninfo, SQL_RANGE, SQL_WITH_BARE, "'a7@x', 0, 99999, 'b7@y', 51");
	ck_plan(r.conninfo, SQL_RANGE, SQL_TIME, "'a7@x', 0, 99999, 0, 9223372036854775807, 51");
	ck_plan(r.conninfo, SQL_RANGE, SQL_NUMBERS, "'a7@x', 0, 99999, '{7,27}', 51");
	ck_plan(r.conninfo, SQL_RANGE_COUNT, 0, "'a7@x', 0, 99999, 51");
	ck_plan(r.conninfo, SQL_LAST, 0, "'a7@x', 600, 100");
	ck_plan(r.conninfo, SQL_ACCOUNTS, 0, "'a7@x', 100");
	free(sql);
	rig_close(&r);
}
END_TEST

void fill_pg_plans(TCase *tc)
{
	tcase_add_test(tc, pages);
}
