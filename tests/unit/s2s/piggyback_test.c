/* SPDX-License-Identifier: MIT */
/* Several remote domains on one stream that we opened (XEP-0220 section 2.6.2): when one is asked
 * for, whose answer counts, and what comes of those that are refused. */
#include "s2s/resume.h"
#include "tests/unit/s2s/out_wire.h"
#include "tests/unit/s2s/s2s_tests.h"

#define SHARED		    "tls = optional\n piggyback = dns\n backoff_min = 0s"
#define SHARING		    "s2s { " SHARED " }"
#define ASKED		    "<db:result from='" OWN "' to='" BESIDE "'>"
#define ACCEPTED	    ANSWER(BESIDE, OWN, "valid")
#define PING_OF(domain, id) "<iq to='b@" domain "' from='a@" OWN "' id='" id "' type='get'/>"

static struct pair *beside(struct wire *w)
{
	return pair_find(&w->x, STR(OWN), STR(BESIDE));
}

/* A stream to REMOTE, over which a stanza went; then BESIDE is asked for over it. */
static struct end *asked(struct wire *w, const char *features)
{
	char *say = xasprintf("%s%s", THEIRS, features);
	struct end *e = wire_ready(w, say);

	free(say);
	end_hears(e, "id='one'");
	wire_tell_to(w, BESIDE, "two");
	end_hears(e, ASKED);
	end_hears(e, "</db:result>");
	return e;
}

/* The stream that BESIDE gets by itself. */
static struct end *alone(struct wire *w)
{
	struct end *e = end_accept(w);

	end_hears(e, " from='" OWN "' to='" BESIDE "' version='1.0'");
	return e;
}

static bool recorded(struct wire *w, const char *text)
{
	json_t *list = attempts_json(w->x.attempts, STR(BESIDE), 0);
	char *dump = json_dumps(list, 0);
	bool found = strstr(dump, text) != NULL;

	free(dump);
	json_decref(list);
	return found;
}

/* --- it is taken ------------------------------------------------------------------------------ */

START_TEST(test_shared)
{
	struct wire *w = wire_new(SHARING);
	struct end *e = asked(w, FEATURES(DIALBACK SM_FEATURE));
	struct stream *s = pair_find(&w->x, STR(OWN), STR(REMOTE))->via;

	/* Not a word of it before the other server has agreed, whatever others say. */
	end_say(e, ANSWER(NOBODY, OWN, "valid") ANSWER(BESIDE, OTHER, "valid")
			   ANSWER(OWN, BESIDE, "valid"));
	wire_turns(w, 3);
	ck_assert(!end_heard(e, "id='two'"));
	end_say(e, ACCEPTED);
	end_hears(e, PING_OF(BESIDE, "two"));
	ck_assert_ptr_eq(beside(w)->via, s);
	ck_assert_ptr_null(beside(w)->out);
	ck_assert_uint_eq(w->x.nopened, 1);
	ck_assert_uint_eq(w->x.stats.shared, 1);
	ck_assert(recorded(w, "shares the stream to " REMOTE));
	/* Both go on as they came. */
	wire_tell(w, "three");
	wire_tell_to(w, BESIDE, "four");
	end_hears(e, "id='three'");
	end_hears(e, "id='four'");
	ck_assert_int_lt(accept(w->listener, NULL, NULL), 0);
	end_free(e);
	wire_free(w);
}
END_TEST

/* XEP-0198 counts all stanzas of a stream, whomever they are for. */
START_TEST(test_counted)
{
	struct wire *w = wire_new(SHARING);
	struct end *e = asked(w, FEATURES(DIALBACK SM_FEATURE));

	end_say(e, "<enabled " SM "/>" ACCEPTED);
	end_hears(e, "id='two'");
	wire_tell(w, "three");
	end_hears(e, "id='three'");
	ck_assert_uint_eq(HASH_COUNT(w->x.items), 3);
	end_say(e, "<a " SM " h='2'/>");
	wire_await(w, HASH_COUNT(w->x.items) == 1);
	ck_assert_uint_eq(beside(w)->written, 0);
	end_say(e, "<a " SM " h='3'/>");
	wire_await(w, !w->x.items);
	ck_assert_uint_eq(w->x.stats.returned, 0);
	end_free(e);
	wire_free(w);
}
END_TEST

/* The connection breaks, the stream goes on: what it had not done is written again, over a stream
 * on which it is allowed again, and nothing of that pair before. */
START_TEST(test_resumed)
{
	struct wire *w = wire_new(SHARING);
	struct end *e = asked(w, FEATURES(DIALBACK SM_FEATURE));

	end_say(e, "<enabled " SM " id='x' resume='true'/>" ACCEPTED);
	end_hears(e, "id='two'");
	wire_await(w, wire_stream(w)->resumable);
	end_free(e);
	e = wire_opened(w);
	ck_assert_uint_eq(w->x.ndetached, 1);
	ck_assert(beside(w)->lost);
	beside(w)->reconnect = false; /* it would come by itself, too */
	end_say(e, THEIRS FEATURES(DIALBACK SM_FEATURE));
	end_hears(e, "</db:result>");
	end_say(e, VALID);
	end_hears(e, "<resume " SM " h='0' previd='x'/>");
	end_say(e, "<resumed " SM " previd='x' h='1'/>");
	end_hears(e, ASKED);
	ck_assert(!end_heard(e, "id='two'"));
	end_say(e, ACCEPTED);
	wire_tell_to(w, BESIDE, "three");
	end_hears(e, "id='two'");
	end_hears(e, "id='three'");
	end_say(e, "<a " SM " h='3'/>");
	wire_await(w, !w->x.items);
	ck_assert_uint_eq(w->x.stats.returned, 0);
	end_free(e);
	wire_free(w);
}
END_TEST

/* XEP-0288: a stream that goes both ways does so for the further domain, from its answer on. */
START_TEST(test_both_ways)
{
	struct wire *w = wire_new(SHARING);
	struct end *e = asked(w, FEATURES(DIALBACK BIDI));

	if (_i == 0) {
		end_say(e, ACCEPTED MESSAGE("a@" BESIDE, "b@" OWN));
		wire_await(w, w->x.stats.stanzas_in == 1);
		end_say(e, MESSAGE("a@" BESIDE, "b@" OTHER));
	} else {
		end_say(e, MESSAGE("a@" BESIDE, "b@" OWN));
	}
	end_hears(e, "<invalid-from ");
	ck_assert_uint_eq(w->x.stats.stanzas_in, _i == 0);
	end_free(e);
	wire_free(w);
}
END_TEST

/* The stream breaks: those who shared it look for the domain again, as its own pair does. */
START_TEST(test_lost)
{
	struct wire *w = wire_new("s2s { tls = optional\n piggyback = dns\n backoff_min = 50ms }");
	struct end *e = asked(w, FEATURES(DIALBACK));

	end_say(e, ACCEPTED);
	end_hears(e, "id='two'");
	wire_await(w, !w->x.items);
	end_free(e);
	wire_await(w, !w->x.nstreams);
	ck_assert(beside(w)->lost && beside(w)->reconnect);
	ck_assert(pair_find(&w->x, STR(OWN), STR(REMOTE))->reconnect);
	ck_assert_ptr_null(beside(w)->via);
	for (int i = 0; i < 2; i++)
		end_free(end_accept(w));
	wire_free(w);
}
END_TEST

/* --- it is not asked for ---------------------------------------------------------------------- */

static const struct row {
	const char *config, *features;
} apart[] = {
	{SHARING, FEATURES("<dialback xmlns='urn:xmpp:features:dialback'/>")},
	{"s2s { tls = optional\n piggyback = never }", FEATURES(DIALBACK)},
	{"s2s { tls = optional }", FEATURES(DIALBACK)}, /* there is no certificate */
	{SHARING " remote \"" BESIDE "\" { dialback = forbidden }", FEATURES(DIALBACK)},
	{SHARING " remote \"" BESIDE "\" { tls = required }", FEATURES(DIALBACK)},
	{SHARING " remote \"" BESIDE "\" { peer_certificate = required }", FEATURES(DIALBACK)},
	{"s2s { " SHARED "\n max_pairs = 1 }", FEATURES(DIALBACK)},
};

START_TEST(test_apart)
{
	const struct row *r = &apart[_i];
	struct wire *w = wire_new(r->config);
	char *say = xasprintf("%s%s", THEIRS, r->features);
	struct end *e, *own;

	e = wire_ready(w, say);
	end_hears(e, "id='one'");
	wire_tell_to(w, BESIDE, "two");
	own = alone(w);
	wire_turns(w, 3);
	ck_assert(!end_heard(e, "<db:result"));
	free(say);
	end_free(own);
	end_free(e);
	wire_free(w);
}
END_TEST

/* --- it is refused ---------------------------------------------------------------------------- */

static const char *const refusals[] = {
	"<db:result from='" BESIDE "' to='" OWN
	"' type='error'><error type='cancel'><item-not-found "
	"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
	ANSWER(BESIDE, OWN, "invalid"),
	ANSWER(BESIDE, OWN, "what"),
	"</stream:stream>",
	"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
	"no XML",
	NULL, /* it breaks */
};

/* One connection of its own, once; no other stream is asked for a while. */
START_TEST(test_refused)
{
	struct wire *w = wire_new(SHARING);
	struct end *e = asked(w, FEATURES(DIALBACK)), *own;

	if (refusals[_i])
		end_say(e, refusals[_i]);
	else
		end_free(e);
	own = alone(w);
	if (_i == 0) {
		ck_assert(recorded(w, "item-not-found"));
		end_say(own, HEAD("id='own' from='" BESIDE "' to='" OWN "' version='1.0'")
				     FEATURES(DIALBACK));
		end_hears(own, ASKED);
		end_say(own, ACCEPTED);
		end_hears(own, "id='two'");
		wire_tell(w, "three");
		end_hears(e, "id='three'");
		ck_assert(!end_heard(e, "<db:result"));
	}
	ck_assert(beside(w)->alone_until > loop_now(w->x.loop));
	ck_assert_uint_eq(w->x.stats.shared, 0);
	end_free(own);
	if (refusals[_i])
		end_free(e);
	wire_free(w);
}
END_TEST

/* No answer in time: a connection of its own; the answer may still come, and a stream that goes
 * both ways is theirs then. */
START_TEST(test_late)
{
	struct wire *w = wire_new("s2s { " SHARED "\n login_timeout = 1s }");
	struct end *e = asked(w, FEATURES(DIALBACK BIDI)), *own = alone(w);

	ck_assert(recorded(w, "no answer in time"));
	end_say(own,
		HEAD("id='own' from='" BESIDE "' to='" OWN "' version='1.0'") FEATURES(DIALBACK));
	end_hears(own, ASKED);
	end_say(e, ACCEPTED MESSAGE("a@" BESIDE, "b@" OWN));
	wire_await(w, w->x.stats.stanzas_in == 1);
	end_hears(e, "id='two'"); /* it was the first to be there */
	ck_assert_ptr_nonnull(beside(w)->out);
	end_free(own);
	end_free(e);
	wire_free(w);
}
END_TEST

/* A server that never answers keeps no stream open for ever. */
START_TEST(test_mute)
{
	struct wire *w = wire_new("s2s { " SHARED "\n login_timeout = 1s\n idle_out = 1s }");
	struct end *e = asked(w, FEATURES(DIALBACK)), *own = alone(w);

	end_hears(e, "</stream:stream>");
	end_free(e);
	wire_await(w, !beside(w)->joining);
	end_free(own);
	wire_free(w);
}
END_TEST

/* Both servers could wait for each other: a key of theirs is asked about over a connection of its
 * own, at once. */
START_TEST(test_key_meanwhile)
{
	struct wire *w = wire_new(SHARING);
	struct end *e = asked(w, FEATURES(DIALBACK)), *theirs = end_in(w), *own;

	end_say(theirs, HEAD("from='" BESIDE "' to='" OWN "' version='1.0'")
				RESULT(BESIDE, OWN, "the key"));
	own = alone(w);
	end_say(own,
		HEAD("id='own' from='" BESIDE "' to='" OWN "' version='1.0'") FEATURES(DIALBACK));
	end_hears(own, "<db:verify from='" OWN "' to='" BESIDE "'");
	end_say(e, ACCEPTED);
	end_hears(e, "id='two'");
	end_free(theirs);
	end_free(own);
	end_free(e);
	wire_free(w);
}
END_TEST

/* The operator closes what waits: its stanza comes back, the stream that was asked stays. */
START_TEST(test_denied)
{
	struct wire *w = wire_new(SHARING);
	struct end *e = asked(w, FEATURES(DIALBACK));

	stream_break(beside(w)->out, 0, "closed by the operator");
	wire_returned(w, 1);
	end_say(e, ACCEPTED);
	wire_tell(w, "three");
	end_hears(e, "id='three'");
	wire_tell_to(w, BESIDE, "four");
	end_hears(e, "id='four'");
	ck_assert_uint_eq(w->x.nopened, 1);
	end_free(e);
	wire_free(w);
}
END_TEST

Suite *piggyback_suite(void)
{
	Suite *s = suite_create("piggyback");
	TCase *t = tcase_create("piggyback");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_shared);
	tcase_add_test(t, test_counted);
	tcase_add_test(t, test_resumed);
	tcase_add_loop_test(t, test_both_ways, 0, 2);
	tcase_add_test(t, test_lost);
	tcase_add_loop_test(t, test_apart, 0, ROWS(apart));
	tcase_add_loop_test(t, test_refused, 0, ROWS(refusals));
	tcase_add_test(t, test_late);
	tcase_add_test(t, test_mute);
	tcase_add_test(t, test_key_meanwhile);
	tcase_add_test(t, test_denied);
	suite_add_tcase(s, t);
	return s;
}
