/* SPDX-License-Identifier: MIT */
/* EXTERNAL with a client's certificate (XEP-0178). */
#include <check.h>
#include "tests/unit/auth/doubles.h"
#include "tests/unit/auth/logins.h"

static const struct {
	const char *authzid, *jids[3];
	const char *account; /* NULL: fails */
	enum sasl_error error;
} external[] = {
	{"", {"user@example.org"}, "user@example.org", 0},
	{"user@example.org", {"other@example.org", "user@example.org"}, "user@example.org", 0},
	{"USER@example.org", {"user@example.org"}, "user@example.org", 0},
	{"", {"user@example.net", "user@example.org"}, "user@example.org", 0},
	{"", {"other@example.org", "user@example.org"}, NULL, SASL_E_NOT_AUTHORIZED},
	{"", {"nobody@example.org"}, NULL, SASL_E_NOT_AUTHORIZED}, /* no account */
	{"", {"user@example.net"}, NULL, SASL_E_NOT_AUTHORIZED},
	{"other@example.org", {"user@example.org"}, NULL, SASL_E_INVALID_AUTHZID},
	{"user@example.org/r", {"user@example.org"}, NULL, SASL_E_INVALID_AUTHZID},
	{"@", {"user@example.org"}, NULL, SASL_E_INVALID_AUTHZID},
	{"user@example.net", {"user@example.net"}, NULL, SASL_E_INVALID_AUTHZID},
};

START_TEST(external_takes_what_the_certificate_proves)
{
	struct str names[] = {STR("EXTERNAL"), STR("PLAIN")}, jids[3];
	struct msg_auth_start m = start_of("EXTERNAL", str_z(external[_i].authzid));
	const struct msg_auth_result *r;

	m.mechanisms = names;
	m.nmechanisms = 2;
	m.certificate_jids = jids;
	while (m.ncertificate_jids < 3 && external[_i].jids[m.ncertificate_jids]) {
		jids[m.ncertificate_jids] = str_z(external[_i].jids[m.ncertificate_jids]);
		m.ncertificate_jids++;
	}
	send_start(&m);
	double_run();
	double_advance(2000);
	double_run();
	r = result(1);
	if (external[_i].account) {
		ck_assert_uint_eq(r->state, SUCCESS);
		ck_assert(str_eqz(r->account, external[_i].account));
		ck_assert_uint_gt(r->ticket.len, 0);
	} else {
		assert_failure(r, external[_i].error);
	}
}
END_TEST

START_TEST(external_needs_a_certificate)
{
	struct str names[] = {STR("EXTERNAL")};
	struct msg_auth_start m = start_of("EXTERNAL", str_z("user@example.org"));

	m.mechanisms = names;
	m.nmechanisms = 1;
	send_start(&m);
	double_run();
	assert_failure(result(1), SASL_E_INVALID_MECHANISM);
}
END_TEST

/* Offered where the certificate maps to an account, and nowhere else. */
START_TEST(external_is_offered_to_accounts)
{
	static const struct {
		struct str jid;
		bool secure, offered;
	} cases[] = {
		{{"user@example.org", 16}, true, true},
		{{"nobody@example.org", 18}, true, false},
		{{"user@example.net", 16}, true, false},
		{{NULL, 0}, true, false},
	};
	struct msg_auth_mechanisms m = {.domain = STR("example.org"),
					.secure = cases[_i].secure,
					.certificate_jids = (struct str *)&cases[_i].jid,
					.ncertificate_jids = cases[_i].jid.len > 0};
	struct frame f = double_frame(MSG_AUTH_MECHANISMS);
	const struct msg_auth_offer *o;

	offer_handle(auth, &f, &m);
	double_run();
	ck_assert_uint_eq(double_replies(), 1);
	o = double_reply(0)->m;
	ck_assert_uint_gt(o->nmechanisms, 0);
	ck_assert_int_eq(str_eqz(o->mechanisms[0], "EXTERNAL"), cases[_i].offered);
}
END_TEST

/* Another server may have had keys of the weaker hash alone: the account is one all the same. */
START_TEST(external_whatever_the_hash)
{
	struct scram_keys k = {.hash = SCRAM_SHA1, .iterations = 4096, .salt_len = SCRAM_SALT};
	struct str names[] = {STR("EXTERNAL")}, jid = STR("old@example.org");
	struct msg_auth_start m = start_of("EXTERNAL", STR(""));
	struct msg_auth_mechanisms ask = {.domain = STR("example.org"),
					  .secure = true,
					  .certificate_jids = &jid,
					  .ncertificate_jids = 1};
	struct frame f = double_frame(MSG_AUTH_MECHANISMS);
	struct msg_value v[COLS_CREDENTIAL];
	const struct msg_auth_offer *o;

	credential_row(jid, &k, v);
	double_put(TABLE_CREDENTIAL, v, COLS_CREDENTIAL);
	offer_handle(auth, &f, &ask);
	double_run();
	o = double_reply(0)->m;
	ck_assert(str_eqz(o->mechanisms[0], "EXTERNAL"));
	m.mechanisms = names;
	m.nmechanisms = 1;
	m.certificate_jids = &jid;
	m.ncertificate_jids = 1;
	send_start(&m);
	double_run();
	ck_assert_uint_eq(result(2)->state, SUCCESS);
}
END_TEST

Suite *external_suite(void);
Suite *external_suite(void)
{
	Suite *s = suite_create("external");
	TCase *tc = tcase_create("certificates");

	tcase_add_checked_fixture(tc, logins_setup, logins_teardown);
	tcase_add_loop_test(tc, external_takes_what_the_certificate_proves, 0,
			    sizeof external / sizeof *external);
	tcase_add_test(tc, external_needs_a_certificate);
	tcase_add_loop_test(tc, external_is_offered_to_accounts, 0, 4);
	tcase_add_test(tc, external_whatever_the_hash);
	suite_add_tcase(s, tc);
	return s;
}
