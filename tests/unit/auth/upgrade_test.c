/* SPDX-License-Identifier: MIT */
/* Keys renewed behind a PLAIN login (XEP-0438): when, of what, and when not. */
#include <check.h>
#include "tests/unit/auth/doubles.h"

enum { SUCCESS = 1 };

static struct auth_config config;
static struct common_config common;
static struct auth *auth;

static void setup(void)
{
	double_reset();
	auth = double_auth(&config, &common);
	config.scram_iterations = 5000;
	config.upgrade_keys = true;
}

static void teardown(void)
{
	auth = auth_free(auth);
	double_run();
	double_reset();
}

static uint8_t login(const char *password)
{
	struct frame f = double_frame(MSG_AUTH_START);
	char text[64];
	int len = snprintf(text, sizeof(text), "%cuser%c%s", 0, 0, password);
	struct msg_auth_start m = {.domain = STR("example.org"),
				   .mechanism = STR("PLAIN"),
				   .has_initial = true,
				   .initial = str_n(text, (size_t)len),
				   .secure = true,
				   .address = STR("192.0.2.1")};
	size_t n = double_replies();

	exchange_handle_start(auth, &f, &m);
	double_run();
	for (int i = 0; i < 100 && double_replies() == n; i++)
		double_advance(100);
	return ((const struct msg_auth_result *)double_reply(n)->m)->state;
}

/* The rounds of the account's keys of that hash; 0: there are none. */
static int64_t rounds(const char *hash)
{
	for (size_t i = 0;; i++) {
		const struct msg_row *row = double_row(TABLE_CREDENTIAL, "user@example.org", i);

		if (!row)
			return 0;
		if (str_eqz(row->values[COL_CREDENTIAL_MECHANISM].s, hash))
			return row->values[COL_CREDENTIAL_ITERATIONS].i;
	}
}

START_TEST(fewer_rounds)
{
	double_account("user@example.org", "pencil", 4096);
	ck_assert_uint_eq(login("pencil"), SUCCESS);
	ck_assert_int_eq(rounds("SCRAM-SHA-1"), 5000);
	ck_assert_int_eq(rounds("SCRAM-SHA-256"), 5000);
	ck_assert_uint_eq(auth->stats.upgraded, 1);
	ck_assert_uint_eq(login("pencil"), SUCCESS); /* the new ones are of the same password */
	ck_assert_uint_eq(auth->stats.upgraded, 1);
	ck_assert_uint_eq(double_store.writes, 1);
}
END_TEST

/* A row of one hash alone, made elsewhere. */
static void one_hash(enum scram_hash hash, uint32_t iterations)
{
	struct scram_keys k = {.hash = hash, .iterations = iterations, .salt_len = SCRAM_SALT};
	struct msg_value v[COLS_CREDENTIAL];

	scram_derive(STR("pencil"), &k);
	credential_row(STR("user@example.org"), &k, v);
	double_put(TABLE_CREDENTIAL, v, COLS_CREDENTIAL);
}

START_TEST(missing_hash)
{
	one_hash(SCRAM_SHA1, 6000);
	ck_assert_uint_eq(login("pencil"), SUCCESS);
	ck_assert_int_eq(rounds("SCRAM-SHA-1"), 6000); /* more than is wanted: left alone */
	ck_assert_int_eq(rounds("SCRAM-SHA-256"), 5000);
}
END_TEST

START_TEST(good_ones_cost_nothing)
{
	size_t works;

	double_account("user@example.org", "pencil", 5000);
	works = double_store.works;
	ck_assert_uint_eq(login("pencil"), SUCCESS);
	ck_assert_uint_eq(double_store.writes, 0);
	ck_assert_uint_eq(double_store.works, works + 1); /* the check itself */
}
END_TEST

START_TEST(not_by_a_wrong_password)
{
	double_account("user@example.org", "pencil", 4096);
	ck_assert_uint_ne(login("pen"), SUCCESS);
	ck_assert_uint_eq(double_store.writes, 0);
	ck_assert_uint_eq(auth->nupgrades, 0);
}
END_TEST

START_TEST(by_option)
{
	config.upgrade_keys = false;
	double_account("user@example.org", "pencil", 4096);
	ck_assert_uint_eq(login("pencil"), SUCCESS);
	ck_assert_int_eq(rounds("SCRAM-SHA-256"), 4096);
}
END_TEST

/* What is under way ends when the password is changed or the account removed. */
START_TEST(forgotten)
{
	double_account("user@example.org", "pencil", 4096);
	upgrade_begin(auth, STR("user@example.org"), STR("pencil"));
	upgrade_begin(auth, STR("user@example.org"), STR("pencil"));
	ck_assert_uint_eq(auth->nupgrades, 1);
	upgrade_forget(auth, STR("other@example.org"));
	ck_assert_uint_eq(auth->nupgrades, 1);
	upgrade_forget(auth, STR("user@example.org"));
	ck_assert_uint_eq(auth->nupgrades, 0);
	double_run();
	ck_assert_int_eq(rounds("SCRAM-SHA-256"), 4096);
}
END_TEST

/* Another password by now, set through another instance: its keys stay. */
START_TEST(another_password)
{
	double_account("user@example.org", "crayon", 4096);
	upgrade_begin(auth, STR("user@example.org"), STR("pencil"));
	double_run();
	ck_assert_uint_eq(auth->nupgrades, 0);
	ck_assert_uint_eq(double_store.writes, 0);
}
END_TEST

/* A login with the old password while the new one is on its way to storage: the new one stays. */
START_TEST(while_it_changes)
{
	struct frame f = double_frame(MSG_ACCOUNT_ADD);
	struct msg_new_account one = {STR("user@example.org"), STR("crayon")};
	struct msg_account_add change = {.accounts = &one, .naccounts = 1, .mode = 1};

	double_account("user@example.org", "pencil", 4096);
	double_store.slow = true;
	accounts_handle_add(auth, &f, &change);
	ck_assert_uint_eq(login("pencil"), SUCCESS);
	ck_assert_uint_eq(double_rows(TABLE_CREDENTIAL), 2);
	ck_assert_uint_eq(login("crayon"), SUCCESS);
	ck_assert_uint_ne(login("pencil"), SUCCESS);
	upgrade_begin(auth, STR("user@example.org"), STR("crayon")); /* it is over */
	ck_assert_uint_eq(auth->nupgrades, 1);
}
END_TEST

START_TEST(storage_fails)
{
	double_account("user@example.org", "pencil", 4096);
	double_store.refuses = true;
	ck_assert_uint_eq(login("pencil"), SUCCESS);
	ck_assert_uint_eq(auth->nupgrades, 0);
	ck_assert_uint_eq(auth->stats.upgraded, 0);
}
END_TEST

Suite *upgrade_suite(void);
Suite *upgrade_suite(void)
{
	Suite *s = suite_create("upgrade");
	TCase *t = tcase_create("upgrade");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, fewer_rounds);
	tcase_add_test(t, missing_hash);
	tcase_add_test(t, good_ones_cost_nothing);
	tcase_add_test(t, not_by_a_wrong_password);
	tcase_add_test(t, by_option);
	tcase_add_test(t, forgotten);
	tcase_add_test(t, another_password);
	tcase_add_test(t, while_it_changes);
	tcase_add_test(t, storage_fails);
	suite_add_tcase(s, t);
	return s;
}
