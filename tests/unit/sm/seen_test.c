/* SPDX-License-Identifier: MIT */
/* Keys appended lately, and those read with an account: by key, trimmed and forgotten, gone by age. */
#include <check.h>
#include <malloc.h>
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

/* --- read with the account ------------------------------------------------------------------- */

enum { LOADED = 400 };

static uint64_t state = 1;

static uint64_t dice(uint64_t n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 20) % n;
}

/* Of few origins or many, counted or of any number (as by XEP-0227), by several owners, some twice. */
static void make_keys(struct seen_key *keys, size_t n)
{
	static const uint64_t origins[] = {1, 3, 100, UINT64_MAX}, numbers[] = {8, 300, UINT64_MAX};
	uint64_t most_origins = origins[dice(4)], most_numbers = numbers[dice(3)];
	uint64_t log = 7ull << 40 | dice(1000000);

	for (size_t i = 0; i < n; i++) {
		uint64_t step = dice(20) ? 1 + dice(500) : 1ull << 40;

		log = log > step ? log - step : 1;
		keys[i] = (struct seen_key){{most_origins - dice(most_origins),
					     most_numbers - dice(most_numbers),
					     (uint16_t)(dice(5) ? dice(3) : 65535 - dice(9))},
					    log};
	}
}

static void knows_as(struct user *u, const struct seen_key *keys, size_t n,
		     const struct msg_stanza_key *key)
{
	const struct seen *e = seen_find(u, key);
	uint64_t log = 0, after = 0;

	for (size_t i = 0; i < n; i++) {
		const struct seen_key *k = &keys[i];

		if (key_same(&k->key, key) && k->log > log)
			log = k->log;
		if (k->key.origin == key->origin && k->key.number > key->number &&
		    (!after || k->log < after))
			after = k->log;
	}
	ck_assert_uint_eq(e ? e->log : 0, log);
	ck_assert(!e || (e->user == u && e->committed && !e->append));
	ck_assert_uint_eq(seen_after(u, key), after);
}

/* What is known is exactly what was read. */
START_TEST(loaded)
{
	struct seen_key keys[LOADED], given[LOADED];
	struct user *romeo, *juliet;

	world_start("");
	romeo = user_of("romeo@localhost");
	juliet = user_of("juliet@localhost");
	for (int round = 0; round < 60; round++) {
		size_t n = dice(round % 2 ? 6 : LOADED) + 1;

		make_keys(keys, n);
		memcpy(given, keys, sizeof keys);
		seen_load(romeo, given, n);
		for (size_t i = 0; i < n; i++) {
			struct msg_stanza_key key = keys[i].key;

			knows_as(romeo, keys, n, &key);
			ck_assert_ptr_null(seen_find(juliet, &key));
			key.part++;
			knows_as(romeo, keys, n, &key);
			key.number += dice(3) - 1;
			knows_as(romeo, keys, n, &key);
			key.number = dice(2) ? 0 : UINT64_MAX;
			knows_as(romeo, keys, n, &key);
			key.origin += dice(3) - 1;
			knows_as(romeo, keys, n, &key);
		}
	}
	seen_load(romeo, given, 0);
	ck_assert(!romeo->loaded && !w.sm->loaded);
	world_stop();
}
END_TEST

/* Beside those that were appended since. */
START_TEST(loaded_and_appended)
{
	struct seen_key key = {{.origin = 5, .number = 10, .part = 1}, 100};
	struct msg_stanza_key newer = {.origin = 5, .number = 12, .part = 1};
	struct user *u;

	world_start("");
	u = user_of("romeo@localhost");
	seen_load(u, &key, 1);
	seen_add(u, &newer, 200)->committed = true;
	ck_assert_uint_eq(seen_find(u, &key.key)->log, 100);
	ck_assert_uint_eq(seen_find(u, &newer)->log, 200);
	newer.number = 9;
	ck_assert_uint_eq(seen_after(u, &newer), 100);
	newer.number = 10;
	ck_assert_uint_eq(seen_after(u, &newer), 200);
	newer.number = 12;
	ck_assert_uint_eq(seen_after(u, &newer), 0);
	seen_forget(u);
	ck_assert(!seen_find(u, &key.key) && !seen_find(u, &newer) && !w.sm->loaded);
	world_stop();
}
END_TEST

/* As long as the others, also when nothing else happens; an account that leaves takes its own along. */
START_TEST(loaded_by_age)
{
	struct seen_key first = {{.origin = 5, .number = 10}, 100}, second = {{.origin = 6, .number = 1}, 101};
	struct user *romeo, *juliet, *nurse;

	world_start("");
	romeo = user_of("romeo@localhost");
	juliet = user_of("juliet@localhost");
	nurse = user_of("nurse@localhost");
	pass(LONGER); /* what their logins left is gone */
	seen_load(romeo, &first, 1);
	sm_tick_appends(w.sm); /* as where it is loaded */
	pass(SEEN_MS / 2);
	seen_load(juliet, &second, 1);
	seen_load(nurse, &second, 1);
	pass(SEEN_MS / 2 - 1000);
	ck_assert(seen_find(romeo, &first.key) && seen_find(juliet, &second.key));
	seen_forget(nurse);
	pass(SEEN_MS / 2 - 1000); /* it is looked at now and then */
	ck_assert(!romeo->loaded && seen_find(juliet, &second.key) && !nurse->loaded);
	ck_assert(w.sm->nloaded == 1 && w.sm->loaded == juliet->loaded);
	pass(SEEN_MS / 2);
	ck_assert(!juliet->loaded && !w.sm->loaded && !w.sm->nloaded);
	world_stop();
}
END_TEST

/* 64 messages of one conversation, by accounts among many. */
START_TEST(loaded_is_small)
{
	struct seen_key keys[64];
	struct user *u;

	world_start("");
	u = user_of("romeo@localhost");
	for (uint64_t i = 0; i < 64; i++)
		keys[i] = (struct seen_key){{0x123456789abcdef0, 1000 - i, 1}, (9ull << 40) + 50000 - 300 * i};
	seen_load(u, keys, 64);
	ck_assert_uint_le(malloc_usable_size(u->loaded), 64 * 6);
	world_stop();
}
END_TEST

Suite *seen_suite(void)
{
	Suite *s = suite_create("seen");
	TCase *c = tcase_create("keys");

	tcase_add_test(c, by_key_and_account);
	tcase_add_test(c, by_age);
	tcase_add_test(c, loaded);
	tcase_add_test(c, loaded_and_appended);
	tcase_add_test(c, loaded_by_age);
	tcase_add_test(c, loaded_is_small);
	suite_add_tcase(s, c);
	return s;
}
