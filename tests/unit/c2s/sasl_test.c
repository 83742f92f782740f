/* SPDX-License-Identifier: MIT */
/* SASL relayed to auth (RFC 6120 section 6). */
#include <errno.h>
#include "tests/unit/c2s/bed.h"

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

static struct peer *ready(struct bed *b)
{
	struct peer *p = peer_new(b, false);

	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	peer_expect(p, "</stream:features>");
	return p;
}

static const struct {
	const char *text, *error;
} failures[] = {
	{"<auth " SASL " mechanism='X-NONE'/>", "invalid-mechanism"},
	{"<auth " SASL "/>", "invalid-mechanism"},
	{"<auth " SASL " mechanism='PLAIN'>not base64!</auth>", "incorrect-encoding"},
	{"<auth " SASL " mechanism='PLAIN'>AGEA Yg==</auth>", "incorrect-encoding"},
	{"<auth " SASL " mechanism='PLAIN'>AGEAYg</auth>", "incorrect-encoding"},
	{"<auth " SASL " mechanism='PLAIN'><x/></auth>", "malformed-request"},
	{"<response " SASL ">AAAA</response>", "malformed-request"},
	{"<abort " SASL "/>", "aborted"},
};

START_TEST(failures_are_named_and_the_stream_goes_on)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	char *error = xasprintf("<failure " SASL "><%s/></failure>", failures[_i].error);

	peer_send(p, failures[_i].text);
	peer_expect(p, error);
	ck_assert_uint_eq(bed_count(b, MSG_AUTH_START), 0);
	peer_send(p, "<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), 0, MSG_AUTH_RESULT,
		  &(struct msg_auth_result){.state = 1, .account = STR("alice@example.com")});
	peer_expect(p, "<success");
	peer_free(p);
	bed_free(b);
	free(error);
}
END_TEST

START_TEST(an_exchange_goes_to_auth_and_back)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	struct msg_auth_result r = {
		.state = 0, .exchange = 5, .data = STR("hello"), .has_data = true};
	const struct msg_auth_start *m;
	const struct msg_auth_next *n;
	struct sent *s;

	peer_send(p, "<auth " SASL " mechanism='SCRAM-SHA-256'>=</auth>");
	s = bed_sent(b, MSG_AUTH_START);
	m = s->m;
	ck_assert(m->has_initial && !m->initial.len && !m->placed);
	ck_assert_uint_eq(m->nmechanisms, 2);
	ck_assert(str_eqz(m->domain, "example.com"));
	bed_reply(b, s, 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<challenge " SASL ">aGVsbG8=</challenge>");
	peer_send(p, "<response " SASL ">d29ybGQ=</response>");
	s = bed_sent(b, MSG_AUTH_NEXT);
	n = s->m;
	ck_assert_uint_eq(n->exchange, 5);
	ck_assert(str_eqz(n->data, "world"));
	r = (struct msg_auth_result){.state = 1,
				     .data = STR("ok"),
				     .has_data = true,
				     .account = STR("alice@example.com"),
				     .ticket = STR("t")};
	bed_reply(b, s, 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<success " SASL ">b2s=</success>");
	peer_send(p, HEADER("example.com"));
	peer_expect(p, "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		       "<required/></bind><session xmlns='urn:ietf:params:xml:ns:xmpp-session'>"
		       "<optional/></session><sm xmlns='urn:xmpp:sm:3'/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(no_initial_response_is_not_an_empty_one)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	struct msg_auth_result r = {.state = 0, .exchange = 5, .has_data = false};
	struct sent *s;

	peer_send(p, "<auth " SASL " mechanism='PLAIN'/>");
	s = bed_sent(b, MSG_AUTH_START);
	ck_assert(!((const struct msg_auth_start *)s->m)->has_initial);
	bed_reply(b, s, 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<challenge " SASL ">=</challenge>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(moved_asks_the_owner_once)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	struct msg_auth_result r = {.state = 3, .key = 9};
	struct sent *s;

	peer_send(p, "<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), 0, MSG_AUTH_RESULT, &r);
	s = bed_sent(b, MSG_AUTH_START);
	ck_assert(((const struct msg_auth_start *)s->m)->placed);
	ck_assert_uint_eq(((const struct msg_auth_start *)s->m)->initial.len, 4);
	bed_reply(b, s, 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<temporary-auth-failure/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(auth_that_dies_is_temporary)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);

	log_threshold = LOG_LEVEL_ERROR;
	peer_send(p, "<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), -EHOSTUNREACH, 0, NULL);
	peer_expect(p, "<failure " SASL "><temporary-auth-failure/></failure>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(tries_are_counted)
{
	struct bed *b = bed_new("sasl_tries = 2");
	struct peer *p = ready(b);
	struct msg_auth_result r = {.state = 2, .error = SASL_E_NOT_AUTHORIZED};

	peer_send(p, "<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<failure " SASL "><not-authorized/></failure>");
	peer_send(p, "<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<failure " SASL
		       "><not-authorized/></failure>" STREAM_ERROR("policy-violation"));
	peer_expect_end(p);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(abort_ends_the_exchange_at_auth)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	struct msg_auth_result r = {.state = 0, .exchange = 5, .has_data = true};

	peer_send(p, "<auth " SASL " mechanism='SCRAM-SHA-256'>AAAA</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<challenge");
	peer_send(p, "<abort " SASL "/>");
	peer_expect(p, "<failure " SASL "><aborted/></failure>");
	ck_assert_uint_eq(((struct msg_auth_abort *)bed_sent(b, MSG_AUTH_ABORT)->m)->exchange, 5);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_exchange)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	struct msg_auth_result r = {.state = 0, .exchange = 6, .has_data = true};

	peer_send(p, "<auth " SASL " mechanism='SCRAM-SHA-256'>AAAA</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), 0, MSG_AUTH_RESULT, &r);
	peer_free(p);
	ck_assert_uint_eq(((struct msg_auth_abort *)bed_sent(b, MSG_AUTH_ABORT)->m)->exchange, 6);
	bed_free(b);
}
END_TEST

static const char *const leavings[] = {
	"<abort " SASL "/>",
	"<auth " SASL " mechanism='SCRAM-SHA-256'>BBBB</auth>",
	"<response " SASL ">BBBB</response>",
	"</stream:stream>",
	NULL, /* the connection breaks */
};

/* Else auth would keep it for a minute: who did so again and again would keep others out. */
START_TEST(leaving_before_the_challenge_ends_the_exchange_at_auth)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	struct msg_auth_result r = {.state = 0, .exchange = 7, .has_data = true};
	struct sent *s;

	peer_send(p, "<auth " SASL " mechanism='SCRAM-SHA-256'>AAAA</auth>");
	s = bed_sent(b, MSG_AUTH_START);
	if (leavings[_i])
		peer_send(p, leavings[_i]);
	else
		peer_free(p);
	bed_turn(b);
	ck_assert_uint_eq(bed_count(b, MSG_AUTH_ABORT), 0);
	bed_reply(b, s, 0, MSG_AUTH_RESULT, &r);
	ck_assert_uint_eq(((struct msg_auth_abort *)bed_sent(b, MSG_AUTH_ABORT)->m)->exchange, 7);
	if (leavings[_i])
		peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(sasl_is_not_repeated)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_authenticate(p);
	peer_send(p, "<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>");
	peer_expect(p, STREAM_ERROR("not-authorized"));
	peer_free(p);
	bed_free(b);
}
END_TEST

static const struct {
	const char *header, *error;
} after[] = {
	{"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
	 "to='example.net' version='1.0'>",
	 "not-authorized"},
	{"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
	 "to='example.com' from='bob@example.com' version='1.0'>",
	 "invalid-from"},
	{"<message/>", "invalid-namespace"},
};

START_TEST(the_header_after_sasl_is_checked)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	struct msg_auth_result r = {
		.state = 1, .account = STR("alice@example.com"), .ticket = STR("ticket")};
	char *error = xasprintf("<stream:error><%s ", after[_i].error);

	peer_send(p, "<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<success");
	peer_send(p, after[_i].header);
	peer_expect(p, error);
	peer_free(p);
	bed_free(b);
	free(error);
}
END_TEST

/* Perl's XML::Stream says the name of its host. */
START_TEST(a_host_after_sasl_is_no_identity)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = ready(b);
	struct msg_auth_result r = {
		.state = 1, .account = STR("alice@example.com"), .ticket = STR("ticket")};

	peer_send(p, "<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>");
	bed_reply(b, bed_sent(b, MSG_AUTH_START), 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<success");
	peer_send(p, "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
		     "to='example.com' from='host.example' version='1.0'>");
	peer_expect(p, "<bind ");
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *sasl_suite(void)
{
	Suite *s = suite_create("sasl");
	TCase *t = tcase_create("sasl");

	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, failures_are_named_and_the_stream_goes_on, 0,
			    sizeof failures / sizeof *failures);
	tcase_add_test(t, an_exchange_goes_to_auth_and_back);
	tcase_add_test(t, no_initial_response_is_not_an_empty_one);
	tcase_add_test(t, moved_asks_the_owner_once);
	tcase_add_test(t, auth_that_dies_is_temporary);
	tcase_add_test(t, tries_are_counted);
	tcase_add_test(t, abort_ends_the_exchange_at_auth);
	tcase_add_test(t, a_client_that_leaves_ends_the_exchange);
	tcase_add_loop_test(t, leaving_before_the_challenge_ends_the_exchange_at_auth, 0,
			    (int)(sizeof leavings / sizeof *leavings));
	tcase_add_test(t, sasl_is_not_repeated);
	tcase_add_loop_test(t, the_header_after_sasl_is_checked, 0, sizeof after / sizeof *after);
	tcase_add_test(t, a_host_after_sasl_is_no_identity);
	suite_add_tcase(s, t);
	return s;
}
