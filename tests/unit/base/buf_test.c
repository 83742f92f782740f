/* SPDX-License-Identifier: MIT */
/* Tests of the buffer. */
#include <signal.h>
#include <stdlib.h>
#include "base/buf.h"
#include "base/random.h"
#include "tests/unit/base/base_tests.h"

START_TEST(test_append_consume)
{
	struct buf b = BUF_INIT;

	buf_consume(&b, 0);
	buf_append(&b, NULL, 0);
	ck_assert_ptr_null(b.data);
	buf_lit(&b, "hello ");
	buf_putc(&b, 'w');
	buf_str_append(&b, STR("orld"));
	assert_str(buf_str(&b), "hello world");
	buf_consume(&b, 6);
	assert_str(buf_str(&b), "world");
	buf_printf(&b, " %d", 42);
	assert_str(buf_str(&b), "world 42");
	buf_clear(&b);
	buf_u64(&b, 0);
	buf_putc(&b, ' ');
	buf_u64(&b, 1234567890);
	buf_putc(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	assert_str(buf_str(&b), "0 1234567890 18446744073709551615");
	buf_clear(&b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_uint_gt(b.cap, 0);
	buf_free(&b);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(test_printf_long)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%0200d|%0300d", 1, 2);
	ck_assert_uint_eq(b.len, 501);
	ck_assert_int_eq(buf_ptr(&b)[199], '1');
	ck_assert_int_eq(buf_ptr(&b)[500], '2');
	buf_free(&b);
}
END_TEST

/* A queue fed and drained for ever neither grows nor loses a byte. */
START_TEST(test_queue)
{
	struct buf b = BUF_INIT;
	unsigned char in = 0, out = 0;
	uint64_t seed = 1;
	size_t wrong = 0;

	for (int round = 0; round < 20000; round++) {
		size_t n;

		seed = hash64(&seed, sizeof(seed));
		for (n = seed % 50; n; n--)
			buf_putc(&b, (char)in++);
		n = seed / 64 % 50;
		if (b.len > 500)
			n = b.len - 100;
		for (n = n < b.len ? n : b.len; n; n--) {
			wrong += (unsigned char)*buf_ptr(&b) != out++;
			buf_consume(&b, 1);
		}
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_le(b.cap, 4096);
	buf_free(&b);
}
END_TEST

START_TEST(test_trim)
{
	struct buf b = BUF_INIT;

	buf_reserve(&b, 100000);
	buf_trim(&b, 0);
	ck_assert_ptr_null(b.data);
	memset(buf_reserve(&b, 100000), 'x', 100000);
	buf_added(&b, 100000);
	buf_consume(&b, 99990);
	buf_trim(&b, 200000);
	ck_assert_uint_ge(b.cap, 100000);
	buf_trim(&b, 1000);
	ck_assert_uint_lt(b.cap, 1000);
	assert_str(buf_str(&b), "xxxxxxxxxx");
	buf_wipe(&b);
	ck_assert_uint_eq(b.cap, 0);
}
END_TEST

START_TEST(test_take)
{
	struct buf b = BUF_INIT;
	char *text = buf_take(&b);

	ck_assert_str_eq(text, "");
	free(text);
	buf_lit(&b, "abcdef");
	buf_consume(&b, 2);
	text = buf_take(&b);
	ck_assert_str_eq(text, "cdef");
	ck_assert_ptr_null(b.data);
	free(text);
}
END_TEST

START_TEST(test_consume_too_much)
{
	struct buf b = BUF_INIT;

	buf_lit(&b, "abc");
	buf_consume(&b, 4);
}
END_TEST

Suite *buf_suite(void)
{
	Suite *s = suite_create("buf");
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, test_append_consume);
	tcase_add_test(tc, test_printf_long);
	tcase_add_test(tc, test_queue);
	tcase_add_test(tc, test_trim);
	tcase_add_test(tc, test_take);
	tcase_add_test_raise_signal(tc, test_consume_too_much, SIGABRT);
	suite_add_tcase(s, tc);
	return s;
}
