/* SPDX-License-Identifier: MIT */
/* Probes of presence, those of other servers' contacts too (RFC 6121 section 4.3). */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

enum { S2S_ID = 70, ABROAD = 91 };

static struct client *romeo;

/* The last stanza that went to another server; the caller frees. */
static char *last_told(void)
{
	size_t n = 0;

	for (size_t i = 0; i < w.nother; i++)
		n += w.other[i].f.kind == MSG_TELL;
	ck_assert_uint_gt(n, 0);
	return tell_out(n - 1);
}

static void hears(const char *xml)
{
	static uint64_t number;
	char *answer = tell_in(xml, ABROAD, ++number);

	ck_assert_str_eq(answer, "");
	free(answer);
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

Suite *probe_suite(void)
{
	Suite *s = suite_create("probe");
	TCase *c = tcase_create("probe");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, from_the_bare_jid);
	tcase_add_test(c, of_our_own);
	suite_add_tcase(s, c);
	return s;
}
