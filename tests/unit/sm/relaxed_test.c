/* SPDX-License-Identifier: MIT */
/* Option durability = relaxed: what is logged, what is not, and that nothing is doubled by it. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static struct client *romeo, *juliet;

static size_t logged(void)
{
	return shelf_count(w.shelf, TABLE_LOG, "juliet@localhost");
}

static void setup(void)
{
	world_relaxed = true;
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
}

static void teardown(void)
{
	world_stop();
	world_relaxed = false;
}

static void chat(const char *text)
{
	char *xml = xasprintf("<message type='chat' id='%s' to='juliet@localhost'><body>%s</body>"
			      "</message>", text, text);

	says(romeo, xml);
	free(xml);
}

/* Done before it is anywhere else, and settled by the client's word alone. */
START_TEST(acknowledged)
{
	w.shelf->hold = true;
	chat("one");
	gets(juliet, "one");
	ck_assert_uint_eq(romeo->done, romeo->in);
	acknowledge_all(juliet);
	ck_assert_uint_eq(session_find(w.sm, juliet->sid)->ngiven, 0);
	pass(60000);
	w.shelf->hold = false;
	settle();
	ck_assert_uint_eq(logged(), 0);
	gets_nothing(juliet);
	gets_nothing(romeo);
	leave(juliet, true);
	juliet = online("juliet@localhost", "balcony");
	gets_nothing(juliet);
}
END_TEST

/* An unread message is in the log after a while; read later, it is still delivered once. */
START_TEST(unread)
{
	chat("one");
	ck_assert_uint_eq(logged(), 0);
	pass(11000);
	ck_assert_uint_eq(logged(), 1);
	gets(juliet, "one");
	acknowledge_all(juliet);
	ck_assert_uint_eq(session_find(w.sm, juliet->sid)->ngiven, 0);
	leave(juliet, true);
	juliet = online("juliet@localhost", "balcony");
	gets_nothing(juliet);
}
END_TEST

/* Done at once, also for who asks again. */
START_TEST(repeated_by_a_peer)
{
	static const char xml[] = "<message type='chat' id='c' from='p@localhost/x' to='juliet@localhost'>"
				  "<body>1</body></message>";

	for (int i = 0; i < 2; i++) {
		char *told = tell_in(xml, 7, 1);

		ck_assert_ptr_nonnull(told);
		ck_assert_str_eq(told, "");
		free(told);
	}
	ck_assert_uint_eq(logged(), 0);
	gets(juliet, "<body>1<");
	acknowledge_all(juliet);
	gets_nothing(juliet);
}
END_TEST

/* Read while it is on its way to the log: it is not given again when it is there. */
START_TEST(read_late)
{
	w.shelf->hold = true;
	chat("one");
	pass(11000);
	gets(juliet, "one");
	acknowledge_all(juliet);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, 1);
	settle();
	ck_assert_uint_eq(logged(), 1);
	gets_nothing(juliet);
	leave(juliet, true);
	juliet = online("juliet@localhost", "balcony");
	gets_nothing(juliet);
}
END_TEST

/* The session ends with it unread: it waits in the log for the next, with those behind it in order. */
START_TEST(left)
{
	chat("one");
	chat("two");
	leave(juliet, false);
	ck_assert_uint_eq(logged(), 2);
	chat("three");
	ck_assert_uint_eq(logged(), 3);
	juliet = login("juliet@localhost", "garden");
	says(juliet, "<presence/>");
	gets_any(juliet, "one", "urn:xmpp:delay");
	gets_any(juliet, "two", "urn:xmpp:delay");
	gets_any(juliet, "three", "urn:xmpp:delay");
}
END_TEST

/* To the other resource when one goes: it had it already, and gets it no second time. */
START_TEST(other_resource)
{
	struct client *garden = online("juliet@localhost", "garden");

	forget(juliet);
	chat("one");
	gets(juliet, "one");
	gets(garden, "one");
	leave(garden, false);
	ck_assert_uint_eq(logged(), 0); /* juliet still has it */
	forget(juliet);
	leave(juliet, false);
	ck_assert_uint_eq(logged(), 1);
}
END_TEST

/* A resource that comes before the log has it was not there when it was sent. */
START_TEST(latecomer)
{
	struct client *garden;

	chat("one");
	gets(juliet, "one");
	garden = online("juliet@localhost", "garden");
	forget(garden);
	pass(11000);
	ck_assert_uint_eq(logged(), 1);
	gets_nothing(garden);
}
END_TEST

/* A broken connection that may come back: in the log at once, as another process may answer for it. */
START_TEST(detached)
{
	enable(juliet);
	chat("one");
	ck_assert_uint_eq(logged(), 0);
	leave(juliet, false);
	ck_assert_uint_eq(logged(), 1);
	chat("two"); /* nobody takes it now */
	ck_assert_uint_eq(logged(), 2);
}
END_TEST

/* Behind a message that is logged nothing older is left out: commits keep the order of numbers. */
START_TEST(order)
{
	chat("one");
	acknowledge_all(juliet);
	leave(juliet, true);
	chat("two");
	ck_assert_uint_eq(logged(), 1);
	juliet = online("juliet@localhost", "balcony");
	chat("three");
	says(juliet, "<presence type='unavailable'/>");
	chat("four");
	ck_assert_uint_eq(logged(), 3);
}
END_TEST

/* A repetition by its sender's owner is answered, not given again, whether it was logged or not. */
START_TEST(repeated)
{
	const char *xml = "<message type='chat' from='nurse@localhost' to='juliet@localhost'>"
			  "<body>one</body></message>";
	char *e = tell_in(xml, 77, 1);

	ck_assert_str_eq(e, "");
	free(e);
	gets(juliet, "one");
	acknowledge_all(juliet);
	e = tell_in(xml, 77, 1);
	ck_assert_str_eq(e, "");
	free(e);
	gets_nothing(juliet);
	ck_assert_uint_eq(logged(), 0);
}
END_TEST

static struct client *garden; /* her other client */

static void three_for_two(void)
{
	garden = online("juliet@localhost", "garden");
	enable(garden);
	says(garden, "<presence><show>away</show></presence>"); /* its record at c2s is of now */
	acknowledge_all(juliet);
	acknowledge_all(garden);
	forget(juliet);
	forget(garden);
	pass(40000);
	chat("one");
	chat("two");
	chat("three");
	acknowledge_all(juliet);
}

static void garden_has_three(void)
{
	gets(garden, "one");
	gets(garden, "two");
	gets(garden, "three");
	gets_nothing(garden);
}

/* What one client has acknowledged is kept for the other, and logged when that takes long; not when both have it. */
START_TEST(acknowledged_by_one)
{
	three_for_two();
	ck_assert_uint_eq(logged(), 0);
	garden_has_three();
	if (_i) {
		acknowledge_all(garden);
		pass(12000);
		ck_assert_uint_eq(logged(), 0);
		return;
	}
	pass(12000);
	ck_assert_uint_eq(logged(), 3);
	acknowledge_all(garden);
	ck_assert_uint_eq(session_find(w.sm, garden->sid)->ngiven, 0);
	leave(juliet, true);
	juliet = online("juliet@localhost", "balcony");
	gets_nothing(juliet);
}
END_TEST

/* The other is given it again by the next owner. */
START_TEST(acknowledged_by_one_and_drained)
{
	three_for_two();
	garden_has_three();
	while (!users_flush_shard(w.sm, shard_of("juliet@localhost")))
		pass(50);
	juliet_goes();
	announce_whole(juliet);
	announce_whole(garden);
	pass(3000);
	leave(garden, false);
	resume(garden, C2S2_ID);
	ck_assert_int_eq(garden->refused, 0);
	garden_has_three();
}
END_TEST

/* Its bytes are dropped when there are too many: not while they are nowhere else. */
START_TEST(acknowledged_by_one_and_thin)
{
	struct session *s;

	three_for_two();
	garden_has_three();
	s = session_find(w.sm, garden->sid);
	s->thin = true;
	for (uint32_t i = 0; i < s->ngiven; i++)
		if (!s->given[i].acked)
			hold_thin(s, &s->given[i]);
	leave(garden, false);
	resume(garden, C2S2_ID);
	pass(2000);
	ck_assert_int_eq(garden->refused, 0);
	ck_assert_ptr_nonnull(session_find(w.sm, garden->sid));
	garden_has_three();
}
END_TEST

/* The account goes to another owner: what is not acknowledged is in the log before. */
START_TEST(drained)
{
	chat("one");
	ck_assert(!users_flush_shard(w.sm, shard_of("juliet@localhost")));
	settle();
	ck_assert_uint_eq(logged(), 1);
	ck_assert(users_flush_shard(w.sm, shard_of("juliet@localhost")) ||
		  user_get(w.sm, STR("juliet@localhost")));
}
END_TEST

Suite *relaxed_suite(void)
{
	Suite *s = suite_create("relaxed");
	TCase *tc = tcase_create("relaxed");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, acknowledged);
	tcase_add_test(tc, unread);
	tcase_add_test(tc, read_late);
	tcase_add_test(tc, repeated_by_a_peer);
	tcase_add_test(tc, left);
	tcase_add_test(tc, other_resource);
	tcase_add_test(tc, latecomer);
	tcase_add_test(tc, detached);
	tcase_add_test(tc, order);
	tcase_add_test(tc, repeated);
	tcase_add_test(tc, drained);
	tcase_add_loop_test(tc, acknowledged_by_one, 0, 2);
	tcase_add_test(tc, acknowledged_by_one_and_drained);
	tcase_add_test(tc, acknowledged_by_one_and_thin);
	suite_add_tcase(s, tc);
	return s;
}
