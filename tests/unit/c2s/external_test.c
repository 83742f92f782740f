/* SPDX-License-Identifier: MIT */
/* Client certificates (XEP-0178): what of them reaches auth, and what is offered. */
#include <errno.h>
#include "tests/unit/base/base_tests.h"
#include "tests/unit/c2s/bed.h"

static char *dir, *cert, *key;

/* A certificate that names an account; anchor: it is the CA that c2s trusts, too. */
static struct bed *certified(bool anchor)
{
	char *ca, *config;
	struct bed *b;

	dir = temp_dir();
	cert_make_alt(dir, "alice", "otherName:1.3.6.1.5.5.7.8.5;UTF8:Alice@example.com", CERT_EC);
	cert_make(dir, "ca", CERT_EC);
	cert = path_in(dir, "alice.crt");
	key = path_in(dir, "alice.key");
	ca = path_in(dir, anchor ? "alice.crt" : "ca.crt");
	config = xasprintf("client_ca = \"%s\"", ca);
	b = bed_new(config);
	free(config);
	free(ca);
	return b;
}

static void done(struct bed *b, struct peer *p)
{
	peer_free(p);
	bed_free(b);
	temp_dir_remove(dir);
	free(cert);
	free(key);
}

static struct peer *connected(struct bed *b, bool with)
{
	struct peer *p = peer_new(b, true);

	if (with)
		peer_certificate(p, cert, key);
	peer_start_tls(p, NULL, NULL);
	peer_expect_tls(p);
	peer_send(p, HEADER("example.com"));
	return p;
}

START_TEST(a_certificate_that_names_an_account)
{
	struct bed *b = certified(true);
	struct peer *p = connected(b, true);
	struct str mechanisms[] = {STR("EXTERNAL"), STR("PLAIN")};
	struct msg_auth_offer o = {.mechanisms = mechanisms, .nmechanisms = 2};
	struct sent *s = bed_sent(b, MSG_AUTH_MECHANISMS);
	const struct msg_auth_mechanisms *m = s->m;
	const struct msg_auth_start *start;

	ck_assert(m->secure);
	ck_assert_uint_eq(m->nbindings, 2);
	ck_assert_uint_eq(m->ncertificate_jids, 1);
	ck_assert(str_eqz(m->certificate_jids[0], "alice@example.com"));
	bed_reply(b, s, 0, MSG_AUTH_OFFER, &o);
	peer_expect(p, "<mechanism>EXTERNAL</mechanism><mechanism>PLAIN</mechanism>");
	peer_send(p,
		  "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
	start = bed_sent(b, MSG_AUTH_START)->m;
	ck_assert(str_eqz(start->mechanism, "EXTERNAL"));
	ck_assert(start->has_initial);
	ck_assert_uint_eq(start->ncertificate_jids, 1);
	done(b, p);
}
END_TEST

/* Nothing is asked about it where it proves nothing, or is not there. */
START_TEST(others_are_offered_the_usual)
{
	struct bed *b = certified(false);
	struct peer *p = connected(b, _i);
	struct sent *s = bed_sent(b, MSG_AUTH_MECHANISMS);

	ck_assert_uint_eq(((struct msg_auth_mechanisms *)s->m)->ncertificate_jids, 0);
	s->head.flags = 0;
	bed_answer_offer(b);
	peer_expect(p, "<mechanism>PLAIN</mechanism>");
	done(b, p);
}
END_TEST

START_TEST(without_an_answer_the_others_will_do)
{
	struct bed *b = certified(true);
	struct peer *p = connected(b, true);

	bed_reply(b, bed_sent(b, MSG_AUTH_MECHANISMS), -EHOSTUNREACH, 0, NULL);
	bed_answer_offer(b);
	peer_expect(p, "<mechanism>PLAIN</mechanism>");
	ck_assert_ptr_null(strstr(peer_heard(p), "EXTERNAL"));
	done(b, p);
}
END_TEST

START_TEST(gone_while_it_is_asked)
{
	struct bed *b = certified(true);
	struct peer *p = connected(b, true);

	bed_sent(b, MSG_AUTH_MECHANISMS);
	done(b, p);
}
END_TEST

Suite *external_suite(void)
{
	Suite *s = suite_create("external");
	TCase *t = tcase_create("external");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, a_certificate_that_names_an_account);
	tcase_add_loop_test(t, others_are_offered_the_usual, 0, 2);
	tcase_add_test(t, without_an_answer_the_others_will_do);
	tcase_add_test(t, gone_while_it_is_asked);
	suite_add_tcase(s, t);
	return s;
}
