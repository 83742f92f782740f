/* SPDX-License-Identifier: MIT */
/* Temporary accounts (SASL ANONYMOUS, XEP-0175): what they may not do, what is told of them, and
 * that nothing is stored. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

#define GUEST "b5a4d5d2-0000-4000-8000-000000000001@localhost"

static struct client *guest, *romeo;

static struct client *enter(const char *bare, bool temporary)
{
	struct ticket t = {.account = str_z(bare),
			   .c2s = C2S_ID,
			   .expires_us = clock_wall_us() + 60000000,
			   .temporary = temporary};
	struct buf sealed = BUF_INIT;
	struct client *c;

	random_bytes(t.nonce, sizeof t.nonce);
	ticket_write(w.sm->ticket_key, &t, &sealed);
	c = login_with(bare, "r", C2S_ID, buf_str(&sealed));
	buf_free(&sealed);
	return c;
}

/* Rows of any table that are its own. */
static size_t rows_of(const char *bare)
{
	struct shelf_row *r;
	size_t n = 0;

	for (r = w.shelf->rows; r; r = r->next)
		n += r->nvalues && str_eqz(r->v[0].s, bare);
	return n;
}

static void begin(const char *config)
{
	world_start(config);
	account("romeo@localhost");
	romeo = online("romeo@localhost", "orchard");
	guest = enter(GUEST, true);
	ck_assert_uint_eq(guest->refused, 0);
	says(guest, "<presence/>");
	forget(guest);
}

static void setup(void)
{
	begin("register = true");
}

/* Section 2: no communication with other servers, by any kind of stanza. */
START_TEST(other_servers)
{
	says(guest, "<message to='juliet@example.net' id='1'><body>x</body></message>");
	gets(guest, "id='1'", "type='error'", "<forbidden");
	says(guest, "<presence to='juliet@example.net' id='2'/>");
	gets(guest, "id='2'", "type='error'", "<forbidden");
	says(guest, "<iq type='get' to='example.net' id='3'><ping xmlns='urn:xmpp:ping'/></iq>");
	gets(guest, "id='3'", "type='error'", "<forbidden");
	gets_nothing(guest);
}
END_TEST

/* The same where the operator allows it: what answers then is the way there. */
START_TEST(other_servers_by_option)
{
	begin("anonymous_remote = true");
	says(guest, "<message to='juliet@example.net' id='1'><body>x</body></message>");
	ck_assert_ptr_null(strstr(gets(guest, "id='1'", "type='error'"), "<forbidden"));
	says(guest, "<iq type='get' to='example.net' id='3'><ping xmlns='urn:xmpp:ping'/></iq>");
	ck_assert_ptr_null(strstr(gets(guest, "id='3'", "type='error'"), "<forbidden"));
}
END_TEST

static const char *const stored[] = {
	"<query xmlns='jabber:iq:roster'><item jid='romeo@localhost'/></query>",
	"<query xmlns='jabber:iq:private'><x xmlns='urn:example:x'/></query>",
	"<vCard xmlns='vcard-temp'/>",
	"<block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block>",
	"<query xmlns='jabber:iq:register'><username>u</username><password>p</password></query>",
};

/* _i: what is set; with the account as addressee and without one. */
START_TEST(nothing_is_stored)
{
	char *xml = xasprintf("<iq type='set' id='1'>%s</iq>", stored[_i]);

	says(guest, xml);
	gets(guest, "id='1'", "type='error'", "<forbidden");
	free(xml);
	xml = xasprintf("<iq type='set' id='2' to='" GUEST "'>%s</iq>", stored[_i]);
	says(guest, xml);
	gets(guest, "id='2'", "type='error'", "<forbidden");
	free(xml);
	leave(guest, true);
	settle();
	ck_assert_uint_eq(rows_of(GUEST), 0);
	ck_assert_uint_gt(rows_of("romeo@localhost"), 0);
}
END_TEST

/* Registration is for those who have an account, asked of the server or of oneself. */
START_TEST(registration)
{
	says(guest,
	     "<iq type='get' id='1' to='localhost'><query xmlns='jabber:iq:register'/></iq>");
	gets(guest, "id='1'", "type='error'", "<forbidden");
	says(guest, "<iq type='set' id='2' to='localhost'>"
		    "<query xmlns='jabber:iq:register'><remove/></query></iq>");
	gets(guest, "id='2'", "type='error'", "<forbidden");
	ck_assert_int_eq(guest->ended, -1);
}
END_TEST

/* What concerns the session alone, or stores nothing, is as for everybody. */
START_TEST(what_is_allowed)
{
	says(guest,
	     "<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
	gets(guest, "id='1'", "type='result'");
	says(guest, "<iq type='get' id='2'><query xmlns='jabber:iq:roster'/></iq>");
	gets(guest, "id='2'", "type='result'");
	says(guest, "<iq type='get' id='3' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
	gets(guest, "id='3'", "type='result'");
	says(guest, "<message type='chat' to='romeo@localhost' id='4'><body>x</body></message>");
	gets(romeo, "id='4'", "from='" GUEST "/r'");
	says(romeo, "<message type='chat' to='" GUEST "' id='5'><body>x</body></message>");
	gets(guest, "id='5'");
	says(guest,
	     "<presence to='romeo@localhost/orchard'/>"); /* directed: it ends with the session */
	gets(romeo, "<presence", "from='" GUEST "/r'");
	leave(guest, true);
	gets(romeo, "<presence", "type='unavailable'", "from='" GUEST "/r'");
}
END_TEST

static const char *const kinds[] = {"subscribe", "subscribed", "unsubscribe", "unsubscribed"};

/* Relationships would outlive the account: neither side can make one. */
START_TEST(no_subscriptions)
{
	char *xml = xasprintf("<presence type='%s' id='p' to='romeo@localhost'/>", kinds[_i]);

	says(guest, xml);
	gets(guest, "id='p'", "type='error'", "<forbidden");
	free(xml);
	xml = xasprintf("<presence type='%s' to='" GUEST "'/>", kinds[_i]);
	says(romeo,
	     "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"); /* interested */
	forget(romeo);
	says(romeo, xml);
	gets_nothing(guest);
	if (_i == 0)
		gets_any(romeo, "<presence", "type='unsubscribed'", "from='" GUEST "'");
	free(xml);
}
END_TEST

/* Section 4: whoever asks must be told that the account is temporary. */
START_TEST(told_as_temporary)
{
	says(romeo, "<iq type='get' id='1' to='" GUEST "'>"
		    "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	gets(romeo, "id='1'", "category='account'", "type='anonymous'");
}
END_TEST

/* It ends with its session: nobody is there, nothing waits for it. */
START_TEST(it_ends)
{
	leave(guest, true);
	settle();
	ck_assert_ptr_null(user_get(w.sm, STR(GUEST)));
	says(romeo, "<message type='chat' to='" GUEST "' id='1'><body>x</body></message>");
	gets(romeo, "id='1'", "type='error'", "<service-unavailable");
	ck_assert_uint_eq(rows_of(GUEST), 0);
}
END_TEST

/* A ticket says which of the two an account is; the other does not open it. */
START_TEST(not_mixed_up)
{
	ck_assert_uint_eq(enter("romeo@localhost", true)->refused, 1 + STANZA_E_NOT_ALLOWED);
	ck_assert_uint_eq(enter(GUEST, false)->refused, 1 + STANZA_E_NOT_ALLOWED);
}
END_TEST

Suite *anonymous_suite(void);

Suite *anonymous_suite(void)
{
	Suite *s = suite_create("anonymous");
	TCase *c = tcase_create("temporary accounts"), *open = tcase_create("by option");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, other_servers);
	tcase_add_loop_test(c, nothing_is_stored, 0, sizeof stored / sizeof *stored);
	tcase_add_test(c, registration);
	tcase_add_test(c, what_is_allowed);
	tcase_add_loop_test(c, no_subscriptions, 0, sizeof kinds / sizeof *kinds);
	tcase_add_test(c, told_as_temporary);
	tcase_add_test(c, it_ends);
	tcase_add_test(c, not_mixed_up);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(open, NULL, world_stop);
	tcase_add_test(open, other_servers_by_option);
	suite_add_tcase(s, open);
	return s;
}
