/* SPDX-License-Identifier: MIT */
/* Streams that other servers open, before they have proven anything: headers, features, what ends
 * them. */
#include "tests/unit/s2s/s2s_tests.h"
#include "tests/unit/s2s/wire.h"

#define END "</stream:error></stream:stream>"

/* With what, what they say, what they hear; ends: the stream is over then. */
struct row {
	const char *config, *say, *hear;
	bool ends;
};

/* --- headers ----------------------------------------------------------------------------- */

static const struct row headers[] = {
	{CLEAR, HEAD("from='" REMOTE "' to='" NOBODY "' version='1.0'"), "<host-unknown ", true},
	{CLEAR, HEAD("from='" REMOTE "' version='1.0'"), "<improper-addressing ", true},
	{CLEAR, HEAD("from='" REMOTE "' to='a b' version='1.0'"), "<improper-addressing ", true},
	{CLEAR, HEAD("from='a b' to='" OWN "' version='1.0'"), "<improper-addressing ", true},
	{CLEAR, HEAD("from='" OTHER "' to='" OWN "' version='1.0'"), "<invalid-from ", true},
	{"s2s { tls = optional\n deny = {\"" REMOTE "\"} }", GOOD_HEAD, "<policy-violation ", true},
	{"", HEAD("from='" REMOTE "' to='" OWN "'"), "<unsupported-version ", true},
	{CLEAR,
	 "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
	 " to='" OWN "' version='1.0'>",
	 "<invalid-namespace ", true},
	{CLEAR, "<stream:stream xmlns='jabber:server' xmlns:stream='urn:x' to='" OWN "'>",
	 "<invalid-namespace ", true},
	{CLEAR,
	 "<stream:flow xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
	 " to='" OWN "'>",
	 "<bad-format ", true},
	{CLEAR, "GET / HTTP/1.1\r\n\r\n", "<not-well-formed ", true},
	{CLEAR, "<!DOCTYPE x>" GOOD_HEAD, "<restricted-xml ", true},
	{CLEAR, GOOD_HEAD "<!-- -->", "<restricted-xml ", true},
	{CLEAR, GOOD_HEAD "<a><b></a>", "<not-well-formed ", true},
	{CLEAR, GOOD_HEAD "</stream:stream>", "</stream:stream>", true},
	/* What is offered, in which order. */
	{"", GOOD_HEAD,
	 "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
	 "<required/></starttls><limits ",
	 false},
	{CLEAR, GOOD_HEAD,
	 "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	 "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
	 "<sm " SM "/><limits ",
	 false},
	{"s2s { tls = forbidden }", GOOD_HEAD, "<stream:features><dialback ", false},
	{"s2s { tls = optional\n dialback = forbidden }", GOOD_HEAD,
	 "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><sm ", false},
	{CLEAR, HEAD("from='" REMOTE "' to='" OWN "'"), " version='1.0' xml:lang='en'>", false},
};

/* Our header comes before whatever is wrong (RFC 6120 section 4.9.1.2). */
START_TEST(test_headers)
{
	const struct row *r = &headers[_i];
	struct wire *w = wire_new(r->config);
	struct end *e = end_in(w);

	end_say(e, r->say);
	end_hears(e, "<?xml version='1.0'?><stream:stream xmlns='jabber:server' ");
	end_hears(e, r->hear);
	if (r->ends) {
		if (r->hear[1] != '/')
			end_hears(e, END);
		end_closes(e);
		end_free(e);
		e = NULL;
		wire_await(w, w->x.nstreams == 0);
	} else {
		ck_assert(!end_heard(e, "stream:error"));
		ck_assert_uint_eq(w->x.nstreams, 1);
	}
	end_free(e);
	wire_free(w);
}
END_TEST

/* --- before anything is proven ----------------------------------------------------------- */

#define VERIFY(from, to, id, key)                                                                  \
	"<db:verify from='" from "' to='" to "' id='" id "'>" key "</db:verify>"

static const struct row unproven[] = {
	{CLEAR, MESSAGE("a@" REMOTE, "b@" OWN), "<not-authorized ", true},
	{CLEAR, "<message xmlns='jabber:client' from='a@" REMOTE "' to='b@" OWN "'/>",
	 "<invalid-namespace ", true},
	{CLEAR, "<what xmlns='urn:x'/>", "<not-authorized ", true},
	{CLEAR, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
	 "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>",
	 false},
	{CLEAR, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>",
	 "<not-authorized ", true},
	{CLEAR, "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<aborted/>", false},
	{CLEAR, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><x/></starttls>",
	 "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>", true},
	{"s2s { tls = forbidden }", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
	 "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>", true},
	{CLEAR, "<bidi xmlns='urn:xmpp:bidi'/>", "<unsupported-stanza-type ", true},
	{CLEAR, "<enable " SM "/>", "<failed " SM "><unexpected-request ", false},
	{CLEAR, "<resume " SM " previd='x' h='0'/>", "<failed " SM "><unexpected-request ", false},
	{CLEAR, "<r " SM "/>", "<unsupported-stanza-type ", true},
	{CLEAR, "<a " SM " h='0'/>", "<unsupported-stanza-type ", true},
	{CLEAR, "<enabled " SM "/>", "<not-authorized ", true},
	{CLEAR, "<stream:features/>", "<not-authorized ", true},
	{CLEAR, "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
	 "</stream:stream>", true},
	/* Dialback, XEP-0220 section 2.5: an error ends nothing. */
	{CLEAR, RESULT(REMOTE, "a b", "k"), "<improper-addressing ", true},
	{CLEAR, "<db:result from='" REMOTE "'>k</db:result>", "<improper-addressing ", true},
	{CLEAR, RESULT(REMOTE, NOBODY, "k"),
	 "<db:result from='" NOBODY "' to='" REMOTE "' type='error'><error type='cancel'>"
	 "<item-not-found ",
	 false},
	{CLEAR, RESULT(OTHER, OWN, "k"), "<policy-violation ", false},
	{CLEAR, RESULT(REMOTE, OWN, ""), "<not-acceptable ", false},
	{"", RESULT(REMOTE, OWN, "k"), "type='error'><error type='modify'><policy-violation ",
	 false},
	{"s2s { tls = optional\n dialback = forbidden\n peer_certificate = optional }",
	 RESULT(REMOTE, OWN, "k"), "<not-authorized ", false},
	/* A domain without a server. */
	{CLEAR, RESULT(NOBODY, OWN, "k"),
	 "<db:result from='" OWN "' to='" NOBODY "' type='error'><error type='cancel'>"
	 "<remote-server-not-found ",
	 false},
	{CLEAR, VERIFY(REMOTE, OWN, "7", "no key"),
	 "<db:verify from='" OWN "' to='" REMOTE "' id='7' type='invalid'/>", false},
	{CLEAR, VERIFY(REMOTE, NOBODY, "7", "k"),
	 "id='7' type='error'><error type='cancel'>"
	 "<item-not-found ",
	 false},
	{CLEAR, VERIFY(REMOTE, OWN, "", "k"), "<not-acceptable ", false},
	{CLEAR, VERIFY("a b", OWN, "7", "k"), "<improper-addressing ", true},
	{"", VERIFY(REMOTE, OWN, "7", "k"), "<policy-violation ", false},
	/* Answers that nobody asked for. */
	{CLEAR,
	 "<db:result from='" REMOTE "' to='" OWN "' type='valid'/>" MESSAGE("a@" REMOTE, "b@" OWN),
	 "<not-authorized ", true},
	{CLEAR,
	 "<db:verify from='" REMOTE "' to='" OWN
	 "' id='1' type='valid'/>" MESSAGE("a@" REMOTE, "b@" OWN),
	 "<not-authorized ", true},
};

START_TEST(test_unproven)
{
	const struct row *r = &unproven[_i];
	struct wire *w = wire_new(r->config);
	struct end *e = end_in(w);

	end_say(e, GOOD_HEAD);
	end_hears(e, "</stream:features>");
	end_say(e, r->say);
	end_hears(e, r->hear);
	end_ends(e, r->ends);
	ck_assert_uint_eq(w->x.stats.stanzas_in, 0);
	wire_free(w);
}
END_TEST

/* Three tries, then the stream is over. */
START_TEST(test_sasl_tries)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_in(w);

	end_say(e, GOOD_HEAD);
	for (int i = 0; i < 3; i++) {
		end_say(e, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
			   "mechanism='PLAIN'>=</auth>");
		end_hears(e, "</failure>");
	}
	end_hears(e, "<policy-violation ");
	end_closes(e);
	end_free(e);
	wire_free(w);
}
END_TEST

#define AUTH(authzid) "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>" authzid "</auth>"

/* A certificate proves its own domain, not the one for which dialback was begun before. */
START_TEST(test_external_over_dialback)
{
	static const char *const say[] = {
		RESULT(BESIDE, OWN, "k") AUTH("="), RESULT(BESIDE, OWN, "k") AUTH("cmVtb3RlLmV4YW1wbGU="),
		AUTH("") RESULT(BESIDE, OWN, "k") "<response xmlns='" NS_SASL "'>=</response>"};
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_certified(w);

	end_say(e, say[_i]);
	end_hears(e, "<failure xmlns='" NS_SASL "'><not-authorized/></failure>");
	ck_assert(!wire_stream(w)->was_external);
	end_say(e, MESSAGE("a@" BESIDE, "b@" OWN));
	end_hears(e, "<invalid-from ");
	end_closes(e);
	ck_assert_uint_eq(w->x.stats.stanzas_in, 0);
	end_free(e);
	wire_free(w);
}
END_TEST

/* --- EXTERNAL: as if TLS had shown a certificate that proves REMOTE ------------------------- */

static const struct sasl_row {
	const char *authzid, *hear;
	bool good;
} sasl[] = {
	{"=", "<success ", true},
	{"cmVtb3RlLmV4YW1wbGU=", "<success ", true}, /* remote.example */
	{"UkVNT1RFLkVYQU1QTEU=", "<success ", true}, /* in capitals */
	{"b3duLmV4YW1wbGU=", "<invalid-authzid/>", false},
	{"YUBiQGM=", "<invalid-authzid/>", false},
	{"%%%", "<incorrect-encoding/>", false},
};

START_TEST(test_external)
{
	const struct sasl_row *r = &sasl[_i];
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_certified(w);
	char *auth =
		xasprintf("<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>%s</auth>", r->authzid);

	end_say(e, auth);
	free(auth);
	end_hears(e, r->hear);
	if (r->good) {
		end_say(e, GOOD_HEAD);
		end_hears(e, "</stream:features>");
		ck_assert(!end_heard(e, "mechanisms"));
		end_say(e, MESSAGE("a@" REMOTE, "b@" OWN) MESSAGE("a@" REMOTE, "b@" OTHER));
		wire_await(w, w->x.stats.stanzas_in == 2);
	} else {
		end_say(e, MESSAGE("a@" REMOTE, "b@" OWN));
		end_hears(e, "<not-authorized ");
	}
	end_free(e);
	wire_free(w);
}
END_TEST

/* Without an initial response an empty challenge asks for it (RFC 6120 section 6.4.2). */
START_TEST(test_external_challenge)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_certified(w);

	end_say(e, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'/>");
	end_hears(e, "<challenge ");
	end_say(e, "<response xmlns='" NS_SASL "'/>");
	end_hears(e, "<success ");
	/* Another domain in the next header. */
	end_say(e, HEAD("from='" NOBODY "' to='" OWN "' version='1.0'"));
	end_hears(e, "<invalid-from ");
	end_closes(e);
	end_free(e);
	wire_free(w);
}
END_TEST

/* What a domain may do before it is proven is bounded in all. */
START_TEST(test_login_bytes)
{
	struct wire *w = wire_new("s2s { tls = optional\n login_bytes = 10000 }");
	struct end *e = end_in(w);

	end_say(e, GOOD_HEAD);
	for (int i = 0; i < 200; i++)
		end_say(e, VERIFY(REMOTE, OWN, "1", "0123456789012345678901234567890123456789"));
	end_hears(e, "<policy-violation ");
	end_closes(e);
	end_free(e);
	wire_free(w);
}
END_TEST

/* XEP-0288: bidi before a proof; nothing is sent over it, and nothing taken, until there is one. */
START_TEST(test_bidi_unproven)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_in(w);
	struct stream *s = wire_stream(w);

	end_say(e, GOOD_HEAD);
	end_hears(e, "</stream:features>");
	s->bidi_offered = true; /* as where the pair is ours */
	end_say(e, "<bidi xmlns='urn:xmpp:bidi'><limits xmlns='urn:xmpp:stream-limits:0'>"
		   "<max-bytes>9</max-bytes></limits></bidi>");
	end_settles(e);
	ck_assert(s->bidi);
	ck_assert_uint_eq(s->max_bytes, 9);
	wire_tell(w, "waits");
	end_settles(e);
	ck_assert(!end_heard(e, "waits"));
	ck_assert_ptr_null(s->pairs);
	end_say(e, MESSAGE("a@" REMOTE, "b@" OWN));
	end_hears(e, "<not-authorized ");
	end_closes(e);
	end_free(e);
	wire_free(w);
}
END_TEST

/* What we do not read because the window is full is not late; its time begins when we read. */
START_TEST(test_unread)
{
	struct wire *w = wire_new("s2s { tls = optional\n window = 1\n stanza_timeout = 1s\n"
				  "ack_timeout = 1s }");
	struct end *e = end_proven(w);
	struct stream *s = wire_stream(w);

	end_say(e, MESSAGE("a@" REMOTE, "b@" OWN) "<message><body>");
	wire_await(w, s->paused == PAUSE_WINDOW && s->partial_since);
	s->partial_since = s->asked_ms = 1;
	stream_tick(s);
	ck_assert_uint_eq(w->x.nstreams, 1);
	ck_assert_int_ne(s->phase, PHASE_CLOSED);
	stream_resume(s, PAUSE_WINDOW);
	ck_assert_uint_eq(s->partial_since, loop_now(w->x.loop));
	ck_assert_uint_eq(s->asked_ms, loop_now(w->x.loop));
	s->asked_ms = 0;
	stream_tick(s);
	ck_assert_int_ne(s->phase, PHASE_CLOSED);
	/* Nothing comes: now it is late. */
	end_hears(e, "<connection-timeout ");
	end_closes(e);
	end_free(e);
	wire_free(w);
}
END_TEST

/* --- the end ------------------------------------------------------------------------------- */

/* The connection breaks after so much: nothing is left behind. */
static const char *const states[] = {
	"",
	"<?xml version='1.0'?><stream:str",
	GOOD_HEAD,
	GOOD_HEAD "<starttls xmlns='urn:ie",
	GOOD_HEAD RESULT(REMOTE, OWN, "k"),
	GOOD_HEAD RESULT(NOBODY, OWN, "k"),
	GOOD_HEAD VERIFY(REMOTE, OWN, "1", "k"),
	GOOD_HEAD "</stream:stream>",
	GOOD_HEAD "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'/>",
};

START_TEST(test_breaks)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_in(w);

	end_say(e, states[_i]);
	wire_turns(w, 3);
	end_free(e);
	wire_await(w, !w->x.nstreams || w->x.streams->out);
	ck_assert_uint_eq(w->x.nunproven, 0);
	wire_free(w);
}
END_TEST

Suite *in_suite(void)
{
	Suite *s = suite_create("in");
	TCase *t = tcase_create("in");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_headers, 0, ROWS(headers));
	tcase_add_loop_test(t, test_unproven, 0, ROWS(unproven));
	tcase_add_test(t, test_sasl_tries);
	tcase_add_loop_test(t, test_external, 0, ROWS(sasl));
	tcase_add_test(t, test_external_challenge);
	tcase_add_loop_test(t, test_external_over_dialback, 0, 3);
	tcase_add_test(t, test_login_bytes);
	tcase_add_test(t, test_bidi_unproven);
	tcase_add_test(t, test_unread);
	tcase_add_loop_test(t, test_breaks, 0, ROWS(states));
	suite_add_tcase(s, t);
	return s;
}
