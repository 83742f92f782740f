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

START_TEST(test_parse)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-20T10:04:05.123Z", 1795169045123000},
		{"2026-11-20T10:04:05.1234567Z", 1795169045123456},
		{"2026-11-20T12:34:05+02:30", 1795169045000000},
		{"2026-11-20T05:04:05-05:00", 1795169045000000},
		{"1969-12-31T23:59:59.999Z", -1000},
		{"1469-07-21T00:32:29Z", -15792622051000000},
		{"2000-02-29T00:00:00Z", 951782400000000},
		{"2016-12-31T23:59:60Z", 1483228800000000},
	};
	static const char *const bad[] = {
		"",
		"2026-11-20",
		"2026-11-20T10:04:05",
		"2026-11-20T10:04:05.Z",
		"2026-11-20T24:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-04-00T00:00:00Z",
		"2026-02-30T00:00:00Z",
		"0000-01-01T00:00:00Z",
		"2026-11-20T10:04:05+2:30",
		"2026-11-20T10:04:05+25:00",
		"2026-11-20T10:04:05ZZ",
		"20261120T10:04:05",
		"-026-11-20T10:04:05Z",
	};
	int64_t us;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(clock_parse(str_z(cases[i].text), &us) == 0, "%s", cases[i].text);
		ck_assert_msg(us == cases[i].us, "%s: %lld", cases[i].text, (long long)us);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(clock_parse(str_z(bad[i]), &us) < 0, "%s", bad[i]);
}
END_TEST

Suite *clock_suite(void)
{
	Suite *s = suite_create("clock");
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, test_real);
	tcase_add_test(tc, test_fake);
	tcase_add_test(tc, test_format);
	tcase_add_test(tc, test_parse);
	suite_add_tcase(s, tc);
	return s;
}
