/* SPDX-License-Identifier: MIT */
/* What is kept of a session fits in a frame, as a later owner must be told of it. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

enum { FRAME = 16000, GIVEN = 210, MANY = 300 }; /* GIVEN: of what half of that frame holds */

static struct client *romeo, *juliet;

static void setup(void)
{
	world_start("directed_max = 1000");
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
}

static void says_presence(struct client *c, const char *to, int length)
{
	char *xml = xasprintf("<presence%s><status>%0*d</status></presence>", to, length, 0);

	says(c, xml);
	free(xml);
}

static void directs(int i)
{
	char *to = xasprintf(" to='p%d@localhost/%0900d'", i, 0);

	says_presence(romeo, to, 1);
	free(to);
}

static struct session *session_of(const struct client *c)
{
	struct session *s = session_find(w.sm, c->sid);

	ck_assert_ptr_nonnull(s);
	return s;
}

/* 4.6 */
START_TEST(directed_presence)
{
	uint32_t n;
	size_t len;

	fake_max_frame(w.link, FRAME);
	directs(1);
	directs(2);
	directs(3);
	gets_nothing(romeo);
	for (int i = 4; i < 10; i++)
		directs(i);
	n = session_of(romeo)->ndirected;
	ck_assert_uint_ge(n, 3);
	ck_assert_uint_lt(n, 5);
	for (int i = (int)n + 1; i < 10; i++)
		gets(romeo, "type='error'", "<resource-constraint");
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in);
	memcpy(&len, romeo->record, sizeof len);
	ck_assert_uint_lt(len, FRAME / 2);
	directs(2); /* known */
	gets_nothing(romeo);
}
END_TEST

/* 4.2.2: the present one stays */
START_TEST(presence)
{
	fake_max_frame(w.link, 4 * FRAME);
	says_presence(romeo, "", 12000);
	gets(romeo, "<presence", "from='romeo@localhost/orchard'");
	says_presence(romeo, "", 12001); /* in the place of the other */
	gets(romeo, "<presence", "from='romeo@localhost/orchard'");
	says_presence(romeo, "", 20000);
	gets(romeo, "type='error'", "<resource-constraint");
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in);
	ck_assert_uint_gt(session_of(romeo)->presence->len, 12001);
	ck_assert_uint_lt(session_of(romeo)->presence->len, 16000);
}
END_TEST

/* However it came about: nobody is to wait for ever for what cannot be said. */
START_TEST(too_long_to_be_told)
{
	says_presence(romeo, "", 3000);
	forget(romeo);
	fake_max_frame(w.link, 2000);
	says(romeo, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
	settle();
	ck_assert_int_eq(romeo->ended, 1 + STREAM_E_RESOURCE_CONSTRAINT);
	ck_assert_ptr_null(session_find(w.sm, romeo->sid));
}
END_TEST

START_TEST(too_long_to_be_resumed)
{
	says_presence(romeo, "", 3000);
	enable(romeo);
	acknowledge_all(romeo);
	leave(romeo, false);
	fake_max_frame(w.link, 2000);
	resume(romeo, C2S2_ID);
	ck_assert(!romeo->resuming);
	ck_assert_uint_eq(romeo->refused, 1 + STANZA_E_ITEM_NOT_FOUND);
	settle();
	ck_assert_ptr_null(session_find(w.sm, romeo->sid));
}
END_TEST

/* --- what it was given ----------------------------------------------------------------------- */

static void comes(int first, int last)
{
	for (int i = first; i <= last; i++) {
		char body[20];

		(void)snprintf(body, sizeof body, ">m%d.<", i);
		gets(juliet, body);
	}
}

/* More than c2s could announce is held back until the client has acknowledged some. */
START_TEST(unacknowledged)
{
	fake_max_frame(w.link, FRAME);
	enable(juliet);
	acknowledge_all(juliet);
	for (int i = 1; i <= MANY; i++)
		nurse_said(i);
	ck_assert_uint_le(juliet->nkept, GIVEN);
	comes(1, GIVEN - 1);
	acknowledge_all(juliet);
	comes(GIVEN, MANY);
	acknowledge_all(juliet);
	gets_nothing(juliet);
}
END_TEST

/* The same when the client has, and storage has not. */
START_TEST(uncommitted)
{
	fake_max_frame(w.link, FRAME);
	enable(juliet);
	acknowledge_all(juliet);
	w.shelf->hold = true;
	for (int i = 1; i <= MANY; i++)
		free(nurse_says(i));
	pass(1000); /* it is slow */
	comes(1, GIVEN - 1);
	acknowledge_all(juliet);
	ck_assert_uint_le(juliet->nkept, GIVEN);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, SIZE_MAX);
	settle();
	pass(2000);
	comes(GIVEN, MANY);
	acknowledge_all(juliet);
	gets_nothing(juliet);
}
END_TEST

/* A detached session of which there is too much to tell has no row. */
START_TEST(detached)
{
	enable(juliet);
	acknowledge_all(juliet);
	for (int i = 1; i <= MANY; i++)
		nurse_said(i);
	comes(1, MANY);
	fake_max_frame(w.link, FRAME);
	leave(juliet, false);
	pass(3000);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_SESSION, "juliet@localhost"), 0);
	fake_max_frame(w.link, 0);
	pass(3000);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_SESSION, "juliet@localhost"), 1);
}
END_TEST

Suite *record_suite(void)
{
	Suite *s = suite_create("records");
	TCase *c = tcase_create("records");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, directed_presence);
	tcase_add_test(c, presence);
	tcase_add_test(c, too_long_to_be_told);
	tcase_add_test(c, too_long_to_be_resumed);
	tcase_add_test(c, unacknowledged);
	tcase_add_test(c, uncommitted);
	tcase_add_test(c, detached);
	suite_add_tcase(s, c);
	return s;
}
