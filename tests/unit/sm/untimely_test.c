/* SPDX-License-Identifier: MIT */
/* What comes at a moment when it was not expected: acknowledged, failed or answered too early or too late. */
#include <stdlib.h>
#include "sm/roster.h"
#include "tests/unit/sm/world.h"

static struct client *romeo, *juliet;

static void setup(void)
{
	world_start("users_cached = 0");
	account("romeo@localhost");
	account("juliet@localhost");
}

static void two_online(void)
{
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
	acknowledge_all(romeo);
	acknowledge_all(juliet);
}

/* A message to oneself, acknowledged before its commit, is done by that: what was given before it is settled
 * while the rest is still looked through. */
START_TEST(own_message_acknowledged)
{
	two_online();
	enable(romeo);
	w.shelf->hold = true;
	says(romeo, "<message type='chat' to='romeo@localhost/orchard'><body>mine</body></message>");
	says(romeo, "<iq id='p' type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
	says(juliet, "<message type='chat' to='romeo@localhost/orchard'><body>hers</body></message>");
	pass(400);
	gets(romeo, "id='p'");
	gets(romeo, "mine");
	gets(romeo, "hers");
	acknowledge_all(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, 10);
	settle();
	leave(romeo, false);
	resume(romeo, C2S2_ID);
	gets_nothing(romeo);
	gets_nothing(juliet);
	acknowledge_all(romeo);
	ck_assert_uint_eq(session_find(w.sm, romeo->sid)->ngiven, 0);
}
END_TEST

/* Its sender was told that it was not stored: who asks again is told the same, whatever storage does. */
START_TEST(repeated_after_its_error)
{
	static const char chat[] = "<message type='chat' id='c' from='p@peer.example/x' to='romeo@localhost'>"
				   "<body>1</body></message>";
	char *told;

	((struct sm_config *)w.app.config)->deadline = 2000;
	w.shelf->hold = true;
	ck_assert_ptr_null(tell_in(chat, 7, 1));
	pass(2500);
	told = tell_in(chat, 7, 1);
	ck_assert(told && strstr(told, "<resource-constraint"));
	free(told);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, 1);
	settle();
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "romeo@localhost"), 0);
}
END_TEST

/* The row of a detached session is tried again a second later, not at once and for ever. */
START_TEST(row_not_written)
{
	two_online();
	enable(romeo);
	w.shelf->status = STORE_FAILED;
	leave(romeo, false);
	pass(3500);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_SESSION, "romeo@localhost"), 0);
	w.shelf->status = STORE_COMMITTED;
	pass(2100);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_SESSION, "romeo@localhost"), 1);
	resume(romeo, C2S2_ID);
	ck_assert(!romeo->resuming && !romeo->refused);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_SESSION, "romeo@localhost"), 0);
}
END_TEST

/* Announced to a new owner, who cannot read the account yet. */
static struct client *unread(void)
{
	two_online();
	user_drop(user_get(w.sm, STR("juliet@localhost")));
	w.shelf->hold_reads = true;
	announce(juliet);
	return juliet;
}

static bool is_there(const struct client *c)
{
	return session_find(w.sm, c->sid) != NULL;
}

START_TEST(too_much_before_the_account)
{
	struct client *c = unread();

	session_overflow(session_find(w.sm, c->sid));
	settle();
	ck_assert(is_there(c));
	w.shelf->hold_reads = false;
	settle();
	ck_assert(!is_there(c));
	ck_assert_int_eq(c->ended, 1 + STREAM_E_RESOURCE_CONSTRAINT);
}
END_TEST

/* Its client is gone, and storage does not answer before those who wait for it give up. */
START_TEST(left_before_the_account)
{
	struct client *c = unread();

	((struct sm_config *)w.app.config)->deadline = 1000;
	leave(c, true);
	pass(11000);
	reads_time_out();
	ck_assert(is_there(c));
	w.shelf->hold_reads = false;
	pass(2000);
	ck_assert(!is_there(c));
}
END_TEST

/* What c2s said is looked at when it has ended itself. */
static void waits(void)
{
	w.hold_leases = true;
	fake_sleep(w.link, 8000);
}

static void goes_on_without(uint64_t c2s)
{
	fake_member_lost(w.link, c2s);
	w.hold_leases = w.shelf->hold_reads = false;
	pass(2000);
}

static bool is_detached(const struct client *c)
{
	const struct session *s = session_find(w.sm, c->sid);

	return s && !s->c2s && s->detached_since;
}

START_TEST(opened_for_nobody)
{
	w.shelf->hold_reads = true;
	login_on("juliet@localhost", "balcony", C2S2_ID);
	goes_on_without(C2S2_ID);
	ck_assert_uint_eq(w.sm->sessions.n, 0);
	juliet = login("juliet@localhost", "balcony");
	ck_assert(is_there(juliet));
}
END_TEST

START_TEST(resumed_for_nobody)
{
	two_online();
	enable(romeo);
	leave(romeo, false);
	waits();
	resume(romeo, C2S2_ID);
	goes_on_without(C2S2_ID);
	ck_assert(is_detached(romeo));
	romeo->attachment--;
	resume(romeo, C2S_ID);
	ck_assert(!romeo->resuming && !romeo->refused);
}
END_TEST

START_TEST(announced_for_nobody)
{
	two_online();
	enable(romeo);
	user_drop(user_get(w.sm, STR("juliet@localhost")));
	waits();
	announce(romeo);
	announce(juliet);
	ck_assert(!is_there(juliet));
	goes_on_without(C2S_ID);
	ck_assert(is_detached(romeo));
	ck_assert(!is_there(juliet));
	ck_assert(user_get(w.sm, STR("juliet@localhost")) == NULL);
}
END_TEST

static void contact(const char *account, const char *jid, unsigned state, const char *tell)
{
	struct msg_value v[COLS_ROSTER];

	for (size_t i = 0; i < COLS_ROSTER; i++)
		v[i] = value_null();
	v[COL_ROSTER_ACCOUNT] = value_text(str_z(account));
	v[COL_ROSTER_JID] = value_text(str_z(jid));
	v[COL_ROSTER_GROUPS] = value_text(STR("[]"));
	v[COL_ROSTER_SUBSCRIPTION] = value_int(state | CONTACT_LISTED);
	v[COL_ROSTER_VERSION] = value_int(1);
	if (tell)
		v[COL_ROSTER_TELL] = value_text(str_z(tell));
	shelf_put(w.shelf, TABLE_ROSTER, v, COLS_ROSTER);
}

static void nothing(void *arg, struct user *u)
{
	(void)arg;
	ck_assert(u != NULL);
}

static size_t reads_of_loading(const char *bare)
{
	size_t before = w.shelf->reads;

	user_run(user_need(w.sm, str_z(bare)), nothing, NULL);
	pass(5000);
	ck_assert_ptr_null(user_get(w.sm, str_z(bare)));
	return w.shelf->reads - before;
}

/* Two accounts that answer each other, and for which there is no room: what an earlier owner had to tell is
 * told once. */
START_TEST(told_once)
{
	pass(100); /* what is read at the start */
	contact("romeo@localhost", "juliet@localhost", SUB_ASK,
		"{\"to\":\"<presence type='subscribe' from='romeo@localhost' to='juliet@localhost'/>\"}");
	contact("juliet@localhost", "romeo@localhost", SUB_FROM, NULL);
	ck_assert_uint_le(reads_of_loading("romeo@localhost"), 3);
	ck_assert_uint_eq(reads_of_loading("romeo@localhost"), 1);
}
END_TEST

Suite *untimely_suite(void);

Suite *untimely_suite(void)
{
	Suite *s = suite_create("untimely");
	TCase *c = tcase_create("untimely");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, own_message_acknowledged);
	tcase_add_test(c, repeated_after_its_error);
	tcase_add_test(c, row_not_written);
	tcase_add_test(c, too_much_before_the_account);
	tcase_add_test(c, left_before_the_account);
	tcase_add_test(c, opened_for_nobody);
	tcase_add_test(c, resumed_for_nobody);
	tcase_add_test(c, announced_for_nobody);
	tcase_add_test(c, told_once);
	suite_add_tcase(s, c);
	return s;
}
