/* SPDX-License-Identifier: MIT */
/* The end of the process: clients that can resume are moved, the others told goodbye. */
#include "tests/unit/c2s/bed.h"

#define SM "xmlns='urn:xmpp:sm:3'"

static void enable(struct peer *p, struct bed *b)
{
	struct msg_session_resumed r = {.attachment = 1, .max = 300};

	peer_send(p, "<enable " SM " resume='true'/>");
	bed_reply(b, bed_sent(b, MSG_SESSION_SM), 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "<enabled ");
}

/* Some that can resume, one that cannot, one that has not logged in. */
struct crowd {
	struct peer *resumable[4], *plain, *stranger;
};

static struct crowd crowd_new(struct bed *b)
{
	struct crowd w;

	for (uint64_t i = 0; i < 4; i++) {
		w.resumable[i] = peer_new(b, false);
		peer_login(w.resumable[i], 10 + i);
		enable(w.resumable[i], b);
	}
	w.plain = peer_new(b, false);
	peer_login(w.plain, 20);
	w.stranger = peer_new(b, false);
	peer_send(w.stranger, HEADER("example.com"));
	peer_expect(w.stranger, "<stream:stream");
	bed_forget(b);
	return w;
}

static void crowd_free(struct crowd *w)
{
	for (size_t i = 0; i < 4; i++)
		peer_free(w->resumable[i]);
	peer_free(w->plain);
	peer_free(w->stranger);
}

static size_t moved(struct crowd *w, const char *error)
{
	size_t n = 0;

	for (size_t i = 0; i < 4; i++)
		n += strstr(peer_heard(w->resumable[i]), error) != NULL;
	return n;
}

START_TEST(clients_are_moved_over_a_time)
{
	struct bed *b = bed_new("drain_time = 2s");
	struct crowd w = crowd_new(b);
	size_t n;

	bed_others(b, true);
	c2s_process.drain(bed_c2s(b));
	peer_expect(w.stranger, STREAM_ERROR("system-shutdown"));
	bed_wait(b, 700);
	n = moved(&w, STREAM_ERROR("reset"));
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, 4);
	ck_assert_str_eq(peer_heard(w.plain), ""); /* it is served until the end */
	bed_give(b, 20, 1, 0, true, "<message/>");
	peer_expect(w.plain, "<message/>");
	bed_wait(b, 1600);
	ck_assert_uint_eq(moved(&w, STREAM_ERROR("reset")), 4);
	for (int i = 0; i < 4; i++)
		ck_assert(!((struct msg_session_close *)bed_sent(b, MSG_SESSION_CLOSE)->m)->closed);
	peer_expect(w.plain, STREAM_ERROR("system-shutdown"));
	ck_assert(((struct msg_session_close *)bed_sent(b, MSG_SESSION_CLOSE)->m)->closed);
	crowd_free(&w);
	bed_free(b);
}
END_TEST

START_TEST(they_are_sent_to_a_host)
{
	struct bed *b = bed_new("drain_time = 1s\ndrain_host = \"c2s-2.example.com:5222\"");
	struct crowd w = crowd_new(b);

	bed_others(b, true);
	c2s_process.drain(bed_c2s(b));
	bed_wait(b, 1200);
	ck_assert_uint_eq(
		moved(&w, "<see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
			  "c2s-2.example.com:5222</see-other-host></stream:error></stream:stream>"),
		4);
	crowd_free(&w);
	bed_free(b);
}
END_TEST

START_TEST(alone_it_does_not_wait)
{
	struct bed *b = bed_new("drain_time = 1h");
	struct crowd w = crowd_new(b);

	c2s_process.drain(bed_c2s(b));
	ck_assert_uint_eq(moved(&w, STREAM_ERROR("system-shutdown")), 4);
	peer_expect(w.plain, STREAM_ERROR("system-shutdown"));
	crowd_free(&w);
	bed_free(b);
}
END_TEST

START_TEST(when_the_others_stop_too)
{
	struct bed *b = bed_new("drain_time = 1h");
	struct crowd w = crowd_new(b);

	bed_others(b, true);
	c2s_process.drain(bed_c2s(b));
	bed_turn(b);
	ck_assert_str_eq(peer_heard(w.plain), "");
	bed_others(b, false);
	peer_expect(w.plain, STREAM_ERROR("system-shutdown"));
	crowd_free(&w);
	bed_free(b);
}
END_TEST

START_TEST(the_location_is_told)
{
	struct bed *b = bed_new("resume_location = \"[2001:db8::1]:5222\"");
	struct peer *p = peer_new(b, false);
	struct msg_session_resumed r = {.attachment = 1, .max = 300};

	peer_login(p, 5);
	peer_send(p, "<enable " SM " resume='1'/>");
	bed_reply(b, bed_sent(b, MSG_SESSION_SM), 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "resume='true' max='300' location='[2001:db8::1]:5222'/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *drain_suite(void)
{
	Suite *s = suite_create("drain");
	TCase *t = tcase_create("drain");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, clients_are_moved_over_a_time);
	tcase_add_test(t, they_are_sent_to_a_host);
	tcase_add_test(t, alone_it_does_not_wait);
	tcase_add_test(t, when_the_others_stop_too);
	tcase_add_test(t, the_location_is_told);
	suite_add_tcase(s, t);
	return s;
}
