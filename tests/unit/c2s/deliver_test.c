/* SPDX-License-Identifier: MIT */
/* Stanzas to the client: order, who may give, what is acknowledged and settled (DELIVERY rule 7).
 */
#include "tests/unit/c2s/bed.h"

START_TEST(given_stanzas_are_written_in_order)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);

	bed_give(b, 5, 1, 0, true, "<message id='1'/>");
	bed_give(b, 5, 1, 0, true, "<message id='again'/>");
	bed_give(b, 5, 3, 0, true, "<message id='gap'/>");
	bed_give(b, 5, 2, 0, true, "<message id='2'/>");
	ck_assert_str_eq(peer_heard(p), "<message id='1'/><message id='2'/>");
	ck_assert_uint_eq(s->out, 2);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_gap_is_announced_again)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	bed_give(b, 5, 2, 0, true, "<message id='2'/>");
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 0);
	bed_wait(b, 1200);
	ck_assert_uint_eq(((struct msg_announce *)bed_sent(b, MSG_ANNOUNCE)->m)->out, 0);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCED), 0); /* only this session was in doubt */
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(only_the_owner_may_give)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_give g = {.sid = 5, .attachment = 1, .m = 1, .xml = STR("<message/>")};

	peer_login(p, 5);
	bed_deliver(b, SM2_ID, 7, MSG_GIVE, &g); /* another instance */
	bed_deliver(b, SM_ID, 6, MSG_GIVE, &g);	 /* an older epoch */
	g.attachment = 2;
	bed_deliver(b, SM_ID, 7, MSG_GIVE, &g);
	g.attachment = 1;
	g.sid = 6;
	bed_deliver(b, SM_ID, 7, MSG_GIVE, &g);
	ck_assert_str_eq(peer_heard(p), "");
	g.sid = 5;
	bed_deliver(b, SM_ID, 7, MSG_GIVE, &g);
	peer_expect(p, "<message/>");
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(one_rendering_for_many)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false), *q = peer_new(b, false);
	struct msg_give_to to[] = {{5, 1, 1}, {6, 1, 1}, {99, 1, 1}};
	struct msg_give_many m = {.to = to,
				  .nto = 3,
				  .head = STR("<presence from='x'"),
				  .to_kind = 2,
				  .tail = STR("/>")};

	peer_login(p, 5);
	peer_login(q, 6);
	bed_deliver(b, SM_ID, 0, MSG_GIVE_MANY, &m);
	ck_assert_str_eq(peer_heard(p), "<presence from='x' to='alice@example.com/r'/>");
	ck_assert_str_eq(peer_heard(q), "<presence from='x' to='alice@example.com/r'/>");
	m.to_kind = 1;
	to[0].m = 2;
	peer_clear(p);
	bed_deliver(b, SM_ID, 0, MSG_GIVE_MANY, &m);
	ck_assert_str_eq(peer_heard(p), "<presence from='x' to='alice@example.com'/>");
	peer_free(p);
	peer_free(q);
	bed_free(b);
}
END_TEST

START_TEST(the_kernels_word_acknowledges)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	const struct msg_acked *m;
	struct msg_sid_number one = {5, 2};
	struct msg_settled settled = {.sessions = &one, .nsessions = 1};

	bed_give(b, 5, 1, 0, true, "<message id='1'/>");
	bed_give(b, 5, 2, 900, false, "<message id='2'/>");
	bed_give(b, 5, 3, 901, true, "<message id='3'/>");
	ck_assert_uint_ge(s->ngiven, 2); /* the first may have been acknowledged already */
	bed_wait(b, 100);
	m = bed_sent(b, MSG_ACKED)->m;
	ck_assert_uint_eq(m->nsessions, 1);
	ck_assert_uint_eq(m->sessions[0].sid, 5);
	ck_assert_uint_eq(m->sessions[0].n, 3);
	ck_assert_uint_eq(s->ngiven, 2); /* the second is not committed, the third waits for it */
	ck_assert_uint_eq(s->settled, 0);
	bed_deliver(b, SM_ID, 0, MSG_SETTLED, &settled);
	ck_assert_uint_eq(s->ngiven, 0);
	ck_assert_uint_eq(s->settled, 901);
	ck_assert_ptr_null(s->given);
	ck_assert_uint_eq(bed_count(b, MSG_ACKED), 0);
	peer_free(p);
	bed_free(b);
}
END_TEST

/* sm sends no more than so much ahead: it must not wait for the gathering. */
START_TEST(much_is_acknowledged_soon)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	uint32_t m = 0;

	for (int round = 0; round < 2; round++) {
		bed_give_long(b, 5, ++m, 100000);
		bed_give_long(b, 5, ++m, 100000);
		ck_assert(!bed_c2s(b)->acks_soon);
		bed_give_long(b, 5, ++m, 100000);
		ck_assert(bed_c2s(b)->acks_soon || bed_count(b, MSG_ACKED));
		while (s->acked_told != m) {
			peer_clear(p);
			bed_wait(b, 1);
		}
		ck_assert(!bed_c2s(b)->acks_soon);
		bed_forget(b);
	}
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_client_that_does_not_read)
{
	struct bed *b = bed_new("out_max = 4k\nout_limit = 256k");
	struct peer *p = peer_new(b, false);
	struct session *s = peer_login(p, 5);
	uint32_t m = 0;

	peer_read(p, false);
	while (!bed_count(b, MSG_SESSION_FULL) && m < 200)
		bed_give_long(b, 5, ++m, 20000);
	ck_assert(((struct msg_session_full *)bed_sent(b, MSG_SESSION_FULL)->m)->full);
	ck_assert(s->full);
	peer_read(p, true);
	peer_clear(p);
	bed_wait(b, 50);
	ck_assert(!((struct msg_session_full *)bed_sent(b, MSG_SESSION_FULL)->m)->full);
	peer_read(p, false);
	while (s->client && m < 400)
		bed_give_long(b, 5, ++m, 20000);
	ck_assert_ptr_null(s->client); /* past the limit */
	ck_assert_uint_gt(
		((struct msg_session_close *)bed_sent(b, MSG_SESSION_CLOSE)->m)->unsent_from, 0);
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *deliver_suite(void)
{
	Suite *s = suite_create("deliver");
	TCase *t = tcase_create("deliver");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, given_stanzas_are_written_in_order);
	tcase_add_test(t, a_gap_is_announced_again);
	tcase_add_test(t, only_the_owner_may_give);
	tcase_add_test(t, one_rendering_for_many);
	tcase_add_test(t, the_kernels_word_acknowledges);
	tcase_add_test(t, much_is_acknowledged_soon);
	tcase_add_test(t, a_client_that_does_not_read);
	suite_add_tcase(s, t);
	return s;
}
