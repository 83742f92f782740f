/* SPDX-License-Identifier: MIT */
/* Channels by lane: placement, and what the death of an instance leaves to the next. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "link/channel.h"
#include "tests/unit/link/fake_link.h"

enum { FIRST = 2000, SECOND = 3000, LANE = 77, OTHER = 78 };
enum { GONE }; /* why of BOUNCE */

static struct link *k;
static struct channels *c;
static int answered[64], results[64], nanswered;

static void setup(void)
{
	k = fake_new(FAKE_SELF);
	c = channels_new(k);
	nanswered = 0;
	fake_member(k, FIRST, "s2s", "s2s", false);
}

static void teardown(void)
{
	channels_free(c);
	fake_free(k);
}

static void on_answer(void *arg, int err, uint16_t kind, const void *m)
{
	answered[nanswered] = (int)(intptr_t)arg;
	results[nanswered++] = err;
}

static struct channel_item *tell_sized(int n, uint16_t lane, size_t size)
{
	char *body = xcalloc(1, size + 1);
	struct msg_tell m = {.key = {.number = (uint64_t)n}, .envelope = str_n(body, size)};
	struct channel_item *i;

	i = channel_send(c, &(struct channel_send){.route = "s2s",
						      .to_shard = SHARD_NONE,
						      .by_lane = true,
						      .lane = lane,
						      .from_shard = 5,
						      .from_epoch = 3,
						      .kind = MSG_TELL,
						      .m = &m,
						      .fn = on_answer,
						      .arg = (void *)(intptr_t)n});
	free(body);
	return i;
}

static struct channel_item *tell_lane(int n, uint16_t lane)
{
	return tell_sized(n, lane, 0);
}

static struct channel_item *tell(int n)
{
	return tell_lane(n, LANE);
}

static const struct frame *out(size_t n)
{
	return &fake_out(k, n)->f;
}

static uint64_t number_of(size_t n)
{
	struct pool *p = pool_new();
	struct msg_tell m;
	uint64_t number;

	ck_assert_int_eq(msg_decode(MSG_TELL, p, out(n)->body, &m), 0);
	number = m.key.number;
	pool_free(p);
	return number;
}

static void answer(size_t n)
{
	struct msg_told m = {0};

	fake_reply(k, out(n), MSG_TOLD, &m);
}

START_TEST(lane_of_a_pair)
{
	uint16_t lane = channel_lane(STR("a.example"), STR("b.example"));

	ck_assert_uint_lt(lane, SHARDS);
	ck_assert_uint_eq(lane, channel_lane(STR("a.example"), STR("b.example")));
	ck_assert_uint_ne(lane, channel_lane(STR("b.example"), STR("a.example")));
	ck_assert_uint_ne(channel_lane(STR("a"), STR("bc")), channel_lane(STR("ab"), STR("c")));
}
END_TEST

START_TEST(frames_name_the_lane)
{
	tell(1);
	tell_lane(2, OTHER);
	tell(3);
	ck_assert_uint_eq(fake_sent(k), 3);
	ck_assert_uint_eq(out(0)->to, FIRST);
	ck_assert_uint_eq(out(0)->to_shard, LANE);
	ck_assert_uint_eq(out(0)->to_epoch, 0);
	ck_assert_uint_eq(out(0)->from_shard, 5);
	ck_assert_uint_eq(out(1)->to_shard, OTHER);
	ck_assert_uint_eq(out(1)->number, 0); /* each lane is a channel of its own */
	ck_assert_uint_eq(out(2)->number, 1);
}
END_TEST

START_TEST(stays_until_it_is_empty)
{
	tell(1);
	fake_member(k, SECOND, "s2s", "s2s", false);
	fake_place(k, "s2s", SECOND);
	fake_event(k, LINK_MEMBER, SECOND);
	tell(2);
	ck_assert_uint_eq(out(1)->to, FIRST);
	ck_assert_uint_eq(out(1)->run, out(0)->run);
	answer(0);
	tell(3);
	ck_assert_uint_eq(out(2)->to, FIRST);
	answer(1);
	answer(2);
	tell(4);
	ck_assert_uint_eq(out(3)->to, SECOND);
	ck_assert_uint_gt(out(3)->run, out(2)->run);
	ck_assert_uint_eq(out(3)->number, 0);
}
END_TEST

START_TEST(what_it_may_have_passed_on_is_given_up)
{
	struct channel_item *held, *writing;

	tell(1);
	held = tell(2);
	writing = tell(3);
	channel_held(held, FIRST, true);
	channel_held(writing, FIRST, true);
	channel_held(writing, FIRST, false);
	channel_held(writing, SECOND, true); /* which does not have it */
	fake_member(k, SECOND, "s2s", "s2s", false);
	fake_member_lost(k, FIRST);
	ck_assert_int_eq(nanswered, 2);
	ck_assert_int_eq(answered[0], 1);
	ck_assert_int_eq(results[0], -ECONNRESET);
	ck_assert_int_eq(answered[1], 3);
	ck_assert_int_eq(results[1], -ECONNRESET);
	ck_assert_uint_eq(fake_sent(k), 4);
	ck_assert_uint_eq(out(3)->to, SECOND);
	ck_assert_uint_eq(number_of(3), 2);
	ck_assert_uint_eq(out(3)->number, 0);
	/* The next one has not said that it holds it. */
	fake_member_lost(k, SECOND);
	ck_assert_int_eq(nanswered, 3);
	ck_assert_int_eq(answered[2], 2);
	ck_assert_uint_eq(channels_unanswered(c), 0);
}
END_TEST

START_TEST(a_lost_path_repeats_all)
{
	channel_held(tell(1), FIRST, true);
	tell(2);
	fake_event(k, LINK_PATH_LOST, FIRST);
	ck_assert_uint_eq(fake_sent(k), 4);
	ck_assert_uint_eq(number_of(2), 1);
	ck_assert_uint_eq(number_of(3), 2);
	ck_assert(out(2)->flags & FRAME_REPEATED);
	ck_assert_int_eq(nanswered, 0);
	/* WRITING may be lost with the path: it is held when that was said again. */
	fake_member_lost(k, FIRST);
	ck_assert_int_eq(nanswered, 2);
}
END_TEST

START_TEST(what_was_not_sent_or_came_back_is_the_next_ones)
{
	fake_unreachable(k, true);
	tell(1);
	fake_member_lost(k, FIRST);
	fake_unreachable(k, false);
	ck_assert_int_eq(nanswered, 0);
	fake_member(k, SECOND, "s2s", "s2s", false);
	ck_assert_uint_eq(fake_sent(k), 1);
	ck_assert_uint_eq(out(0)->to, SECOND);
	/* The router had no such instance any more. */
	tell(2);
	fake_bounce(k, out(0), GONE, 0);
	fake_bounce(k, out(1), GONE, 0);
	fake_member_lost(k, SECOND);
	ck_assert_int_eq(nanswered, 0);
	fake_member(k, FIRST, "s2s", "s2s", false);
	ck_assert_uint_eq(fake_sent(k), 4);
	ck_assert_uint_eq(number_of(2), 1);
	ck_assert_uint_eq(number_of(3), 2);
	/* Sent twice, come back once: the first may have arrived. */
	fake_event(k, LINK_PATH_LOST, FIRST);
	ck_assert_uint_eq(fake_sent(k), 6);
	fake_bounce(k, out(4), GONE, 0);
	fake_member_lost(k, FIRST);
	ck_assert_int_eq(nanswered, 2);
	ck_assert_int_eq(results[0], -ECONNRESET);
}
END_TEST

START_TEST(a_draining_one_finishes)
{
	tell(1);
	tell(2);
	fake_member(k, SECOND, "s2s", "s2s", false);
	fake_member(k, FIRST, "s2s", "none", false); /* it serves the route no more */
	tell(3);
	ck_assert_uint_eq(fake_sent(k), 2);
	answer(0);
	ck_assert_uint_eq(fake_sent(k), 2);
	answer(1);
	ck_assert_uint_eq(fake_sent(k), 3);
	ck_assert_uint_eq(out(2)->to, SECOND);
	ck_assert_uint_eq(number_of(2), 3);
}
END_TEST

START_TEST(held_ones_are_seldom_repeated)
{
	struct channel_item *i = tell(1);

	channel_held(i, FIRST, true);
	fake_advance(k, 59000);
	ck_assert_uint_eq(fake_sent(k), 1);
	fake_advance(k, 2000); /* its answer may be lost */
	ck_assert_uint_eq(fake_sent(k), 2);
	channel_held(i, FIRST, true);
	fake_advance(k, 55000);
	ck_assert_uint_eq(fake_sent(k), 2);
}
END_TEST

/* More than the window takes, for a domain that takes nothing; the last is for another. */
static struct channel_item *fill(void)
{
	struct channel_item *first = tell_sized(1, LANE, 700000);

	tell_sized(2, LANE, 700000);
	tell(3);
	ck_assert_uint_eq(fake_sent(k), 1);
	return first;
}

START_TEST(what_is_held_fills_no_window)
{
	struct channel_item *first = fill();

	channel_held(first, SECOND, true); /* which does not have it */
	ck_assert_uint_eq(fake_sent(k), 1);
	channel_held(first, FIRST, true);
	ck_assert_uint_eq(fake_sent(k), 3);
	ck_assert_uint_eq(number_of(1), 2);
	ck_assert_uint_eq(number_of(2), 3);
	ck_assert_uint_eq(out(2)->number, 2);
	channel_held(first, FIRST, false);
	answer(0);
	answer(1);
	answer(2);
	/* The window is whole again. */
	tell_sized(4, LANE, 700000);
	tell_sized(5, LANE, 700000);
	ck_assert_uint_eq(fake_sent(k), 4);
	/* And in a new run, where all of it is sent and held anew. */
	fake_event(k, LINK_PATH_LOST, FIRST);
	ck_assert_uint_eq(fake_sent(k), 5);
	ck_assert_uint_eq(number_of(4), 4);
	answer(4);
	ck_assert_uint_eq(fake_sent(k), 6);
	ck_assert_uint_eq(number_of(5), 5);
	ck_assert_uint_eq(out(5)->number, 1);
}
END_TEST

/* As what was written and the other server does not acknowledge: nobody says that it is held. */
START_TEST(what_is_not_answered_fills_no_window_for_long)
{
	bool came = false;

	fill();
	fake_advance(k, 5000);
	for (size_t n = 1; n < fake_sent(k); n++)
		came |= number_of(n) == 3;
	ck_assert(came);
	for (size_t n = 1; n < fake_sent(k); n++) /* in order, each run from the first */
		ck_assert_uint_eq(number_of(n), out(n)->run == out(n - 1)->run ? number_of(n - 1) + 1 : 1);
}
END_TEST

Suite *lane_suite(void);

Suite *lane_suite(void)
{
	Suite *s = suite_create("lane");
	TCase *t = tcase_create("lane");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, lane_of_a_pair);
	tcase_add_test(t, frames_name_the_lane);
	tcase_add_test(t, stays_until_it_is_empty);
	tcase_add_test(t, what_it_may_have_passed_on_is_given_up);
	tcase_add_test(t, a_lost_path_repeats_all);
	tcase_add_test(t, what_was_not_sent_or_came_back_is_the_next_ones);
	tcase_add_test(t, a_draining_one_finishes);
	tcase_add_test(t, held_ones_are_seldom_repeated);
	tcase_add_test(t, what_is_held_fills_no_window);
	tcase_add_test(t, what_is_not_answered_fills_no_window_for_long);
	suite_add_tcase(s, t);
	return s;
}
