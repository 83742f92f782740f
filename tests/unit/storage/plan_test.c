/* SPDX-License-Identifier: MIT */
/* How SQLite goes about reads of the log: by the index, in its order, without sorting. */
#include <stdlib.h>
#include <string.h>
#include "storage/sqlite_internal.h"
#include "tests/storage/rig.h"

Suite *plan_suite(void);

static char *plan_of(sqlite3 *db, enum sql_kind kind, unsigned variant)
{
	struct buf sql = BUF_INIT, plan = BUF_INIT;
	sqlite3_stmt *s = NULL;

	buf_lit(&sql, "EXPLAIN QUERY PLAN ");
	sql_text(&sql, SQL_SQLITE, kind, &tables[TABLE_LOG], variant);
	ck_assert_msg(sqlite3_prepare_v2(db, buf_ptr(&sql), (int)sql.len, &s, NULL) == SQLITE_OK,
		      "%.*s: %s", STR_ARG(buf_str(&sql)), sqlite3_errmsg(db));
	while (sqlite3_step(s) == SQLITE_ROW)
		buf_printf(&plan, "%s\n", (const char *)sqlite3_column_text(s, 3));
	sqlite3_finalize(s);
	buf_free(&sql);
	return buf_take(&plan);
}

static const struct {
	enum sql_kind kind;
	unsigned variant;
	const char *part;
} plans[] = {
	{SQL_RANGE, 0, "INDEX sqlite_autoindex_log_1 (account=? AND number>? AND number<?)"},
	{SQL_RANGE, SQL_REVERSE, "INDEX sqlite_autoindex_log_1 (account=? AND number>? AND number<?)"},
	{SQL_RANGE, SQL_WITH_BARE | SQL_TIME | SQL_REVERSE,
	 "INDEX sqlite_autoindex_log_1 (account=? AND number>? AND number<?)"},
	{SQL_RANGE, SQL_NUMBERS, "INDEX sqlite_autoindex_log_1 (account=? AND number"},
	{SQL_RANGE_SIZES, 0, "INDEX sqlite_autoindex_log_1 (account=? AND number>? AND number<?)"},
	{SQL_RANGE_COUNT, 0,
	 "COVERING INDEX sqlite_autoindex_log_1 (account=? AND number>? AND number<?)"},
	{SQL_LAST, 0, "INDEX sqlite_autoindex_log_1 (account=? AND number<?)"},
	{SQL_ACCOUNTS, 0, "COVERING INDEX sqlite_autoindex_log_1 (account>?)"},
};

START_TEST(by_index)
{
	sqlite3 *db;
	struct rig r;
	char *plan;

	rig_open(&r, "sqlite");
	ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		plan = plan_of(db, plans[i].kind, plans[i].variant);
		ck_assert_msg(strstr(plan, plans[i].part) != NULL, "%zu: %s", i, plan);
		ck_assert_msg(!strstr(plan, "SCAN log") && !strstr(plan, "TEMP B-TREE"), "%zu: %s",
			      i, plan);
		free(plan);
	}
	sqlite3_close(db);
	rig_close(&r);
}
END_TEST

Suite *plan_suite(void)
{
	Suite *s = suite_create("plans");
	TCase *tc = tcase_create("plans");

	tcase_add_test(tc, by_index);
	suite_add_tcase(s, tc);
	return s;
}
