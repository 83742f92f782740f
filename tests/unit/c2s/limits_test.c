/* SPDX-License-Identifier: MIT */
/* The limits on what a client may make us hold, and on its time. */
#include "tests/unit/c2s/bed.h"

static void big(struct peer *p, size_t n)
{
	char *text = xmalloc(n + 1);

	memset(text, 'x', n);
	text[n] = '\0';
	peer_send(p, "<message><body>");
	peer_send(p, text);
	peer_send(p, "</body></message>");
	free(text);
}

START_TEST(a_stanza_too_large)
{
	struct bed *b = bed_new("max_stanza_size = 20000");
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	big(p, 19000);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 1);
	big(p, 21000);
	peer_expect(p, STREAM_ERROR("policy-violation"));
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 1);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(strangers_have_less)
{
	struct bed *b = bed_new("login_bytes = 12000");
	struct peer *p = peer_new(b, false);

	peer_send(p, HEADER("example.com"));
	peer_expect(p, "<stream:stream");
	big(p, 10500);
	peer_expect(p, STREAM_ERROR("policy-violation"));
	peer_free(p);
	p = peer_new(b, false);
	peer_send(p, HEADER("example.com"));
	for (int i = 0; i < 13; i++) {
		char blanks[1001];

		memset(blanks, ' ', 1000);
		blanks[1000] = '\0';
		peer_send(p, blanks);
	}
	peer_expect(p, STREAM_ERROR("policy-violation"));
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_stanza_that_takes_too_long)
{
	struct bed *b = bed_new("stanza_timeout = 1s");
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	peer_send(p, "<message><body>");
	bed_wait(b, 3200);
	peer_expect(p, STREAM_ERROR("policy-violation"));
	peer_free(p);
	bed_free(b);
}
END_TEST

/* While the window is full, the rest of a stanza may lie unread; its time begins when we read. */
START_TEST(an_unread_stanza_is_not_late)
{
	struct bed *b = bed_new("stanza_timeout = 1s\nwindow = 4");
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	struct client *c = s->client;

	peer_send(p, "<message/><message/><message/><message/><message><body>");
	bed_turn(b);
	ck_assert_uint_eq(c->paused, PAUSE_WINDOW);
	ck_assert_uint_ne(c->partial_since, 0);
	c->partial_since -= 60;
	client_tick(c);
	ck_assert_uint_eq(c->phase, PHASE_BOUND);
	session_done(s, 4);
	ck_assert_uint_eq(c->paused, 0);
	ck_assert_uint_eq(c->partial_since, now_s(bed_c2s(b)));
	client_tick(c);
	ck_assert_uint_eq(c->phase, PHASE_BOUND);
	/* Nothing comes: now it is late. */
	while (c->phase == PHASE_BOUND)
		bed_turn(b);
	peer_expect(p, STREAM_ERROR("policy-violation"));
	peer_free(p);
	bed_free(b);
}
END_TEST

/* The same for time in which its rate is used up. */
START_TEST(a_slowed_stanza_is_not_late)
{
	struct bed *b = bed_new("stanza_timeout = 1s\nrate_bytes = 10k\nrate_burst = 1s");
	struct peer *p = peer_new(b, false);
	struct client *c = peer_login(p, 5)->client;
	char text[8001];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	peer_send(p, "<message><body>");
	for (int i = 0; i < 10 && !c->paused; i++)
		peer_send(p, text);
	ck_assert_uint_eq(c->paused, PAUSE_RATE);
	c->partial_since -= 60;
	client_tick(c);
	ck_assert_uint_eq(c->phase, PHASE_BOUND);
	while (c->paused)
		bed_turn(b);
	client_tick(c);
	ck_assert_uint_eq(c->phase, PHASE_BOUND);
	peer_free(p);
	bed_free(b);
}
END_TEST

/* An answer that we do not read is none that the client owes. */
START_TEST(unread_answers_are_not_late)
{
	struct bed *b = bed_new("window = 1\nack_timeout = 1s\nidle_ping = 1s\nidle_timeout = 1s");
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	struct client *c = s->client;
	struct msg_session_resumed r = {.attachment = 1, .max = 300};

	peer_send(p, "<enable xmlns='urn:xmpp:sm:3'/>");
	bed_reply(b, bed_sent(b, MSG_SESSION_SM), 0, MSG_SESSION_RESUMED, &r);
	peer_send(p, "<message/>");
	bed_turn(b);
	ck_assert_uint_eq(c->paused, PAUSE_WINDOW);
	ack_ask(s);
	s->acks->asked_at -= 60;
	c->last_in -= 60;
	c->probed = true;
	client_tick(c);
	ck_assert_ptr_eq(s->client, c);
	ck_assert_uint_eq(c->phase, PHASE_BOUND);
	session_done(s, 1);
	ck_assert_uint_eq(s->acks->asked_at, now_s(bed_c2s(b)));
	client_tick(c);
	ck_assert_ptr_eq(s->client, c);
	ck_assert_uint_eq(c->phase, PHASE_BOUND);
	/* Nothing comes: now it is late. */
	while (s->client)
		bed_turn(b);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_login_that_takes_too_long)
{
	struct bed *b = bed_new("login_timeout = 1s");
	struct peer *p = peer_new(b, false), *q = peer_new(b, true);

	peer_send(p, HEADER("example.com"));
	bed_wait(b, 3200);
	peer_expect(p, STREAM_ERROR("connection-timeout"));
	peer_expect_end(q); /* in the middle of TLS: without a word */
	ck_assert_str_eq(peer_heard(q), "");
	peer_free(p);
	peer_free(q);
	bed_free(b);
}
END_TEST

START_TEST(strangers_are_counted)
{
	struct bed *b = bed_new("unauthenticated = 2");
	struct peer *p = peer_new(b, false), *q = peer_new(b, false), *r;

	log_threshold = LOG_LEVEL_ERROR;
	r = peer_new(b, false);
	peer_expect_end(r);
	peer_free(r);
	peer_login(p, 5);
	r = peer_new(b, false);
	peer_send(r, HEADER("example.com"));
	peer_expect(r, "<stream:features>");
	peer_free(p);
	peer_free(q);
	peer_free(r);
	bed_free(b);
}
END_TEST

START_TEST(a_fast_client_is_slowed)
{
	struct bed *b = bed_new("rate_stanzas = 10\nrate_burst = 1s");
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);

	for (int i = 0; i < 40; i++)
		peer_send(p, "<message/>");
	bed_turn(b);
	ck_assert_uint_lt(s->in, 35);
	ck_assert(s->client->throttled);
	bed_wait(b, 3500);
	ck_assert_uint_ge(s->in, 35);
	ck_assert_ptr_nonnull(s->client); /* slowed, not dropped */
	peer_free(p);
	bed_free(b);
}
END_TEST

/* A rate of less than one a look adds up all the same. */
START_TEST(a_low_rate_goes_on)
{
	struct bed *b = bed_new("rate_stanzas = 5\nrate_burst = 1s");
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	struct client *c = s->client;

	for (int i = 0; i < 8 && !c->throttled; i++)
		peer_send(p, "<message/>");
	bed_turn(b);
	ck_assert(c->throttled);
	while (c->throttled)
		bed_turn(b);
	ck_assert_ptr_eq(s->client, c);
	/* 99 ms at 15 a second are one and a half. */
	bed_c2s(b)->config->rate_stanzas = 15;
	c->credit_stanzas = -1500;
	c->limited_ms = (uint32_t)loop_now(bed_c2s(b)->loop) - 99;
	limits_stanza(c);
	ck_assert_int_eq(c->credit_stanzas, -1500 - 1000 + 15 * 99);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_silent_client_is_asked)
{
	struct bed *b = bed_new("idle_whitespace = 1s\nidle_ping = 2s\nidle_timeout = 2s");
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	bed_wait(b, 2200);
	peer_expect(p, " ");
	bed_wait(b, 2000);
	peer_expect(p, "<ping xmlns='urn:xmpp:ping'/></iq>");
	bed_wait(b, 3500);
	peer_expect(p, STREAM_ERROR("connection-timeout"));
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *limits_suite(void)
{
	Suite *s = suite_create("limits");
	TCase *t = tcase_create("limits");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_stanza_too_large);
	tcase_add_test(t, strangers_have_less);
	tcase_add_test(t, a_stanza_that_takes_too_long);
	tcase_add_test(t, an_unread_stanza_is_not_late);
	tcase_add_test(t, a_slowed_stanza_is_not_late);
	tcase_add_test(t, unread_answers_are_not_late);
	tcase_add_test(t, a_login_that_takes_too_long);
	tcase_add_test(t, strangers_are_counted);
	tcase_add_test(t, a_fast_client_is_slowed);
	tcase_add_test(t, a_low_rate_goes_on);
	tcase_add_test(t, a_silent_client_is_asked);
	suite_add_tcase(s, t);
	return s;
}
