/* SPDX-License-Identifier: MIT */
/* Stream management (XEP-0198): counters both ways, resumption, its errors. */
#include <errno.h>
#include "tests/unit/c2s/bed.h"

#define SM "xmlns='urn:xmpp:sm:3'"

static void enable(struct peer *p, struct bed *b)
{
	struct msg_session_resumed r = {.attachment = 1, .max = 300, .record = STR("rec2")};
	const struct msg_session_sm *m;
	struct sent *s;

	peer_send(p, "<enable " SM " resume='true' max='300'/>");
	s = bed_sent(b, MSG_SESSION_SM);
	m = s->m;
	ck_assert(m->resume);
	ck_assert_uint_eq(m->max, 300);
	bed_reply(b, s, 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "<enabled " SM " id='");
}

START_TEST(h_counts_what_is_done)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	peer_send(p, "<presence/>"); /* before: not counted */
	enable(p, b);
	peer_expect(p, "resume='true' max='300'/>");
	peer_send(p, "<message/><message/><r " SM "/>");
	peer_expect(p, "<a " SM " h='0'/>");
	bed_done(b, 5, 1);
	peer_expect(p, "<a " SM " h='0'/>"); /* the presence is done: still nothing counted */
	bed_done(b, 5, 3);
	peer_expect(p, "<a " SM " h='2'/>"); /* unasked */
	peer_send(p, "<r " SM "/>");
	peer_expect(p, "<a " SM " h='2'/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(the_clients_word_settles)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);

	bed_give(b, 5, 1, 0, true, "<message id='1'/>");
	bed_wait(b, 100);
	bed_forget(b);
	enable(p, b);
	bed_give(b, 5, 2, 60, true, "<message id='2'/>");
	bed_give(b, 5, 3, 61, true, "<message id='3'/>");
	peer_expect(p, "<message id='3'/>");
	peer_expect(p, "<r " SM "/>"); /* one for the burst */
	ck_assert_str_eq(peer_heard(p), "");
	ck_assert_uint_eq(bed_count(b, MSG_ACKED), 0);
	peer_send(p, "<a " SM " h='1'/>");
	bed_wait(b, 100);
	ck_assert_uint_eq(((struct msg_acked *)bed_sent(b, MSG_ACKED)->m)->sessions[0].n, 2);
	ck_assert_uint_eq(s->ngiven, 1);
	peer_expect(p, "<r " SM "/>"); /* for the rest */
	peer_send(p, "<a " SM " h='2'/>");
	bed_wait(b, 100);
	ck_assert_uint_eq(s->ngiven, 0);
	ck_assert_uint_eq(s->settled, 61);
	peer_free(p);
	bed_free(b);
}
END_TEST

/* While a burst comes, the client is asked after every so many stanzas. */
START_TEST(asked_every_so_many)
{
	struct bed *b = bed_new("ack_every = 3");
	struct peer *p = peer_new(b, false);
	static const char r[] = "<r " SM "/>";

	peer_login(p, 5);
	enable(p, b);
	peer_clear(p);
	for (uint32_t m = 1; m <= 7; m++)
		bed_give(b, 5, m, 0, true, "<message/>");
	peer_expect(p, "<message/><message/><message/>");
	peer_expect(p, r);
	peer_expect(p, "<message/><message/><message/>");
	peer_expect(p, r);
	peer_expect(p, "<message/>");
	ck_assert_ptr_null(strstr(peer_heard(p), r)); /* one is unanswered */
	peer_free(p);
	bed_free(b);
}
END_TEST

/* Few stanzas are much, when they are long: both the client and sm are kept going. */
START_TEST(asked_every_so_many_bytes)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	static const char r[] = "</message><r " SM "/>";

	peer_login(p, 5);
	enable(p, b);
	peer_clear(p);
	bed_give_long(b, 5, 1, 1);
	loop_timer_stop(bed_c2s(b)->ask_timer); /* not because of the time */
	bed_give_long(b, 5, 2, 100000);
	bed_give_long(b, 5, 3, 100000);
	ck_assert_ptr_null(strstr(peer_heard(p), r));
	bed_give_long(b, 5, 4, 100000);
	peer_expect(p, r);
	bed_give_long(b, 5, 5, 1000);
	ck_assert_ptr_null(strstr(peer_heard(p), r));
	peer_send(p, "<a " SM " h='2'/>");
	bed_turn(b);
	ck_assert(!bed_c2s(b)->acks_soon);
	peer_send(p, "<a " SM " h='4'/>");
	bed_turn(b);
	ck_assert(bed_c2s(b)->acks_soon || bed_count(b, MSG_ACKED));
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(acknowledging_too_much_ends_the_stream)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	enable(p, b);
	bed_give(b, 5, 1, 0, true, "<message/>");
	peer_send(p, "<a " SM " h='2'/>");
	peer_expect(p, STREAM_ERROR("undefined-condition"));
	peer_expect(p, "<handled-count-too-high " SM " h='2' send-count='1'/></stream:error>");
	peer_free(p);
	bed_free(b);
}
END_TEST

/* The answers are c2s's own: nobody can be told to hold them back. */
START_TEST(answers_that_nobody_reads)
{
	struct bed *b = bed_new("out_max = 4k\nout_limit = 64k\nrate_bytes = 0");
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	static const char ask[] = "<r " SM "/>";
	char asks[4000];
	size_t at;

	enable(p, b);
	for (at = 0; at + sizeof ask <= sizeof asks; at += sizeof ask - 1)
		memcpy(asks + at, ask, sizeof ask);
	peer_read(p, false);
	for (unsigned i = 0; s->client && i < 1000; i++)
		peer_send(p, asks);
	ck_assert_ptr_null(s->client);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(counters_wrap)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);

	s->in = s->done = s->out = s->acked = s->acked_told = UINT32_MAX - 1;
	enable(p, b);
	s->acks->in_base = s->acks->out_base = 0; /* as if it had run that long */
	for (uint32_t i = 0; i < 3; i++)
		bed_give(b, 5, UINT32_MAX + i, 0, true, "<message/>");
	peer_send(p, "<message/><message/><message/><a " SM " h='1'/><r " SM "/>");
	peer_expect(p, "<a " SM " h='4294967294'/>");
	ck_assert_uint_eq(s->acked, 1);
	bed_done(b, 5, 1);
	peer_expect(p, "<a " SM " h='1'/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(order_is_enforced)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	static const char unexpected[] =
		"<failed " SM
		"><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>";

	peer_send(p, HEADER("example.com"));
	bed_answer_offer(b);
	peer_send(p, "<enable " SM "/>");
	peer_expect(p, unexpected);
	peer_send(p, "<resume " SM " h='0' previd='x'/>");
	peer_expect(p, unexpected);
	peer_free(p);
	p = peer_new(b, false);
	peer_authenticate(p);
	peer_send(p, "<enable " SM "/>");
	peer_expect(p, unexpected);
	peer_free(p);
	p = peer_new(b, false);
	peer_login(p, 5);
	peer_send(p, "<resume " SM " h='0' previd='x'/>");
	peer_expect(p, unexpected);
	enable(p, b);
	peer_send(p, "<enable " SM "/>");
	peer_expect(p, "<stream:error>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_broken_session_is_not_closed)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	const struct msg_session_close *m;

	peer_login(p, 5);
	enable(p, b);
	bed_give(b, 5, 1, 0, true, "<message/>");
	peer_free(p);
	m = bed_sent(b, MSG_SESSION_CLOSE)->m;
	ck_assert(!m->closed);
	ck_assert_uint_eq(m->out, 1);
	ck_assert_uint_eq(m->unsent_from, 1); /* the client has acknowledged nothing */
	bed_free(b);
}
END_TEST

/* Its owner holds too much back for it: the connection ends, for the owner to keep the session. */
START_TEST(broken_by_its_owner)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_break m = {.sid = 5, .attachment = 2};
	const struct msg_session_close *close;

	peer_login(p, 5);
	enable(p, b);
	bed_give(b, 5, 1, 0, true, "<message/>");
	peer_send(p, "<message/>");
	bed_deliver(b, SM_ID, 7, MSG_SESSION_BREAK, &m); /* of another attachment */
	m.attachment = 1;
	bed_deliver(b, SM2_ID, 7, MSG_SESSION_BREAK, &m); /* not its owner */
	bed_turn(b);
	ck_assert_uint_eq(bed_count(b, MSG_SESSION_CLOSE), 0);
	bed_deliver(b, SM_ID, 7, MSG_SESSION_BREAK, &m);
	peer_expect_end(p);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 1); /* it goes before */
	close = bed_sent(b, MSG_SESSION_CLOSE)->m;
	ck_assert(!close->closed);
	ck_assert_uint_eq(close->unsent_from, 1);
	peer_free(p);
	bed_free(b);
}
END_TEST

/* The id that a session with these counters' beginnings has. */
#define ID "0000000000000005.1.2"

START_TEST(resumption_goes_on_where_it_was)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_given given = {.m = 6, .key = {1, 2, 3}, .log = 70};
	struct msg_session_resumed r = {.attachment = 4,
					.h = 11,
					.max = 300,
					.jid = STR("alice@example.com/r"),
					.record = STR("rec"),
					.settled = 69,
					.given = &given,
					.ngiven = 1};
	struct msg_give g = {.sid = 5, .attachment = 4, .m = 8, .xml = STR("<message id='8'/>")};
	const struct msg_session_resume *m;
	struct session *s;
	struct sent *f;

	peer_authenticate(p);
	peer_send(p, "<resume " SM " h='5' previd='" ID "'/>");
	f = bed_sent(b, MSG_SESSION_RESUME);
	m = f->m;
	ck_assert_uint_eq(m->sid, 5);
	ck_assert_uint_eq(m->h, 7);
	ck_assert(str_eqz(m->account, "alice@example.com"));
	bed_reply(b, f, 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "<resumed " SM " previd='" ID "' h='10'/>");
	s = session_find(bed_c2s(b), 5);
	ck_assert_uint_eq(s->in, 11);
	ck_assert_uint_eq(s->out, 7);
	ck_assert_uint_eq(s->ngiven, 1);
	bed_deliver(b, SM_ID, 7, MSG_GIVE, &g);
	peer_expect(p, "<message id='8'/>");
	peer_send(p, "<a " SM " h='6'/><message/><r " SM "/>");
	peer_expect(p, "<a " SM " h='10'/>");
	ck_assert_uint_eq(s->acked, 8);
	ck_assert_uint_eq(((struct msg_stanza *)bed_sent(b, MSG_STANZA)->m)->n, 12);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_session_that_is_still_there_is_taken_over)
{
	struct bed *b = bed_new(NULL);
	struct peer *old = peer_new(b, false), *p = peer_new(b, false);
	struct msg_session_resumed r = {
		.attachment = 2, .max = 300, .jid = STR("alice@example.com/r")};

	peer_login(old, 5);
	enable(old, b);
	peer_authenticate(p);
	peer_send(p, "<resume " SM " h='0' previd='0000000000000005.0.0'/>");
	bed_reply(b, bed_sent(b, MSG_SESSION_RESUME), 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "<resumed ");
	peer_expect(old, STREAM_ERROR("conflict"));
	peer_expect_end(old);
	ck_assert_uint_eq(session_find(bed_c2s(b), 5)->attachment, 2);
	ck_assert_uint_eq(bed_count(b, MSG_SESSION_CLOSE), 0);
	peer_free(old);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_refused_resumption_lets_the_client_bind)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_resumed r = {
		.error = 1 + STANZA_E_ITEM_NOT_FOUND, .known = true, .h = 4};
	struct msg_session_opened o = {.sid = 8, .jid = STR("alice@example.com/r")};

	peer_authenticate(p);
	peer_send(p, "<resume " SM " h='5' previd='nonsense'/>");
	peer_expect(p, "<failed " SM "><item-not-found ");
	peer_send(p, "<resume " SM " previd='" ID "'/>");
	peer_expect(p, "<failed " SM "><bad-request ");
	peer_send(p, "<resume " SM " h='5' previd='" ID "'/>");
	bed_reply(b, bed_sent(b, MSG_SESSION_RESUME), 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "<failed " SM " h='3'><item-not-found ");
	peer_send(p, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	bed_reply(b, bed_sent(b, MSG_SESSION_OPEN), 0, MSG_SESSION_OPENED, &o);
	peer_expect(p, "<jid>alice@example.com/r</jid>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(resumption_is_not_offered)
{
	struct bed *b = bed_new("resume_max = 0");
	struct peer *p = peer_new(b, false);
	struct msg_session_resumed r = {.attachment = 1};
	struct msg_session_opened o = {.sid = 5, .jid = STR("alice@example.com/r")};
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, "<resume " SM " h='5' previd='" ID "'/>");
	peer_expect(p, "<failed " SM "><feature-not-implemented ");
	ck_assert_uint_eq(bed_count(b, MSG_SESSION_RESUME), 0);
	peer_send(p, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	bed_reply(b, bed_sent(b, MSG_SESSION_OPEN), 0, MSG_SESSION_OPENED, &o);
	peer_expect(p, "<jid>alice@example.com/r</jid>");
	peer_send(p, "<enable " SM " resume='true'/>");
	s = bed_sent(b, MSG_SESSION_SM);
	ck_assert(!((struct msg_session_sm *)s->m)->resume);
	bed_reply(b, s, 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "<enabled " SM "/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(shutdown_leaves_it_resumable)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	enable(p, b);
	c2s_process.drain(bed_c2s(b));
	peer_expect(p, STREAM_ERROR("system-shutdown"));
	ck_assert(!((struct msg_session_close *)bed_sent(b, MSG_SESSION_CLOSE)->m)->closed);
	peer_free(p);
	ck_assert(bed_drained(b));
	bed_free(b);
}
END_TEST

/* A resumption whose client did not wait: the session is broken again, and can be resumed. */
START_TEST(a_resumption_that_comes_too_late)
{
	struct bed *b = bed_new("owner_timeout = 1s");
	struct peer *p = peer_new(b, false);
	struct msg_session_resumed r = {
		.attachment = 4, .h = 11, .max = 300, .jid = STR("alice@example.com/r")};
	const struct msg_session_close *m;
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, "<resume " SM " h='5' previd='" ID "'/>");
	s = bed_sent(b, MSG_SESSION_RESUME);
	bed_wait(b, 2300);
	peer_expect(p, "<failed " SM "><internal-server-error ");
	peer_expect(p, STREAM_ERROR("resource-constraint"));
	peer_free(p);
	bed_reply(b, s, 0, MSG_SESSION_RESUMED, &r);
	m = bed_sent(b, MSG_SESSION_CLOSE)->m;
	ck_assert_uint_eq(m->attachment, 4);
	ck_assert(!m->closed);
	ck_assert_uint_eq(m->out, 7);
	bed_free(b);
}
END_TEST

/* It is asked again for a client that is gone, but only for what was lost with the answer. */
START_TEST(a_lost_answer_to_a_resumption)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, "<resume " SM " h='5' previd='" ID "'/>");
	s = bed_sent(b, MSG_SESSION_RESUME);
	ck_assert(!((struct msg_session_resume *)s->m)->undo);
	bed_reply(b, s, -EHOSTUNREACH, 0, NULL);
	peer_free(p);
	bed_wait(b, 300);
	ck_assert(((struct msg_session_resume *)bed_sent(b, MSG_SESSION_RESUME)->m)->undo);
	bed_free(b);
}
END_TEST

/* The owner changes meanwhile: the new one was announced a session that cannot be resumed. */
START_TEST(enabled_at_an_owner_that_is_lost)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_resumed r = {.attachment = 1, .max = 300, .record = STR("rec2")};
	struct sent *s;

	peer_login(p, 5);
	peer_send(p, "<enable " SM " resume='true'/>");
	s = bed_sent(b, MSG_SESSION_SM);
	bed_owner(b, SM2_ID, 8);
	bed_reply(b, s, 0, MSG_SESSION_RESUMED, &r);
	ck_assert_str_eq(peer_heard(p), "");
	s = bed_sent(b, MSG_SESSION_SM);
	ck_assert_uint_eq(s->head.to, SM2_ID);
	ck_assert_uint_eq(s->head.to_epoch, 8);
	bed_reply(b, s, 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "<enabled " SM " id='");
	peer_free(p);
	bed_free(b);
}
END_TEST

/* The id never reached the client: nobody can resume, nobody shall wait for it. */
START_TEST(a_connection_that_breaks_while_it_is_enabled)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	peer_send(p, "<enable " SM " resume='true'/>");
	bed_sent(b, MSG_SESSION_SM);
	peer_free(p);
	ck_assert(((struct msg_session_close *)bed_sent(b, MSG_SESSION_CLOSE)->m)->closed);
	bed_free(b);
}
END_TEST

/* Resumption with all counters about to wrap. */
START_TEST(resumption_wraps)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_resumed r = {
		.attachment = 2, .h = 3, .max = 300, .jid = STR("alice@example.com/r")};
	struct msg_give g = {.sid = 5, .attachment = 2, .m = 2, .xml = STR("<message id='2'/>")};
	const struct msg_session_resume *m;
	struct session *s;
	struct sent *f;

	peer_authenticate(p);
	/* The client's counters began at 2^32 - 4 and 2^32 - 2 of the session's. */
	peer_send(p, "<resume " SM " h='3' previd='0000000000000005.fffffffc.fffffffe'/>");
	f = bed_sent(b, MSG_SESSION_RESUME);
	m = f->m;
	ck_assert_uint_eq(m->h, 1);
	bed_reply(b, f, 0, MSG_SESSION_RESUMED, &r);
	peer_expect(p, "h='7'/>");
	s = session_find(bed_c2s(b), 5);
	bed_deliver(b, SM_ID, 7, MSG_GIVE, &g);
	peer_expect(p, "<message id='2'/>");
	peer_send(p, "<a " SM " h='4'/><message/><r " SM "/>");
	peer_expect(p, "<a " SM " h='7'/>");
	ck_assert_uint_eq(s->acked, 2);
	bed_done(b, 5, 4);
	peer_expect(p, "<a " SM " h='8'/>");
	peer_send(p, "<a " SM " h='5'/>"); /* one more than there was */
	peer_expect(p, "<handled-count-too-high " SM " h='5' send-count='4'/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *ack_suite(void)
{
	Suite *s = suite_create("ack");
	TCase *t = tcase_create("ack");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, h_counts_what_is_done);
	tcase_add_test(t, the_clients_word_settles);
	tcase_add_test(t, asked_every_so_many);
	tcase_add_test(t, asked_every_so_many_bytes);
	tcase_add_test(t, acknowledging_too_much_ends_the_stream);
	tcase_add_test(t, answers_that_nobody_reads);
	tcase_add_test(t, counters_wrap);
	tcase_add_test(t, order_is_enforced);
	tcase_add_test(t, a_broken_session_is_not_closed);
	tcase_add_test(t, broken_by_its_owner);
	tcase_add_test(t, resumption_goes_on_where_it_was);
	tcase_add_test(t, a_session_that_is_still_there_is_taken_over);
	tcase_add_test(t, a_refused_resumption_lets_the_client_bind);
	tcase_add_test(t, resumption_is_not_offered);
	tcase_add_test(t, shutdown_leaves_it_resumable);
	tcase_add_test(t, a_resumption_that_comes_too_late);
	tcase_add_test(t, a_connection_that_breaks_while_it_is_enabled);
	tcase_add_test(t, a_lost_answer_to_a_resumption);
	tcase_add_test(t, enabled_at_an_owner_that_is_lost);
	tcase_add_test(t, resumption_wraps);
	suite_add_tcase(s, t);
	return s;
}
