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
	tcase_add_loop_test(t, test_shared, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
