/* SPDX-License-Identifier: MIT */
/* Accounts that one answer of storage has no room for. */
#include <stdlib.h>
#include "sm/roster.h"
#include "tests/unit/sm/world.h"

enum { MANY = 40 };

static struct client *romeo;

static void setup(void)
{
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
}

static char *contact_name(int i)
{
	return xasprintf("c%02d@example.com", i);
}

/* Juliet's contacts and whom she has blocked; then her account leaves memory, and an answer holds little. */
static void large_account(void)
{
	struct client *juliet = online("juliet@localhost", "balcony");

	for (int i = 0; i < MANY; i++) {
		char *jid = contact_name(i);
		char *set = xasprintf("<iq type='set' id='s'><query xmlns='jabber:iq:roster'>"
				      "<item jid='%s' name='%0200d'/></query></iq>", jid, i);
		char *block = xasprintf("<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
					"<item jid='%s'/></block></iq>", jid);

		says(juliet, set);
		says(juliet, block);
		acknowledge_all(juliet);
		free(block);
		free(set);
		free(jid);
	}
	says(juliet, "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
		     "<item jid='romeo@localhost'/></block></iq>");
	((struct sm_config *)w.app.config)->users_cached = 0;
	leave(juliet, true);
	pass(3000);
	ck_assert_ptr_null(user_get(w.sm, STR("juliet@localhost")));
	w.shelf->read_bytes = 4000;
}

static void is_whole(void)
{
	struct user *u = user_get(w.sm, STR("juliet@localhost"));

	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(u->state, USER_LOADED);
	ck_assert_uint_eq(roster_of(u)->n, MANY);
	for (int i = 0; i < MANY; i++) {
		char *jid = contact_name(i);
		struct contact *c = roster_find(u, str_z(jid));

		ck_assert_ptr_nonnull(c);
		ck_assert_uint_eq(strlen(c->name), 200);
		ck_assert_int_eq(c->version, roster_of(u)->removed + i + 1);
		free(jid);
	}
	ck_assert_int_eq(roster_of(u)->version, roster_of(u)->removed + MANY);
	says(romeo, "<message to='juliet@localhost' type='chat'><body>x</body></message>");
	gets(romeo, "type='error'", "<service-unavailable"); /* the end of the block list */
}

START_TEST(every_page_is_read)
{
	size_t reads;

	large_account();
	reads = w.shelf->reads;
	ck_assert_int_eq(login("juliet@localhost", "balcony")->ended, -1);
	ck_assert_uint_gt(w.shelf->reads, reads + 2);
	is_whole();
}
END_TEST

/* Then it is not loaded, and nothing is said about it. */
START_TEST(storage_fails_in_between)
{
	large_account();
	w.shelf->one_read = true;
	says_only(romeo, "<message to='juliet@localhost' type='chat'><body>x</body></message>");
	settle();
	ck_assert_ptr_nonnull(user_get(w.sm, STR("juliet@localhost")));
	ck_assert_uint_eq(user_get(w.sm, STR("juliet@localhost"))->state, USER_LOADING);
	gets_nothing(romeo);
	reads_time_out();
	w.shelf->hold_reads = false;
	pass(3000);
	gets(romeo, "type='error'");
	login("juliet@localhost", "balcony");
	is_whole();
}
END_TEST

/* The shard is lost while pages are read. */
START_TEST(lost_in_between)
{
	large_account();
	w.shelf->one_read = true;
	says_only(romeo, "<message to='juliet@localhost' type='chat'><body>x</body></message>");
	settle();
	user_drop(user_get(w.sm, STR("juliet@localhost")));
	ck_assert_ptr_null(user_get(w.sm, STR("juliet@localhost")));
	w.shelf->hold_reads = false;
}
END_TEST

Suite *user_suite(void)
{
	Suite *s = suite_create("users");
	TCase *c = tcase_create("users");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, every_page_is_read);
	tcase_add_test(c, storage_fails_in_between);
	tcase_add_test(c, lost_in_between);
	suite_add_tcase(s, c);
	return s;
}
