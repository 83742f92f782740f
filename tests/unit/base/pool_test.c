/* SPDX-License-Identifier: MIT */
/* Tests of pools. */
#include <stdalign.h>
#include <stdint.h>
#include "base/pool.h"
#include "tests/unit/base/base_tests.h"

static int order[8], n_order;

static void note(void *arg)
{
	order[n_order++] = *(int *)arg;
}

START_TEST(test_pieces)
{
	struct pool *p = pool_new();
	char *pieces[500];
	size_t total = 0, wrong = 0;

	for (size_t i = 0; i < 500; i++) {
		size_t size = i * 7 % 5000;

		pieces[i] = pool_alloc(p, size);
		total += size;
		ck_assert_uint_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		memset(pieces[i], (int)i, size);
	}
	ck_assert_uint_eq(pool_size(p), total);
	for (size_t i = 0; i < 500; i++) {
		for (size_t k = 0; k < i * 7 % 5000; k++)
			wrong += (unsigned char)pieces[i][k] != (unsigned char)i;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_ptr_null(pool_free(p));
	ck_assert_ptr_null(pool_free(NULL));
}
END_TEST

START_TEST(test_text)
{
	struct pool *p = pool_new();
	struct str s = pool_str(p, STR("abc")), f = pool_printf(p, "%s-%d", "x", 9);
	char *zeros = pool_calloc(p, 3000);

	ck_assert_str_eq(s.ptr, "abc");
	assert_str(f, "x-9");
	ck_assert_int_eq(f.ptr[f.len], 0);
	ck_assert_str_eq(pool_strdup(p, "dup"), "dup");
	ck_assert_str_eq(pool_str(p, STR_NONE).ptr, "");
	for (int i = 0; i < 3000; i++)
		ck_assert_int_eq(zeros[i], 0);
	pool_free(p);
}
END_TEST

START_TEST(test_cleanups)
{
	static int one = 1, two = 2, three = 3;
	struct pool *p = pool_new();

	n_order = 0;
	pool_cleanup(p, note, &one);
	pool_cleanup(p, note, &two);
	pool_reset(p);
	ck_assert_int_eq(n_order, 2);
	ck_assert_int_eq(order[0], 2);
	ck_assert_int_eq(order[1], 1);
	ck_assert_uint_eq(pool_size(p), 0);
	pool_alloc(p, 100000);
	pool_cleanup(p, note, &three);
	pool_free(p);
	ck_assert_int_eq(n_order, 3);
	ck_assert_int_eq(order[2], 3);
}
END_TEST

Suite *pool_suite(void)
{
	Suite *s = suite_create("pool");
	TCase *tc = tcase_create("pool");

	tcase_add_test(tc, test_pieces);
	tcase_add_test(tc, test_text);
	tcase_add_test(tc, test_cleanups);
	suite_add_tcase(s, tc);
	return s;
}
