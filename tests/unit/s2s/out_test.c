/* SPDX-License-Identifier: MIT */
/* Streams that we open, step by step: what we say, whom we believe, what senders get. */
#include "tests/unit/s2s/out_wire.h"
#include "tests/unit/s2s/s2s_tests.h"

/* The stanza came back, once; whoever asks again gets the same. */
void wire_returned(struct wire *w, unsigned n)
{
	wire_await(w, w->x.stats.returned == n);
	ck_assert_ptr_null(w->x.items);
}

struct end *wire_opened(struct wire *w)
{
	struct end *e = end_accept(w);

	end_hears(e,
		  "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
		  "xmlns:stream='http://etherx.jabber.org/streams' "
		  "xmlns:db='jabber:server:dialback' from='" OWN "' to='" REMOTE "' version='1.0'");
	return e;
}

struct end *wire_begin(struct wire *w)
{
	wire_tell(w, "one");
	return wire_opened(w);
}

struct end *wire_ready(struct wire *w, const char *say)
{
	struct end *e = wire_begin(w);

	end_say(e, say);
	end_hears(e, "</db:result>");
	end_say(e, VALID);
	return e;
}

/* --- what ends it before anything is sent --------------------------------------------------- */

static const struct row {
	const char *config, *say, *hear;
} failures[] = {
	{CLEAR,
	 "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
	 " id='1' version='1.0'>",
	 "<invalid-namespace "},
	{CLEAR, "<stream:stream xmlns='jabber:server' xmlns:stream='urn:x' id='1'>",
	 "<invalid-namespace "},
	{CLEAR, "220 mail.example ESMTP\r\n", "<not-well-formed "},
	{CLEAR,
	 THEIRS "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
		"</stream:error></stream:stream>",
	 "</stream:stream>"},
	{CLEAR, THEIRS "</stream:stream>", "</stream:stream>"},
	/* TLS: required by default; refused. */
	{"s2s { backoff_min = 60s }", THEIRS FEATURES(DIALBACK), "</stream:stream>"},
	{"s2s { backoff_min = 60s }", HEAD("id='old' from='" REMOTE "' to='" OWN "'"),
	 "</stream:stream>"},
	{CLEAR, THEIRS FEATURES(STARTTLS) "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
	 "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"},
	/* Out of turn. */
	{CLEAR, THEIRS "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
	 "<unsupported-stanza-type "},
	{CLEAR, THEIRS "<success xmlns='" NS_SASL "'/>", "<unsupported-stanza-type "},
	{CLEAR, THEIRS "<failure xmlns='" NS_SASL "'/>", "<unsupported-stanza-type "},
	{CLEAR, THEIRS "<enabled " SM "/>", "<unsupported-stanza-type "},
	{CLEAR, THEIRS "<resumed " SM " previd='x' h='0'/>", "<unsupported-stanza-type "},
	{CLEAR, THEIRS FEATURES(DIALBACK) FEATURES(DIALBACK), "<unsupported-stanza-type "},
	{CLEAR, THEIRS "<message from='a@" REMOTE "' to='b@" OWN "'/>",
	 "<unsupported-stanza-type "},
	{CLEAR, THEIRS "<db:verify from='" REMOTE "' to='" OWN "' id='1'>k</db:verify>",
	 "<unsupported-stanza-type "},
	{CLEAR, THEIRS "<db:result from='" REMOTE "' to='" OWN "'>k</db:result>",
	 "<unsupported-stanza-type "},
	/* Dialback: refused with an error, invalid. */
	{CLEAR, THEIRS FEATURES(DIALBACK) ANSWER(REMOTE, OWN, "invalid"), "</stream:stream>"},
	{CLEAR, THEIRS FEATURES(DIALBACK) ANSWER(REMOTE, OWN, "error"), "</stream:stream>"},
	{CLEAR, THEIRS FEATURES(DIALBACK) ANSWER(REMOTE, OWN, "what"), "</stream:stream>"},
	{CLEAR, HEAD("from='" REMOTE "' to='" OWN "' version='1.0'") FEATURES(DIALBACK),
	 "</stream:stream>"}, /* no id, no key */
	/* Neither way. */
	{"s2s { tls = optional\n dialback = forbidden\n backoff_min = 60s }",
	 THEIRS FEATURES(DIALBACK), "</stream:stream>"},
};

START_TEST(test_failures)
{
	const struct row *r = &failures[_i];
	struct wire *w = wire_new(r->config);
	struct end *e = wire_begin(w);

	end_say(e, r->say);
	end_hears(e, r->hear);
	end_closes(e);
	end_free(e);
	wire_returned(w, 1);
	wire_await(w, !w->x.nopened);
	/* It is not tried again at once: what comes meanwhile has the same answer. */
	wire_tell(w, "two");
	wire_returned(w, 2);
	ck_assert_uint_eq(w->accepted, 1);
	wire_free(w);
}
END_TEST

/* --- dialback ------------------------------------------------------------------------------- */

/* Answers that are for others change nothing. */
static const char *const others[] = {
	ANSWER(NOBODY, OWN, "valid"),
	ANSWER(REMOTE, OTHER, "valid"),
	ANSWER(OWN, REMOTE, "valid"),
	ANSWER(NOBODY, OWN, "invalid"),
	ANSWER(REMOTE, OTHER, "error"),
	"<db:result type='valid'/>",
	"<db:verify from='" REMOTE "' to='" OWN "' id='theirs' type='valid'/>",
	"<a " SM " h='0'/>",
};

START_TEST(test_dialback_others)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = wire_begin(w);

	end_say(e, THEIRS FEATURES(DIALBACK));
	end_hears(e, "<db:result from='" OWN "' to='" REMOTE "'>");
	end_hears(e, "</db:result>");
	end_say(e, others[_i]);
	wire_turns(w, 3);
	ck_assert_int_eq(wire_stream(w)->phase == PHASE_READY, 0);
	ck_assert(!end_heard(e, "<iq"));
	if (_i < 7) {
		end_say(e, VALID);
		end_hears(e, "<iq to='b@" REMOTE "' from='a@" OWN "' id='one' type='get'/>");
	} else {
		end_closes(e); /* acknowledgements were not even asked for */
	}
	end_free(e);
	wire_free(w);
}
END_TEST

/* Domains are compared as domains, however they are written. */
START_TEST(test_dialback_written)
{
	struct wire *w = wire_new(CLEAR);
	struct end *asker = end_in(w), *e;
	char *answer;

	end_say(asker, GOOD_HEAD RESULT(REMOTE, OWN, "the key"));
	e = wire_opened(w);
	end_say(e, THEIRS FEATURES(DIALBACK));
	end_hears(e, "<db:verify ");
	wire_tell(w, "one");
	end_hears(e, "</db:result>");
	end_say(e, ANSWER("Remote.EXAMPLE.", "OWN.example", "valid"));
	end_hears(e, "id='one'");
	answer = xasprintf("<db:verify from='Remote.EXAMPLE.' to='OWN.example' id='%s' type='valid'/>",
			   w->x.streams->id);
	end_say(e, answer);
	free(answer);
	end_hears(asker, "<db:result from='" OWN "' to='" REMOTE "' type='valid'/>");
	end_free(e);
	end_free(asker);
	wire_free(w);
}
END_TEST

/* Without features (before version 1.0) dialback is all there is. */
START_TEST(test_dialback_old)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = wire_begin(w);

	end_say(e, HEAD("id='old' from='" REMOTE "' to='" OWN "'"));
	end_hears(e, "</db:result>");
	end_say(e, VALID);
	end_hears(e, "id='one'");
	ck_assert(!end_heard(e, "<enable"));
	/* Written and taken by the kernel: done. */
	wire_await(w, !w->x.items);
	ck_assert_uint_eq(w->x.stats.returned, 0);
	end_free(e);
	wire_free(w);
}
END_TEST

/* --- EXTERNAL: as if TLS stood, with a certificate that proves them --------------------------- */

static struct end *secured(struct wire *w)
{
	struct end *e = wire_opened(w);

	wire_stream(w)->secure = true;
	return e;
}

START_TEST(test_external)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e;

	wire_tell(w, "one");
	e = secured(w);
	end_say(e, THEIRS FEATURES(EXTERNAL DIALBACK BIDI SM_FEATURE));
	/* bidi is asked for first (XEP-0288); our domain is said (XEP-0178). */
	end_hears(e, "<bidi xmlns='urn:xmpp:bidi'><limits ");
	end_hears(e,
		  "</bidi><auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>b3duLmV4YW1wbGU=</auth>");
	/* Nothing is taken from whom it may carry before we are let in. */
	end_say(e, "<success xmlns='" NS_SASL "'/>");
	end_hears(e, "<stream:stream ");
	ck_assert(!end_heard(e, "<iq"));
	end_say(e, THEIRS FEATURES(DIALBACK SM_FEATURE));
	end_hears(e, "<enable " SM " resume='true' max='120'/>");
	end_hears(e, "id='one'");
	end_say(e, "<message from='a@" REMOTE "' to='b@" OWN "'/>");
	wire_await(w, w->x.stats.stanzas_in == 1);
	end_say(e, "<message from='a@" NOBODY "' to='b@" OWN "'/>");
	end_hears(e, "<invalid-from ");
	end_free(e);
	wire_free(w);
}
END_TEST

/* bidi was asked for: until our proof is accepted, the other direction is not open either. */
START_TEST(test_bidi_unproven)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = wire_begin(w);

	end_say(e, THEIRS FEATURES(DIALBACK BIDI));
	end_hears(e, "<bidi xmlns='urn:xmpp:bidi'>");
	end_hears(e, "</bidi><db:result ");
	end_say(e, "<message from='a@" REMOTE "' to='b@" OWN "'/>");
	end_hears(e, "<not-authorized ");
	end_closes(e);
	end_free(e);
	wire_returned(w, 1);
	ck_assert_uint_eq(w->x.stats.stanzas_in, 0);
	wire_free(w);
}
END_TEST

#define REFUSED "<failure xmlns='" NS_SASL "'><not-authorized/></failure>"

/* XEP-0178: a refused certificate, and dialback on the same stream. */
START_TEST(test_fallback)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e;

	wire_tell(w, "one");
	e = secured(w);
	end_say(e, THEIRS FEATURES(EXTERNAL DIALBACK));
	end_hears(e, "</auth>");
	end_say(e, REFUSED);
	end_hears(e, "<db:result ");
	end_say(e, VALID);
	end_hears(e, "id='one'");
	ck_assert(!end_heard(e, "<auth"));
	end_free(e);
	wire_free(w);
}
END_TEST

/* A refused certificate and then a closed stream: one more, by dialback alone, and no third. */
START_TEST(test_fallback_new_stream)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e;

	wire_tell(w, "one");
	e = secured(w);
	end_say(e, THEIRS FEATURES(EXTERNAL DIALBACK));
	end_hears(e, "</auth>");
	end_say(e, REFUSED "</stream:stream>");
	end_closes(e);
	end_free(e);
	e = secured(w);
	end_say(e, THEIRS FEATURES(EXTERNAL DIALBACK));
	end_hears(e, "<db:result ");
	ck_assert(!end_heard(e, "<auth"));
	end_say(e, "</stream:stream>");
	end_closes(e);
	end_free(e);
	wire_returned(w, 1);
	wire_await(w, !w->x.nopened);
	wire_turns(w, 5);
	ck_assert_int_lt(accept(w->listener, NULL, NULL), 0);
	wire_free(w);
}
END_TEST

/* The certificate was refused: it is shown again where there is no other way, and after a reload, which
 * may have brought a new one. */
static void shown_again(const char *config, const char *then)
{
	struct wire *w = wire_new(config);
	struct end *e;

	wire_tell(w, "one");
	e = secured(w);
	end_say(e, THEIRS FEATURES(EXTERNAL));
	end_hears(e, "</auth>");
	end_say(e, REFUSED "</stream:stream>");
	end_closes(e);
	end_free(e);
	if (!strstr(config, "forbidden")) {
		e = secured(w);
		end_say(e, THEIRS FEATURES(EXTERNAL) "</stream:stream>");
		end_closes(e);
		end_free(e);
	}
	wire_returned(w, 1);
	wire_await(w, !w->x.nopened);
	if (then)
		wire_reload(w, then);
	pair_find(&w->x, STR(OWN), STR(REMOTE))->retry_at = 0;
	wire_tell(w, "two");
	e = secured(w);
	end_say(e, THEIRS FEATURES(EXTERNAL));
	end_hears(e, "</auth>");
	end_free(e);
	wire_await(w, !w->x.items);
	wire_free(w);
}

START_TEST(test_shown_again)
{
	shown_again("s2s { tls = optional\n backoff_min = 60s\n dialback = forbidden }", NULL);
	shown_again(CLEAR, CLEAR);
}
END_TEST

/* --- the end ------------------------------------------------------------------------------- */

static const char *const states[] = {
	"",
	"<?xml version='1.0'?><stream:str",
	THEIRS,
	THEIRS "<stream:features><sta",
	THEIRS FEATURES(STARTTLS),
	THEIRS FEATURES(DIALBACK),
	THEIRS FEATURES(DIALBACK BIDI),
};

/* The connection breaks after so much: the stanza comes back, once, and nothing is left behind. */
START_TEST(test_breaks)
{
	struct wire *w = wire_new(CLEAR);
	struct end *e = wire_begin(w);

	end_say(e, states[_i]);
	wire_turns(w, 3);
	end_free(e);
	wire_returned(w, 1);
	wire_await(w, !w->x.nopened);
	wire_free(w);
}
END_TEST

Suite *out_suite(void)
{
	Suite *s = suite_create("out");
	TCase *t = tcase_create("out");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_failures, 0, ROWS(failures));
	tcase_add_loop_test(t, test_dialback_others, 0, ROWS(others));
	tcase_add_test(t, test_dialback_written);
	tcase_add_test(t, test_dialback_old);
	tcase_add_test(t, test_external);
	tcase_add_test(t, test_bidi_unproven);
	tcase_add_test(t, test_fallback);
	tcase_add_test(t, test_fallback_new_stream);
	tcase_add_test(t, test_shown_again);
	tcase_add_loop_test(t, test_breaks, 0, ROWS(states));
	suite_add_tcase(s, t);
	return s;
}
