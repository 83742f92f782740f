/* SPDX-License-Identifier: MIT */
/* In-band registration before login (XEP-0077). */
#include <errno.h>
#include "tests/unit/c2s/bed.h"

static struct peer *secure(struct bed *b)
{
	struct peer *p = peer_new(b, true);

	peer_start_tls(p, NULL, NULL);
	peer_expect_tls(p);
	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	return p;
}

#define GET "<iq type='get' id='g'><query xmlns='jabber:iq:register'/></iq>"
#define SET                                                                                        \
	"<iq type='set' id='s'><query xmlns='jabber:iq:register'><username>Carol</username>"       \
	"<password>secret</password></query></iq>"

START_TEST(closed_it_is_unavailable)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = secure(b);

	peer_expect(p, "</stream:features>");
	peer_send(p, GET);
	peer_expect(
		p, "<iq type='error' id='g'><error code='503' type='cancel'><service-unavailable ");
	ck_assert_uint_eq(bed_count(b, MSG_ACCOUNT_ADD), 0);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(open_it_needs_tls)
{
	struct bed *b = bed_new("register = true");
	struct peer *p = peer_new(b, false);

	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	peer_expect(p, "</stream:features>");
	peer_send(p, SET);
	peer_expect(p, "<not-allowed ");
	ck_assert_uint_eq(bed_count(b, MSG_ACCOUNT_ADD), 0);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(an_account_is_made)
{
	struct bed *b = bed_new("register = true");
	struct peer *p = secure(b);
	uint16_t code = 0;
	struct msg_account_result r = {.codes = &code, .ncodes = 1};
	const struct msg_account_add *m;
	struct sent *s;

	peer_expect(p, "<register xmlns='http://jabber.org/features/iq-register'/>");
	peer_send(p, GET);
	peer_expect(p, "<iq type='result' id='g'><query xmlns='jabber:iq:register'>");
	peer_expect(p, "<username/><password/>");
	peer_send(p, SET);
	s = bed_sent(b, MSG_ACCOUNT_ADD);
	m = s->m;
	ck_assert_uint_eq(m->naccounts, 1);
	ck_assert(str_eqz(m->accounts[0].account, "carol@example.com"));
	ck_assert(str_eqz(m->accounts[0].password, "secret"));
	ck_assert_uint_eq(m->mode, 0);
	bed_reply(b, s, 0, MSG_ACCOUNT_RESULT, &r);
	peer_expect(p, "<iq type='result' id='s'/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

static const struct {
	uint16_t code;
	const char *error;
} refused[] = {
	{EEXIST, "<error code='409' type='cancel'><conflict "},
	{EPERM, "<error code='405' type='cancel'><not-allowed "},
	{EAGAIN, "<error code='500' type='wait'><resource-constraint "},
	{EINVAL, "<error code='406' type='modify'><not-acceptable "},
};

START_TEST(refusals_have_conditions_and_codes)
{
	struct bed *b = bed_new("register = true");
	struct peer *p = secure(b);
	uint16_t code = refused[_i].code;
	struct msg_account_result r = {.codes = &code, .ncodes = 1};

	peer_expect(p, "</stream:features>");
	peer_send(p, SET);
	bed_reply(b, bed_sent(b, MSG_ACCOUNT_ADD), 0, MSG_ACCOUNT_RESULT, &r);
	peer_expect(p, refused[_i].error);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(incomplete_and_malformed_requests)
{
	struct bed *b = bed_new("register = true");
	struct peer *p = secure(b);

	peer_expect(p, "</stream:features>");
	peer_send(p, "<iq type='set' id='1'><query xmlns='jabber:iq:register'>"
		     "<username>x</username></query></iq>");
	peer_expect(p, "id='1'><error code='406' type='modify'><not-acceptable ");
	peer_send(p, "<iq type='set' id='2'><query xmlns='jabber:iq:register'>"
		     "<username>a@b</username><password>p</password></query></iq>");
	peer_expect(p, "id='2'><error code='406' type='modify'><not-acceptable ");
	peer_send(p,
		  "<iq type='set' id='3'><query xmlns='jabber:iq:register'><remove/></query></iq>");
	peer_expect(p, "id='3'><error code='400' type='wait'><unexpected-request ");
	ck_assert_uint_eq(bed_count(b, MSG_ACCOUNT_ADD), 0);
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *register_suite(void)
{
	Suite *s = suite_create("register");
	TCase *t = tcase_create("register");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, closed_it_is_unavailable);
	tcase_add_test(t, open_it_needs_tls);
	tcase_add_test(t, an_account_is_made);
	tcase_add_loop_test(t, refusals_have_conditions_and_codes, 0,
			    sizeof refused / sizeof *refused);
	tcase_add_test(t, incomplete_and_malformed_requests);
	suite_add_tcase(s, t);
	return s;
}
