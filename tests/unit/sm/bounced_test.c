/* SPDX-License-Identifier: MIT */
/* What a c2s is told comes back, since too much waits for it: it is asked to announce its sessions again. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static struct client *romeo, *juliet;
static uint16_t lost; /* kind of frame for which there is no room; 0: all */
static uint64_t lost_to;

static bool full(const struct fake_frame *f)
{
	return f->f.to == lost_to && (!lost || f->f.kind == lost);
}

static void no_room(uint64_t c2s, uint16_t kind)
{
	lost = kind;
	lost_to = c2s;
	w.full = full;
}

static void room(void)
{
	w.full = NULL;
}

static void setup(void)
{
	world_start("given_max = 64k");
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = login_on("romeo@localhost", "orchard", C2S2_ID);
	juliet = online("juliet@localhost", "balcony");
	acknowledge_all(juliet);
}

static struct session *hers(void)
{
	return session_find(w.sm, juliet->sid);
}

/* It does, when it is asked. */
static void announced_anew(void)
{
	ck_assert_uint_eq(w.asked[0], 0);
	room();
	pass(1100);
	ck_assert_uint_eq(w.asked[0], 1);
	announce_whole(juliet);
	settle();
}

START_TEST(given_again)
{
	no_room(C2S_ID, _i ? MSG_GIVE : MSG_GIVE_MANY);
	if (_i)
		says(romeo, "<message type='headline' to='juliet@localhost/balcony'><body>m</body></message>");
	else
		says(juliet, "<presence><show>away</show></presence>");
	gets_nothing(juliet);
	announced_anew();
	gets(juliet, _i ? "<body>m<" : "<show>away<");
	gets_nothing(juliet);
	pass(10000);
	ck_assert_uint_eq(w.asked[0], 1);
	ck_assert_ptr_null(w.sm->bounced);
}
END_TEST

START_TEST(done_again)
{
	no_room(C2S_ID, MSG_DONE);
	says(juliet, "<message type='headline' to='romeo@localhost/orchard'><body>m</body></message>");
	ck_assert_uint_ne(juliet->done, juliet->in);
	announced_anew();
	ck_assert_uint_eq(juliet->done, juliet->in);
	no_room(C2S_ID, MSG_DONE_RECORD);
	w.asked[0] = 0;
	pass(10000);
	says(juliet, "<presence><priority>3</priority></presence>");
	ck_assert_uint_ne(juliet->done, juliet->in);
	announced_anew();
	ck_assert_uint_eq(juliet->done, juliet->in);
}
END_TEST

/* Acknowledged before its commit, so that c2s is told when it is settled. */
START_TEST(settled_again)
{
	w.shelf->hold = true;
	says(romeo, "<message type='chat' to='juliet@localhost'><body>m</body></message>");
	pass(200);
	gets(juliet, "<body>m<");
	acknowledge_all(juliet);
	no_room(C2S_ID, MSG_SETTLED);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, 10);
	settle();
	ck_assert_uint_eq(juliet->nkept, 1);
	announced_anew();
	ck_assert_uint_eq(juliet->nkept, 0);
}
END_TEST

START_TEST(ended_again)
{
	no_room(C2S_ID, MSG_SESSION_END);
	login("juliet@localhost", "balcony");
	ck_assert_ptr_null(hers());
	ck_assert_int_eq(juliet->ended, -1);
	announced_anew();
	ck_assert_int_eq(juliet->ended, 1 + STREAM_E_CONFLICT);
}
END_TEST

/* The order to end her connection. */
START_TEST(broken_again)
{
	char *xml = xasprintf("<message type='headline' to='juliet@localhost/balcony'><body>%*s</body></message>",
			      4000, "");

	enable(juliet);
	no_room(C2S_ID, MSG_SESSION_BREAK);
	reads_nothing(juliet, true);
	for (int i = 0; i < 18; i++)
		says(romeo, xml);
	ck_assert(hers()->breaking);
	announced_anew();
	ck_assert(juliet->broken);
	free(xml);
}
END_TEST

/* Not at once each time, and nobody else. */
START_TEST(asked_ever_more_slowly)
{
	unsigned asked = 0;

	no_room(C2S_ID, 0);
	says(juliet, "<presence/>");
	for (int s = 0; s < 20; s++) {
		size_t n = fake_sent(w.link);

		pass(1000);
		for (; n < fake_sent(w.link); n++)
			if (fake_out(w.link, n)->f.kind == MSG_ANNOUNCE_AGAIN) {
				ck_assert_uint_eq(fake_out(w.link, n)->f.to, C2S_ID);
				asked++;
			}
	}
	ck_assert_uint_ge(asked, 5); /* after 1 s, 2 more, 4 more and so on */
	ck_assert_uint_le(asked, 7);
	room();
	pass(5000);
	ck_assert_uint_eq(w.asked[0], 1);
	fake_member_lost(w.link, C2S_ID);
	ck_assert_ptr_null(w.sm->bounced);
	no_room(C2S2_ID, 0);
	says(romeo, "<presence/>");
	ck_assert_ptr_nonnull(w.sm->bounced); /* the end of sm frees it */
}
END_TEST

Suite *bounced_suite(void)
{
	Suite *s = suite_create("bounced");
	TCase *c = tcase_create("bounced");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, given_again, 0, 2);
	tcase_add_test(c, done_again);
	tcase_add_test(c, settled_again);
	tcase_add_test(c, ended_again);
	tcase_add_test(c, broken_again);
	tcase_add_test(c, asked_ever_more_slowly);
	suite_add_tcase(s, c);
	return s;
}
