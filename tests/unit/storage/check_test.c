/* SPDX-License-Identifier: MIT */
/* Tests of storage/check.c and of the declared tables. */
#include <errno.h>
#include <stdlib.h>
#include "storage/check.h"
#include "tests/storage/rig.h"

Suite *check_suite(void);

START_TEST(declared_tables)
{
	ck_assert_ptr_eq(table_by_name(STR("roster")), &tables[TABLE_ROSTER]);
	ck_assert_ptr_null(table_by_name(STR("rost")));
	ck_assert_int_eq(table_column(&tables[TABLE_ROSTER], STR("pending")), COL_ROSTER_PENDING);
	ck_assert_int_eq(table_column(&tables[TABLE_ROSTER], STR("none")), -1);
	ck_assert(tables[TABLE_LOG].sharded && !tables[TABLE_CREDENTIAL].sharded);
	ck_assert(!tables[TABLE_SECRET].sharded);
	for (size_t i = 0; i < TABLES; i++)
		ck_assert(tables[i].since <= SCHEMA_VERSION && tables[i].nkeys > 0);
}
END_TEST

/* Nobody but auth reads credentials; nobody but the keepers reads secrets. */
START_TEST(least_knowledge)
{
	static const char *const all[] = {"c2s", "sm", "ctl", "router", "muc", "s2s", "http"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ck_assert(!table_readable_by(&tables[TABLE_CREDENTIAL], all[i]));
		ck_assert(table_readable_by(&tables[TABLE_ACCOUNT], all[i]));
		ck_assert(!table_writable_by(&tables[TABLE_ACCOUNT], all[i]));
	}
	ck_assert(table_readable_by(&tables[TABLE_SECRET], "sm"));
	ck_assert(!table_readable_by(&tables[TABLE_SECRET], "c2s"));
	ck_assert(!table_readable_by(&tables[TABLE_ROSTER], "ctl"));
}
END_TEST

static int read_err(struct msg_read_op op)
{
	struct engine_read r = {.process = "sm", .ops = &op, .nops = 1};
	const char *text;

	return check_read(&r, &text);
}

START_TEST(reads)
{
	struct msg_value after[] = {V_TEXT("b@x"), V_TEXT("j")};
	struct msg_value a = V_TEXT("a@x");
	struct msg_read_op op = LIST(TABLE_ROSTER, V_TEXT("a@x"));

	ck_assert_int_eq(read_err(op), 0);
	op.after = after;
	op.nafter = 1;
	ck_assert_int_eq(read_err(op), -EINVAL);
	op.nafter = 2;
	ck_assert_int_eq(read_err(op), -EINVAL);
	after[0] = a;
	ck_assert_int_eq(read_err(op), 0);
	op.op = 17;
	ck_assert_int_eq(read_err(op), -EINVAL);
	op = read_make(STORE_LOG_READ, TABLE_LOG, &a, 1);
	ck_assert_int_eq(read_err(op), 0);
	op.to = UINT64_MAX;
	ck_assert_int_eq(read_err(op), -EINVAL);
	op = read_make(STORE_LOG_LAST, TABLE_ROSTER, &a, 1);
	ck_assert_int_eq(read_err(op), -EINVAL);
}
END_TEST

START_TEST(order_of_values)
{
	struct msg_value a = V_TEXT("a"), ab = V_TEXT("ab"), b = V_TEXT("b"), none = V_TEXT("");
	struct msg_value one = V_INT(1), minus = V_INT(-1);

	ck_assert(value_cmp(&a, &ab) < 0 && value_cmp(&ab, &b) < 0 && value_cmp(&none, &a) < 0);
	ck_assert_int_eq(value_cmp(&a, &a), 0);
	ck_assert(value_cmp(&minus, &one) < 0 && value_cmp(&one, &minus) > 0);
}
END_TEST

Suite *check_suite(void)
{
	Suite *s = suite_create("check");
	TCase *tc = tcase_create("check");

	tcase_add_test(tc, declared_tables);
	tcase_add_test(tc, least_knowledge);
	tcase_add_test(tc, reads);
	tcase_add_test(tc, order_of_values);
	suite_add_tcase(s, tc);
	return s;
}
