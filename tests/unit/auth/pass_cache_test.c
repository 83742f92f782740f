/* SPDX-License-Identifier: MIT */
/* Proofs of right passwords: how long they hold, what ends them, how many there are. */
#include <check.h>
#include "auth/pass_cache.h"
#include "base/clock.h"

static struct pass_cache *cache;
static const struct str joe = {"joe@example.org", 15}, ann = {"ann@example.org", 15};

static void setup(void)
{
	clock_fake(1000000, 0);
	cache = pass_cache_new(2);
}

static void teardown(void)
{
	cache = pass_cache_free(cache);
}

START_TEST(only_what_was_put_in)
{
	ck_assert(!pass_cache_has(cache, joe, STR("secret"), STR_NONE));
	pass_cache_put(cache, joe, STR("secret"), STR("key"), 1000);
	ck_assert(pass_cache_has(cache, joe, STR("secret"), STR("key")));
	ck_assert(!pass_cache_has(cache, joe, STR("Secret"), STR("key")));
	ck_assert(!pass_cache_has(cache, ann, STR("secret"), STR("key")));
	/* the parts are not just joined */
	ck_assert(!pass_cache_has(cache, joe, STR("secretk"), STR("ey")));
}
END_TEST

START_TEST(ends_by_time)
{
	pass_cache_put(cache, joe, STR("secret"), STR_NONE, 1000);
	clock_advance(999 * 1000);
	ck_assert(pass_cache_has(cache, joe, STR("secret"), STR_NONE));
	clock_advance(1000);
	ck_assert(!pass_cache_has(cache, joe, STR("secret"), STR_NONE));
	ck_assert_uint_eq(pass_cache_size(cache), 0);
	pass_cache_put(cache, joe, STR("secret"), STR_NONE, 0);
	ck_assert_uint_eq(pass_cache_size(cache), 0);
}
END_TEST

START_TEST(ends_with_another_key)
{
	pass_cache_put(cache, joe, STR("secret"), STR("old"), 1000);
	ck_assert(!pass_cache_has(cache, joe, STR("secret"), STR("new")));
	pass_cache_put(cache, joe, STR("other"), STR("new"), 1000);
	ck_assert(!pass_cache_has(cache, joe, STR("secret"), STR("old")));
	pass_cache_forget(cache, joe);
	ck_assert(!pass_cache_has(cache, joe, STR("other"), STR("new")));
}
END_TEST

START_TEST(is_bounded)
{
	pass_cache_put(cache, joe, STR("1"), STR_NONE, 1000);
	pass_cache_put(cache, ann, STR("2"), STR_NONE, 1000);
	pass_cache_put(cache, STR("bob@example.org"), STR("3"), STR_NONE, 1000);
	ck_assert_uint_eq(pass_cache_size(cache), 2);
	ck_assert(!pass_cache_has(cache, joe, STR("1"), STR_NONE));
	ck_assert(pass_cache_has(cache, ann, STR("2"), STR_NONE));
}
END_TEST

Suite *pass_cache_suite(void);
Suite *pass_cache_suite(void)
{
	Suite *s = suite_create("pass_cache");
	TCase *tc = tcase_create("pass_cache");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, only_what_was_put_in);
	tcase_add_test(tc, ends_by_time);
	tcase_add_test(tc, ends_with_another_key);
	tcase_add_test(tc, is_bounded);
	suite_add_tcase(s, tc);
	return s;
}
