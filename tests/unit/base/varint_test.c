/* SPDX-License-Identifier: MIT */
/* Tests of numbers of seven bits a byte. */
#include "base/varint.h"
#include "tests/unit/base/base_tests.h"

START_TEST(test_there_and_back)
{
	static const struct {
		uint64_t v;
		size_t bytes;
	} cases[] = {{0, 1},	      {1, 1},		 {127, 1},	     {128, 2},
		     {16383, 2},      {16384, 3},	 {UINT32_MAX, 5},    {(uint64_t)1 << 62, 9},
		     {(uint64_t)1 << 63, 10}, {UINT64_MAX, VARINT_MAX}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT;
		const char *at;
		uint64_t v = 1;

		varint_append(&b, cases[i].v);
		ck_assert_uint_eq(b.len, cases[i].bytes);
		at = buf_ptr(&b);
		ck_assert(varint_read(&at, buf_ptr(&b) + b.len, &v));
		ck_assert_uint_eq(v, cases[i].v);
		ck_assert_ptr_eq(at, buf_ptr(&b) + b.len);
		for (size_t n = 0; n < b.len; n++) { /* cut short */
			at = buf_ptr(&b);
			ck_assert(!varint_read(&at, buf_ptr(&b) + n, &v));
			ck_assert_uint_eq(v, 0);
		}
		buf_free(&b);
	}
}
END_TEST

START_TEST(test_no_numbers)
{
	static const struct str cases[] = {
		{"\x80\x00", 2},				     /* a byte too many */
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, /* 2^64 and more */
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = cases[i].ptr;
		uint64_t v;

		ck_assert_msg(!varint_read(&at, cases[i].ptr + cases[i].len, &v), "case %zu", i);
		ck_assert(at <= cases[i].ptr + cases[i].len);
	}
}
END_TEST

Suite *varint_suite(void)
{
	Suite *s = suite_create("varint");
	TCase *tc = tcase_create("varint");

	tcase_add_test(tc, test_there_and_back);
	tcase_add_test(tc, test_no_numbers);
	suite_add_tcase(s, tc);
	return s;
}
