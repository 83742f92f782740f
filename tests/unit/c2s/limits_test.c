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
	tcase_add_test(t, a_login_that_takes_too_long);
	tcase_add_test(t, strangers_are_counted);
	tcase_add_test(t, a_fast_client_is_slowed);
	tcase_add_test(t, a_silent_client_is_asked);
	suite_add_tcase(s, t);
	return s;
}
