/* SPDX-License-Identifier: MIT */
/* Rules that a reload changes: what happens at once to streams and to what waits. */
#include "tests/unit/s2s/out_wire.h"
#include "tests/unit/s2s/s2s_tests.h"

#define RULES	   "tls = optional\n backoff_min = 0s\n piggyback = dns"
#define BEFORE	   "s2s { " RULES " }"
#define DENY(what) "s2s { " RULES "\n deny = {\"" what "\"} }"

static struct end *ready(struct wire *w)
{
	struct end *e = wire_ready(w, THEIRS FEATURES(DIALBACK));

	end_hears(e, "id='one'");
	wire_await(w, !w->x.items);
	return e;
}

/* What waits for a domain that is denied comes back, the rest does not. */
START_TEST(test_queue)
{
	struct wire *w = wire_new("s2s { tls = optional\n backoff_min = 20s }");

	for (int i = 0; i < 2; i++)
		pair_failed(pair_get(&w->x, STR(OWN), i ? STR(REMOTE) : STR(BESIDE)), true,
			    STANZA_E_REMOTE_SERVER_TIMEOUT, "away");
	pair_lost(pair_find(&w->x, STR(OWN), STR(REMOTE)), 100);
	wire_message(w, REMOTE, "one");
	wire_message(w, REMOTE, "two");
	wire_message(w, BESIDE, "three");
	wire_reload(w, "s2s { tls = optional\n backoff_min = 20s\n deny = {\"" REMOTE "\"} }");
	ck_assert_uint_eq(w->x.stats.returned, 2);
	ck_assert(!pair_find(&w->x, STR(OWN), STR(REMOTE))->reconnect);
	ck_assert_uint_eq(pair_find(&w->x, STR(OWN), STR(BESIDE))->nqueued, 1);
	wire_free(w);
}
END_TEST

/* The rules after it; hear NULL: the stream stays. */
static const struct row {
	const char *after, *hear;
} rows[] = {
	{BEFORE, NULL},
	{DENY(NOBODY), NULL},
	{DENY(REMOTE), "<policy-violation "},
	{DENY("example"), "<policy-violation "},
	{"s2s { " RULES "\n allow = {\"" NOBODY "\"} }", "<policy-violation "},
	{BEFORE " remote \"" REMOTE "\" { tls = required }", "</stream:stream>"},
	{BEFORE " remote \"" REMOTE "\" { peer_certificate = required }", "</stream:stream>"},
	{BEFORE " remote \"" REMOTE "\" { dialback = required }", "</stream:stream>"},
	{BEFORE " remote \"" NOBODY "\" { tls = required }", NULL},
};

static void settled(struct wire *w, struct end *e, const char *hear)
{
	if (hear) {
		end_hears(e, hear);
		end_free(e);
		wire_await(w, !w->x.nstreams);
	} else {
		wire_turns(w, 3);
		ck_assert(!end_heard(e, "</stream:stream>"));
		ck_assert_uint_eq(w->x.nstreams, 1);
		end_free(e);
	}
}

START_TEST(test_out)
{
	const struct row *r = &rows[_i];
	struct wire *w = wire_new(BEFORE);
	struct end *e = ready(w);

	wire_reload(w, r->after);
	settled(w, e, r->hear);
	/* Nothing was lost: it is not come back to by itself. */
	if (r->hear)
		ck_assert(!pair_get(&w->x, STR(OWN), STR(REMOTE))->reconnect);
	ck_assert_uint_eq(w->x.stats.returned, 0);
	wire_free(w);
}
END_TEST

START_TEST(test_in)
{
	const struct row *r = &rows[_i];
	struct wire *w = wire_new(BEFORE);
	struct end *e = end_proven(w);

	wire_reload(w, r->after);
	settled(w, e, r->hear);
	wire_free(w);
}
END_TEST

/* A stream that is not ready yet: no other try, and what waited for it comes back. */
START_TEST(test_under_way)
{
	static const char *const said[] = {"", THEIRS, THEIRS FEATURES(DIALBACK)};
	struct wire *w = wire_new(BEFORE);
	struct end *e = wire_begin(w);

	end_say(e, said[_i]);
	wire_turns(w, 3);
	wire_reload(w, DENY(REMOTE));
	end_hears(e, "</stream:stream>");
	end_free(e);
	wire_returned(w, 1);
	wire_await(w, !w->x.nopened);
	ck_assert_int_lt(accept(w->listener, NULL, NULL), 0);
	wire_free(w);
}
END_TEST

/* One that comes or goes in the clear while its domain is being proven. */
START_TEST(test_being_proven)
{
	struct wire *w = wire_new(BEFORE);
	struct end *e = end_in(w);

	end_say(e, _i ? GOOD_HEAD RESULT(REMOTE, OWN, "k") : GOOD_HEAD RESULT(BESIDE, OWN, "k"));
	end_hears(e, "</stream:features>");
	wire_await(w, wire_stream(w)->proofs || w->x.nstreams > 1);
	wire_reload(w, _i ? BEFORE " remote \"" REMOTE "\" { tls = required }"
			  : BEFORE " remote \"" BESIDE "\" { tls = required }");
	end_hears(e, "</stream:stream>");
	end_free(e);
	wire_free(w);
}
END_TEST

START_TEST(test_under_way_anew)
{
	struct wire *w = wire_new(BEFORE);
	struct end *e = wire_begin(w), *again;

	end_say(e, THEIRS);
	wire_turns(w, 3);
	wire_reload(w, BEFORE " remote \"" REMOTE "\" { peer_certificate = required }");
	end_hears(e, "</stream:stream>");
	again = end_accept(w);
	ck_assert_uint_eq(w->x.stats.returned, 0);
	end_free(e);
	end_free(again);
	wire_returned(w, 1);
	wire_free(w);
}
END_TEST

/* XEP-0198 section 4: before the end they hear what was taken, and we what they have. */
START_TEST(test_acknowledged_first)
{
	static const char other[] = BEFORE " remote \"" REMOTE "\" { tls = required }";
	struct wire *w = wire_new(BEFORE);
	struct end *e = end_proven(w);
	struct stream *s;

	end_say(e, "<enable " SM "/>");
	end_hears(e, "<enabled ");
	wire_reload(w, other);
	end_hears(e, "<a " SM " h='0'/></stream:stream>");
	end_free(e);
	wire_await(w, !w->x.nstreams);
	wire_reload(w, BEFORE);
	e = wire_ready(w, THEIRS FEATURES(DIALBACK SM_FEATURE));
	s = wire_stream(w);
	end_hears(e, "id='one'");
	end_say(e, "<enabled " SM "/>");
	wire_await(w, s->sm);
	wire_reload(w, other);
	wire_message(w, REMOTE, "two");
	wire_turns(w, 3);
	ck_assert(!end_heard(e, "</stream:stream>") && !end_heard(e, "id='two'"));
	end_say(e, "<a " SM " h='1'/>");
	end_hears(e, "</stream:stream>");
	ck_assert_uint_eq(w->x.stats.returned, 0);
	end_free(e);
	e = wire_opened(w); /* for the other, by the rules of today */
	end_say(e, THEIRS FEATURES(DIALBACK));
	wire_returned(w, 1);
	end_free(e);
	wire_free(w);
}
END_TEST

/* What may be gone on with is not, to a domain that is denied. */
START_TEST(test_detached)
{
	struct wire *w = wire_new(BEFORE);
	struct end *e = wire_ready(w, THEIRS FEATURES(DIALBACK SM_FEATURE));

	end_hears(e, "id='one'");
	end_say(e, "<enabled " SM " id='x' resume='true'/>");
	wire_await(w, wire_stream(w)->sm);
	end_free(e);
	wire_await(w, w->x.ndetached == 1);
	wire_reload(w, DENY(REMOTE));
	ck_assert_uint_eq(w->x.ndetached, 0);
	ck_assert_uint_eq(w->x.stats.returned, 1);
	wire_free(w);
}
END_TEST

/* The stream to one domain takes stanzas for another, whose rules change. */
START_TEST(test_shared)
{
	static const struct row shared[] = {
		{DENY(BESIDE), "<policy-violation "},
		{BEFORE " remote \"" BESIDE "\" { tls = required }", "</stream:stream>"},
		{BEFORE " remote \"" NOBODY "\" { tls = required }", NULL},
	};
	struct wire *w = wire_new(BEFORE);
	struct end *e = ready(w);

	wire_tell_to(w, BESIDE, "two");
	end_hears(e, "</db:result>");
	end_say(e, ANSWER(BESIDE, OWN, "valid"));
	end_hears(e, "id='two'");
	wire_await(w, !w->x.items);
	wire_reload(w, shared[_i].after);
	settled(w, e, shared[_i].hear);
	wire_free(w);
}
END_TEST

Suite *enforce_suite(void)
{
	Suite *s = suite_create("enforce");
	TCase *t = tcase_create("enforce");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_queue);
	tcase_add_loop_test(t, test_out, 0, ROWS(rows));
	tcase_add_loop_test(t, test_in, 0, ROWS(rows));
	tcase_add_loop_test(t, test_under_way, 0, 3);
	tcase_add_loop_test(t, test_being_proven, 0, 2);
	tcase_add_test(t, test_under_way_anew);
	tcase_add_test(t, test_acknowledged_first);
	tcase_add_test(t, test_detached);
	tcase_add_loop_test(t, test_shared, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
