/* SPDX-License-Identifier: MIT */
/* Channels: the receiving side, and both sides with a network of faults between them. */
#include <check.h>
#include <stdlib.h>
#include "tests/unit/link/channel_rig.h"

static bool take(uint32_t run, uint32_t number)
{
	struct frame f = {
		.kind = MSG_TELL,
		.flags = FRAME_CHANNEL,
		.from = OWNER,
		.to_shard = SHARD,
		.from_shard = 3,
		.run = run,
		.number = number,
	};

	return channels_take(c, &f);
}

START_TEST(takes_the_next_of_the_run)
{
	struct frame untracked = {.kind = MSG_TELL, .from = OWNER};

	ck_assert(channels_take(c, &untracked));
	ck_assert(take(1, 0));
	ck_assert(take(1, 1));
	ck_assert(!take(1, 1)); /* again: silently dropped */
	ck_assert(!take(1, 0));
	ck_assert_uint_eq(fake_sent(k), 0);
	ck_assert(!take(1, 3));
	ck_assert(!take(1, 4));
	ck_assert_uint_eq(fake_sent(k), 1);
	ck_assert_int_eq(fake_out(k, 0)->how, FAKE_BOUNCED);
	ck_assert_uint_eq(fake_out(k, 0)->why, OUT_OF_ORDER);
	ck_assert_uint_eq(fake_out(k, 0)->f.number, 3);
	ck_assert(take(2, 0));
	ck_assert(!take(1, 2)); /* of an earlier run: silently */
	ck_assert_uint_eq(fake_sent(k), 1);
	ck_assert(!take(4, 1));
	ck_assert_uint_eq(fake_sent(k), 2);
	ck_assert(take(4, 0));
	ck_assert(take(4, 1));
	ck_assert(!take(3, 7));
	ck_assert_uint_eq(fake_sent(k), 2);
	channels_forget_member(c, OWNER);
	ck_assert(!take(4, 2));
	ck_assert(take(5, 0));
	channels_forget_shard(c, SHARD);
	ck_assert(!take(5, 1));
	ck_assert(take(6, 0));
	fake_member_lost(k, OWNER);
	ck_assert(take(1, 0));
}
END_TEST

/*
 * A sender and a receiver with a network between that loses, bounces, is cut, and an owner that
 * changes its epoch: whatever happens, each message is taken in order (a repetition may come, from
 * the first unanswered on), and at the end all are answered.
 */
struct world {
	struct link *far; /* the receiver's */
	struct channels *at;
	size_t passed;	     /* of the sender's frames */
	uint64_t highest;    /* number taken */
	uint64_t last;	     /* taken last */
	uint32_t epoch, run; /* of the last taken */
	unsigned seed;
};

static unsigned dice(struct world *w, unsigned sides)
{
	return (unsigned)rand_r(&w->seed) % sides;
}

static void far_takes(struct world *w, const struct frame *f)
{
	struct msg_told told = {0};
	uint64_t n = number_of(f);

	if (f->to_epoch != w->epoch) {
		fake_bounce(k, f, NOT_OWNER, w->epoch);
		return;
	}
	if (!channels_take(w->at, f)) {
		fake_bounces(w->far, k, w->epoch);
		return;
	}
	/* Never past one that was not yet taken. */
	ck_assert_uint_le(n, w->highest + 1);
	if (f->run == w->run)
		ck_assert_uint_gt(n, w->last);
	w->run = f->run;
	w->last = n;
	if (n > w->highest)
		w->highest = n;
	if (dice(w, 4)) /* else the answer is lost with the path, below */
		fake_reply(k, f, MSG_TOLD, &told);
	else
		fake_event(k, LINK_PATH_LOST, OWNER);
}

static void one_step(struct world *w, int *sent)
{
	struct frame f;

	switch (dice(w, 12)) {
	case 0:
		fake_owner(k, SHARD, OWNER, ++w->epoch);
		channels_forget_shard(w->at, SHARD);
		fake_event(k, LINK_SHARDS, 0);
		return;
	case 1:
		w->passed = fake_sent(k); /* a router dies with all it held */
		fake_event(k, LINK_PATH_LOST, OWNER);
		return;
	case 2:
		fake_advance(k, dice(w, 100));
		return;
	case 3:
	case 4:
		if (*sent < 60)
			tell(++*sent);
		return;
	}
	if (w->passed == fake_sent(k))
		return;
	f = fake_out(k, w->passed++)->f;
	switch (dice(w, 10)) {
	case 0:
		fake_bounce(k, &f, (uint8_t)dice(w, 3), 0);
		return;
	case 1:
		if (w->passed < fake_sent(k)) /* one frame is dropped: the next shows it */
			return;
	}
	far_takes(w, &f);
}

START_TEST(random_faults)
{
	struct world w = {.far = fake_new(OWNER), .epoch = 5, .seed = (unsigned)_i + 1};
	int sent = 0;

	w.at = channels_new(w.far);
	for (int n = 0; n < 1500; n++)
		one_step(&w, &sent);
	/* Then all is well. */
	for (int n = 0; n < 50; n++) {
		while (w.passed < fake_sent(k)) {
			struct frame f = fake_out(k, w.passed++)->f;

			far_takes(&w, &f);
		}
		fake_advance(k, 1000);
	}
	ck_assert_int_eq(nanswered, sent);
	ck_assert_uint_eq(w.highest, (uint64_t)sent);
	ck_assert_uint_eq(channels_unanswered(c), 0);
	channels_free(w.at);
	fake_free(w.far);
}
END_TEST

Suite *channel_recv_suite(void);

Suite *channel_recv_suite(void)
{
	Suite *s = suite_create("channel_recv");
	TCase *t = tcase_create("channel_recv");

	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, takes_the_next_of_the_run);
	tcase_add_loop_test(t, random_faults, 0, 40);
	suite_add_tcase(s, t);
	return s;
}
