/* SPDX-License-Identifier: MIT */
/* The queue before the workers. */
#include <check.h>
#include <stdlib.h>
#include "tests/unit/auth/doubles.h"

static char order[16];
static size_t nordered;
static struct derive *to_free;

static void note(void *arg, const struct scram_keys *keys, size_t n)
{
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(keys[0].iterations, 1);
	order[nordered++] = *(const char *)arg;
	if (to_free)
		to_free = derive_free(to_free);
}

static struct derive_job *start(struct derive *d, enum derive_class class, const char *name)
{
	struct scram_keys keys = {.hash = SCRAM_SHA1, .iterations = 1, .salt_len = 4};

	return derive_start(d, class, STR("x"), &keys, 1, note, (void *)name);
}

START_TEST(logins_first)
{
	struct derive *d = derive_new(NULL, 1, 2, 2);
	struct derive_job *cancelled;

	double_reset();
	nordered = 0;
	start(d, DERIVE_BULK, "a"); /* runs */
	start(d, DERIVE_BULK, "b");
	cancelled = start(d, DERIVE_BULK, "x");
	start(d, DERIVE_CHANGE, "e");
	start(d, DERIVE_CHANGE, "f");
	start(d, DERIVE_LOGIN, "c");
	start(d, DERIVE_LOGIN, "d");
	ck_assert_ptr_null(start(d, DERIVE_LOGIN, "e"));
	ck_assert_ptr_null(start(d, DERIVE_CHANGE, "e"));
	ck_assert_ptr_null(start(d, DERIVE_BULK, "e"));
	ck_assert_uint_eq(derive_waiting(d, DERIVE_LOGIN), 2);
	derive_cancel(cancelled);
	double_run();
	ck_assert_uint_eq(nordered, 6);
	ck_assert_mem_eq(order, "acdefb", 6);
	ck_assert_uint_eq(derive_running(d), 0);
	derive_free(d);
}
END_TEST

START_TEST(freed_and_cancelled_while_running)
{
	struct derive *d = derive_new(NULL, 2, 4, 4);

	double_reset();
	nordered = 0;
	derive_cancel(start(d, DERIVE_LOGIN, "a")); /* runs, tells nobody */
	start(d, DERIVE_LOGIN, "b");
	start(d, DERIVE_LOGIN, "c");
	to_free = d; /* in b's callback */
	double_run();
	ck_assert_uint_eq(nordered, 1);
	ck_assert_int_eq(order[0], 'b');
}
END_TEST

Suite *derive_suite(void);
Suite *derive_suite(void)
{
	Suite *s = suite_create("derive");
	TCase *tc = tcase_create("derive");

	tcase_add_test(tc, logins_first);
	tcase_add_test(tc, freed_and_cancelled_while_running);
	suite_add_tcase(s, tc);
	return s;
}
