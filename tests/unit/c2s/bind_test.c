/* SPDX-License-Identifier: MIT */
/* Resource binding (RFC 6120 section 7). */
#include <errno.h>
#include "tests/unit/c2s/bed.h"

#define BIND(inner)                                                                                \
	"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" inner "</bind></"  \
	"iq>"

static const char *const before[] = {
	"<message to='bob@example.com'><body>hi</body></message>",
	"<presence/>",
	"<iq type='get' id='1' to='example.com'><query xmlns='jabber:iq:roster'/></iq>",
	"<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
	BIND("") "<presence/>",
};

START_TEST(nothing_is_processed_before_binding)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_authenticate(p);
	peer_send(p, before[_i]);
	peer_expect(p, STREAM_ERROR("not-authorized"));
	peer_expect_end(p);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 0);
	peer_free(p);
	if (bed_count(b, MSG_SESSION_OPEN)) { /* what it would have been is undone */
		struct msg_session_opened o = {.sid = 9, .jid = STR("alice@example.com/x")};

		bed_reply(b, bed_sent(b, MSG_SESSION_OPEN), 0, MSG_SESSION_OPENED, &o);
		ck_assert_uint_eq(bed_count(b, MSG_SESSION_CLOSE), 1);
	}
	bed_free(b);
}
END_TEST

static const struct {
	const char *iq, *resource;
} good[] = {
	{BIND(""), ""},
	{BIND("<resource/>"), ""},
	{BIND("<resource>home</resource>"), "home"},
};

START_TEST(a_resource_is_bound)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_opened o = {.sid = 3, .jid = STR("alice@example.com/x'y")};
	const struct msg_session_open *m;
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, good[_i].iq);
	s = bed_sent(b, MSG_SESSION_OPEN);
	m = s->m;
	ck_assert_uint_eq(s->head.to, SM_ID);
	ck_assert_uint_eq(s->head.to_epoch, 7);
	ck_assert_uint_eq(s->head.to_shard, jid_key(STR("alice@example.com")) & 1023);
	ck_assert(str_eqz(m->resource, good[_i].resource));
	ck_assert(str_eqz(m->account, "alice@example.com"));
	ck_assert(str_eqz(m->ticket, "ticket"));
	bed_reply(b, s, 0, MSG_SESSION_OPENED, &o);
	peer_expect(p, "<iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		       "<jid>alice@example.com/x'y</jid></bind></iq>");
	ck_assert_ptr_nonnull(session_find(bed_c2s(b), 3));
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(malformed_requests_are_answered)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_authenticate(p);
	peer_send(p, BIND("<resource>&#127;</resource>"));
	peer_expect(p, "<iq type='error' id='b'><error code='400' type='modify'><bad-request ");
	peer_send(p, "<iq type='get' id='c'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	peer_expect(p, "<iq type='error' id='c'><error code='400' type='modify'><bad-request ");
	ck_assert_uint_eq(bed_count(b, MSG_SESSION_OPEN), 0);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(sm_may_refuse_and_the_client_try_again)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_opened no = {.error = 1 + STANZA_E_CONFLICT};
	struct msg_session_opened yes = {.sid = 3, .jid = STR("alice@example.com/x")};

	peer_authenticate(p);
	peer_send(p, BIND(""));
	bed_reply(b, bed_sent(b, MSG_SESSION_OPEN), 0, MSG_SESSION_OPENED, &no);
	peer_expect(p, "<iq type='error' id='b'><error code='409' type='cancel'><conflict ");
	peer_send(p, BIND(""));
	bed_reply(b, bed_sent(b, MSG_SESSION_OPEN), 0, MSG_SESSION_OPENED, &yes);
	peer_expect(p, "<jid>alice@example.com/x</jid>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(an_owner_that_dies_is_replaced)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_opened yes = {.sid = 3, .jid = STR("alice@example.com/x")};
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, BIND(""));
	s = bed_sent(b, MSG_SESSION_OPEN);
	bed_owner(b, 0, 7);
	bed_reply(b, s, -EHOSTUNREACH, 0, NULL);
	bed_wait(b, 300);
	ck_assert_uint_eq(bed_count(b, MSG_SESSION_OPEN), 0);
	bed_owner(b, SM2_ID, 8);
	s = bed_sent(b, MSG_SESSION_OPEN);
	ck_assert_uint_eq(s->head.to, SM2_ID);
	ck_assert_uint_eq(s->head.to_epoch, 8);
	bed_reply(b, s, 0, MSG_SESSION_OPENED, &yes);
	peer_expect(p, "<jid>alice@example.com/x</jid>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(without_an_owner_it_ends_in_time)
{
	struct bed *b = bed_new("owner_timeout = 1s");
	struct peer *p = peer_new(b, false);

	bed_owner(b, 0, 7);
	peer_authenticate(p);
	peer_send(p, BIND(""));
	bed_wait(b, 1500);
	peer_expect(p, "<error code='500' type='wait'><resource-constraint ");
	ck_assert_ptr_null(bed_c2s(b)->pending);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_session_opened_at_a_lost_owner_is_announced)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_opened yes = {
		.sid = 3, .jid = STR("alice@example.com/x"), .record = STR("rec")};
	const struct msg_announce *a;
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, BIND(""));
	s = bed_sent(b, MSG_SESSION_OPEN);
	bed_owner(b, SM2_ID, 8);
	bed_reply(b, s, 0, MSG_SESSION_OPENED, &yes);
	s = bed_sent(b, MSG_ANNOUNCE);
	a = s->m;
	ck_assert_uint_eq(s->head.to, SM2_ID);
	ck_assert_uint_eq(a->sid, 3);
	ck_assert(str_eqz(a->record, "rec"));
	peer_free(p);
	bed_free(b);
}
END_TEST

/* What is opened for a client that is not there any more is closed. */
START_TEST(an_answer_that_comes_too_late)
{
	struct bed *b = bed_new("owner_timeout = 1s");
	struct peer *p = peer_new(b, false);
	struct msg_session_opened yes = {.sid = 3, .jid = STR("alice@example.com/x")};
	const struct msg_session_close *m;
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, BIND(""));
	s = bed_sent(b, MSG_SESSION_OPEN);
	bed_wait(b, 2300);
	peer_expect(p, "<error code='500' type='wait'><resource-constraint ");
	peer_expect(p, STREAM_ERROR("resource-constraint"));
	peer_expect_end(p);
	peer_free(p);
	bed_wait(b, 20);
	ck_assert_ptr_null(bed_c2s(b)->clients);
	bed_reply(b, s, 0, MSG_SESSION_OPENED, &yes);
	m = bed_sent(b, MSG_SESSION_CLOSE)->m;
	ck_assert_uint_eq(m->sid, 3);
	ck_assert(m->closed);
	ck_assert_ptr_null(bed_c2s(b)->pending);
	bed_free(b);
}
END_TEST

/* The answer was lost with a router: who opened it is asked again, to close it. */
START_TEST(a_lost_answer_to_a_client_that_is_gone)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_session_opened yes = {.sid = 3, .jid = STR("alice@example.com/x")};
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, BIND(""));
	s = bed_sent(b, MSG_SESSION_OPEN);
	ck_assert(!((struct msg_session_open *)s->m)->undo);
	bed_reply(b, s, -EHOSTUNREACH, 0, NULL);
	peer_free(p);
	bed_wait(b, 300);
	s = bed_sent(b, MSG_SESSION_OPEN);
	ck_assert(((struct msg_session_open *)s->m)->undo);
	bed_reply(b, s, 0, MSG_SESSION_OPENED, &yes);
	ck_assert_uint_eq(((struct msg_session_close *)bed_sent(b, MSG_SESSION_CLOSE)->m)->sid, 3);
	bed_free(b);
}
END_TEST

/* Whoever has not opened it need not hear that the client is gone, be it gone before or after. */
START_TEST(a_refusal_to_a_client_that_is_gone)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_failed again = {.code = EAGAIN, .text = STR("not the owner any more")};
	struct sent *s;

	peer_authenticate(p);
	peer_send(p, BIND(""));
	s = bed_sent(b, MSG_SESSION_OPEN);
	if (_i)
		bed_reply(b, s, -EREMOTEIO, MSG_FAILED, &again);
	ck_assert_ptr_nonnull(bed_c2s(b)->pending);
	peer_free(p);
	if (!_i)
		bed_reply(b, s, -EREMOTEIO, MSG_FAILED, &again);
	ck_assert_ptr_null(bed_c2s(b)->pending);
	bed_free(b);
}
END_TEST

START_TEST(nobody_was_asked)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	bed_owner(b, 0, 7);
	peer_authenticate(p);
	peer_send(p, BIND(""));
	bed_turn(b);
	peer_free(p);
	ck_assert_ptr_null(bed_c2s(b)->pending);
	bed_free(b);
}
END_TEST

START_TEST(the_server_says_what_it_can)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_caps_told t = {.node = STR("urn:x"), .ver = STR("abc=")};

	peer_authenticate(p); /* it is not known yet: nothing is said */
	peer_free(p);
	bed_event(b, LINK_MEMBER, SM_ID);
	ck_assert_uint_eq(bed_count(b, MSG_CAPS), 2); /* two domains */
	bed_reply(b, bed_sent(b, MSG_CAPS), 0, MSG_CAPS_TOLD, &t);
	bed_reply(b, bed_sent(b, MSG_CAPS), -EHOSTUNREACH, 0, NULL);
	p = peer_new(b, false);
	peer_authenticate_expect(p, "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
				    "node='urn:x' ver='abc='/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *bind_suite(void)
{
	Suite *s = suite_create("bind");
	TCase *t = tcase_create("bind");

	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, nothing_is_processed_before_binding, 0,
			    sizeof before / sizeof *before);
	tcase_add_loop_test(t, a_resource_is_bound, 0, sizeof good / sizeof *good);
	tcase_add_test(t, malformed_requests_are_answered);
	tcase_add_test(t, sm_may_refuse_and_the_client_try_again);
	tcase_add_test(t, an_owner_that_dies_is_replaced);
	tcase_add_test(t, without_an_owner_it_ends_in_time);
	tcase_add_test(t, a_session_opened_at_a_lost_owner_is_announced);
	tcase_add_test(t, an_answer_that_comes_too_late);
	tcase_add_test(t, a_lost_answer_to_a_client_that_is_gone);
	tcase_add_loop_test(t, a_refusal_to_a_client_that_is_gone, 0, 2);
	tcase_add_test(t, nobody_was_asked);
	tcase_add_test(t, the_server_says_what_it_can);
	suite_add_tcase(s, t);
	return s;
}
