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
	char *headline =
		xasprintf("<message type='headline' to='romeo@localhost'>%s</message>", delay);
	char *chat = xasprintf(
		"<message type='chat' to='romeo@localhost'><body>x</body>%s</message>", delay);
	char *presence = xasprintf("<presence to='romeo@localhost'>%s</presence>", delay);

	says(juliet, headline);
	says(juliet, chat);
	says(juliet, presence);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(strstr(gets(romeo, "from='juliet"), "2001") != NULL,
				 rows[_i].passes);
	leave(romeo, true);
	says(juliet, chat);
	romeo = login("romeo@localhost", "orchard");
	says(romeo, "<presence/>");
	ck_assert_int_eq(strstr(gets_any(romeo, "<body>x</body>", "Offline Storage"), "2001") !=
				 NULL,
			 rows[_i].passes);
	free(delay);
	free(headline);
	free(chat);
	free(presence);
}
END_TEST

enum { COMPONENT_ID = 80 };

/* bytes: one element that is named body, as the envelope says. */
static void component_says(const char *to, const char *shard_of_whom, const char *attrs,
			   const char *bytes)
{
	static uint64_t number;
	static uint32_t run;
	struct xml_child body = {STR("body"), STR("jabber:client"), 0, (uint32_t)strlen(bytes)};
	struct stanza st = {.kind = STANZA_MESSAGE,
			    .type = MESSAGE_HEADLINE,
			    .from = STR("nurse@icq.localhost"),
			    .to = str_z(to),
			    .attrs = str_z(attrs),
			    .bytes = str_z(bytes),
			    .children = &body,
			    .nchildren = 1};
	struct msg_tell m = {.key = {99, ++number, 0}, .target = STR("romeo@localhost")};
	struct frame f = frame_from(COMPONENT_ID, MSG_TELL, shard_of_whom);
	struct buf b = BUF_INIT;

	stanza_encode(&st, &b);
	m.envelope = buf_str(&b);
	f.flags = FRAME_CHANNEL;
	f.run = ++run;
	fake_receive(w.link, f, &m);
	settle();
	buf_free(&b);
}

/* An envelope of a component is what it says: one stanza, from one of its addresses. */
START_TEST(envelopes)
{
	static const struct {
		const char *attrs, *bytes;
		bool passes;
	} rows[] = {
		{"", "<body>x</body>", true},
		{"", "<body>x</body></message><message from='juliet@localhost'><body>y</body>",
		 false},
		{"", "<body>x</body", false},
		{"", "<body>x<body>", false},
		{" from='juliet@localhost'", "<body>x</body>", false},
		{"><body>y</body></message><message from='juliet@localhost'", "<body>x</body>",
		 false},
	};

	fake_member(w.link, COMPONENT_ID, "component", "icq.localhost", false);
	component_says("romeo@localhost", "romeo@localhost", rows[_i].attrs, rows[_i].bytes);
	if (rows[_i].passes)
		gets(romeo, "nurse@icq.localhost", "<body>x</body>");
	else
		gets_nothing(romeo);
}
END_TEST

/* Of one shard to an account of another, which may be another's. */
START_TEST(another_shard)
{
	fake_member(w.link, COMPONENT_ID, "component", "icq.localhost", false);
	ck_assert_uint_ne(shard_of("romeo@localhost"), shard_of("juliet@localhost"));
	component_says("romeo@localhost", "juliet@localhost", "", "<body>x</body>");
	gets_nothing(romeo);
	component_says("romeo@localhost", "romeo@localhost", "", "<body>x</body>");
	gets(romeo, "<body>x</body>");
}
END_TEST

Suite *forged_suite(void)
{
	Suite *s = suite_create("forged");
	TCase *c = tcase_create("forged");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, stanza_ids, 0, 7);
	tcase_add_loop_test(c, delays, 0, 6);
	tcase_add_loop_test(c, envelopes, 0, 6);
	tcase_add_test(c, another_shard);
	suite_add_tcase(s, c);
	return s;
}
