/* SPDX-License-Identifier: MIT */
/* Ownership of shards: doubts after a stop, or when nobody saw us. */
#include <check.h>
#include <errno.h>
#include "tests/unit/link/shards_rig.h"

START_TEST(a_stop_is_noticed_before_any_frame)
{
	own_all();
	fake_sleep(k, 20000);
	stanza(4, 1, 1);
	stanza(5, 1, 2);
	ck_assert_uint_eq(nhandled, 0);
	grant_but(1, 5, MSG_LEASE_CHECK);
	ck_assert_uint_eq(nhandled, 1);
	ck_assert_uint_eq(handled[0], 1);
	ck_assert_uint_eq(nlost, 1);
	ck_assert(!shards_mine(s, 5));
	check_bounced(0, NOT_OWNER, 1);
	fake_advance(k, 5000);
	ck_assert_uint_eq(fake_requests(k), 0);
	/* With no frame, the timer notices. */
	fake_sleep(k, 20000);
	fake_advance(k, 10);
	ck_assert_uint_eq(fake_requests(k), 1);
	fake_answer(k, 0, -ETIMEDOUT, 0, NULL);
	stanza(4, 1, 3);
	ck_assert_uint_eq(nhandled, 1);
	fake_advance(k, 1000);
	grant_but(1, SHARD_NONE, MSG_LEASE_CHECK);
	ck_assert_uint_eq(nhandled, 2);
}
END_TEST

static void acked(uint32_t tag)
{
	struct frame f = frame_to(SHARD_NONE, 0, tag);

	f.kind = MSG_ACKED;
	fake_receive(k, f, &(struct msg_acked){0});
}

START_TEST(nothing_overtakes_in_a_doubt)
{
	own_all();
	fake_sleep(k, 20000);
	stanza(4, 1, 1);
	acked(3);
	acked(4);
	stanza(5, 1, 2);
	ck_assert_uint_eq(nhandled, 0);
	grant_but(1, SHARD_NONE, MSG_LEASE_CHECK);
	ck_assert_uint_eq(nhandled, 4);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(handled[i], i + 1);
	acked(5);
	ck_assert_uint_eq(nhandled, 5);
	fake_sleep(k, 20000);
	acked(6);
	ck_assert_uint_eq(nhandled, 5);
	fake_sleep(k, 20000);			   /* and again, with nothing left to ask about */
	grant_but(2, SHARD_NONE, MSG_LEASE_CHECK); /* all are another's */
	ck_assert_uint_eq(nlost, SHARDS);
	ck_assert_uint_eq(nhandled, 6);
}
END_TEST

START_TEST(unseen_by_all_is_a_doubt)
{
	own_all();
	fake_ready(k, false);
	stanza(4, 1, 1);
	ck_assert_uint_eq(nhandled, 0);
	fake_ready(k, true);
	ck_assert_uint_eq(fake_bound(k), 2 * SHARDS);
	grant_but(1, SHARD_NONE, MSG_LEASE_CHECK);
	ck_assert_uint_eq(nhandled, 1);
	ck_assert_uint_eq(nlost, 0);
	fake_event(k, LINK_PATH_LOST, STORAGE); /* one path of several */
	ck_assert_uint_eq(fake_requests(k), 0);
}
END_TEST

/* The router is there again, and storage has not found it yet. */
START_TEST(storage_comes_back_after_us)
{
	own_all();
	fake_ready(k, false);
	fake_ready(k, true);
	for (int i = 0; i < 5; i++) {
		fake_answer(k, 0, -EHOSTUNREACH, 0, NULL);
		fake_advance(k, i < 4 ? 1600 : 0);
	}
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_member(k, C2S, "c2s", "c2s", false);
	ck_assert_uint_eq(fake_requests(k), 0);
	fake_member(k, STORAGE, "storage", "storage", false);
	ck_assert_uint_eq(fake_requests(k), 1);
	fake_member(k, STORAGE, "storage", "storage", false);
	ck_assert_uint_eq(fake_requests(k), 1);
	stanza(4, 1, 1);
	grant_but(1, SHARD_NONE, MSG_LEASE_CHECK);
	ck_assert_uint_eq(nhandled, 1);
}
END_TEST

/* Taken while a check of the others is under way: not part of it. */
START_TEST(taken_during_a_check)
{
	struct msg_shard_epoch one = {4, 6};
	struct msg_leases m = {.shards = &one, .nshards = 1};

	own_all();
	shards_refused(s, 4);
	fake_advance(k, 11000);
	ck_assert_uint_eq(fake_requests(k), 1); /* LEASE_TAKE of 4 */
	fake_sleep(k, 20000);
	stanza(5, 1, 1);
	ck_assert_uint_eq(fake_requests(k), 2);
	fake_answer(k, 0, 0, MSG_LEASES, &m);
	ck_assert_uint_eq(shards_epoch(s, 4), 6);
	ck_assert(!shards_is_open(s, 4));
	grant_but(1, SHARD_NONE, MSG_LEASE_CHECK);
	ck_assert(shards_is_open(s, 4));
	ck_assert_uint_eq(nlost, 1);
}
END_TEST

Suite *doubt_suite(void);

Suite *doubt_suite(void)
{
	Suite *suite = suite_create("doubt");
	TCase *t = tcase_create("doubt");

	tcase_add_checked_fixture(t, shards_setup, shards_teardown);
	tcase_add_test(t, a_stop_is_noticed_before_any_frame);
	tcase_add_test(t, nothing_overtakes_in_a_doubt);
	tcase_add_test(t, unseen_by_all_is_a_doubt);
	tcase_add_test(t, storage_comes_back_after_us);
	tcase_add_test(t, taken_during_a_check);
	suite_add_tcase(suite, t);
	return suite;
}
