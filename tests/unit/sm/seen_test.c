/* SPDX-License-Identifier: MIT */
/* Keys appended lately: found by key, trimmed and forgotten by account, gone by age. */
#include <check.h>
#include <stdlib.h>
#include "tests/unit/sm/world.h"

enum { MANY = 5000, SOME = 100, LONGER = 200000 };

static struct msg_stanza_key key_of(uint64_t n)
{
	return (struct msg_stanza_key){.origin = n % 3, .number = n / 6, .part = (uint16_t)(n / 3 % 2)};
}

static struct user *user_of(const char *bare)
{
	account(bare);
	login(bare, "x");
	return user_get(w.sm, str_z(bare));
}

static void add(struct user *u, uint64_t n, bool committed)
{
	struct msg_stanza_key key = key_of(n);

	ck_assert_ptr_null(seen_find(u, &key));
	seen_add(u, &key, n)->committed = committed;
}

static bool knows(struct user *u, uint64_t n)
{
	struct msg_stanza_key key = key_of(n);
	const struct seen *e = seen_find(u, &key);

	ck_assert(!e || e->log == n);
	return e != NULL;
}

START_TEST(by_key_and_account)
{
	struct user *romeo, *juliet;

	world_start("");
	romeo = user_of("romeo@localhost");
	juliet = user_of("juliet@localhost");
	for (uint64_t n = 0; n < MANY; n++) {
		add(romeo, n, true);
		if (n % 2)
			add(juliet, n, true);
	}
	for (uint64_t n = 0; n < MANY; n++)
		ck_assert(knows(romeo, n) && knows(juliet, n) == n % 2);
	seen_trim(romeo, 0, 2); /* of origin 0 the newest two stay */
	for (uint64_t n = 0; n < MANY; n++)
		ck_assert(knows(romeo, n) == (n % 3 || n >= MANY - 6) && knows(juliet, n) == n % 2);
	seen_forget(romeo);
	for (uint64_t n = 0; n < MANY; n++)
		ck_assert(!knows(romeo, n) && knows(juliet, n) == n % 2);
	add(romeo, 7, true);
	ck_assert(knows(romeo, 7));
	world_stop();
}
END_TEST

/* What is not committed holds up what came after it, however old. */
START_TEST(by_age)
{
	struct user *u;
	struct msg_stanza_key key = key_of(SOME);

	world_start("");
	u = user_of("romeo@localhost");
	for (uint64_t round = 0; round < 20; round++) {
		for (uint64_t n = 0; n < SOME; n++)
			add(u, n, true);
		add(u, SOME, false);
		add(u, SOME + 1, true);
		pass(LONGER);
		seens_tick(w.sm);
		ck_assert(!knows(u, 0) && !knows(u, SOME - 1) && knows(u, SOME) && knows(u, SOME + 1));
		seen_drop(seen_find(u, &key));
		ck_assert(!knows(u, SOME));
		seens_tick(w.sm);
		ck_assert(!seens_any(w.sm->seens) && !knows(u, SOME + 1));
	}
	world_stop();
}
END_TEST

Suite *seen_suite(void)
{
	Suite *s = suite_create("seen");
	TCase *c = tcase_create("keys");

	tcase_add_test(c, by_key_and_account);
	tcase_add_test(c, by_age);
	suite_add_tcase(s, c);
	return s;
}
