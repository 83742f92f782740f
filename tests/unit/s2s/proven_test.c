/* SPDX-License-Identifier: MIT */
/* Streams that other servers open, from then on: whose stanzas are taken, acknowledgements, going
 * on. */
#include "s2s/resume.h"
#include "tests/unit/s2s/out_wire.h"
#include "tests/unit/s2s/s2s_tests.h"

/* With what, what they say, what they hear; ends: the stream is over then. */
struct row {
	const char *config, *say, *hear;
	bool ends;
};

/* --- what is said ------------------------------------------------------------------------------
 */

static const struct row known[] = {
	{CLEAR, MESSAGE("a@" NOBODY, "b@" OWN), "<invalid-from ", true},
	{CLEAR, MESSAGE("a@sub." REMOTE, "b@" OWN), "<invalid-from ", true},
	{CLEAR, MESSAGE("a@" OWN, "b@" OWN), "<invalid-from ", true},
	{CLEAR, MESSAGE("a@" REMOTE, "b@" NOBODY), "<host-unknown ", true},
	{CLEAR, "<message from='a@" REMOTE "'/>", "<improper-addressing ", true},
	{CLEAR, "<message to='b@" OWN "'/>", "<improper-addressing ", true},
	{CLEAR, "<what xmlns='urn:x'/>", "<unsupported-stanza-type ", true},
	{CLEAR, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
	 "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>", true},
	{CLEAR, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>=</auth>", "<invalid-mechanism/>",
	 false},
	{CLEAR, "<bidi xmlns='urn:xmpp:bidi'/>", "<unsupported-stanza-type ", true},
	{CLEAR, "<enable " SM "/>", "<enabled " SM "/>", false},
	{CLEAR, "<enable " SM " resume='1' max='30'/>", " resume='true' max='30'/>", false},
	{CLEAR, "<enable " SM " resume='true' max='999999'/>", " resume='true' max='120'/>", false},
	{"s2s { tls = optional\n resume_time = 0s }", "<enable " SM " resume='true'/>",
	 "<enabled " SM "/>", false},
	{CLEAR, "<enable " SM "/><enable " SM "/>", "<failed " SM "><unexpected-request ", false},
	{CLEAR, "<resume " SM " previd='x' h='0'/>", "<failed " SM "><item-not-found ", false},
	{CLEAR, "<resume " SM " h='0'/>", "<failed " SM "><item-not-found ", false},
	{CLEAR, "<resume " SM " previd='x'/>", "<failed " SM "><bad-request ", false},
	{CLEAR, "<enable " SM "/><r " SM "/>", "<a " SM " h='0'/>", false},
	{CLEAR, "<enable " SM "/><a " SM " h='0'/>", "<enabled ", false},
	{CLEAR, "<enable " SM "/><a " SM " h='x'/>", "<unsupported-stanza-type ", true},
	{CLEAR, "<enable " SM "/><a " SM " h='1'/>",
	 "<handled-count-too-high " SM " h='1' send-count='0'/></stream:error>", true},
	/* Proven already. */
	{CLEAR, RESULT(REMOTE, OWN, "k"),
	 "<db:result from='" OWN "' to='" REMOTE "' type='valid'/>", false},
};

START_TEST(test_proven)
{
	const struct row *r = &known[_i];
	struct wire *w = wire_new(r->config);
	struct end *e = end_proven(w);

	end_say(e, r->say);
	end_hears(e, r->hear);
	end_ends(e, r->ends);
	ck_assert_uint_eq(w->x.stats.stanzas_in, 0);
	wire_free(w);
}
END_TEST

/* A stanza that is too big, before (10,000 bytes) and after its domain is proven. */
static void big(struct end *e, size_t size)
{
	struct buf b = BUF_INIT;

	buf_lit(&b, "<message from='a@" REMOTE "' to='b@" OWN "'><body>");
	while (b.len < size)
		buf_putc(&b, 'x');
	buf_lit(&b, "</body></message>");
	buf_putc(&b, '\0');
	end_say(e, buf_ptr(&b));
	buf_free(&b);
}

START_TEST(test_sizes)
{
	struct wire *w = wire_new("s2s { tls = optional\n max_stanza_size = 20k }");
	struct end *e = end_in(w);

	end_say(e, GOOD_HEAD);
	big(e, 10500);
	end_hears(e, "<policy-violation ");
	end_closes(e);
	end_free(e);
	e = end_proven(w);
	big(e, 15000);
	wire_await(w, w->x.stats.stanzas_in == 1);
	big(e, 21000);
	end_hears(e, "<policy-violation ");
	end_closes(e);
	end_free(e);
	wire_free(w);
}
END_TEST

/* Written out for a client it would fit into no frame: sm is not asked, so it is done at once. */
START_TEST(test_escapes)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_proven(w);
	char *id = xmalloc(200001), *xml;

	memset(id, '\'', 200000);
	id[200000] = 0;
	xml = xasprintf("<enable " SM "/><message from='a@" REMOTE "' to='b@" OWN "' id=\"%s\"/><r " SM "/>", id);
	end_say(e, xml);
	end_hears(e, "<a " SM " h='1'/>");
	ck_assert(!w->x.orphans);
	free(id);
	free(xml);
	end_free(e);
	wire_free(w);
}
END_TEST

/* A user with an address that is none by PRECIS, though it is one by the rules of RFC 6122: an answer, and
 * the stream goes on. */
START_TEST(test_strange_sender)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_proven(w), *back;

	end_say(e, "<enable " SM "/>" MESSAGE("\u2665@" REMOTE, "b@" OWN) "<r " SM "/>");
	end_hears(e, "<a " SM " h='1'/>");
	back = wire_opened(w);
	end_say(back, THEIRS FEATURES(DIALBACK));
	end_hears(back, "</db:result>");
	end_say(back, VALID);
	end_hears(back, "<message to='\u2665@" REMOTE "' from='b@" OWN "' type='error'");
	end_hears(back, "<bad-request ");
	end_say(e, MESSAGE("a@" REMOTE, "b@" OWN));
	wire_await(w, w->x.stats.stanzas_in == 2);
	end_free(back);
	end_free(e);
	wire_free(w);
}
END_TEST

/* Proven, and with acknowledgements: then it may come back. */
START_TEST(test_breaks_proven)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_proven(w);

	end_say(e, "<enable " SM " resume='true'/>");
	end_hears(e, "<enabled ");
	if (_i == 0) {
		end_say(e, "<message from='a@");
		wire_turns(w, 3);
	} else {
		end_say(e, "</stream:stream>");
		end_hears(e, "</stream:stream>");
	}
	end_free(e);
	wire_await(w, !w->x.nstreams);
	ck_assert_uint_eq(w->x.ndetached, _i == 0);
	wire_free(w);
}
END_TEST

/* --- going on: XEP-0198 section 5 ------------------------------------------------------------- */

/* h counts what is done: the answer waits for what was taken over the lost stream. */
START_TEST(test_resumed_when_done)
{
	struct wire *w = wire_new("s2s { tls = optional\n deadline = 1s }");
	struct end *e = end_proven(w);
	char *resume;

	end_say(e, "<enable " SM " resume='true'/>" MESSAGE("a@" REMOTE, "b@" OWN)
			   MESSAGE("a@" REMOTE, "b@" OWN));
	end_hears(e, "<enabled ");
	wire_await(w, w->x.stats.stanzas_in == 2);
	resume = xasprintf("<resume " SM " previd='%s' h='0'/>", wire_stream(w)->resumable->id);
	end_free(e);
	wire_await(w, w->x.ndetached == 1);
	e = end_proven(w);
	end_say(e, resume);
	end_settles(e);
	ck_assert(!end_heard(e, "<resumed ") && !end_heard(e, "<failed "));
	/* Asked twice, or for something else meanwhile. */
	end_say(e, "<enable " SM "/>");
	end_hears(e, "<unexpected-request ");
	/* No sm is there: it is done when its deadline has passed. */
	end_hears(e, "<resumed " SM " h='2' previd='");
	ck_assert_uint_eq(w->x.ndetached, 0);
	free(resume);
	end_free(e);
	wire_free(w);
}
END_TEST

/* Who comes later takes over, also from one that still waits for its answer. */
START_TEST(test_resumed_later)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = end_proven(w), *next;
	char *resume;

	end_say(e, "<enable " SM " resume='true'/>" MESSAGE("a@" REMOTE, "b@" OWN));
	end_hears(e, "<enabled ");
	wire_await(w, w->x.stats.stanzas_in == 1);
	resume = xasprintf("<resume " SM " previd='%s' h='0'/>", wire_stream(w)->resumable->id);
	for (int i = 0; i < 2; i++) { /* the first is still connected, the second still waits */
		next = end_proven(w);
		end_say(next, resume);
		end_hears(e, "<conflict ");
		end_closes(e);
		end_free(e);
		e = next;
	}
	ck_assert_uint_eq(w->x.ndetached, 1);
	/* A domain that is not the one. */
	end_free(e);
	wire_await(w, !w->x.nstreams);
	e = end_proven(w);
	w->x.streams->proofs->remote[0] = 'x'; /* as if another certificate had been shown */
	end_say(e, resume);
	end_hears(e, "<item-not-found ");
	w->x.streams->proofs->remote[0] = REMOTE[0];
	free(resume);
	end_free(e);
	wire_free(w);
}
END_TEST

/* The certificate that proved them ends: what is done is told, then it is over. */
START_TEST(test_expired)
{
	struct wire *w = wire_new("s2s { tls = optional\n deadline = 1s }");
	struct end *e = end_proven(w);

	end_say(e, "<enable " SM "/>" MESSAGE("a@" REMOTE, "b@" OWN));
	wire_await(w, w->x.stats.stanzas_in == 1);
	wire_stream(w)->proven_until = loop_now(w->x.loop);
	/* No sm is there: it is done when its deadline has passed. */
	end_hears(e, "<a " SM " h='1'/>");
	end_hears(e, "<reset ");
	end_closes(e);
	end_free(e);
	wire_free(w);
}
END_TEST

Suite *proven_suite(void)
{
	Suite *s = suite_create("proven");
	TCase *t = tcase_create("proven");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_proven, 0, ROWS(known));
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_escapes);
	tcase_add_test(t, test_strange_sender);
	tcase_add_loop_test(t, test_breaks_proven, 0, 2);
	tcase_add_test(t, test_resumed_when_done);
	tcase_add_test(t, test_resumed_later);
	tcase_add_test(t, test_expired);
	suite_add_tcase(s, t);
	return s;
}
