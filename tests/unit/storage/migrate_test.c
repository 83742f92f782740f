/* SPDX-License-Identifier: MIT */
/* Tests of storage/sqlite_migrate.c: a schema grows, version by version, and is never shrunk. */
#include <stdio.h>
#include <stdlib.h>
#include "storage/sqlite_internal.h"
#include "tests/storage/rig.h"

Suite *migrate_suite(void);

/* A table as three versions of the program know it. */
static const char *const owners[] = {"sm", NULL};
static const struct column columns[] = {
	{"account", COLUMN_TEXT, false, 1},
	{"value", COLUMN_INT, false, 1},
	{"extra", COLUMN_TEXT, true, 2},
};
static const uint8_t by_value[] = {1};
static const struct table_index indexes[] = {{by_value, 1, 3}};
static const struct table_def grown[] = {
	{"thing", owners, false, true, 1, 1, 3, 1, columns, indexes},
	{"later", owners, false, true, 3, 1, 2, 0, columns, NULL},
};
static const struct table_def first[] = {{"thing", owners, false, true, 1, 1, 2, 0, columns, NULL}};

static char *one_text(struct db *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	char *text = NULL;

	ck_assert_int_eq(sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL), SQLITE_OK);
	if (sqlite3_step(s) == SQLITE_ROW)
		text = strdup((const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return text;
}

static void ck_text(struct db *db, const char *sql, const char *want)
{
	char *text = one_text(db, sql);

	ck_assert_str_eq(text, want);
	free(text);
}

struct tmp {
	struct db *db;
	char dir[64];
};

static struct db *tmp_open(struct tmp *t)
{
	struct buf error = BUF_INIT;
	char path[80];

	snprintf(t->dir, sizeof(t->dir), "/tmp/mercutio-storage-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t->dir));
	snprintf(path, sizeof(path), "%s/db", t->dir);
	t->db = db_open(path, 1 << 20, true, &error);
	ck_assert_msg(t->db != NULL, "%.*s", STR_ARG(buf_str(&error)));
	return t->db;
}

static void tmp_close(struct tmp *t)
{
	db_close(t->db);
	rig_remove(t->dir);
}

START_TEST(grows)
{
	struct buf error = BUF_INIT;
	struct tmp t;
	struct db *db = tmp_open(&t);

	ck_assert(db_migrate(db, first, 1, 1, &error));
	ck_assert_int_eq(db_exec(db, "INSERT INTO thing (account, value) VALUES ('a@x', 5)"),
			 SQLITE_OK);
	for (int again = 0; again < 2; again++) {
		ck_assert(db_migrate(db, grown, 2, 3, &error));
		ck_text(db, "SELECT account || value || coalesce(extra, '-') FROM thing", "a@x5-");
		ck_text(db, "SELECT count(*) FROM later", "0");
		ck_text(db, "SELECT max(version) FROM mercutio_schema", "3");
		ck_text(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'thing_index_1'", "1");
	}
	ck_assert_uint_eq(error.len, 0);
	tmp_close(&t);
}
END_TEST

/* Made at once it is the same as grown. */
START_TEST(fresh_is_grown)
{
	struct buf error = BUF_INIT;
	struct tmp ta, tb;
	struct db *a = tmp_open(&ta), *b = tmp_open(&tb);
	static const char sql[] = "SELECT group_concat(name || type || pk, ',') FROM"
				  " pragma_table_info('thing')";
	char *grown_text, *fresh;

	ck_assert(db_migrate(a, first, 1, 1, &error) && db_migrate(a, grown, 2, 3, &error));
	ck_assert(db_migrate(b, grown, 2, 3, &error));
	grown_text = one_text(a, sql);
	fresh = one_text(b, sql);
	ck_assert_str_eq(grown_text, fresh);
	free(grown_text);
	free(fresh);
	tmp_close(&ta);
	tmp_close(&tb);
}
END_TEST

START_TEST(newer_is_refused)
{
	struct buf error = BUF_INIT;
	struct tmp t;
	struct db *db = tmp_open(&t);
	char *text;

	ck_assert(db_migrate(db, grown, 2, 3, &error));
	ck_assert(!db_migrate(db, first, 1, 1, &error));
	text = buf_take(&error);
	ck_assert_str_eq(text, "its schema (version 3) is newer than this program's (version 1)");
	free(text);
	ck_text(db, "SELECT max(version) FROM mercutio_schema", "3");
	tmp_close(&t);
}
END_TEST

/* A failure in the middle leaves the old schema. */
START_TEST(all_or_nothing)
{
	struct buf error = BUF_INIT;
	struct tmp t;
	struct db *db = tmp_open(&t);

	ck_assert(db_migrate(db, first, 1, 1, &error));
	/* Another table has the name of the newest version's index. */
	ck_assert_int_eq(db_exec(db, "CREATE TABLE thing_index_1 (x)"), SQLITE_OK);
	ck_assert(!db_migrate(db, grown, 2, 3, &error));
	ck_assert_uint_gt(error.len, 0);
	buf_free(&error);
	ck_text(db, "SELECT max(version) FROM mercutio_schema", "1");
	ck_text(db, "SELECT count(*) FROM pragma_table_info('thing')", "2");
	tmp_close(&t);
}
END_TEST

Suite *migrate_suite(void)
{
	Suite *s = suite_create("migrate");
	TCase *tc = tcase_create("migrate");

	tcase_add_test(tc, grows);
	tcase_add_test(tc, fresh_is_grown);
	tcase_add_test(tc, newer_is_refused);
	tcase_add_test(tc, all_or_nothing);
	suite_add_tcase(s, tc);
	return s;
}
