/* SPDX-License-Identifier: MIT */
/* The smaller extensions: discovery, blocking, vCards, private XML, last activity, registration, ping. */
#include <errno.h>
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static struct client *romeo, *juliet;

static void setup(void)
{
	world_start("register = true\nprivate_items_max = 2\nprivate_max = 1k\nvcard_max = 1k\n"
		    "blocking_max = 3\ncontact_abuse = {\"mailto:abuse@localhost\"}");
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
}

static void iq(struct client *c, const char *type, const char *to, const char *payload)
{
	char *xml = to ? xasprintf("<iq id='q' type='%s' to='%s'>%s</iq>", type, to, payload)
		       : xasprintf("<iq id='q' type='%s'>%s</iq>", type, payload);

	says(c, xml);
	free(xml);
}

#define INFO  "<query xmlns='http://jabber.org/protocol/disco#info'/>"
#define ITEMS "<query xmlns='http://jabber.org/protocol/disco#items'/>"

/* XEP-0030 section 8 */
START_TEST(disco_of_accounts)
{
	const char *xml;

	iq(romeo, "get", "juliet@localhost", INFO);
	gets(romeo, "service-unavailable");
	iq(romeo, "get", "nobody@localhost", INFO);
	gets(romeo, "service-unavailable");
	iq(romeo, "get", "juliet@localhost", ITEMS);
	ck_assert_ptr_null(strstr(gets(romeo, "type='result'", "disco#items"), "<item"));
	iq(romeo, "get", "nobody@localhost", "<query xmlns='http://jabber.org/protocol/disco#items' node='n'/>");
	ck_assert_ptr_null(strstr(gets(romeo, "type='result'", "node='n'"), "<item"));
	iq(romeo, "get", "nobody@localhost/x", ITEMS);
	gets(romeo, "service-unavailable");
	befriend(romeo, juliet);
	iq(romeo, "get", "juliet@localhost", INFO);
	xml = gets(romeo, "category='account'", "type='registered'",
		   "var='http://jabber.org/protocol/disco#info'");
	ck_assert_ptr_null(strstr(xml, "serverinfo")); /* XEP-0157: of the server alone */
	iq(romeo, "get", "juliet@localhost", ITEMS);
	gets(romeo, "jid='juliet@localhost/balcony'");
	iq(romeo, "get", "juliet@localhost", "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>");
	gets(romeo, "item-not-found");
}
END_TEST

/* XEP-0157, and XEP-0115: what stands behind node#ver */
START_TEST(disco_of_the_server)
{
	struct pool *p = pool_new();
	struct buf ver = BUF_INIT;
	char *ask, *text;
	struct stanza st;
	const char *xml;

	iq(romeo, "get", "localhost", INFO);
	xml = gets(romeo, "category='server'", "http://jabber.org/network/serverinfo",
		   "<value>mailto:abuse@localhost</value>", "from='localhost'");
	ck_assert_int_eq(stanza_parse(p, str_z(xml), &st), 0);
	caps_ver(stanza_payload(p, &(struct stanza){.kind = STANZA_IQ, .type = IQ_GET, .id = st.id,
						    .children = st.children, .nchildren = st.nchildren,
						    .bytes = st.bytes}), &ver);
	text = buf_take(&ver);
	ask = xasprintf("<query xmlns='http://jabber.org/protocol/disco#info' node='urn:mercutio#%s'/>",
			text);
	iq(romeo, "get", "localhost", ask);
	gets(romeo, "type='result'", "category='server'", text);
	iq(romeo, "get", "localhost", "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>");
	gets(romeo, "item-not-found");
	free(text);
	free(ask);
	pool_free(p);
}
END_TEST

/* --- XEP-0191 -------------------------------------------------------------------------------- */

#define BLOCK(j)   "<block xmlns='urn:xmpp:blocking'><item jid='" j "'/></block>"
#define UNBLOCK(j) "<unblock xmlns='urn:xmpp:blocking'><item jid='" j "'/></unblock>"

START_TEST(blocking)
{
	struct client *hut = login("romeo@localhost", "hut");

	befriend(romeo, juliet);
	iq(hut, "get", NULL, "<blocklist xmlns='urn:xmpp:blocking'/>");
	gets(hut, "type='result'", "<blocklist");
	iq(romeo, "set", NULL, BLOCK("Juliet@LocalHost"));
	gets(romeo, "type='result'");
	gets(hut, "type='set'", "<block", "jid='juliet@localhost'", "to='romeo@localhost/hut'");
	gets_nothing(romeo); /* it has not asked for the list */
	gets(juliet, "type='unavailable'", "from='romeo@localhost/orchard'");
	says(juliet, "<message type='chat' id='m' to='romeo@localhost'><body>x</body></message>");
	gets(juliet, "type='error'", "service-unavailable");
	says(juliet, "<presence to='romeo@localhost'/>");
	says(juliet, "<presence type='probe' to='romeo@localhost'/>");
	iq(juliet, "result", "romeo@localhost/orchard", "");
	gets_nothing(juliet);
	iq(juliet, "get", "romeo@localhost/orchard", "<x xmlns='x'/>");
	gets(juliet, "service-unavailable");
	says(romeo, "<message type='chat' id='m' to='juliet@localhost'><body>x</body></message>");
	gets(romeo, "type='error'", "not-acceptable", "<blocked xmlns='urn:xmpp:blocking:errors'/>");
	says(romeo, "<presence type='unavailable' to='juliet@localhost'/>");
	gets(romeo, "type='error'", "not-acceptable");
	says(romeo, "<presence><show>away</show></presence>");
	gets_nothing(juliet);
	forget(romeo);
	iq(romeo, "set", NULL, UNBLOCK("juliet@localhost"));
	gets(romeo, "type='result'");
	gets(hut, "<unblock", "jid='juliet@localhost'");
	gets(juliet, "from='romeo@localhost/orchard'", "away");
}
END_TEST

/* 5: the forms of an entry, and presence for each whom it covers */
START_TEST(blocking_a_domain)
{
	befriend(romeo, juliet);
	iq(romeo, "set", NULL, BLOCK("localhost"));
	gets(romeo, "type='result'");
	gets(juliet, "type='unavailable'", "from='romeo@localhost/orchard'");
	iq(romeo, "get", "localhost", "<ping xmlns='urn:xmpp:ping'/>"); /* not one's own server */
	gets(romeo, "type='result'");
	iq(romeo, "get", "romeo@localhost", "<ping xmlns='urn:xmpp:ping'/>"); /* nor oneself */
	gets(romeo, "type='result'");
	iq(romeo, "set", NULL, "<unblock xmlns='urn:xmpp:blocking'/>");
	gets(romeo, "type='result'");
	gets(juliet, "from='romeo@localhost/orchard'", "to='juliet@localhost'");
	iq(romeo, "set", NULL, BLOCK("juliet@localhost/balcony"));
	gets(romeo, "type='result'");
	gets(juliet, "type='unavailable'", "to='juliet@localhost/balcony'");
	gets_nothing(juliet);
}
END_TEST

/* A resource that an entry of its own covers no more may be covered by a shorter one: it hears nothing of us. */
START_TEST(blocking_by_two_entries)
{
	struct client *hut = online("romeo@localhost", "hut");

	befriend(romeo, juliet);
	iq(romeo, "set", NULL, BLOCK("juliet@localhost"));
	forget(juliet);
	iq(romeo, "set", NULL, BLOCK("juliet@localhost/balcony"));
	gets_nothing(juliet);
	iq(romeo, "set", NULL, UNBLOCK("juliet@localhost/balcony"));
	gets_nothing(juliet);
	forget(hut);
	iq(romeo, "set", NULL, BLOCK("romeo@localhost/hut")); /* of no effect, and nothing is said */
	gets_nothing(hut);
}
END_TEST

START_TEST(blocking_errors)
{
	iq(romeo, "set", NULL, "<block xmlns='urn:xmpp:blocking'/>");
	gets(romeo, "bad-request");
	iq(romeo, "set", NULL, "<block xmlns='urn:xmpp:blocking'><item/></block>");
	gets(romeo, "bad-request");
	iq(romeo, "set", NULL, BLOCK("@@"));
	gets(romeo, "jid-malformed");
	iq(romeo, "set", NULL, "<block xmlns='urn:xmpp:blocking'><item jid='1@b'/><item jid='2@b'/>"
			       "<item jid='3@b'/><item jid='4@b'/></block>");
	gets(romeo, "resource-constraint");
	iq(romeo, "get", "juliet@localhost", "<blocklist xmlns='urn:xmpp:blocking'/>");
	gets(romeo, "forbidden");
}
END_TEST

/* Who was sent directed presence hears of its end when blocked: later nothing goes there. */
START_TEST(blocking_directed)
{
	says(romeo, "<presence to='juliet@localhost'/>");
	forget(juliet);
	iq(romeo, "set", NULL, BLOCK("juliet@localhost"));
	gets(juliet, "type='unavailable'");
	leave(romeo, true);
	gets_nothing(juliet);
}
END_TEST

/* --- what is stored -------------------------------------------------------------------------- */

START_TEST(vcards)
{
	char big[1200];
	char *xml;

	iq(romeo, "get", NULL, "<vCard xmlns='vcard-temp'/>");
	gets(romeo, "type='result'", "<vCard");
	iq(romeo, "get", "juliet@localhost", "<vCard xmlns='vcard-temp'/>"); /* none, 3.3 */
	gets(romeo, "service-unavailable");
	iq(romeo, "get", "nobody@localhost", "<vCard xmlns='vcard-temp'/>");
	gets(romeo, "service-unavailable");
	iq(juliet, "set", NULL, "<vCard xmlns='vcard-temp'><FN>J</FN></vCard>");
	gets(juliet, "type='result'");
	iq(romeo, "get", "juliet@localhost", "<vCard xmlns='vcard-temp'/>");
	gets(romeo, "<FN>J</FN>", "from='juliet@localhost'");
	iq(romeo, "set", "juliet@localhost", "<vCard xmlns='vcard-temp'/>");
	gets(romeo, "forbidden");
	memset(big, 'x', sizeof big);
	xml = xasprintf("<vCard xmlns='vcard-temp'><FN>%.*s</FN></vCard>", (int)sizeof big, big);
	iq(juliet, "set", NULL, xml);
	gets(juliet, "not-acceptable");
	free(xml);
}
END_TEST

#define PRIVATE(x) "<query xmlns='jabber:iq:private'>" x "</query>"

START_TEST(private_xml)
{
	iq(romeo, "get", NULL, PRIVATE("<a xmlns='ns1'/>"));
	gets(romeo, "type='result'", "<a xmlns='ns1'/>");
	iq(romeo, "set", NULL, PRIVATE("<a xmlns='ns1'>x</a><a xmlns='ns2'>y</a>"));
	gets(romeo, "type='result'");
	iq(romeo, "get", NULL, PRIVATE("<a xmlns='ns2'/>"));
	gets(romeo, "<a xmlns='ns2'>y</a>");
	iq(romeo, "set", NULL, PRIVATE("<a xmlns='ns3'/>"));
	gets(romeo, "resource-constraint");
	iq(romeo, "set", NULL, PRIVATE("<a xmlns='ns1'>z</a>")); /* replaces */
	gets(romeo, "type='result'");
	iq(romeo, "set", NULL, "<query xmlns='jabber:iq:private'/>");
	gets(romeo, "not-acceptable");
	iq(romeo, "set", NULL, PRIVATE("<a/>"));
	gets(romeo, "not-acceptable");
	iq(romeo, "get", NULL, "<query xmlns='jabber:iq:private'/>");
	gets(romeo, "bad-request");
	iq(romeo, "get", NULL, PRIVATE("<a xmlns='ns1'/><a xmlns='ns2'/>"));
	gets(romeo, "bad-request");
	iq(romeo, "get", "juliet@localhost", PRIVATE("<a xmlns='ns1'/>"));
	gets(romeo, "forbidden");
}
END_TEST

/* What storage does not take is refused before anything is written. */
START_TEST(long_keys)
{
	char n[1024], *ns = xcalloc(1, 2601), *bare, *jid, *xml;
	struct client *tall;
	size_t writes;

	memset(n, 'n', sizeof n);
	memset(ns, 'n', 2600);
	world_reconfigure("private_max = 16k");
	bare = xasprintf("%.600s@localhost", n);
	account(bare);
	tall = online(bare, "tower");
	settle();
	writes = w.shelf->writes;
	xml = xasprintf(PRIVATE("<x xmlns='%s'/>"), ns);
	iq(romeo, "set", NULL, xml);
	gets(romeo, "type='error'", "not-acceptable");
	free(xml);
	jid = xasprintf("%.1000s@example.com/%.1000s", n, n);
	xml = xasprintf("<query xmlns='jabber:iq:roster'><item jid='%s'/></query>", jid);
	iq(tall, "set", NULL, xml);
	gets(tall, "type='error'", "not-acceptable");
	free(xml);
	xml = xasprintf("<block xmlns='urn:xmpp:blocking'><item jid='%s'/></block>", jid);
	iq(tall, "set", NULL, xml);
	gets(tall, "type='error'", "not-acceptable");
	ck_assert_uint_eq(w.shelf->writes, writes);
	iq(romeo, "set", NULL, xml); /* for a shorter name there is room */
	gets(romeo, "type='result'");
	free(xml);
	/* One that was blocked by an older version can be unblocked. */
	xml = xasprintf("<unblock xmlns='urn:xmpp:blocking'><item jid='%s'/></unblock>", jid);
	iq(tall, "set", NULL, xml);
	gets(tall, "type='result'");
	free(xml);
	free(jid);
	free(bare);
	free(ns);
}
END_TEST

/* XEP-0012 sections 3, 4, 8 */
START_TEST(last_activity)
{
	iq(romeo, "get", "localhost", "<query xmlns='jabber:iq:last'/>");
	gets(romeo, "type='result'", "seconds='");
	iq(romeo, "get", "juliet@localhost", "<query xmlns='jabber:iq:last'/>");
	gets(romeo, "forbidden");
	iq(romeo, "get", "juliet@localhost/balcony", "<query xmlns='jabber:iq:last'/>");
	gets(romeo, "forbidden");
	gets_nothing(juliet);
	befriend(romeo, juliet);
	iq(romeo, "get", "juliet@localhost", "<query xmlns='jabber:iq:last'/>");
	gets(romeo, "seconds='0'");
	iq(romeo, "get", "juliet@localhost/balcony", "<query xmlns='jabber:iq:last'/>");
	gets(juliet, "jabber:iq:last");
	says(juliet, "<presence type='unavailable'><status>gone</status></presence>");
	leave(juliet, true);
	forget(romeo);
	iq(romeo, "get", "juliet@localhost", "<query xmlns='jabber:iq:last'/>");
	gets(romeo, "seconds='0'", "gone");
}
END_TEST

/* When they left is written a little later, many accounts' together. */
START_TEST(last_activity_written)
{
	size_t before;

	leave(juliet, true);
	leave(romeo, true);
	settle();
	before = w.shelf->writes;
	ck_assert_ptr_null(shelf_row(w.shelf, TABLE_LAST, "juliet@localhost"));
	pass(3000);
	ck_assert_ptr_nonnull(shelf_row(w.shelf, TABLE_LAST, "juliet@localhost"));
	ck_assert_ptr_nonnull(shelf_row(w.shelf, TABLE_LAST, "romeo@localhost"));
	ck_assert_uint_eq(w.shelf->writes, before + 2);
}
END_TEST

/* Who is put out of memory has its row before. */
START_TEST(last_activity_evicted)
{
	((struct sm_config *)w.app.config)->users_cached = 0;
	leave(juliet, true);
	settle();
	ck_assert_ptr_nonnull(shelf_row(w.shelf, TABLE_LAST, "juliet@localhost"));
	ck_assert_ptr_null(user_in_memory(w.sm, STR("juliet@localhost")));
	pass(3000);
}
END_TEST

START_TEST(ping_and_version)
{
	iq(romeo, "get", NULL, "<ping xmlns='urn:xmpp:ping'/>");
	gets(romeo, "type='result'");
	iq(romeo, "get", "juliet@localhost", "<ping xmlns='urn:xmpp:ping'/>");
	gets(romeo, "service-unavailable");
	iq(romeo, "get", "localhost", "<query xmlns='jabber:iq:version'/>");
	ck_assert_ptr_null(strstr(gets(romeo, "<name>Mercutio</name>", "<version>"), "<os>"));
	iq(romeo, "get", "localhost", "<time xmlns='urn:xmpp:time'/>");
	gets(romeo, "<tzo>", "<utc>");
	iq(romeo, "set", NULL, "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>");
	gets(romeo, "type='result'");
}
END_TEST

/* --- XEP-0077 -------------------------------------------------------------------------------- */

#define REGISTER(x) "<query xmlns='jabber:iq:register'>" x "</query>"

static void auth_answers(uint16_t kind, const void *m)
{
	ck_assert_uint_eq(fake_requests(w.link), 1);
	fake_answer(w.link, 0, 0, kind, m);
	settle();
}

START_TEST(change_password)
{
	uint16_t codes[] = {0};
	struct msg_account_result r = {.codes = codes, .ncodes = 1};

	iq(romeo, "get", "localhost", "<query xmlns='jabber:iq:register'/>");
	gets(romeo, "<registered", "<username>romeo</username>");
	iq(romeo, "set", "localhost", REGISTER("<username>romeo</username><password>new</password>"));
	ck_assert_uint_lt(romeo->done, romeo->in);
	auth_answers(MSG_ACCOUNT_RESULT, &r);
	gets(romeo, "type='result'");
	codes[0] = EINVAL;
	iq(romeo, "set", NULL, REGISTER("<username>romeo</username><password>new</password>"));
	auth_answers(MSG_ACCOUNT_RESULT, &r);
	ck_assert_ptr_null(strstr(gets(romeo, "not-acceptable", "code='406'"), "new"));
	iq(romeo, "set", NULL, REGISTER("<username>romeo</username><password/>"));
	gets(romeo, "bad-request", "code='400'");
	iq(romeo, "set", NULL, REGISTER("<username>juliet</username><password>new</password>"));
	gets(romeo, "not-allowed", "code='405'");
	session_find(w.sm, romeo->sid)->secure = false;
	iq(romeo, "set", NULL, REGISTER("<username>romeo</username><password>new</password>"));
	gets(romeo, "not-authorized", "code='401'");
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	gets(romeo, "not-authorized", "code='401'");
	iq(romeo, "set", "juliet@localhost", REGISTER("<remove/>"));
	gets(romeo, "forbidden");
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

static void data_is_gone(void)
{
	for (uint16_t t = 0; t < TABLES; t++)
		if (t != TABLE_ACCOUNT) /* auth's */
			ck_assert_uint_eq(shelf_count(w.shelf, t, "romeo@localhost"), 0);
}

START_TEST(cancel)
{
	struct client *hut = online("romeo@localhost", "hut");
	struct msg_ok ok = {0};

	befriend(romeo, juliet);
	iq(romeo, "set", NULL, "<vCard xmlns='vcard-temp'><FN>R</FN></vCard>");
	forget(romeo);
	iq(romeo, "set", NULL, REGISTER("<remove/><username>x</username>"));
	gets(romeo, "bad-request");
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	auth_answers(MSG_OK, &ok);
	gets(romeo, "type='result'");
	ck_assert_int_eq(romeo->ended, 1 + STREAM_E_NOT_AUTHORIZED);
	ck_assert_int_eq(hut->ended, 1 + STREAM_E_NOT_AUTHORIZED);
	gets_any(juliet, "type='unavailable'", "from='romeo@localhost/orchard'");
	data_is_gone();
}
END_TEST

/* A log of years goes in pieces, so that no batch holds up what others write; all else after it. */
START_TEST(cancel_large_log)
{
	struct msg_value v[COLS_LOG] = {value_text(STR("romeo@localhost")), value_int(0), value_int(0),
					value_text(STR("juliet@localhost/x")), value_int(7), value_int(0),
					value_int(0), value_int(0), value_text(STR("<message/>"))};
	struct msg_ok ok = {0};
	size_t before;

	iq(romeo, "set", NULL, "<vCard xmlns='vcard-temp'><FN>R</FN></vCard>");
	for (int i = 1; i <= 1000; i++) {
		v[COL_LOG_NUMBER] = v[COL_LOG_ORIGIN_NUMBER] = value_int(i);
		shelf_put(w.shelf, TABLE_LOG, v, COLS_LOG);
	}
	forget(romeo);
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	w.shelf->hold = true;
	auth_answers(MSG_OK, &ok);
	while ((before = shelf_count(w.shelf, TABLE_LOG, "romeo@localhost")) > 0) {
		ck_assert_uint_eq(shelf_count(w.shelf, TABLE_VCARD, "romeo@localhost"), 1);
		ck_assert_uint_gt(w.shelf->nheld, 0);
		shelf_release(w.shelf, w.link, 1);
		settle();
		ck_assert_uint_le(before - shelf_count(w.shelf, TABLE_LOG, "romeo@localhost"), 500);
	}
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, SIZE_MAX);
	settle();
	data_is_gone();
}
END_TEST

/* Auth's answer comes when the client has long been told that it takes too long: the data go, too. */
START_TEST(cancel_late)
{
	struct msg_ok ok = {0};

	iq(romeo, "set", NULL, "<vCard xmlns='vcard-temp'><FN>R</FN></vCard>");
	forget(romeo);
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	pass(22000);
	gets(romeo, "type='error'", "internal-server-error", "code='500'");
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_VCARD, "romeo@localhost"), 1);
	pass(120000);
	auth_answers(MSG_OK, &ok);
	ck_assert_int_eq(romeo->ended, 1 + STREAM_E_NOT_AUTHORIZED);
	data_is_gone();
}
END_TEST

/* The auth that is asked to remove an account with a vCard goes before it answers. */
static void cancel_unanswered(void)
{
	iq(romeo, "set", NULL, "<vCard xmlns='vcard-temp'><FN>R</FN></vCard>");
	forget(romeo);
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	fake_answer(w.link, 0, -EHOSTUNREACH, 0, NULL);
	settle();
	gets(romeo, "type='error'", "internal-server-error");
}

/* The auth that was asked is gone, and with it what it answered: the next one knows. */
START_TEST(cancel_asked_again)
{
	struct msg_failed none = {.code = ENOENT}, eio = {.code = EIO};

	cancel_unanswered();
	pass(7000);
	fake_answer(w.link, 0, -EREMOTEIO, MSG_FAILED, &eio);
	pass(7000);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_VCARD, "romeo@localhost"), 1);
	fake_answer(w.link, 0, -EREMOTEIO, MSG_FAILED, &none);
	settle();
	ck_assert_int_eq(romeo->ended, 1 + STREAM_E_NOT_AUTHORIZED);
	data_is_gone();
}
END_TEST

/* Its auth is gone, and the name was taken anew before the next one was asked: that account is another's. */
START_TEST(cancel_made_anew)
{
	struct msg_value v[COLS_ACCOUNT] = {value_text(STR("romeo@localhost")), value_int(77)};

	cancel_unanswered();
	shelf_remove(w.shelf, TABLE_ACCOUNT, "romeo@localhost");
	shelf_put(w.shelf, TABLE_ACCOUNT, v, COLS_ACCOUNT);
	pass(30000);
	ck_assert_uint_eq(fake_requests(w.link), 0);
	ck_assert_int_eq(romeo->ended, -1);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_VCARD, "romeo@localhost"), 1);
}
END_TEST

/* Its auth is gone, and has removed the credentials: the data go without another. */
START_TEST(cancel_was_done)
{
	iq(romeo, "set", NULL, "<vCard xmlns='vcard-temp'><FN>R</FN></vCard>");
	forget(romeo);
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	shelf_remove(w.shelf, TABLE_ACCOUNT, "romeo@localhost");
	fake_answer(w.link, 0, -EHOSTUNREACH, 0, NULL);
	settle();
	gets(romeo, "type='error'", "internal-server-error");
	ck_assert_int_eq(romeo->ended, 1 + STREAM_E_NOT_AUTHORIZED);
	ck_assert_uint_eq(fake_requests(w.link), 0);
	data_is_gone();
}
END_TEST

/* What surely was not done is not done later. Where there are no credentials, the data go. */
START_TEST(cancel_refused)
{
	struct msg_failed none = {.code = ENOENT}, eio = {.code = EIO}, other = {.code = EOPNOTSUPP};

	iq(romeo, "set", NULL, "<vCard xmlns='vcard-temp'><FN>R</FN></vCard>");
	forget(romeo);
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	fake_answer(w.link, 0, -EREMOTEIO, MSG_FAILED, &eio);
	settle();
	gets(romeo, "type='error'", "internal-server-error");
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	fake_answer(w.link, 0, -EREMOTEIO, MSG_FAILED, &other);
	settle();
	gets(romeo, "type='error'", "not-allowed");
	pass(30000);
	ck_assert_uint_eq(fake_requests(w.link), 0);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_VCARD, "romeo@localhost"), 1);
	iq(romeo, "set", NULL, REGISTER("<remove/>"));
	fake_answer(w.link, 0, -EREMOTEIO, MSG_FAILED, &none);
	settle();
	gets(romeo, "type='result'");
	data_is_gone();
}
END_TEST

START_TEST(registration_closed)
{
	world_reconfigure("register = false");
	iq(romeo, "get", "localhost", "<query xmlns='jabber:iq:register'/>");
	gets(romeo, "service-unavailable");
	iq(romeo, "get", "localhost", INFO);
	ck_assert_ptr_null(strstr(gets(romeo, "type='result'"), "jabber:iq:register"));
}
END_TEST

Suite *modules_suite(void)
{
	Suite *s = suite_create("modules");
	TCase *c = tcase_create("modules");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, disco_of_accounts);
	tcase_add_test(c, disco_of_the_server);
	tcase_add_test(c, blocking);
	tcase_add_test(c, blocking_a_domain);
	tcase_add_test(c, blocking_by_two_entries);
	tcase_add_test(c, blocking_errors);
	tcase_add_test(c, blocking_directed);
	tcase_add_test(c, vcards);
	tcase_add_test(c, private_xml);
	tcase_add_test(c, long_keys);
	tcase_add_test(c, last_activity);
	tcase_add_test(c, last_activity_written);
	tcase_add_test(c, last_activity_evicted);
	tcase_add_test(c, ping_and_version);
	tcase_add_test(c, change_password);
	tcase_add_test(c, cancel);
	tcase_add_test(c, cancel_large_log);
	tcase_add_test(c, cancel_late);
	tcase_add_test(c, cancel_asked_again);
	tcase_add_test(c, cancel_made_anew);
	tcase_add_test(c, cancel_was_done);
	tcase_add_test(c, cancel_refused);
	tcase_add_test(c, registration_closed);
	suite_add_tcase(s, c);
	return s;
}
