/* SPDX-License-Identifier: MIT */
/* Tests of the clocks. */
#include "base/clock.h"
#include "tests/unit/base/base_tests.h"

START_TEST(test_real)
{
	uint64_t a = clock_mono_us(), b = clock_mono_us();

	ck_assert_uint_le(a, b);
	ck_assert_uint_ge(clock_mono_ms(), a / 1000);
	ck_assert_int_gt(clock_wall_us(), 1600000000000000);
}
END_TEST

START_TEST(test_fake)
{
	clock_fake(5000000, 1000);
	ck_assert_uint_eq(clock_mono_ms(), 5000);
	clock_advance(1500);
	ck_assert_uint_eq(clock_mono_us(), 5001500);
	ck_assert_int_eq(clock_wall_us(), 2500);
}
END_TEST

START_TEST(test_format)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{1795169045123999, "2026-11-20T10:04:05.123Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{951782400000000, "2000-02-29T00:00:00.000Z"},
		{INT64_MAX, "9999-12-31T23:59:59.999Z"},
		{INT64_MIN, "0001-01-01T00:00:00.000Z"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clock_format(cases[i].us, text);
		ck_assert_str_eq(text, cases[i].text);
	}
}
END_TEST

Suite *clock_suite(void)
{
	Suite *s = suite_create("clock");
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, test_real);
	tcase_add_test(tc, test_fake);
	tcase_add_test(tc, test_format);
	suite_add_tcase(s, tc);
	return s;
}
