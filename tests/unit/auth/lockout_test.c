/* SPDX-License-Identifier: MIT */
/* Lock-outs of accounts and addresses, and what bounds all logins together. */
#include <check.h>
#include "base/clock.h"
#include "tests/unit/auth/doubles.h"
#include "tests/unit/auth/logins.h"

START_TEST(lock_out_of_an_account)
{
	for (int i = 0; i < 5; i++)
		assert_failure(login("user", "wrong", "192.0.2.1", NULL), SASL_E_NOT_AUTHORIZED);
	/* From anywhere, with the right password, the same answer. */
	assert_failure(login("user", "pencil", "192.0.2.2", NULL), SASL_E_NOT_AUTHORIZED);
	double_account("second@example.org", "pencil", 4096);
	ck_assert_uint_eq(login("second", "pencil", "192.0.2.1", NULL)->state, SUCCESS);
	double_advance(60000);
	ck_assert_uint_eq(login("user", "pencil", "192.0.2.1", NULL)->state, SUCCESS);
}
END_TEST

START_TEST(success_forgives)
{
	for (int i = 0; i < 12; i++) {
		double_advance(30000);
		assert_failure(login("user", "wrong", "192.0.2.1", NULL), SASL_E_NOT_AUTHORIZED);
		if (i % 4 == 3)
			ck_assert_uint_eq(login("user", "pencil", "192.0.2.9", NULL)->state,
					  SUCCESS);
	}
}
END_TEST

START_TEST(lock_out_of_an_address)
{
	char name[16];
	size_t works;

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_failure(login(name, "wrong", i % 2 ? "2001:db8::1" : "2001:db8::ff:2", NULL),
			       SASL_E_NOT_AUTHORIZED);
	}
	works = double_store.works;
	assert_failure(login("user", "pencil", "2001:db8::3", NULL), SASL_E_NOT_AUTHORIZED);
	ck_assert_uint_eq(double_store.works, works);
	ck_assert_uint_eq(login("user", "pencil", "2001:db8:0:1::1", NULL)->state, SUCCESS);
}
END_TEST

START_TEST(unlimited)
{
	uint64_t ms;

	common.unlimited = true;
	for (int i = 0; i < 20; i++) {
		assert_failure(login("user", "wrong", "192.0.2.1", &ms), SASL_E_NOT_AUTHORIZED);
		ck_assert_uint_eq(ms, 0);
	}
	ck_assert_uint_eq(login("user", "pencil", "192.0.2.1", NULL)->state, SUCCESS);
}
END_TEST

START_TEST(scram_locked_out)
{
	struct buf b;

	for (int i = 0; i < 5; i++)
		login("user", "wrong", "192.0.2.1", NULL);
	b = scram_challenge("user"); /* goes on as if nothing were */
	ck_assert(str_find(buf_str(&b), 's', 0) > 0);
	buf_free(&b);
}
END_TEST

START_TEST(bounded)
{
	struct msg_auth_start m = start_of("SCRAM-SHA-1", STR("n,,n=user,r=x"));

	for (int i = 0; i < 8; i++)
		send_start(&m);
	send_start(&m);
	assert_failure(result(1), SASL_E_TEMPORARY_AUTH_FAILURE);
	double_run();
	ck_assert_uint_eq(double_replies(), 9);
}
END_TEST

START_TEST(worker_queue_full)
{
	struct msg_auth_start m = start_of("PLAIN", plain_of("user", "pencil"));
	size_t busy = 0;

	for (int i = 0; i < 8; i++) /* 2 run, 4 wait */
		send_start(&m);
	double_run();
	ck_assert_uint_eq(double_replies(), 8);
	for (size_t i = 0; i < 8; i++) {
		const struct msg_auth_result *r = double_reply(i)->m;

		busy += r->state == FAILURE && r->error == SASL_E_TEMPORARY_AUTH_FAILURE;
	}
	ck_assert_uint_eq(busy, 2);
}
END_TEST

Suite *lockout_suite(void);
Suite *lockout_suite(void)
{
	const TTest *const tests[] = {
		lock_out_of_an_account, success_forgives, lock_out_of_an_address, unlimited,
		scram_locked_out,	bounded,	  worker_queue_full};
	Suite *s = suite_create("lockout");
	TCase *tc = tcase_create("lock-outs");

	tcase_add_checked_fixture(tc, logins_setup, logins_teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return s;
}
