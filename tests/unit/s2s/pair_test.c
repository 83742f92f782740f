/* SPDX-License-Identifier: MIT */
/* Pairs of domains: when one that failed is tried again, what waits for that, what is forgotten. */
#include "tests/unit/s2s/out_wire.h"
#include "tests/unit/s2s/s2s_tests.h"

static struct pair *remote(struct wire *w)
{
	return pair_get(&w->x, STR(OWN), STR(REMOTE));
}

static void fails(struct pair *p, bool passing)
{
	pair_failed(p, passing, STANZA_E_REMOTE_SERVER_TIMEOUT, "nobody is there");
}

/* The pause doubles up to its limit, give or take a quarter; who is reached has none. */
START_TEST(test_backoff)
{
	struct wire *w = wire_new("s2s { backoff_min = 1s\n backoff_max = 10s }");
	struct pair *p = remote(w);

	for (int round = 0; round < 2; round++) {
		for (uint64_t n = 1, ms = 1000; n < 12; n++, ms = ms < 5000 ? 2 * ms : 10000) {
			uint64_t pause;

			fails(p, true);
			pause = p->retry_at - p->failed_at;
			ck_assert_uint_ge(pause, ms - ms / 4);
			ck_assert_uint_le(pause, ms + ms / 4);
			ck_assert_uint_eq(p->failures, n);
			ck_assert(p->lost);
			ck_assert_str_eq(p->why, "nobody is there");
		}
		pair_reached(p);
		ck_assert(!p->lost && !p->failures && !p->retry_at);
	}
	wire_free(w);
}
END_TEST

/* By itself it is not looked for without end. */
START_TEST(test_reconnects)
{
	struct wire *w = wire_new("s2s { backoff_min = 600s }");
	struct pair *p = remote(w);
	int n = 0;

	pair_lost(p, 1);
	while (p->reconnect && n < 100) {
		fails(p, true);
		n++;
	}
	ck_assert_int_eq(n, 8);
	wire_free(w);
}
END_TEST

/* What was lost is come back to, though nothing waits. */
START_TEST(test_comes_back)
{
	struct wire *w = wire_new("s2s { tls = optional\n backoff_min = 50ms }");
	struct pair *p = remote(w);
	struct end *e;

	pair_lost(p, 1);
	pairs_look(&w->x);
	e = wire_opened(w);
	end_say(e, THEIRS FEATURES(DIALBACK));
	end_hears(e, "</db:result>");
	end_say(e, VALID);
	wire_await(w, p->via != NULL);
	ck_assert(!p->lost && !p->reconnect);
	end_free(e);
	wire_free(w);
}
END_TEST

/* A failure that may pass, or not; what comes then of a request and of a message. */
static const struct waiting {
	const char *config;
	bool passing;
	unsigned returned; /* of two */
} waiting[] = {
	{"s2s { tls = optional\n backoff_min = 1s }", true, 1},
	{"s2s { tls = optional\n backoff_min = 1s }", false, 2},
	/* It would wait for longer than it may. */
	{"s2s { tls = optional\n backoff_min = 60s\n retry_time = 30s }", true, 2},
	{"s2s { tls = optional\n backoff_min = 1s\n retry_time = 0s }", true, 2},
};

START_TEST(test_waiting)
{
	const struct waiting *r = &waiting[_i];
	struct wire *w = wire_new(r->config);
	struct pair *p = remote(w);
	struct end *e;

	fails(p, r->passing);
	wire_tell(w, "request");
	wire_message(w, REMOTE, "message");
	ck_assert_uint_eq(w->x.stats.returned, r->returned);
	ck_assert_uint_eq(p->nqueued, 2 - r->returned);
	ck_assert_ptr_null(p->out);
	if (r->returned == 1) { /* it is tried again when the time has come */
		e = wire_opened(w);
		end_say(e, THEIRS FEATURES(DIALBACK));
		end_hears(e, "</db:result>");
		end_say(e, VALID);
		end_hears(e, "id='message'");
		ck_assert_uint_eq(w->x.stats.returned, 1);
		end_free(e);
	}
	wire_free(w);
}
END_TEST

/* The next failure leaves it no time: once, with that failure. */
START_TEST(test_patience_ends)
{
	struct wire *w = wire_new("s2s { tls = optional\n backoff_min = 20s\n retry_time = 30s }");
	struct pair *p = remote(w);

	fails(p, true);
	wire_message(w, REMOTE, "message");
	ck_assert_uint_eq(w->x.stats.returned, 0);
	fails(p, true);
	wire_returned(w, 1);
	wire_free(w);
}
END_TEST

START_TEST(test_queue_time)
{
	struct wire *w = wire_new(
		"s2s { tls = optional\n backoff_min = 20s\n retry_time = 1h\n queue_time = 1s }");

	fails(remote(w), true);
	wire_message(w, REMOTE, "message");
	ck_assert_uint_eq(w->x.stats.returned, 0);
	wire_returned(w, 1);
	wire_free(w);
}
END_TEST

/* Who says that it is of that domain makes it worth a try, after the shortest pause. */
START_TEST(test_heard_of)
{
	struct wire *w = wire_new("s2s { tls = optional\n backoff_min = 1s }");
	struct pair *p = remote(w);
	struct end *asker, *e;

	for (int i = 0; i < 8; i++)
		fails(p, true);
	ck_assert_uint_gt(p->retry_at, p->failed_at + 60000);
	asker = end_in(w);
	end_say(asker, GOOD_HEAD RESULT(REMOTE, OWN, "the key"));
	e = wire_opened(w);
	end_say(e, THEIRS FEATURES(DIALBACK));
	end_hears(e, "<db:verify ");
	end_free(asker);
	end_free(e);
	wire_free(w);
}
END_TEST

/* A failure is remembered for a while, then nothing is left of the pair. */
START_TEST(test_forgotten)
{
	struct wire *w = wire_new("s2s { backoff_min = 0s\n backoff_max = 0s }");

	fails(remote(w), true);
	pairs_look(&w->x);
	ck_assert_uint_eq(HASH_COUNT(w->x.pairs), 1);
	wire_await(w, !w->x.pairs);
	wire_free(w);
}
END_TEST

/* That they are to come back themselves is remembered as long, and puts nothing off. */
START_TEST(test_gone)
{
	struct wire *w = wire_new("s2s { backoff_min = 0s\n backoff_max = 60s }");
	struct pair *p = remote(w);

	pair_gone(p);
	pairs_tick(&w->x);
	ck_assert_ptr_eq(pair_find(&w->x, STR(OWN), STR(REMOTE)), p);
	ck_assert(p->lost && !p->reconnect);
	wire_tell(w, "one");
	wire_await(w, w->x.nopened == 1);
	pair_reached(p);
	ck_assert(!p->lost);
	wire_free(w);
}
END_TEST

/* A trial has a pair that no stanza finds, also where one with these names is. */
START_TEST(test_trial)
{
	struct wire *w = wire_new("");
	struct pair *one = pair_test(&w->x, STR(OWN), STR(REMOTE)),
		    *two = pair_test(&w->x, STR(OWN), STR(REMOTE)), *p;

	ck_assert_ptr_null(pair_find(&w->x, STR(OWN), STR(REMOTE)));
	p = remote(w);
	ck_assert(p != one && p != two && one != two);
	ck_assert_ptr_eq(pair_find(&w->x, STR(OWN), STR(REMOTE)), p);
	ck_assert_str_eq(one->own, OWN);
	ck_assert_str_eq(one->remote, REMOTE);
	/* Names that run together are not the same. */
	ck_assert_ptr_null(pair_find(&w->x, STR(OWN REMOTE), STR("")));
	one->test = two->test = false;
	wire_free(w);
}
END_TEST

Suite *pair_suite(void)
{
	Suite *s = suite_create("pair");
	TCase *t = tcase_create("pair");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_backoff);
	tcase_add_test(t, test_reconnects);
	tcase_add_test(t, test_comes_back);
	tcase_add_loop_test(t, test_waiting, 0, ROWS(waiting));
	tcase_add_test(t, test_patience_ends);
	tcase_add_test(t, test_queue_time);
	tcase_add_test(t, test_heard_of);
	tcase_add_test(t, test_forgotten);
	tcase_add_test(t, test_gone);
	tcase_add_test(t, test_trial);
	suite_add_tcase(s, t);
	return s;
}
