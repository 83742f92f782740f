/* SPDX-License-Identifier: MIT */
/* Presence through the handlers (RFC 6121 section 4). */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static struct client *romeo, *juliet;

static void setup(void)
{
	world_start("directed_max = 2");
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
}

/* 4.2.2: to oneself, one's other resources, and theirs to the new one */
START_TEST(own_resources)
{
	struct client *hut = login("romeo@localhost", "hut"), *quiet = login("romeo@localhost", "quiet");

	says(hut, "<presence><status>here</status></presence>");
	gets_any(hut, "from='romeo@localhost/hut'", "to='romeo@localhost/hut'", "here");
	gets_any(hut, "from='romeo@localhost/orchard'", "to='romeo@localhost/hut'");
	gets_nothing(hut);
	gets(romeo, "from='romeo@localhost/hut'", "to='romeo@localhost/orchard'", "here");
	gets_nothing(quiet);
	says(hut, "<presence type='unavailable'><status>bye</status></presence>"); /* 4.5.2 */
	gets(romeo, "type='unavailable'", "from='romeo@localhost/hut'", "bye");
	gets(hut, "type='unavailable'", "bye");
	gets_nothing(romeo);
}
END_TEST

/* 4.3: probes and their answers */
START_TEST(probes)
{
	struct client *hut;

	befriend(romeo, juliet);
	says(juliet, "<presence><show>dnd</show><status>s</status></presence>");
	forget(romeo);
	hut = login("romeo@localhost", "hut");
	says(hut, "<presence/>");
	gets_any(hut, "from='juliet@localhost/balcony'", "dnd", "<status>s</status>");
	forget(hut);
	forget(romeo);
	says(hut, "<presence type='probe' to='juliet@localhost/gone'/>");
	gets(hut, "from='juliet@localhost/gone'", "type='unavailable'");
	leave(juliet, true);
	forget(hut);
	says(hut, "<presence type='probe' to='juliet@localhost'/>");
	gets(hut, "from='juliet@localhost'", "type='unavailable'");
}
END_TEST

/* 4.3.2: the first answer to one who may not know */
START_TEST(probe_of_a_stranger)
{
	char *a = tell_in("<presence type='probe' from='s@localhost/x' to='juliet@localhost'/>", 91, 1);

	ck_assert_str_eq(a, "");
	free(a);
	gets_nothing(juliet);
}
END_TEST

/* 4.5.2: who never was available is not broadcast */
START_TEST(unavailable_twice)
{
	struct client *hut = login("romeo@localhost", "hut");

	befriend(romeo, juliet);
	says(hut, "<presence type='unavailable'/>");
	gets_nothing(juliet);
	gets_nothing(romeo);
	says(romeo, "<presence type='unavailable'/>");
	gets(juliet, "type='unavailable'", "from='romeo@localhost/orchard'", "to='juliet@localhost'");
	says(romeo, "<presence type='unavailable'/>");
	gets_nothing(juliet);
	leave(romeo, true);
	gets_nothing(juliet);
}
END_TEST

/* 4.5.2: made by the server */
START_TEST(broken_stream)
{
	befriend(romeo, juliet);
	leave(romeo, false);
	gets(juliet, "type='unavailable'", "from='romeo@localhost/orchard'");
	gets_nothing(juliet);
}
END_TEST

/* 4.4.2, 4.5.2: a contact's error, which may be of our own making, ends nothing. */
START_TEST(after_an_error)
{
	befriend(romeo, juliet);
	says(juliet, "<presence type='error' to='romeo@localhost'><error type='wait'/></presence>");
	says(romeo, "<presence><show>away</show></presence>");
	gets(juliet, "from='romeo@localhost/orchard'", "away");
	says(juliet, "<presence type='error' to='romeo@localhost/orchard'><error type='wait'/></presence>");
	leave(romeo, false);
	gets(juliet, "type='unavailable'", "from='romeo@localhost/orchard'");
}
END_TEST

/* 4.6.3 */
START_TEST(directed)
{
	says(romeo, "<presence to='juliet@localhost/balcony'><status>a</status></presence>");
	gets(juliet, "to='juliet@localhost/balcony'", "<status>a</status>");
	says(romeo, "<presence><show>away</show></presence>"); /* later ones do not go there */
	gets_nothing(juliet);
	says(romeo, "<presence type='unavailable'><status>b</status></presence>");
	gets(juliet, "type='unavailable'", "to='juliet@localhost/balcony'", "<status>b</status>");
	leave(romeo, true);
	gets_nothing(juliet);
}
END_TEST

/* To oneself: it is forgotten by the way. */
START_TEST(directed_to_oneself)
{
	struct client *hut = login("romeo@localhost", "hut");

	says(hut, "<presence to='romeo@localhost/hut'/>");
	ck_assert_uint_eq(session_find(w.sm, hut->sid)->ndirected, 1);
	says(hut, "<presence type='unavailable'/>");
	ck_assert_uint_eq(session_find(w.sm, hut->sid)->ndirected, 0);
	ck_assert_uint_eq(hut->done, hut->in);
}
END_TEST

START_TEST(directed_and_taken_back)
{
	says(romeo, "<presence to='juliet@localhost'/>");
	says(romeo, "<presence type='unavailable' to='juliet@localhost'/>");
	gets(juliet, "to='juliet@localhost'");
	gets(juliet, "type='unavailable'");
	leave(romeo, true);
	gets_nothing(juliet);
}
END_TEST

/* Without any broadcast; the stream breaks. */
START_TEST(directed_alone)
{
	struct client *hut = login("romeo@localhost", "hut");

	says(hut, "<presence to='juliet@localhost'/>");
	gets(juliet, "from='romeo@localhost/hut'");
	leave(hut, false);
	gets(juliet, "type='unavailable'", "from='romeo@localhost/hut'", "to='juliet@localhost'");
	gets_nothing(juliet);
}
END_TEST

/* 4.6.3, case 1: one who is subscribed hears the end once */
START_TEST(directed_to_a_contact)
{
	befriend(romeo, juliet);
	says(romeo, "<presence to='juliet@localhost/balcony'/>");
	forget(juliet);
	leave(romeo, true);
	gets(juliet, "type='unavailable'");
	gets_nothing(juliet);
}
END_TEST

/* 4.6.6: "only mere presence", and "only for that full JID"; to the bare JID and others: 4.3.2 */
START_TEST(directed_and_probed)
{
	struct client *tybalt;

	account("tybalt@localhost");
	tybalt = online("tybalt@localhost", "square");
	says(romeo, "<presence><show>away</show></presence>");
	says(romeo, "<presence to='juliet@localhost/balcony'><status>a</status></presence>");
	forget(juliet);
	says(juliet, "<presence type='probe' id='p' to='romeo@localhost/orchard'/>");
	ck_assert_str_eq(gets(juliet, "from"), "<presence to='juliet@localhost/balcony'"
					       " from='romeo@localhost/orchard' id='p'/>");
	says(juliet, "<presence type='probe' to='romeo@localhost'/>");
	says(tybalt, "<presence type='probe' to='romeo@localhost/orchard'/>");
	says(romeo, "<presence type='unavailable' to='juliet@localhost/balcony'/>");
	gets(juliet, "type='unavailable'");
	says(juliet, "<presence type='probe' to='romeo@localhost/orchard'/>");
	gets_nothing(juliet);
	gets_nothing(tybalt);
}
END_TEST

/* 4.6.1: who sends unavailable presence, as to who leaves a room, is not in the list any more. */
START_TEST(directed_and_left)
{
	says(romeo, "<presence to='juliet@localhost/balcony'/>");
	says(juliet, "<presence type='unavailable' to='romeo@localhost/other'/>");
	says(juliet, "<presence type='probe' to='romeo@localhost/orchard'/>");
	gets(juliet, "to='juliet@localhost/balcony'");
	gets(juliet, "to='juliet@localhost/balcony'", "from='romeo@localhost/orchard'");
	says(juliet, "<presence type='unavailable' to='romeo@localhost/orchard'/>");
	leave(romeo, true);
	gets_nothing(juliet);
}
END_TEST

START_TEST(directed_limit)
{
	says(romeo, "<presence to='1@localhost'/>");
	says(romeo, "<presence to='2@localhost'/>");
	says(romeo, "<presence to='2@localhost'/>");
	gets_nothing(romeo);
	says(romeo, "<presence to='3@localhost'/>");
	gets(romeo, "type='error'", "resource-constraint");
	says(romeo, "<presence type='unavailable' to='1@localhost'/>");
	says(romeo, "<presence to='3@localhost'/>");
	gets_nothing(romeo);
}
END_TEST

/* 4.7.2.3 */
START_TEST(priorities)
{
	static const struct {
		const char *text;
		int value; /* 1000: refused */
	} rows[] = {{"-128", -128}, {"127", 127}, {" 5 ", 5}, {"0", 0},
		    {"128", 1000}, {"-129", 1000}, {"x", 1000}, {"", 1000}, {"+5", 5}, {"+-5", 1000}, {"+", 1000}};
	char *xml = xasprintf("<presence><priority>%s</priority></presence>", rows[_i].text);
	struct session *s = session_find(w.sm, romeo->sid);

	says(romeo, xml);
	free(xml);
	if (rows[_i].value == 1000)
		gets(romeo, "type='error'", "bad-request");
	else
		ck_assert_int_eq(session_priority(s), rows[_i].value);
}
END_TEST

/* For who reads nothing the newest of each sender is kept. */
START_TEST(the_newest_unread)
{
	struct client *deaf = online("romeo@localhost", "deaf");
	char big[2000];
	char *xml;

	memset(big, 'x', sizeof big);
	((struct sm_config *)w.app.config)->given_max = 65536;
	xml = xasprintf("<presence><status>%.*s</status></presence>", (int)sizeof big, big);
	for (int i = 0; i < 40; i++) {
		says(romeo, xml);
		acknowledge_all(romeo);
	}
	free(xml);
	ck_assert_int_eq(romeo->ended, -1);
	ck_assert_int_eq(deaf->ended, -1);
	ck_assert_uint_lt(hold_load(session_find(w.sm, deaf->sid)), 30000);
	says(romeo, "<presence><status>newest</status></presence>");
	forget(deaf);
	acknowledge_all(deaf);
	gets(deaf, "newest");
	gets_nothing(deaf);
}
END_TEST

START_TEST(unknown_type)
{
	says(romeo, "<presence type='error'/>");
	gets_nothing(romeo);
	says(romeo, "<presence type='probe'/>");
	gets(romeo, "type='error'", "bad-request");
}
END_TEST

Suite *presence_suite(void)
{
	Suite *s = suite_create("presence");
	TCase *c = tcase_create("section 4");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, own_resources);
	tcase_add_test(c, probes);
	tcase_add_test(c, probe_of_a_stranger);
	tcase_add_test(c, unavailable_twice);
	tcase_add_test(c, broken_stream);
	tcase_add_test(c, after_an_error);
	tcase_add_test(c, directed);
	tcase_add_test(c, directed_to_oneself);
	tcase_add_test(c, directed_and_taken_back);
	tcase_add_test(c, directed_alone);
	tcase_add_test(c, directed_to_a_contact);
	tcase_add_test(c, directed_and_probed);
	tcase_add_test(c, directed_and_left);
	tcase_add_test(c, directed_limit);
	tcase_add_loop_test(c, priorities, 0, 11);
	tcase_add_test(c, the_newest_unread);
	tcase_add_test(c, unknown_type);
	suite_add_tcase(s, c);
	return s;
}
