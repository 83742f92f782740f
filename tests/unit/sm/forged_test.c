/* SPDX-License-Identifier: MIT */
/* What senders say in the name of the account or its server. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static struct client *romeo, *juliet;

static void setup(void)
{
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
}

/* XEP-0359 section 3, rules 2 and 7: an id in the account's name, however that is spelled */
START_TEST(stanza_ids)
{
	static const struct {
		const char *by;
		bool passes;
	} rows[] = {
		{"by='romeo@localhost'", false},
		{"by='Romeo@LOCALHOST'", false},
		{"by='romeo@localhost/orchard'", true},
		{"by='juliet@localhost'", true},
		{"by='localhost'", true},
		{"by='@'", true},
		{"", true},
	};
	char *xml = xasprintf("<message type='headline' to='romeo@localhost'><body>x</body>"
			      "<stanza-id xmlns='urn:xmpp:sid:0' %s id='forged'/></message>",
			      rows[_i].by);
	const char *got;

	says(juliet, xml);
	free(xml);
	got = gets(romeo, "<body>x</body>");
	ck_assert_int_eq(strstr(got, "forged") != NULL, rows[_i].passes);
}
END_TEST

/* XEP-0203 section 5: of messages given at once, of those that wait, and of presence */
START_TEST(delays)
{
	static const struct {
		const char *from;
		bool passes;
	} rows[] = {
		{"from='localhost'", false},	    {"from='LocalHost'", false},
		{"from='juliet@localhost'", true},  {"from='localhost/x'", true},
		{"from='elsewhere.example'", true}, {"", true},
	};
	char *delay = xasprintf("<delay xmlns='urn:xmpp:delay' %s stamp='2001-01-01T00:00:00Z'/>",
				rows[_i].from);
	char *headline = xasprintf("<message type='headline' to='romeo@localhost'>%s</message>", delay);
	char *chat = xasprintf("<message type='chat' to='romeo@localhost'><body>x</body>%s</message>",
			       delay);
	char *presence = xasprintf("<presence to='romeo@localhost'>%s</presence>", delay);

	says(juliet, headline);
	says(juliet, chat);
	says(juliet, presence);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(strstr(gets(romeo, "from='juliet"), "2001") != NULL, rows[_i].passes);
	leave(romeo, true);
	says(juliet, chat);
	romeo = login("romeo@localhost", "orchard");
	says(romeo, "<presence/>");
	ck_assert_int_eq(strstr(gets_any(romeo, "<body>x</body>", "Offline Storage"), "2001") != NULL,
			 rows[_i].passes);
	free(delay);
	free(headline);
	free(chat);
	free(presence);
}
END_TEST

Suite *forged_suite(void)
{
	Suite *s = suite_create("forged");
	TCase *c = tcase_create("forged");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, stanza_ids, 0, 7);
	tcase_add_loop_test(c, delays, 0, 6);
	suite_add_tcase(s, c);
	return s;
}
