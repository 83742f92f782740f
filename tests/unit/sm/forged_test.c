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

Suite *forged_suite(void)
{
	Suite *s = suite_create("forged");
	TCase *c = tcase_create("forged");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, stanza_ids, 0, 7);
	suite_add_tcase(s, c);
	return s;
}
