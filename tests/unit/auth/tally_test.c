/* SPDX-License-Identifier: MIT */
/* Counts within a time. */
#include <check.h>
#include "auth/tally.h"
#include "base/clock.h"

START_TEST(sliding_window)
{
	struct tally *t = tally_new(8);

	clock_fake(1000000, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert(!tally_full(t, STR("a"), 3));
		tally_add(t, STR("a"), 3, 1000, true);
		clock_advance(600 * 1000);
	}
	ck_assert(tally_full(t, STR("a"), 3));
	ck_assert(!tally_full(t, STR("b"), 3));
	ck_assert(!tally_full(t, STR("a"), 0));
	tally_add(t, STR("a"), 3, 1000, true); /* full: the time is not prolonged */
	clock_advance(400 * 1000);
	ck_assert(!tally_full(t, STR("a"), 3));
	ck_assert_uint_eq(tally_size(t), 0);
	tally_free(t);
}
END_TEST

START_TEST(fixed_window)
{
	struct tally *t = tally_new(8);

	clock_fake(1000000, 0);
	tally_add(t, STR("a"), 2, 1000, false);
	clock_advance(900 * 1000);
	tally_add(t, STR("a"), 2, 1000, false);
	ck_assert(tally_full(t, STR("a"), 2));
	clock_advance(100 * 1000);
	ck_assert(!tally_full(t, STR("a"), 2));
	tally_free(t);
}
END_TEST

START_TEST(bounded)
{
	struct tally *t = tally_new(2);

	clock_fake(1000000, 0);
	tally_add(t, STR("a"), 1, 1000, true);
	tally_add(t, STR("b"), 1, 1000, true);
	tally_add(t, STR("c"), 1, 1000, true);
	ck_assert_uint_eq(tally_size(t), 2);
	ck_assert(!tally_full(t, STR("a"), 1));
	ck_assert(tally_full(t, STR("c"), 1));
	tally_clear(t, STR("c"));
	ck_assert(!tally_full(t, STR("c"), 1));
	tally_free(t);
}
END_TEST

Suite *tally_suite(void);
Suite *tally_suite(void)
{
	Suite *s = suite_create("tally");
	TCase *tc = tcase_create("tally");

	tcase_add_test(tc, sliding_window);
	tcase_add_test(tc, fixed_window);
	tcase_add_test(tc, bounded);
	suite_add_tcase(s, tc);
	return s;
}
