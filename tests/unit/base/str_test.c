/* SPDX-License-Identifier: MIT */
/* Tests of slices. */
#include <limits.h>
#include <stdlib.h>
#include "tests/unit/base/base_tests.h"

START_TEST(test_compare)
{
	ck_assert(str_eq(STR_NONE, STR("")));
	ck_assert(!str_eq(STR("a"), STR("b")));
	ck_assert_int_lt(str_cmp(STR("a"), STR("ab")), 0);
	ck_assert_int_gt(str_cmp(STR("b"), STR("ab")), 0);
	ck_assert_int_gt(str_cmp(STR("\xff"), STR("a")), 0);
	ck_assert_int_eq(str_cmp(STR_NONE, STR("")), 0);
	ck_assert(str_caseeq(STR("ExAmple"), STR("eXaMPLE")));
	ck_assert(!str_caseeq(STR("@"), STR("`"))); /* one bit apart, no letters */
	ck_assert(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")));
}
END_TEST

START_TEST(test_find_trim_split)
{
	struct str rest = STR("a,,b,"), part;

	ck_assert_int_eq(str_find(STR("abcb"), 'b', 2), 3);
	ck_assert_int_eq(str_find(STR("abc"), 'x', 0), -1);
	ck_assert_int_eq(str_find(STR("abc"), 'a', 9), -1);
	ck_assert_int_eq(str_find(STR_NONE, 'a', 0), -1);
	assert_str(str_trim(STR(" \t a b\r\n ")), "a b");
	assert_str(str_trim(STR("  ")), "");
	ck_assert(str_split(&rest, ',', &part));
	assert_str(part, "a");
	ck_assert(str_split(&rest, ',', &part));
	assert_str(part, "");
	ck_assert(str_split(&rest, ',', &part));
	assert_str(part, "b");
	ck_assert(str_split(&rest, ',', &part));
	assert_str(part, "");
	ck_assert(!str_split(&rest, ',', &part));
}
END_TEST

START_TEST(test_numbers)
{
	unsigned long long u = 7;
	long long i = 7;

	ck_assert(str_u64(STR("18446744073709551615"), &u) && u == ULLONG_MAX);
	u = 7;
	ck_assert(!str_u64(STR("18446744073709551616"), &u));
	ck_assert(!str_u64(STR("99999999999999999999999"), &u));
	ck_assert(!str_u64(STR(""), &u) && !str_u64(STR("1 "), &u) && !str_u64(STR("-1"), &u));
	ck_assert(!str_u64(STR("+1"), &u));
	ck_assert_uint_eq(u, 7);
	ck_assert(str_i64(STR("-9223372036854775808"), &i) && i == LLONG_MIN);
	ck_assert(str_i64(STR("9223372036854775807"), &i) && i == LLONG_MAX);
	ck_assert(!str_i64(STR("9223372036854775808"), &i));
	ck_assert(!str_i64(STR("-9223372036854775809"), &i));
	ck_assert(!str_i64(STR("-"), &i) && !str_i64(STR("--1"), &i));
	ck_assert(str_i64(STR("-0"), &i) && i == 0);
}
END_TEST

START_TEST(test_utf8)
{
	static const char *const good[] = {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
					   "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80",
					   "\xf4\x8f\xbf\xbf", NULL};
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf",
					  "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1", "\xff",
					  "a\xf0\x90\x80", NULL};

	for (int i = 0; good[i]; i++)
		ck_assert_msg(str_utf8_valid(str_z(good[i])), "good %d", i);
	for (int i = 0; bad[i]; i++)
		ck_assert_msg(!str_utf8_valid(str_z(bad[i])), "bad %d", i);
}
END_TEST

START_TEST(test_dup)
{
	char *copy = str_dup(str_n("abcdef", 3));

	ck_assert_str_eq(copy, "abc");
	free(copy);
	copy = str_dup(STR_NONE);
	ck_assert_str_eq(copy, "");
	free(copy);
}
END_TEST

Suite *str_suite(void)
{
	Suite *s = suite_create("str");
	TCase *tc = tcase_create("str");

	tcase_add_test(tc, test_compare);
	tcase_add_test(tc, test_find_trim_split);
	tcase_add_test(tc, test_numbers);
	tcase_add_test(tc, test_utf8);
	tcase_add_test(tc, test_dup);
	suite_add_tcase(s, tc);
	return s;
}
