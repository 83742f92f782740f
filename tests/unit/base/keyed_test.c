/* SPDX-License-Identifier: MIT */
/* Tests of the table by numbers. */
#include <stdlib.h>
#include "base/keyed.h"
#include "tests/unit/base/base_tests.h"

struct item {
	int value;
	uint64_t key;
	void *next;
	bool seen;
};

enum { ITEMS = 1000 };

static struct item items[ITEMS];

/* Small numbers, and large ones that differ in their high bits alone. */
static uint64_t key(size_t i)
{
	return i % 2 ? i : (uint64_t)i << 52;
}

static struct keyed filled(void)
{
	struct keyed t = KEYED(struct item, key, next);

	for (size_t i = 0; i < ITEMS; i++) {
		items[i] = (struct item){.value = (int)i, .key = key(i)};
		keyed_add(&t, &items[i]);
	}
	return t;
}

START_TEST(test_find)
{
	struct keyed t = KEYED(struct item, key, next);

	ck_assert_ptr_null(keyed_find(&t, 0));
	t = filled();
	ck_assert_uint_eq(t.n, ITEMS);
	for (size_t i = 0; i < ITEMS; i++)
		ck_assert_ptr_eq(keyed_find(&t, key(i)), &items[i]);
	ck_assert_ptr_null(keyed_find(&t, ITEMS + 1));
	for (size_t i = 0; i < ITEMS; i += 3)
		keyed_remove(&t, &items[i]);
	for (size_t i = 0; i < ITEMS; i++)
		ck_assert_ptr_eq(keyed_find(&t, key(i)), i % 3 ? &items[i] : NULL);
	ck_assert_uint_eq(t.n, ITEMS - (ITEMS + 2) / 3);
	keyed_free(&t);
}
END_TEST

START_TEST(test_same_key)
{
	struct keyed t = KEYED(struct item, key, next);
	struct item a = {.key = 7}, b = {.key = 7}, other = {.key = 8};
	struct item *first, *second;

	keyed_add(&t, &a);
	keyed_add(&t, &other);
	keyed_add(&t, &b);
	first = keyed_find(&t, 7);
	second = keyed_again(&t, first);
	ck_assert((first == &a && second == &b) || (first == &b && second == &a));
	ck_assert_ptr_null(keyed_again(&t, second));
	keyed_remove(&t, first);
	ck_assert_ptr_eq(keyed_find(&t, 7), second);
	ck_assert_ptr_null(keyed_again(&t, second));
	keyed_free(&t);
}
END_TEST

START_TEST(test_walk)
{
	struct keyed empty = KEYED(struct item, key, next), t = filled();
	struct item *i, *next;
	size_t n = 0;

	ck_assert_ptr_null(keyed_first(&empty));
	for (i = keyed_first(&t); i; i = next) {
		next = keyed_after(&t, i);
		ck_assert(!i->seen);
		i->seen = true;
		n++;
		keyed_remove(&t, i);
	}
	ck_assert_uint_eq(n, ITEMS);
	ck_assert_uint_eq(t.n, 0);
	ck_assert_ptr_null(keyed_first(&t));
	keyed_free(&t);
	ck_assert_ptr_null(keyed_find(&t, key(0)));
}
END_TEST

Suite *keyed_suite(void)
{
	Suite *s = suite_create("keyed");
	TCase *tc = tcase_create("keyed");

	tcase_add_test(tc, test_find);
	tcase_add_test(tc, test_same_key);
	tcase_add_test(tc, test_walk);
	suite_add_tcase(s, tc);
	return s;
}
