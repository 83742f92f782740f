/* SPDX-License-Identifier: MIT */
/* ANONYMOUS: what it is offered to, the accounts that it makes, how many of them. */
#include <check.h>
#include "base/clock.h"
#include "tests/unit/auth/doubles.h"

enum { SUCCESS = 1, FAILURE = 2, NAME = 36 };

static struct auth_config config;
static struct common_config common;
static struct auth *auth;

static void setup(void)
{
	double_reset();
	auth = double_auth(&config, &common);
}

static void teardown(void)
{
	auth = auth_free(auth);
	double_run();
	double_reset();
}

static const struct msg_auth_result *login(const char *domain, struct str trace,
					   const char *address, bool secure)
{
	struct frame f = double_frame(MSG_AUTH_START);
	struct msg_auth_start m = {.domain = str_z(domain),
				   .mechanism = STR("ANONYMOUS"),
				   .has_initial = true,
				   .initial = trace,
				   .secure = secure,
				   .address = str_z(address)};
	size_t n = double_replies();

	exchange_handle_start(auth, &f, &m);
	double_run();
	ck_assert_uint_eq(double_replies(), n + 1);
	return double_reply(n)->m;
}

static const struct msg_auth_offer *offer(const char *domain, bool secure)
{
	struct frame f = double_frame(MSG_AUTH_MECHANISMS);
	struct msg_auth_mechanisms m = {.domain = str_z(domain), .secure = secure};

	offer_handle(auth, &f, &m);
	return double_reply(double_replies() - 1)->m;
}

/* c2s keeps what it was told: it hears that the options are others now. */
START_TEST(a_change_is_told)
{
	size_t n = double_replies();

	offers_announce(auth);
	ck_assert_uint_eq(double_replies(), n + 1);
	ck_assert_uint_eq(double_reply(n)->kind, MSG_OFFERS_CHANGED);
}
END_TEST

START_TEST(offered_last_and_by_option)
{
	const struct msg_auth_offer *o = offer("example.net", true);

	ck_assert(str_eqz(o->mechanisms[o->nmechanisms - 1], "ANONYMOUS"));
	o = offer("example.org", true);
	ck_assert(!str_eqz(o->mechanisms[o->nmechanisms - 1], "ANONYMOUS"));
	ck_assert_uint_eq(offer("example.net", false)->nmechanisms, 0);
}
END_TEST

START_TEST(makes_temporary_accounts)
{
	const struct msg_auth_result *a = login("example.net", STR_NONE, "192.0.2.1", true),
				     *b = login("example.net", STR("sirhc"), "192.0.2.1", true);
	struct buf scratch = BUF_INIT;
	struct ticket ticket;

	ck_assert_uint_eq(a->state, SUCCESS);
	ck_assert_uint_eq(b->state, SUCCESS);
	ck_assert_uint_eq(a->account.len, NAME + sizeof("@example.net") - 1);
	ck_assert(!str_eq(a->account, b->account));
	ck_assert_int_eq(str_find(b->account, 's', 0), -1); /* of the trace nothing is used */
	ck_assert_int_eq(double_ticket(a->ticket, &scratch, &ticket), 0);
	ck_assert(ticket.temporary);
	ck_assert(str_eq(ticket.account, a->account));
	ck_assert_uint_eq(ticket.c2s, DOUBLE_C2S);
	ck_assert_uint_eq(double_store.writes, 0);
	ck_assert_uint_eq(double_store.works, 0);
	buf_free(&scratch);
}
END_TEST

static void refused(const struct msg_auth_result *r, enum sasl_error e)
{
	ck_assert_uint_eq(r->state, FAILURE);
	ck_assert_uint_eq(r->error, e);
	ck_assert_uint_eq(r->ticket.len, 0);
}

START_TEST(refusals)
{
	static const char control[] = "a\tb", ascii[256] = {[0 ... 255] = 'x'};

	refused(login("example.org", STR_NONE, "192.0.2.1", true), SASL_E_INVALID_MECHANISM);
	refused(login("example.com", STR_NONE, "192.0.2.1", true), SASL_E_NOT_AUTHORIZED);
	refused(login("example.net", STR_NONE, "192.0.2.1", false), SASL_E_ENCRYPTION_REQUIRED);
	refused(login("example.net", STR("\xff"), "192.0.2.1", true), SASL_E_MALFORMED_REQUEST);
	refused(login("example.net", str_z(control), "192.0.2.1", true), SASL_E_MALFORMED_REQUEST);
	refused(login("example.net", str_n(ascii, 256), "192.0.2.1", true),
		SASL_E_MALFORMED_REQUEST);
	ck_assert_uint_eq(login("example.net", str_n(ascii, 255), "192.0.2.1", true)->state,
			  SUCCESS);
}
END_TEST

START_TEST(bounded_by_address)
{
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(login("example.net", STR_NONE, "2001:db8::1", true)->state,
				  SUCCESS);
	/* The same /64. */
	refused(login("example.net", STR_NONE, "2001:db8::2", true), SASL_E_TEMPORARY_AUTH_FAILURE);
	ck_assert_uint_eq(login("example.net", STR_NONE, "2001:db8:1::1", true)->state, SUCCESS);
	double_advance((uint64_t)config.anonymous_period);
	ck_assert_uint_eq(login("example.net", STR_NONE, "2001:db8::2", true)->state, SUCCESS);
	common.unlimited = true;
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(login("example.net", STR_NONE, "192.0.2.9", true)->state,
				  SUCCESS);
}
END_TEST

Suite *anonymous_suite(void);
Suite *anonymous_suite(void)
{
	Suite *s = suite_create("anonymous");
	TCase *t = tcase_create("anonymous");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, offered_last_and_by_option);
	tcase_add_test(t, a_change_is_told);
	tcase_add_test(t, makes_temporary_accounts);
	tcase_add_test(t, refusals);
	tcase_add_test(t, bounded_by_address);
	suite_add_tcase(s, t);
	return s;
}
