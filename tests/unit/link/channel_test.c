/* SPDX-License-Identifier: MIT */
/* Channels: order, runs, what bounces and new owners do, deadlines. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include "tests/unit/link/channel_rig.h"

/* It is older than what is there. */
static void tell_first(int n)
{
	struct msg_tell m = {.key = {.number = (uint64_t)n}};

	channel_send(c, &(struct channel_send){.route = "sm",
					       .to_shard = SHARD,
					       .from_shard = SHARD_NONE,
					       .kind = MSG_TELL,
					       .m = &m,
					       .first = true,
					       .fn = on_answer,
					       .arg = (void *)(intptr_t)n});
}

START_TEST(sends_and_answers)
{
	struct msg_failed failed = {.code = EIO};
	const struct frame *f;

	tell(1);
	tell(2);
	tell(3);
	RUN(0, 1, 1, 2, 3);
	f = &fake_out(k, 1)->f;
	ck_assert_uint_eq(f->to, OWNER);
	ck_assert_uint_eq(f->to_shard, SHARD);
	ck_assert_uint_eq(f->to_epoch, 5);
	ck_assert_uint_eq(f->from_shard, 0);
	ck_assert_uint_eq(f->from_epoch, 3);
	ck_assert_uint_eq(f->flags & FRAME_REPEATED, 0);
	ck_assert_uint_eq(channels_unanswered(c), 3);
	ck_assert_uint_gt(channels_unanswered_bytes(c), 0);
	ck_assert_uint_eq(channels_route_bytes(c, "sm"), channels_unanswered_bytes(c));
	ck_assert_uint_eq(channels_route_bytes(c, "storage"), 0);
	fake_advance(k, 700);
	ck_assert_uint_eq(channels_oldest(c, "sm"), 700);
	ck_assert_uint_eq(channels_oldest(c, "storage"), 0);
	/* In any order; a second one is nothing. */
	answer(1);
	answer(1);
	answer(0);
	fake_reply(k, &fake_out(k, 2)->f, MSG_FAILED, &failed);
	ck_assert_int_eq(nanswered, 3);
	ck_assert_int_eq(answered[0], 2);
	ck_assert_int_eq(answered[1], 1);
	ck_assert_int_eq(results[1], 0);
	ck_assert_int_eq(answered[2], 3);
	ck_assert_int_eq(results[2], -EREMOTEIO);
	ck_assert_uint_eq(channels_unanswered(c), 0);
	ck_assert_uint_eq(channels_unanswered_bytes(c), 0);
	ck_assert_uint_eq(channels_oldest(c, "sm"), 0);
}
END_TEST

START_TEST(waits_for_an_owner)
{
	fake_owner(k, SHARD, 0, 5);
	fake_event(k, LINK_SHARDS, 0);
	tell(1);
	tell(2);
	fake_advance(k, 10000);
	ck_assert_uint_eq(fake_sent(k), 0);
	fake_owner(k, SHARD, NEXT, 6);
	fake_event(k, LINK_SHARDS, 0);
	ck_assert_uint_eq(fake_sent(k), 2);
	ck_assert_uint_eq(fake_out(k, 1)->f.to, NEXT);
	ck_assert_uint_eq(fake_out(k, 1)->f.to_epoch, 6);
	ck_assert_uint_eq(fake_out(k, 1)->f.number, 1);
	ck_assert_uint_eq(fake_out(k, 1)->f.flags & FRAME_REPEATED, 0);
}
END_TEST

START_TEST(new_owner_gets_the_unanswered_first)
{
	tell(1);
	tell(2);
	tell(3);
	answer(1);
	fake_owner(k, SHARD, NEXT, 6);
	fake_event(k, LINK_SHARDS, 0);
	tell(4);
	RUN(3, 2, 1, 3, 4);
	ck_assert_uint_eq(fake_out(k, 3)->f.to, NEXT);
	ck_assert_uint_eq(fake_out(k, 4)->f.to_epoch, 6);
	ck_assert(fake_out(k, 3)->f.flags & FRAME_REPEATED);
	ck_assert_uint_eq(fake_out(k, 5)->f.flags & FRAME_REPEATED, 0);
	ck_assert_uint_eq(fake_out(k, 3)->f.tag, fake_out(k, 0)->f.tag);
	/* The same instance with a newer epoch is another owner. */
	fake_owner(k, SHARD, NEXT, 7);
	fake_event(k, LINK_SHARDS, 0);
	RUN(6, 3, 1, 3, 4);
	/* What an earlier owner committed and answered is done. */
	answer(0);
	ck_assert_int_eq(nanswered, 2);
	fake_event(k, LINK_SHARDS, 0);
	ck_assert_uint_eq(fake_sent(k), 9);
}
END_TEST

START_TEST(older_ones_go_first)
{
	tell(3);
	tell(4);
	tell_first(1);
	tell_first(2);
	tell(5);
	ck_assert_uint_eq(fake_sent(k), 2); /* not behind those in their run */
	fake_advance(k, 50);
	RUN(2, 2, 1, 2, 3, 4, 5);
	for (size_t i = 2; i < 7; i++)
		answer(i);
	ck_assert_int_eq(nanswered, 5);
	/* Nothing is there, or nothing was sent: no run need end. */
	tell_first(6);
	check_run(7, 2, 5, (const int[]){6}, 1);
}
END_TEST

START_TEST(older_ones_go_first_to_a_later_owner)
{
	fake_owner(k, SHARD, 0, 5);
	fake_event(k, LINK_SHARDS, 0);
	tell(3);
	tell_first(1);
	tell(4);
	tell_first(2);
	fake_owner(k, SHARD, NEXT, 6);
	fake_event(k, LINK_SHARDS, 0);
	ck_assert_uint_eq(fake_sent(k), 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(number_of(&fake_out(k, i)->f), i + 1);
}
END_TEST

START_TEST(idle_channel_begins_a_run_after_a_loss)
{
	tell(1);
	answer(0);
	fake_event(k, LINK_PATH_LOST, OWNER);
	tell(2);
	tell(3);
	RUN(1, 2, 2, 3);
}
END_TEST

START_TEST(lost_path_repeats)
{
	tell(1);
	tell(2);
	fake_event(k, LINK_PATH_LOST, OWNER);
	RUN(2, 2, 1, 2);
	fake_event(k, LINK_PATH_LOST, 0);
	RUN(4, 3, 1, 2);
	fake_member(k, NEXT, "sm", "sm", true);
	fake_event(k, LINK_PATH_LOST, NEXT); /* not ours */
	ck_assert_uint_eq(fake_sent(k), 6);
	fake_member_lost(k, OWNER);
	fake_advance(k, 5000);
	ck_assert_uint_eq(fake_sent(k), 6);
	fake_owner(k, SHARD, NEXT, 6);
	fake_event(k, LINK_SHARDS, 0);
	RUN(6, 5, 1, 2);
}
END_TEST

START_TEST(gap_begins_a_run_once)
{
	tell(1);
	tell(2);
	tell(3);
	fake_bounce(k, &fake_out(k, 1)->f, OUT_OF_ORDER, 5);
	fake_bounce(k, &fake_out(k, 2)->f, OUT_OF_ORDER, 5);
	RUN(3, 2, 1, 2, 3);
	fake_advance(k, 1500); /* the second was of a run that has ended */
	ck_assert_uint_eq(fake_sent(k), 6);
	/* Again without an answer between: not at once, or two would spin. */
	fake_bounce(k, &fake_out(k, 4)->f, OUT_OF_ORDER, 5);
	ck_assert_uint_eq(fake_sent(k), 6);
	fake_advance(k, 200);
	RUN(6, 3, 1, 2, 3);
}
END_TEST

START_TEST(gone_and_full_are_tried_later)
{
	tell(1);
	tell(2);
	fake_bounce(k, &fake_out(k, 0)->f, FULL, 0);
	fake_bounce(k, &fake_out(k, 1)->f, OUT_OF_ORDER, 5); /* it passed when there was room */
	tell(3);
	ck_assert_uint_eq(fake_sent(k), 2);
	fake_advance(k, 60);
	RUN(2, 2, 1, 2, 3);
	fake_bounce(k, &fake_out(k, 2)->f, GONE, 0);
	fake_advance(k, 60);
	ck_assert_uint_eq(fake_sent(k), 5);
	fake_owner(k, SHARD, NEXT, 6); /* news ends the waiting */
	fake_event(k, LINK_SHARDS, 0);
	RUN(5, 3, 1, 2, 3);
	fake_bounce(k, &fake_out(k, 5)->f, NOT_OWNER, 7);
	ck_assert_uint_eq(fake_sent(k), 8);
	fake_advance(k, 1500); /* tried again, for news may have been lost */
	ck_assert_uint_eq(fake_sent(k), 11);
	fake_bounce(k, &fake_out(k, 8)->f, NOT_OWNER, 7);
	fake_owner(k, SHARD, OWNER, 7);
	fake_event(k, LINK_SHARDS, 0);
	RUN(11, 5, 1, 2, 3);
}
END_TEST

/* The answer may be lost with a router that only its sender used: no event tells us. */
START_TEST(silence_begins_a_run)
{
	tell(1);
	tell(2);
	fake_advance(k, 1500);
	ck_assert_uint_eq(fake_sent(k), 2);
	fake_advance(k, 2000);
	RUN(2, 2, 1, 2);
	fake_advance(k, 60000); /* more and more seldom */
	ck_assert_uint_gt(fake_sent(k), 4);
	ck_assert_uint_lt(fake_sent(k), 20);
}
END_TEST

START_TEST(not_understood_fails_that_one)
{
	tell(1);
	tell(2);
	fake_bounce(k, &fake_out(k, 0)->f, NOT_UNDERSTOOD, 0);
	ck_assert_int_eq(nanswered, 1);
	ck_assert_int_eq(answered[0], 1);
	ck_assert_int_eq(results[0], -EREMOTEIO);
	RUN(2, 2, 2);
}
END_TEST

START_TEST(what_comes_back_is_not_waited_for)
{
	fake_unreachable(k, true);
	tell(1);
	tell(2);
	fake_advance(k, 5000); /* ever longer */
	fake_unreachable(k, false);
	fake_member(k, NEXT, "sm", "sm", true);
	ck_assert_uint_eq(fake_sent(k), 0);
	fake_member(k, OWNER, "sm", "sm", true);
	ck_assert_uint_eq(fake_sent(k), 2);
	ck_assert_uint_eq(number_of(&fake_out(k, 0)->f), 1);
}
END_TEST

START_TEST(unreachable_is_tried_again)
{
	fake_unreachable(k, true);
	tell(1);
	tell(2);
	fake_advance(k, 1000);
	ck_assert_uint_eq(fake_sent(k), 0);
	fake_unreachable(k, false);
	fake_event(k, LINK_READY, 0);
	ck_assert_uint_eq(fake_sent(k), 2);
	ck_assert_uint_eq(fake_out(k, 0)->f.number, 0);
}
END_TEST

START_TEST(deadlines)
{
	tell_sized(1, 1000, 1);
	fake_advance(k, 400);
	tell_sized(2, 0, 1);
	ck_assert_uint_eq(fake_out(k, 0)->f.remaining_ms, 1000);
	ck_assert_uint_eq(fake_out(k, 1)->f.remaining_ms, 0);
	fake_event(k, LINK_PATH_LOST, OWNER);
	ck_assert_uint_eq(fake_out(k, 2)->f.remaining_ms, 600);
	fake_advance(k, 2000);
	ck_assert_int_eq(nanswered, 1);
	ck_assert_int_eq(results[0], -ETIMEDOUT);
	/* It keeps its place where it was sent, and is in no later run. */
	ck_assert_uint_eq(channels_unanswered(c), 2);
	fake_event(k, LINK_PATH_LOST, OWNER);
	RUN(4, 3, 2);
	ck_assert_uint_eq(channels_unanswered(c), 1);
	answer(2);
	ck_assert_int_eq(nanswered, 1);
	answer(1);
	ck_assert_int_eq(nanswered, 2);
	/* One that was never sent is simply gone. */
	fake_owner(k, SHARD, 0, 5);
	fake_event(k, LINK_SHARDS, 0);
	tell_sized(3, 500, 1);
	fake_advance(k, 2000);
	ck_assert_int_eq(results[2], -ETIMEDOUT);
	ck_assert_uint_eq(channels_unanswered(c), 0);
}
END_TEST

START_TEST(forgotten_and_dropped)
{
	channel_forget(tell(1));
	tell(2);
	tell(3);
	tell(4);
	channels_drop(c, 1); /* 1 and 3 */
	ck_assert_uint_eq(channels_unanswered(c), 2);
	fake_event(k, LINK_PATH_LOST, OWNER);
	RUN(4, 2, 2, 4);
	channel_forget(tell(6));
	answer(6);
	ck_assert_int_eq(nanswered, 0);
	answer(0);
	ck_assert_uint_eq(channels_unanswered(c), 2);
}
END_TEST

START_TEST(window_holds_back)
{
	enum { BIG = 300 << 10 };

	for (int n = 1; n <= 6; n++)
		tell_sized(n, 0, BIG);
	ck_assert_uint_eq(fake_sent(k), 3);
	answer(1);
	ck_assert_uint_eq(fake_sent(k), 4);
	fake_event(k, LINK_PATH_LOST, OWNER);
	RUN(4, 2, 1, 3, 4);
	answer(0);
	answer(2);
	ck_assert_uint_eq(fake_sent(k), 9);
	ck_assert_uint_eq(number_of(&fake_out(k, 8)->f), 6);
	ck_assert_uint_eq(fake_out(k, 8)->f.number, 4);
}
END_TEST

START_TEST(too_long_fails)
{
	tell(1);
	tell_sized(2, 0, 1 << 20);
	tell(3);
	ck_assert_int_eq(nanswered, 0); /* never from inside the call */
	RUN(0, 1, 1, 3);
	fake_turn(k);
	ck_assert_int_eq(nanswered, 1);
	ck_assert_int_eq(answered[0], 2);
	ck_assert_int_eq(results[0], -EREMOTEIO);
	ck_assert_uint_eq(channels_unanswered(c), 2);
}
END_TEST

START_TEST(unsharded_keeps_its_instance)
{
	struct msg_write m = {.request = 1};
	struct channel_send s = {
		.route = "storage",
		.to_shard = SHARD_NONE,
		.from_shard = 9,
		.from_epoch = 4,
		.kind = MSG_WRITE,
		.m = &m,
		.fn = on_answer,
	};
	uint64_t first, second;

	channel_send(c, &s);
	ck_assert_uint_eq(fake_sent(k), 0);
	fake_member(k, 4001, "storage", "storage", false);
	ck_assert_uint_eq(fake_sent(k), 1);
	first = fake_out(k, 0)->f.to;
	ck_assert_uint_eq(first, 4001);
	ck_assert_uint_eq(fake_out(k, 0)->f.from_shard, 9);
	ck_assert_uint_eq(fake_out(k, 0)->f.to_shard, SHARD_NONE);
	/* Others come; whatever placement says, it stays where it is. */
	for (uint64_t n = 2; n < 12; n++)
		fake_member(k, 4000 + n, "storage", "storage", false);
	channel_send(c, &s);
	ck_assert_uint_eq(fake_sent(k), 2);
	ck_assert_uint_eq(fake_out(k, 1)->f.to, first);
	fake_member_lost(k, first);
	ck_assert_uint_eq(fake_sent(k), 4);
	second = fake_out(k, 2)->f.to;
	ck_assert_uint_ne(second, first);
	ck_assert_uint_eq(fake_out(k, 3)->f.to, second);
	ck_assert_uint_gt(fake_out(k, 2)->f.run, fake_out(k, 1)->f.run);
	ck_assert(str_eq(fake_out(k, 2)->f.body, fake_out(k, 0)->f.body));
}
END_TEST

Suite *channel_suite(void);

Suite *channel_suite(void)
{
	Suite *s = suite_create("channel");
	TCase *t = tcase_create("channel");

	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, sends_and_answers);
	tcase_add_test(t, waits_for_an_owner);
	tcase_add_test(t, new_owner_gets_the_unanswered_first);
	tcase_add_test(t, older_ones_go_first);
	tcase_add_test(t, older_ones_go_first_to_a_later_owner);
	tcase_add_test(t, idle_channel_begins_a_run_after_a_loss);
	tcase_add_test(t, lost_path_repeats);
	tcase_add_test(t, gap_begins_a_run_once);
	tcase_add_test(t, gone_and_full_are_tried_later);
	tcase_add_test(t, silence_begins_a_run);
	tcase_add_test(t, not_understood_fails_that_one);
	tcase_add_test(t, unreachable_is_tried_again);
	tcase_add_test(t, what_comes_back_is_not_waited_for);
	tcase_add_test(t, deadlines);
	tcase_add_test(t, forgotten_and_dropped);
	tcase_add_test(t, window_holds_back);
	tcase_add_test(t, too_long_fails);
	tcase_add_test(t, unsharded_keeps_its_instance);
	suite_add_tcase(s, t);
	return s;
}
