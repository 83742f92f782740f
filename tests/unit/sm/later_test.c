/* SPDX-License-Identifier: MIT */
/* Rows that are in no hurry: they come out as they went in, the newest of a table, with the next write. */
#include <check.h>
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static struct user *romeo;

static void begin(void)
{
	world_start("");
	account("romeo@localhost");
	login("romeo@localhost", "x");
	pass(5000);
	romeo = user_get(w.sm, STR("romeo@localhost"));
	ck_assert_ptr_nonnull(romeo);
	user_write_now(romeo);
	settle();
	ck_assert_ptr_null(romeo->later);
}

static void later(uint16_t table, const struct msg_value *values, size_t n)
{
	struct msg_write_op op = {.op = STORE_PUT,
				  .table = table,
				  .values = (struct msg_value *)values,
				  .nvalues = n};

	user_write_later(romeo, &op);
}

static void same_values(const struct msg_write_op *op, const struct msg_value *values, size_t n)
{
	ck_assert_uint_eq(op->op, STORE_PUT);
	ck_assert_uint_eq(op->nvalues, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(op->values[i].type, values[i].type);
		ck_assert_int_eq(op->values[i].i, values[i].i);
		ck_assert(str_eq(op->values[i].s, values[i].s));
	}
}

START_TEST(as_they_went_in)
{
	char text[300];
	struct msg_value first[] = {value_text(STR_NONE), value_null(), value_int(INT64_MIN), value_int(-1),
				    value_blob(str_n("\0\xff\0", 3)), value_text(str_n(text, sizeof text))};
	struct msg_value second[] = {value_text(STR("romeo@localhost")), value_int(7)};
	struct msg_write_op with = {.op = STORE_DELETE, .table = TABLE_VCARD, .values = second, .nvalues = 1};
	struct later_joined joined;

	memset(text, 'x', sizeof text);
	ck_assert_uint_eq(later_join(romeo, &with, 1, &joined), 0);
	later(TABLE_LOGIN, second, 2);
	later(TABLE_LAST, second, 1);
	later(TABLE_LOGIN, first, LATER_COLS);
	ck_assert_uint_eq(later_join(romeo, NULL, 0, &joined), 2);
	ck_assert(joined.ops[0].table == TABLE_LOGIN && joined.ops[1].table == TABLE_LAST);
	same_values(&joined.ops[0], first, LATER_COLS);
	same_values(&joined.ops[1], second, 1);
	ck_assert_uint_eq(later_join(romeo, &with, 1, &joined), 3);
	same_values(&joined.ops[0], first, LATER_COLS);
	ck_assert(joined.ops[2].op == STORE_DELETE && joined.ops[2].table == TABLE_VCARD);
	with.condition = 1; /* they might be lost with it */
	ck_assert_uint_eq(later_join(romeo, &with, 1, &joined), 0);
	later_free(romeo);
	ck_assert_ptr_null(romeo->later);
}
END_TEST

/* More tables than wait, and a longer row, are written with what waits. */
START_TEST(no_room)
{
	struct msg_value v[COLS_ROSTER] = {value_text(STR("romeo@localhost")), value_int(1), value_text(STR("a"))};
	size_t before = w.shelf->writes;

	later(TABLE_LAST, v, COLS_LAST);
	later(TABLE_ROSTER_VERSION, v, COLS_ROSTER_VERSION);
	ck_assert_uint_eq(w.shelf->writes, before);
	later(TABLE_VCARD, v, COLS_VCARD);
	settle();
	ck_assert_uint_eq(w.shelf->writes, before + 1);
	ck_assert(shelf_row(w.shelf, TABLE_LAST, "romeo@localhost") &&
		  shelf_row(w.shelf, TABLE_ROSTER_VERSION, "romeo@localhost") &&
		  shelf_row(w.shelf, TABLE_VCARD, "romeo@localhost"));
	ck_assert_ptr_null(romeo->later);
	ck_assert_uint_gt(COLS_ROSTER, LATER_COLS);
	v[1] = value_text(STR("juliet@localhost"));
	later(TABLE_ROSTER, v, COLS_ROSTER);
	settle();
	ck_assert_uint_eq(w.shelf->writes, before + 2);
	ck_assert_ptr_nonnull(shelf_row(w.shelf, TABLE_ROSTER, "romeo@localhost"));
}
END_TEST

Suite *later_suite(void)
{
	Suite *s = suite_create("later");
	TCase *c = tcase_create("rows");

	tcase_add_checked_fixture(c, begin, world_stop);
	tcase_add_test(c, as_they_went_in);
	tcase_add_test(c, no_room);
	suite_add_tcase(s, c);
	return s;
}
