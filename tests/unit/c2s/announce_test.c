/* SPDX-License-Identifier: MIT */
/* Owners change, die and are reached on other ways (DELIVERY rules 8 and 10). */
#include "tests/unit/c2s/bed.h"

START_TEST(shards_without_sessions_are_announced_too)
{
	struct bed *b = bed_new(NULL);
	const struct msg_announced *m;
	struct sent *s = bed_sent(b, MSG_ANNOUNCED);

	m = s->m;
	ck_assert_uint_eq(s->head.to, SM_ID);
	ck_assert_uint_eq(m->nshards, 1024);
	ck_assert_uint_eq(m->shards[5].epoch, 7);
	bed_event(b, LINK_MEMBER, SM_ID);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCED), 0); /* nothing new */
	bed_free(b);
}
END_TEST

START_TEST(a_new_owner_learns_all_in_order)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	const struct msg_announce *a;
	const struct msg_stanza *st;
	struct sent *s;

	peer_login(p, 5);
	peer_send(p, "<message id='1'/><message id='2'/><message id='3'/>");
	bed_give(b, 5, 1, 50, true, "<message/>");
	bed_give(b, 5, 2, 51, false, "<message/>");
	bed_wait(b, 100);
	bed_done(b, 5, 1);
	bed_forget(b);
	bed_owner(b, SM2_ID, 8);
	s = bed_sent(b, MSG_ANNOUNCE);
	a = s->m;
	ck_assert_uint_eq(s->head.to, SM2_ID);
	ck_assert_uint_eq(s->head.to_epoch, 8);
	ck_assert_uint_eq(a->in, 3);
	ck_assert_uint_eq(a->done, 1);
	ck_assert_uint_eq(a->out, 2);
	ck_assert_uint_eq(a->acked, 2);
	ck_assert_uint_eq(a->settled, 50);
	ck_assert_uint_eq(a->ngiven, 1);
	ck_assert_uint_eq(a->given[0].m, 2);
	ck_assert_uint_eq(a->given[0].log, 51);
	ck_assert_uint_eq(a->given[0].key.number, 2);
	for (uint32_t n = 2; n <= 3; n++) {
		struct sent *f = bed_sent(b, MSG_STANZA);

		st = f->m;
		ck_assert_uint_eq(st->n, n);
		ck_assert_uint_eq(f->head.to, SM2_ID);
		ck_assert_ptr_eq(n == 2 ? s->next : s->next->next, f);
		s->head.flags |= FRAME_REPLY;
	}
	ck_assert_uint_eq(((struct msg_announced *)bed_sent(b, MSG_ANNOUNCED)->m)->nshards, 1024);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(without_an_owner_input_waits)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	bed_owner(b, 0, 7);
	peer_send(p, "<message id='1'/>");
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 0);
	bed_done(b, 5, 1);
	ck_assert_uint_eq(session_find(bed_c2s(b), 5)->done, 0); /* from nobody we know */
	bed_owner(b, SM_ID, 8);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 1);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 1);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(a_lost_path_is_announced_to_the_same_owner)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	peer_send(p, "<message id='1'/>");
	bed_turn(b);
	bed_forget(b);
	bed_event(b, LINK_PATH_LOST, SM_ID);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 1);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 1);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCED), 1);
	peer_free(p);
	bed_free(b);
}
END_TEST

START_TEST(an_unreachable_owner_is_tried_again)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);

	peer_login(p, 5);
	bed_unreachable(b, true);
	peer_send(p, "<message id='1'/>");
	bed_turn(b);
	bed_unreachable(b, false);
	bed_forget(b);
	bed_wait(b, 1200);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 1);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 1);
	peer_free(p);
	bed_free(b);
}
END_TEST

/* Losses of others, noticed one after another, do not put it off. */
START_TEST(losses_do_not_wait_for_one_another)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false), *q = peer_new(b, false);
	struct session *other;
	uint64_t until;

	peer_login(p, 5);
	other = peer_login(q, 6);
	bed_turn(b);
	bed_forget(b);
	bed_give(b, 5, 2, 0, true, "<message/>"); /* the first was lost */
	until = clock_mono_ms() + 10000;
	while (!bed_count(b, MSG_ANNOUNCE) && clock_mono_ms() < until)
		session_announce_later(other);
	ck_assert_uint_gt(bed_count(b, MSG_ANNOUNCE), 0);
	peer_free(p);
	peer_free(q);
	bed_free(b);
}
END_TEST

START_TEST(a_bounce_is_a_loss)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_bounce m = {.kind = MSG_STANZA, .why = 2};
	struct frame f = {.kind = MSG_BOUNCE, .from = SM_ID};

	f.to_shard = peer_login(p, 5)->shard;
	peer_send(p, "<message id='1'/>");
	bed_turn(b);
	bed_forget(b);
	on_bounce(bed_c2s(b), &f, &m);
	bed_wait(b, 1200);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 1);
	ck_assert_uint_eq(bed_count(b, MSG_STANZA), 1);
	peer_free(p);
	bed_free(b);
}
END_TEST

static size_t owned(struct bed *b)
{
	size_t n = 0;

	for (uint16_t i = 0; i < SHARDS; i++)
		n += bed_c2s(b)->shards[i].owner != 0;
	return n;
}

START_TEST(a_bounce_is_about_shards_of_whom_it_comes_from)
{
	struct bed *b = bed_new(NULL);
	struct msg_bounce stanza = {.kind = MSG_STANZA, .why = 1};
	struct msg_bounce all = {.kind = MSG_ACKED, .why = 2};
	struct frame f = {.kind = MSG_BOUNCE, .from = SM2_ID, .to_shard = 5};

	on_bounce(bed_c2s(b), &f, &stanza);
	f.to_shard = SHARD_NONE;
	on_bounce(bed_c2s(b), &f, &all);
	ck_assert_uint_eq(owned(b), SHARDS);
	f.from = SM_ID;
	on_bounce(bed_c2s(b), &f, &all);
	ck_assert_uint_eq(owned(b), 0);
	bed_free(b);
}
END_TEST

START_TEST(announced_again_when_an_owner_asks)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false);
	struct msg_announce_again m = {0};

	peer_login(p, 5);
	peer_send(p, "<message id='1'/>");
	bed_turn(b);
	bed_forget(b);
	bed_deliver(b, SM2_ID, 0, MSG_ANNOUNCE_AGAIN, &m);
	ck_assert(!session_find(bed_c2s(b), 5)->reannounce);
	bed_deliver(b, SM_ID, 0, MSG_ANNOUNCE_AGAIN, &m);
	bed_done(b, 5, 1); /* it is heard meanwhile */
	ck_assert_uint_eq(session_find(bed_c2s(b), 5)->done, 1);
	bed_wait(b, 1200);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 1);
	peer_free(p);
	bed_free(b);
}
END_TEST

/* One session of which too much is to be told ends; those of the same shard go on. */
START_TEST(what_no_frame_takes_ends_one_session)
{
	struct bed *b = bed_new(NULL);
	struct peer *p = peer_new(b, false), *q = peer_new(b, false);
	char *record = xasprintf("%030000d", 0);
	struct msg_done_record m = {.sid = 5, .record = str_z(record)};

	peer_login(p, 5);
	peer_login(q, 6);
	bed_deliver(b, SM_ID, 7, MSG_DONE_RECORD, &m);
	bed_max_frame(b, 20000);
	bed_owner(b, SM2_ID, 8);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 1);
	ck_assert_uint_eq(((struct msg_announce *)bed_sent(b, MSG_ANNOUNCE)->m)->sid, 6);
	ck_assert_uint_eq(((struct msg_announced *)bed_sent(b, MSG_ANNOUNCED)->m)->nshards, 1024);
	peer_expect(p, STREAM_ERROR("resource-constraint"));
	peer_send(q, "<message id='1'/>");
	bed_turn(b);
	ck_assert_uint_eq(((struct msg_stanza *)bed_sent(b, MSG_STANZA)->m)->sid, 6);
	bed_forget(b);
	bed_wait(b, 1200);
	ck_assert_uint_eq(bed_count(b, MSG_ANNOUNCE), 0);
	free(record);
	peer_free(q);
	peer_free(p);
	bed_free(b);
}
END_TEST

Suite *announce_suite(void)
{
	Suite *s = suite_create("announce");
	TCase *t = tcase_create("announce");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, shards_without_sessions_are_announced_too);
	tcase_add_test(t, a_new_owner_learns_all_in_order);
	tcase_add_test(t, without_an_owner_input_waits);
	tcase_add_test(t, a_lost_path_is_announced_to_the_same_owner);
	tcase_add_test(t, an_unreachable_owner_is_tried_again);
	tcase_add_test(t, losses_do_not_wait_for_one_another);
	tcase_add_test(t, a_bounce_is_a_loss);
	tcase_add_test(t, a_bounce_is_about_shards_of_whom_it_comes_from);
	tcase_add_test(t, announced_again_when_an_owner_asks);
	tcase_add_test(t, what_no_frame_takes_ends_one_session);
	suite_add_tcase(s, t);
	return s;
}
