/* SPDX-License-Identifier: MIT */
/* What c2s announces as given, against what the log has: by another number, below others, not committed yet. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

enum { MANY = 200 };

static void setup(void)
{
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	online("romeo@localhost", "orchard");
}

static struct msg_given given;

/* She was given message 1 by an owner that was cut off, and another takes the account. */
static struct client *given_elsewhere(bool acked)
{
	struct client *juliet = online("juliet@localhost", "balcony");

	enable(juliet);
	given = (struct msg_given){.key = {NURSE, 1, 0}, .log = 5, .m = ++juliet->out};
	if (acked)
		juliet->acked = juliet->out;
	session_free(session_find(w.sm, juliet->sid));
	return juliet;
}

static void next_owner(struct client *juliet)
{
	juliet_goes();
	announce_given(juliet, &given, 1);
	pass(2000);
}

static void presence(struct client *c, const char *show)
{
	char *xml = xasprintf("<presence><show>%s</show></presence>", show);

	says(c, xml);
	gets(c, "<presence", show);
	acknowledge_all(c);
	free(xml);
}

/* Its sender repeats it before c2s could say that its client has it: it gets a number anew, and still
 * neither this session nor another is given it again, at this owner or the next. */
START_TEST(announced_behind_its_repetition)
{
	struct client *juliet = given_elsewhere(true), *other;
	bool committed = !(_i & 1);

	w.shelf->hold = !committed;
	free(nurse_says(1));
	announce_given(juliet, &given, 1);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	pass(2000);
	ck_assert_uint_eq(juliet_logged(), 1);
	gets_nothing(juliet);
	presence(juliet, "away");
	ck_assert_int_lt((int32_t)(juliet->settled - given.m), 0);
	next_owner(juliet);
	presence(juliet, "xa");
	gets_nothing(juliet);
	other = online("juliet@localhost", "garden");
	pass(2000);
	forget(juliet); /* that one's presence */
	gets_nothing(other);
	/* What comes behind it and is settled speaks for it, to the next owner as well. */
	nurse_said(2);
	gets(juliet, ">m2.<");
	acknowledge_all(juliet);
	acknowledge_all(other);
	pass(2000);
	ck_assert_int_ge((int32_t)(juliet->settled - given.m), 0);
}
END_TEST

/* A number below those of the log does not mean that the log has it: its sender repeats it, and it is known
 * by what was announced. */
START_TEST(not_committed_though_below)
{
	struct client *juliet = given_elsewhere(true);
	uint64_t greater;

	nurse_said(2);
	greater = (uint64_t)shelf_row(w.shelf, TABLE_LOG, "juliet@localhost")->v[COL_LOG_NUMBER].i;
	ck_assert_uint_gt(greater, given.log);
	announce_given(juliet, &given, 1);
	gets(juliet, ">m2.<");
	acknowledge_all(juliet);
	pass(2000);
	ck_assert_int_lt((int32_t)(juliet->settled - given.m), 0);
	nurse_said(1);
	pass(2000);
	gets_nothing(juliet);
	ck_assert_uint_eq(juliet_logged(), 2);
	ck_assert_int_ge((int32_t)(juliet->settled - given.m), 0);
}
END_TEST

/* What is older than what is read with the account is asked of the log, also when that takes two times. */
START_TEST(committed_long_ago)
{
	struct client *juliet = given_elsewhere(true);

	nurse_said(1);
	given.log = (uint64_t)shelf_row(w.shelf, TABLE_LOG, "juliet@localhost")->v[COL_LOG_NUMBER].i;
	for (int i = 2; i <= MANY; i++)
		nurse_said(i);
	user_touch(user_get(w.sm, STR("juliet@localhost"))); /* writes the position */
	settle();
	for (struct shelf_row *at = w.shelf->rows; at; at = at->next)
		if (at->table == TABLE_LOG && at->v[COL_LOG_NUMBER].i < (int64_t)given.log + MANY - 10)
			at->v[COL_LOG_TIME].i = 0;
	juliet_goes();
	nurse_said(MANY);
	w.shelf->hold_reads = true;
	announce_given(juliet, &given, 1);
	reads_time_out();
	w.shelf->hold_reads = false;
	pass(3000);
	gets(juliet, ">m2.<");
	acknowledge_all(juliet);
	pass(2000);
	ck_assert_int_ge((int32_t)(juliet->settled - given.m), 0);
}
END_TEST

static int64_t position(void)
{
	const struct shelf_row *r = shelf_row(w.shelf, TABLE_POSITION, "juliet@localhost");

	return r ? r->v[COL_POSITION_DELIVERED].i : 0;
}

/* It has the number that c2s announced, and is committed after her client has acknowledged it: it is settled
 * when the position says so, or the next owner would give it again. */
START_TEST(acknowledged_before_the_commit)
{
	struct client *juliet = given_elsewhere(true);

	given.log = (uint64_t)w.epoch << 40 | 1000;
	announce_given(juliet, &given, 1);
	nurse_said(1);
	ck_assert((int32_t)(juliet->settled - given.m) < 0 || position() >= (int64_t)given.log);
	pass(2000);
	ck_assert_int_ge((int32_t)(juliet->settled - given.m), 0);
	ck_assert_int_ge(position(), (int64_t)given.log);
	gets_nothing(juliet);
}
END_TEST

/* Message 2 waits for her in the log; message 1 is appended under the number that it was given by elsewhere,
 * below that, and is not committed. Who comes then? */
static struct client *below_the_log(void)
{
	struct client *juliet = login("juliet@localhost", "balcony");

	enable(juliet);
	given = (struct msg_given){.key = {NURSE, 1, 0}, .log = 5, .m = ++juliet->out};
	session_free(session_find(w.sm, juliet->sid));
	nurse_said(2);
	announce_given(juliet, &given, 1);
	w.shelf->hold = true;
	ck_assert_ptr_null(nurse_says(1));
	leave(juliet, true);
	return login("juliet@localhost", "garden");
}

/* The owner dies with it: who has read a position beyond it finds it all the same. */
START_TEST(appended_below_the_position)
{
	struct client *juliet;

	leave(below_the_log(), true);
	ck_assert_int_gt(position(), (int64_t)given.log);
	shelf_release(w.shelf, w.link, 1);
	shelf_lose(w.shelf);
	w.shelf->hold = false;
	ck_assert_uint_eq(juliet_logged(), 2);
	juliet_goes();
	juliet = login("juliet@localhost", "garden");
	says(juliet, "<presence/>");
	gets(juliet, "<presence");
	gets(juliet, ">m1.<");
	gets(juliet, ">m2.<");
	gets_nothing(juliet);
}
END_TEST

START_TEST(appended_below_the_log)
{
	struct client *juliet = below_the_log();

	says(juliet, "<presence/>");
	gets_any(juliet, ">m2.<");
	forget(juliet);
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets(juliet, ">m1.<");
	gets_nothing(juliet);
	w.shelf->hold = false;
	acknowledge_all(juliet);
	pass(2000);
	ck_assert_int_eq((int32_t)juliet->settled, (int32_t)juliet->out);
}
END_TEST

/* It is committed while those above it are read. */
START_TEST(committed_below_what_is_read)
{
	struct client *juliet = below_the_log();

	w.shelf->hold_reads = true;
	says(juliet, "<presence/>");
	shelf_release(w.shelf, w.link, 1);
	settle();
	w.shelf->hold_reads = false;
	settle();
	gets_any(juliet, ">m1.<");
	gets_any(juliet, ">m2.<");
}
END_TEST

/* Message 3, behind it, is found in the log before either's commit is known. */
START_TEST(read_before_what_is_below)
{
	struct client *juliet = below_the_log();
	const char *const bodies[] = {">m2.<", ">m1.<", ">m3.<"};

	ck_assert_ptr_null(nurse_says(3));
	shelf_lose_answer(w.shelf);
	shelf_lose_answer(w.shelf);
	w.shelf->hold = false;
	says(juliet, "<presence/>");
	gets(juliet, "<presence");
	pass(9000); /* the writes are repeated */
	for (size_t i = 0; i < 3; i++)
		gets(juliet, bodies[i]);
	gets_nothing(juliet);
	ck_assert_uint_eq(juliet_logged(), 3);
}
END_TEST

Suite *announced_suite(void)
{
	Suite *s = suite_create("announced");
	TCase *c = tcase_create("announced");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, announced_behind_its_repetition, 0, 2);
	tcase_add_test(c, not_committed_though_below);
	tcase_add_test(c, committed_long_ago);
	tcase_add_test(c, acknowledged_before_the_commit);
	tcase_add_test(c, appended_below_the_log);
	tcase_add_test(c, appended_below_the_position);
	tcase_add_test(c, committed_below_what_is_read);
	tcase_add_test(c, read_before_what_is_below);
	suite_add_tcase(s, c);
	return s;
}
