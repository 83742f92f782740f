/* SPDX-License-Identifier: MIT */
/* Stream headers, features, errors and ends (RFC 6120 sections 4 and 5). */
#include <unistd.h>
#include "tests/unit/c2s/bed.h"

#define OPEN "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "

/* What is wrong with a header, and what is said then. */
static const struct {
	const char *header, *error;
} bad_headers[] = {
	{OPEN "to='nowhere.example' version='1.0'>", "host-unknown"},
	{OPEN "version='1.0'>", "improper-addressing"},
	{OPEN "to='' version='1.0'>", "improper-addressing"},
	{OPEN "to='a b' version='1.0'>", "improper-addressing"},
	{OPEN "to='example.com'>", "unsupported-version"},
	{OPEN "to='example.com' version='0.9'>", "unsupported-version"},
	{OPEN "to='example.com' version='1'>", "unsupported-version"},
	{OPEN "to='example.com' version='one.0'>", "unsupported-version"},
	{"<stream:stream xmlns='jabber:client' xmlns:stream='http://example.org/' to='example.com' "
	 "version='1.0'>",
	 "invalid-namespace"},
	{"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	 "to='example.com' version='1.0'>",
	 "invalid-namespace"},
	{"<stream:stream xmlns='jabber:client' to='example.com' version='1.0'>", "not-well-formed"},
	{"<xml:stream xmlns='jabber:client' to='example.com' version='1.0'>", "bad-namespace-prefix"},
	{"<stream xmlns='jabber:client' to='example.com' version='1.0'>", "invalid-namespace"},
	{"<stream:streams xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
	 "to='example.com' version='1.0'>",
	 "bad-format"},
	{"GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
	{"<?xml version='1.0' encoding='UTF-16'?>" OPEN "to='example.com' version='1.0'>",
	 "unsupported-encoding"},
	{"<!DOCTYPE x>" OPEN "to='example.com' version='1.0'>", "restricted-xml"},
};

START_TEST(a_bad_header_is_answered_by_a_header_an_error_and_the_end)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	char *error = xasprintf("<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>",
				bad_headers[_i].error);

	peer_send(p, bad_headers[_i].header);
	peer_expect(p, "<?xml version='1.0'?><stream:stream ");
	peer_expect(p, error);
	peer_expect(p, "</stream:error></stream:stream>");
	peer_free(p);
	bed_free(b);
	free(error);
}
END_TEST

/* Section 4.7.5: the lower version, and none to whom sends none. */
START_TEST(the_version_is_the_lower_one)
{
	static const struct {
		const char *theirs, *ours;
	} rows[] = {{"version='1.0'", "version='1.0' "}, {"version='1.1'", "version='1.0' "},
		    {"version='2.0'", "version='1.0' "}, {"version='0.9'", "version='0.9' "},
		    {"", "from='example.com' xml:lang="}};
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	char *header = xasprintf(OPEN "to='example.com' %s>", rows[_i].theirs);

	peer_send(p, header);
	peer_expect(p, rows[_i].ours);
	peer_free(p);
	bed_free(b);
	free(header);
}
END_TEST

/* Section 4.8.2: the namespaces of a header may be written in several ways. */
START_TEST(a_header_needs_no_content_namespace)
{
	static const char *const headers[] = {
		"<stream xmlns='http://etherx.jabber.org/streams' to='example.com' version='1.0'>",
		"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' to='example.com' "
		"version='1.0'>",
		"<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' "
		"to='example.com' version='1.0'>",
	};
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_send(p, headers[_i]);
	bed_answer_offer(b);
	peer_expect(p, "</stream:features>");
	peer_send(p, "<presence xmlns='jabber:client'/>");
	peer_expect(p, "<stream:error><not-authorized ");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(the_response_header_is_complete)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_send(p, OPEN "to='EXAMPLE.com' from='Alice@example.com/x' version='1.0' "
			  "xml:lang='de'>");
	bed_answer_offer(b);
	peer_expect(p, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
		       "xmlns:stream='http://etherx.jabber.org/streams' id='");
	peer_expect(p, "' from='example.com' to='alice@example.com' version='1.0' xml:lang='en'>");
	peer_expect(p, "<stream:features>");
	peer_free(p);
	bed_free(b);
}
END_TEST

static void id_of(struct peer *p, char ret[33])
{
	const char *at = strstr(peer_heard(p), " id='");

	ck_assert_ptr_nonnull(at);
	memcpy(ret, at + 5, 32);
	ret[32] = '\0';
	ck_assert_uint_eq(strspn(ret, "0123456789abcdef"), 32);
	ck_assert_int_eq(at[5 + 32], '\'');
}

START_TEST(each_stream_has_an_id_of_its_own)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false), *q = peer_new(b, false);
	char one[33], two[33];

	peer_send(p, HEADER("example.com"));
	peer_send(q, HEADER("example.com"));
	id_of(p, one);
	id_of(q, two);
	ck_assert_str_ne(one, two);
	peer_free(p);
	peer_free(q);
	bed_free(b);
}
END_TEST

START_TEST(versions_above_ours_are_served)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_send(p, OPEN "to='example.com' version='1.11'>");
	bed_answer_offer(b);
	peer_expect(p, " version='1.0' ");
	peer_expect(p, "</stream:features>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(byte_by_byte_is_the_same)
{
	static const char text[] = HEADER("example.com");
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	for (size_t i = 0; i < sizeof text - 1; i++)
		peer_send_n(p, text + i, 1);
	bed_answer_offer(b);
	peer_expect(p, "<mechanism>PLAIN</mechanism>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(tls_is_required_before_sasl)
{
	struct bed *b = bed_new("tls = required");
	struct peer *p = peer_new(b, false);
	const char *heard;

	peer_send(p, HEADER("example.com"));
	peer_expect(p, "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
		       "<required/></starttls>");
	heard = peer_heard(p);
	ck_assert_ptr_null(strstr(heard, "mechanism"));
	peer_send(
		p,
		"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>");
	peer_expect(p, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/>"
		       "</failure>");
	ck_assert_uint_eq(bed_count(b, MSG_AUTH_START), 0);
	peer_free(p);
	bed_free(b);
}
END_TEST

static void starttls(struct peer *p, const char *behind)
{
	char *text = xasprintf("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>%s", behind);

	peer_send(p, HEADER("example.com"));
	peer_expect(p, "</stream:features>");
	peer_send(p, text);
	peer_expect(p, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_start_tls(p, "example.com", NULL);
	peer_expect_tls(p);
	free(text);
}

START_TEST(starttls_begins_a_new_stream)
{
	struct bed *b = bed_new("tls = required");
	struct peer *p = peer_new(b, false);
	const struct msg_auth_mechanisms *m;
	struct sent *s;

	starttls(p, "");
	peer_send(p, HEADER("example.com"));
	s = bed_sent(b, MSG_AUTH_MECHANISMS);
	m = s->m;
	ck_assert(m->secure);
	ck_assert_uint_eq(m->nbindings, 2);
	s->head.flags = 0; /* bed_answer_offer takes it */
	bed_answer_offer(b);
	peer_expect(p, "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
		       "<mechanism>SCRAM-SHA-256</mechanism>");
	peer_expect(p, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
		       "<channel-binding type='tls-server-end-point'/></sasl-channel-binding>");
	peer_free(p);
	bed_free(b);
}
END_TEST

/* auth has read its configuration again: the next stream is offered what counts now. */
START_TEST(changed_offers_are_asked_for_at_once)
{
	struct str mechanisms[] = {STR("SCRAM-SHA-1")};
	struct msg_auth_offer o = {.mechanisms = mechanisms, .nmechanisms = 1};
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false), *q = peer_new(b, false);

	peer_send(p, HEADER("example.com"));
	bed_deliver(b, AUTH_ID, 0, MSG_OFFERS_CHANGED, NULL);
	/* The answer under way may be of before. */
	ck_assert_uint_eq(bed_count(b, MSG_AUTH_MECHANISMS), 2);
	ck_assert_ptr_null(bed_sent(b, MSG_AUTH_MECHANISMS)->request);
	bed_answer_offer(b);
	peer_expect(p, "<mechanism>SCRAM-SHA-256</mechanism>");
	bed_deliver(b, AUTH_ID, 0, MSG_OFFERS_CHANGED, NULL);
	bed_reply(b, bed_sent(b, MSG_AUTH_MECHANISMS), 0, MSG_AUTH_OFFER, &o);
	peer_send(q, HEADER("example.com"));
	peer_expect(q, "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
		       "<mechanism>SCRAM-SHA-1</mechanism></mechanisms>");
	ck_assert_uint_eq(bed_count(b, MSG_AUTH_MECHANISMS), 0);
	peer_free(p);
	peer_free(q);
	bed_free(b);
}
END_TEST

START_TEST(what_comes_behind_starttls_is_dropped)
{
	struct bed *b = bed_new("tls = required");
	struct peer *p = peer_new(b, false);

	starttls(
		p,
		"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>");
	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	peer_expect(p, "</stream:features>");
	ck_assert_uint_eq(bed_count(b, MSG_AUTH_START), 0);
	ck_assert_ptr_null(strstr(peer_heard(p), "failure"));
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(starttls_twice_fails)
{
	struct bed *b = bed_new("tls = required");
	struct peer *p = peer_new(b, false);

	starttls(p, "");
	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	peer_expect(p, "</stream:features>");
	peer_send(p, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_expect(p, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
	peer_expect_end(p);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(malformed_starttls_fails)
{
	struct bed *b = bed_new("tls = required");
	struct peer *p = peer_new(b, false);

	peer_send(p,
		  HEADER("example.com") "<starttls "
					"xmlns='urn:ietf:params:xml:ns:xmpp-tls'>now</starttls>");
	peer_expect(p, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(direct_tls_serves_with_and_without_alpn)
{
	static const char *const alpn[] = {NULL, "\x0bxmpp-client"};
	struct bed *b = bed_new("tls = required");
	struct peer *p = peer_new(b, true);

	peer_start_tls(p, _i ? "example.net" : NULL, alpn[_i]);
	peer_expect_tls(p);
	/* `to` decides, whatever SNI said. */
	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	peer_expect(p, "from='example.com'");
	peer_expect(p, "<mechanism>PLAIN</mechanism>");
	peer_free(p);
	bed_free(b);
}
END_TEST

/* First-level elements that end a stream before authentication. */
static const struct {
	const char *text, *error;
} early[] = {
	{"<message to='bob@example.com'><body>hi</body></message>", "not-authorized"},
	{"<presence/>", "not-authorized"},
	{"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", "not-authorized"},
	{"<nothing/>", "not-authorized"},
	{"<nothing xmlns='urn:example'/>", "unsupported-stanza-type"},
	{"<message xmlns='jabber:server'/>", "invalid-namespace"},
	{"<message><body>a</message>", "not-well-formed"},
	{"<message>&amp;&foo;</message>", "restricted-xml"},
	{"<!-- no -->", "restricted-xml"},
	{"<?pi x?>", "restricted-xml"},
	{"<a:b/>", "not-well-formed"},
	{"<presence>\xff\xfe</presence>", "unsupported-encoding"},
};

START_TEST(early_and_wrong_elements_end_the_stream)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	char *error = xasprintf("<stream:error><%s ", early[_i].error);

	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	peer_expect(p, "</stream:features>");
	peer_send(p, early[_i].text);
	peer_expect(p, error);
	peer_expect(p, "</stream:error></stream:stream>");
	peer_expect_end(p);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 0);
	peer_free(p);
	bed_free(b);
	free(error);
}
END_TEST

START_TEST(a_closed_stream_is_closed_back)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_send(p, HEADER("example.com") "</stream:stream>");
	peer_expect(p, "</stream:stream>");
	peer_expect_end(p);
	peer_free(p);
	ck_assert_ptr_null(bed_c2s(b)->clients);
	ck_assert_uint_eq(bed_c2s(b)->nunauthenticated, 0);
	bed_free(b);
}
END_TEST

START_TEST(a_client_that_does_not_close_is_closed)
{
	struct bed *b = bed_new("close_timeout = 1s");
	struct peer *p = peer_new(b, false);

	peer_send(p, HEADER("example.com") "<presence/>");
	peer_expect(p, "</stream:stream>");
	bed_wait(b, 3200);
	ck_assert_ptr_null(bed_c2s(b)->clients);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(shutdown_says_so)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_send(p, HEADER("example.com"));
	peer_expect(p, "<stream:stream");
	c2s_process.drain(bed_c2s(b));
	peer_expect(p, STREAM_ERROR("system-shutdown") "</stream:error></stream:stream>");
	ck_assert(!bed_drained(b));
	peer_free(p);
	ck_assert(bed_drained(b));
	bed_free(b);
}
END_TEST

START_TEST(features_wait_for_auth)
{
	struct bed *b = bed_new(NULL);
	struct peer *p;

	bed_auth(b, false);
	p = peer_new(b, false);
	peer_send(p, HEADER("example.com"));
	peer_expect(p, "xml:lang='en'>");
	ck_assert_str_eq(peer_heard(p), "");
	bed_auth(b, true);
	bed_answer_offer(b);
	peer_expect(p, "<mechanism>PLAIN</mechanism>");
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *stream_suite(void)
{
	Suite *s = suite_create("stream");
	TCase *t = tcase_create("stream");

	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, a_bad_header_is_answered_by_a_header_an_error_and_the_end, 0,
			    sizeof bad_headers / sizeof *bad_headers);
	tcase_add_loop_test(t, the_version_is_the_lower_one, 0, 5);
	tcase_add_loop_test(t, a_header_needs_no_content_namespace, 0, 3);
	tcase_add_test(t, the_response_header_is_complete);
	tcase_add_test(t, each_stream_has_an_id_of_its_own);
	tcase_add_test(t, versions_above_ours_are_served);
	tcase_add_test(t, byte_by_byte_is_the_same);
	tcase_add_test(t, tls_is_required_before_sasl);
	tcase_add_test(t, starttls_begins_a_new_stream);
	tcase_add_test(t, changed_offers_are_asked_for_at_once);
	tcase_add_test(t, what_comes_behind_starttls_is_dropped);
	tcase_add_test(t, starttls_twice_fails);
	tcase_add_test(t, malformed_starttls_fails);
	tcase_add_loop_test(t, direct_tls_serves_with_and_without_alpn, 0, 2);
	tcase_add_loop_test(t, early_and_wrong_elements_end_the_stream, 0,
			    sizeof early / sizeof *early);
	tcase_add_test(t, a_closed_stream_is_closed_back);
	tcase_add_test(t, a_client_that_does_not_close_is_closed);
	tcase_add_test(t, shutdown_says_so);
	tcase_add_test(t, features_wait_for_auth);
	suite_add_tcase(s, t);
	return s;
}
