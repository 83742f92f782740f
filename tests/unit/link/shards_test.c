/* SPDX-License-Identifier: MIT */
/* Ownership of shards: taking, opening, admission, letting go, losing. */
#include <check.h>
#include <errno.h>
#include "tests/unit/link/shards_rig.h"

START_TEST(takes_all_in_one_batch)
{
	fake_turn(k);
	ck_assert_uint_eq(fake_requests(k), 0); /* no storage yet */
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	grant(4);
	ck_assert_uint_eq(ntaken, SHARDS);
	ck_assert_uint_eq(last_taken, 4);
	ck_assert_uint_eq(fake_bound(k), SHARDS);
	ck_assert_uint_eq(nopen, SHARDS); /* nobody is there to announce */
	ck_assert_uint_eq(shards_epoch(s, 1023), 4);
	ck_assert_uint_eq(shards_write_epoch(s), 77);
	ck_assert(!shards_mine(s, SHARD_NONE));
	fake_advance(k, 30000);
	ck_assert_uint_eq(fake_requests(k), 0);
	ck_assert_uint_eq(ntaken, SHARDS);
}
END_TEST

START_TEST(take_fails_and_is_tried_again)
{
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	fake_answer(k, 0, -ETIMEDOUT, 0, NULL);
	fake_turn(k);
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_advance(k, 150);
	ck_assert_uint_eq(fake_requests(k), 1);
	fake_answer(k, 0, -EREMOTEIO, MSG_FAILED, &(struct msg_failed){.code = EIO});
	fake_advance(k, 500);
	grant_but(1, 5, MSG_LEASE_TAKE);
	ck_assert_uint_eq(ntaken, SHARDS - 1);
	ck_assert(!shards_mine(s, 5));
	/* What was not given is another's: not at once again. */
	fake_advance(k, 900);
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_advance(k, 300);
	grant(3);
	ck_assert_uint_eq(shards_epoch(s, 5), 3);
	ck_assert_uint_eq(asked_epoch, 0);
}
END_TEST

/* Somebody took it and died before anybody saw: what we believe is old, and would stay so. */
START_TEST(takes_without_belief_when_denied)
{
	fake_member(k, PEER, "sm", "sm", true);
	for (uint16_t i = 0; i < SHARDS; i++)
		fake_owner(k, i, PEER, 8);
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_owner(k, 3, 0, 8);
	fake_event(k, LINK_SHARDS, 0);
	fake_turn(k);
	grant_but(9, 3, MSG_LEASE_TAKE);
	ck_assert_uint_eq(asked_epoch, 8);
	fake_advance(k, 1200);
	grant(10);
	ck_assert_uint_eq(asked_epoch, 0);
	ck_assert_uint_eq(shards_epoch(s, 3), 10);
}
END_TEST

START_TEST(takes_only_what_is_free_and_its_own)
{
	fake_member(k, PEER, "sm", "sm", true);
	for (uint16_t i = 0; i < SHARDS; i++)
		fake_owner(k, i, PEER, 8);
	fake_event(k, LINK_SHARDS, 0);
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_owner(k, 3, 0, 8); /* offered */
	fake_event(k, LINK_SHARDS, 0);
	fake_turn(k);
	grant(9);
	ck_assert_uint_eq(ntaken, 1);
	ck_assert(shards_mine(s, 3));
	fake_place(k, "sm", PEER);
	fake_owner(k, 4, 0, 8);
	fake_event(k, LINK_SHARDS, 0);
	fake_turn(k);
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_place(k, "sm", FAKE_SELF);
	fake_member_lost(k, PEER);
	fake_turn(k);
	grant(9);
	ck_assert_uint_eq(ntaken, SHARDS);
}
END_TEST

START_TEST(opens_when_all_have_announced)
{
	fake_member(k, C2S, "c2s", "c2s", false);
	fake_member(k, C2S_2, "c2s", "c2s", false);
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	grant(2);
	ck_assert_uint_eq(nopen, 0);
	announce(C2S, 1); /* to an earlier owner */
	announce(C2S_2, 2);
	ck_assert_uint_eq(nopen, 0);
	announce(C2S, 2);
	ck_assert_uint_eq(nopen, SHARDS);
	announce(C2S, 2);
	ck_assert_uint_eq(nopen, SHARDS);
	announce(999, 2); /* one that has died since */
}
END_TEST

START_TEST(opens_when_the_silent_one_dies)
{
	struct msg_shard_epoch one = {7, 2}, bad = {SHARDS, 2};

	fake_member(k, C2S, "c2s", "c2s", false);
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	grant(2);
	fake_member(k, C2S_2, "c2s", "c2s", false); /* joined while closed: counts */
	shards_announced(s, C2S, &one, 1);
	shards_announced(s, C2S, &bad, 1);
	ck_assert_uint_eq(nopen, 0);
	fake_member_lost(k, C2S_2);
	ck_assert_uint_eq(nopen, 1);
	ck_assert(shards_is_open(s, 7));
}
END_TEST

START_TEST(opens_after_five_seconds)
{
	fake_member(k, C2S, "c2s", "c2s", false);
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	grant(2);
	fake_advance(k, 4900);
	ck_assert_uint_eq(nopen, 0);
	fake_advance(k, 200);
	ck_assert_uint_eq(nopen, SHARDS);
}
END_TEST

START_TEST(frames_wait_for_the_opening)
{
	struct frame f = frame_to(4, 2, 90);

	fake_member(k, C2S, "c2s", "c2s", false);
	fake_member(k, STORAGE, "storage", "storage", false);
	stanza(4, 2, 1);
	check_bounced(0, NOT_OWNER, 0);
	fake_turn(k);
	grant(2);
	stanza(4, 2, 2);
	stanza(4, 2, 3);
	always = true;
	stanza(4, 2, 4); /* an announcement is taken at once */
	always = false;
	f.remaining_ms = 5000;
	fake_receive(k, f, &(struct msg_stanza){0});
	ck_assert_uint_eq(nhandled, 1);
	stanza(4, 1, 5); /* for an earlier owner */
	check_bounced(1, NOT_OWNER, 2);
	fake_advance(k, 1000);
	announce(C2S, 2);
	ck_assert_uint_eq(nhandled, 4);
	ck_assert_uint_eq(handled[0], 4);
	ck_assert_uint_eq(handled[1], 2);
	ck_assert_uint_eq(handled[2], 3);
	ck_assert_uint_eq(handled[3], 90);
	stanza(4, 2, 6);
	ck_assert_uint_eq(handled[4], 6);
	ck_assert_uint_eq(fake_sent(k), 2);
}
END_TEST

START_TEST(waiting_is_bounded)
{
	fake_member(k, C2S, "c2s", "c2s", false);
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	grant(2);
	shards_wait_limit(s, 400);
	stanza(4, 2, 1);
	stanza(4, 2, 2);
	stanza(4, 2, 3);
	stanza(4, 2, 4);
	ck_assert_uint_ge(fake_sent(k), 1);
	check_bounced(fake_sent(k) - 1, FULL, 2);
	announce(C2S, 2);
	ck_assert_uint_eq(nhandled + fake_sent(k), 4);
}
END_TEST

static void told_by_peer(uint32_t from_epoch, uint32_t run, uint32_t number, uint32_t tag)
{
	struct frame f = {
		.kind = MSG_TELL,
		.flags = FRAME_CHANNEL,
		.tag = tag,
		.from = PEER,
		.from_shard = 9,
		.from_epoch = from_epoch,
		.to_shard = 4,
		.to_epoch = 1,
		.run = run,
		.number = number,
	};

	fake_receive(k, f, &(struct msg_tell){0});
}

START_TEST(tracked_frames_in_order_and_of_the_newest_owner)
{
	own_all();
	fake_member(k, PEER, "sm", "sm", true);
	told_by_peer(5, 1, 0, 1);
	told_by_peer(5, 1, 2, 2); /* a gap */
	ck_assert_uint_eq(nhandled, 1);
	check_bounced(0, 4, 1);
	told_by_peer(6, 2, 0, 3);
	told_by_peer(5, 2, 1, 4); /* its number counts, but it is not heard */
	told_by_peer(6, 2, 2, 5);
	ck_assert_uint_eq(nhandled, 3);
	ck_assert_uint_eq(handled[2], 5);
	/* Membership may know of a newer one before it speaks. */
	shards_refused(s, 9);
	fake_owner(k, 9, PEER, 8);
	told_by_peer(7, 2, 3, 6);
	ck_assert_uint_eq(nhandled, 3);
	told_by_peer(8, 2, 4, 7);
	ck_assert_uint_eq(nhandled, 4);
	ck_assert_uint_eq(fake_sent(k), 1);
}
END_TEST

START_TEST(higher_epoch_takes_it)
{
	own_all();
	channel_send(c, &(struct channel_send){.route = "storage",
					       .to_shard = SHARD_NONE,
					       .from_shard = 4,
					       .kind = MSG_WRITE,
					       .m = &(struct msg_write){0}});
	fake_member(k, PEER, "sm", "sm", true);
	fake_owner(k, 4, PEER, 2);
	fake_event(k, LINK_SHARDS, 0);
	ck_assert_uint_eq(nlost, 1);
	ck_assert(!shards_mine(s, 4));
	ck_assert_uint_eq(channels_unanswered(c), 0);
	stanza(4, 1, 1);
	check_bounced(fake_sent(k) - 1, NOT_OWNER, 2);
	ck_assert_uint_eq(fake_freed(k), 0);
	/* The other dies: it is ours to take, at once. */
	fake_member_lost(k, PEER);
	fake_turn(k);
	grant(3);
	ck_assert_uint_eq(shards_epoch(s, 4), 3);
}
END_TEST

START_TEST(refused_lets_go_for_ten_seconds)
{
	own_all();
	shards_refused(s, 4);
	shards_refused(s, 4);
	ck_assert_uint_eq(nlost, 1);
	ck_assert_uint_eq(fake_freed(k), 1);
	fake_advance(k, 9000);
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_advance(k, 3000);
	ck_assert_uint_eq(fake_requests(k), 1);
	grant(5);
	ck_assert_uint_eq(asked_epoch, 0);
	ck_assert_uint_eq(shards_epoch(s, 4), 5);
}
END_TEST

START_TEST(releases_a_few_at_a_time)
{
	own_all();
	fake_member(k, PEER, "sm", "sm", true);
	fake_place(k, "sm", PEER);
	fake_event(k, LINK_MEMBER, PEER);
	fake_turn(k);
	ck_assert_uint_eq(nrelease, 64);
	stanza(release_list[0], 1, 1); /* waits, then goes back */
	stanza(release_list[63] + 1, 1, 2);
	ck_assert_uint_eq(nhandled, 1);
	ck_assert_uint_eq(fake_sent(k), 0);
	shards_released(s, release_list[0]);
	shards_released(s, release_list[0]);
	shards_released(s, 1000); /* was not asked for */
	ck_assert_uint_eq(fake_freed(k), 1);
	check_bounced(0, NOT_OWNER, 1);
	ck_assert(!shards_mine(s, release_list[0]));
	fake_turn(k);
	ck_assert_uint_eq(nrelease, 65);
	ck_assert_uint_eq(nlost, 0);
	/* One that is lost meanwhile makes room too. */
	fake_owner(k, release_list[1], PEER, 2);
	fake_event(k, LINK_SHARDS, 0);
	fake_turn(k);
	ck_assert_uint_eq(nlost, 1);
	ck_assert_uint_eq(nrelease, 66);
}
END_TEST

START_TEST(drain_lets_everything_go)
{
	own_all();
	shards_drain(s, on_drained, NULL);
	ck_assert(fake_unbound(k));
	fake_turn(k);
	for (size_t n = 0; n < SHARDS; n++) {
		ck_assert_uint_eq(ndrained, 0);
		ck_assert_uint_gt(nrelease, n);
		shards_released(s, release_list[n]);
		fake_turn(k);
	}
	ck_assert_uint_eq(ndrained, 1);
	ck_assert_uint_eq(fake_freed(k), SHARDS);
	fake_advance(k, 20000);
	ck_assert_uint_eq(fake_requests(k), 0);
	ck_assert_uint_eq(ndrained, 1);
}
END_TEST

START_TEST(drain_before_anything_opened)
{
	fake_member(k, C2S, "c2s", "c2s", false);
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	grant(2);
	shards_drain(s, on_drained, NULL);
	fake_turn(k);
	ck_assert_uint_eq(ndrained, 1);
	ck_assert_uint_eq(nlost, SHARDS);
	ck_assert_uint_eq(fake_freed(k), SHARDS);
}
END_TEST

START_TEST(drain_while_taking)
{
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	shards_drain(s, on_drained, NULL);
	fake_turn(k);
	ck_assert_uint_eq(ndrained, 1);
	ck_assert_uint_eq(fake_requests(k), 0);
}
END_TEST

Suite *shards_suite(void);

Suite *shards_suite(void)
{
	Suite *suite = suite_create("shards");
	TCase *t = tcase_create("shards");

	tcase_add_checked_fixture(t, shards_setup, shards_teardown);
	tcase_add_test(t, takes_all_in_one_batch);
	tcase_add_test(t, take_fails_and_is_tried_again);
	tcase_add_test(t, takes_without_belief_when_denied);
	tcase_add_test(t, takes_only_what_is_free_and_its_own);
	tcase_add_test(t, opens_when_all_have_announced);
	tcase_add_test(t, opens_when_the_silent_one_dies);
	tcase_add_test(t, opens_after_five_seconds);
	tcase_add_test(t, frames_wait_for_the_opening);
	tcase_add_test(t, waiting_is_bounded);
	tcase_add_test(t, tracked_frames_in_order_and_of_the_newest_owner);
	tcase_add_test(t, higher_epoch_takes_it);
	tcase_add_test(t, refused_lets_go_for_ten_seconds);
	tcase_add_test(t, releases_a_few_at_a_time);
	tcase_add_test(t, drain_lets_everything_go);
	tcase_add_test(t, drain_before_anything_opened);
	tcase_add_test(t, drain_while_taking);
	suite_add_tcase(suite, t);
	return suite;
}
