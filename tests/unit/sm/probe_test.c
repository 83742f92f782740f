/* SPDX-License-Identifier: MIT */
/* Probes of presence, those of other servers' contacts too (RFC 6121 section 4.3). */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

enum { S2S_ID = 70, ABROAD = 91 };

static struct client *romeo;

static size_t tells(void)
{
	size_t n = 0;

	for (size_t i = 0; i < w.nother; i++)
		n += w.other[i].f.kind == MSG_TELL;
	return n;
}

/* The last stanza that went to another server; the caller frees. */
static char *last_told(void)
{
	ck_assert_uint_gt(tells(), 0);
	return tell_out(tells() - 1);
}

static void hears(const char *xml)
{
	static uint64_t number;

	free(tell_in(xml, ABROAD, ++number));
}

/* romeo and nurse@remote.test see each other. */
static void setup(void)
{
	world_start(NULL);
	fake_member(w.link, S2S_ID, "s2s", "s2s", true);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	says(romeo, "<presence type='subscribe' to='nurse@remote.test'/>");
	hears("<presence type='subscribed' from='nurse@remote.test' to='romeo@localhost'/>");
	hears("<presence type='subscribe' from='nurse@remote.test' to='romeo@localhost'/>");
	says(romeo, "<presence type='subscribed' to='nurse@remote.test'/>");
	pass(1000); /* what an earlier owner may have left for other servers is read by then */
	for (size_t i = 0; i < tells(); i++)
		told(i, NULL);
	forget(romeo);
}

/* 4.3: "the value of the 'from' address MUST be the bare JID"; the answer goes to all resources. */
START_TEST(from_the_bare_jid)
{
	struct client *hut = login("romeo@localhost", "hut");
	char *xml;

	says(hut, "<presence/>");
	xml = last_told();
	ck_assert_str_eq(xml, "<presence to='nurse@remote.test' from='romeo@localhost' type='probe'/>");
	free(xml);
	forget(hut);
	forget(romeo);
	hears("<presence from='nurse@remote.test/x' to='romeo@localhost'/>");
	gets(hut, "from='nurse@remote.test/x'", "to='romeo@localhost'");
	gets(romeo, "from='nurse@remote.test/x'");
}
END_TEST

/* Contacts of our own need no probe; what stands for it is answered to the new resource alone. */
START_TEST(of_our_own)
{
	struct client *juliet = online("juliet@localhost", "balcony"), *hut;

	befriend(romeo, juliet);
	forget(romeo);
	hut = login("romeo@localhost", "hut");
	says(hut, "<presence/>");
	gets_any(hut, "from='juliet@localhost/balcony'", "to='romeo@localhost/hut'");
	gets(romeo, "from='romeo@localhost/hut'");
	gets_nothing(romeo);
}
END_TEST

/* 4.3.2: to an account all that its resources said, with their ids; of a resource that it is there. What is
 * not a resource's has the id of the probe. */
START_TEST(answers)
{
	static const char *const rows[][2] = {
		{"<presence type='probe' id='p' from='nurse@remote.test' to='romeo@localhost'/>",
		 "<presence to='nurse@remote.test' from='romeo@localhost/orchard' id='a'><show>away</show>"
		 "</presence>"},
		{"<presence type='probe' id='p' from='nurse@remote.test' to='romeo@localhost/orchard'/>",
		 "<presence to='nurse@remote.test' from='romeo@localhost/orchard' id='a'/>"},
		{"<presence type='probe' id='p' from='nurse@remote.test' to='romeo@localhost/gone'/>",
		 "<presence to='nurse@remote.test' from='romeo@localhost/gone' id='p' type='unavailable'/>"},
		{"<presence type='probe' id='p' from='paris@remote.test' to='romeo@localhost/orchard'/>",
		 "<presence to='paris@remote.test' from='romeo@localhost' id='p' type='unsubscribed'/>"},
		{"<presence type='probe' from='paris@remote.test' to='nobody@localhost'/>",
		 "<presence to='paris@remote.test' from='nobody@localhost' type='unsubscribed'/>"},
	};
	char *xml;

	says(romeo, "<presence id='a'><show>away</show></presence>");
	hears(rows[_i][0]);
	xml = last_told();
	ck_assert_str_eq(xml, rows[_i][1]);
	free(xml);
}
END_TEST

/* 4.3.2, rule 3: and with the time when it left */
START_TEST(answer_of_nobody)
{
	const char *begins = "<presence to='nurse@remote.test' from='romeo@localhost' id='p' type='unavailable'>"
			     "<delay xmlns='urn:xmpp:delay' from='romeo@localhost' stamp='";
	char before[32], after[32], *xml;

	clock_format(clock_wall_us(), before);
	leave(romeo, true);
	clock_format(clock_wall_us(), after);
	hears("<presence type='probe' id='p' from='nurse@remote.test' to='romeo@localhost'/>");
	xml = last_told();
	ck_assert_msg(strncmp(xml, begins, strlen(begins)) == 0, "%s", xml);
	ck_assert_int_ge(strncmp(xml + strlen(begins), before, strlen(before)), 0);
	ck_assert_int_le(strncmp(xml + strlen(begins), after, strlen(after)), 0);
	free(xml);
}
END_TEST

Suite *probe_suite(void)
{
	Suite *s = suite_create("probe");
	TCase *c = tcase_create("probe");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, from_the_bare_jid);
	tcase_add_test(c, of_our_own);
	tcase_add_loop_test(c, answers, 0, 5);
	tcase_add_test(c, answer_of_nobody);
	suite_add_tcase(s, c);
	return s;
}
