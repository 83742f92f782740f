/* SPDX-License-Identifier: MIT */
/* Rosters and subscriptions through the handlers (RFC 6121 sections 2 and 3). */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

static struct client *romeo, *juliet;

static void setup(void)
{
	world_start("roster_items_max = 3\nroster_pending_max = 2\nroster_groups_max = 2\n"
		    "roster_name_max = 10\nroster_request_max = 300");
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
}

static void ask_roster(struct client *c, const char *ver)
{
	char *xml = ver ? xasprintf("<iq id='r' type='get'><query xmlns='jabber:iq:roster' ver='%s'/></iq>", ver)
			: xstrdup("<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>");

	says(c, xml);
	free(xml);
}

static void roster_set(struct client *c, const char *items)
{
	char *xml = xasprintf("<iq id='s' type='set'><query xmlns='jabber:iq:roster'>%s</query></iq>", items);

	says(c, xml);
	free(xml);
}

/* 2.3.3, 2.5.3 */
START_TEST(errors)
{
	static const struct {
		const char *items, *condition;
	} rows[] = {
		{"", "bad-request"},
		{"<item jid='a@b'/><item jid='c@d'/>", "bad-request"},
		{"<item/>", "bad-request"},
		{"<item jid='a@b'><group>x</group><group>x</group></item>", "bad-request"},
		{"<item jid='a@b'><group/></item>", "not-acceptable"},
		{"<item jid='a@b'><group>12345678901</group></item>", "not-acceptable"},
		{"<item jid='a@b' name='12345678901'/>", "not-acceptable"},
		{"<item jid='a@b'><group>1</group><group>2</group><group>3</group></item>",
		 "not-acceptable"},
		{"<item jid='a@b' subscription='remove'/>", "item-not-found"},
	};

	ask_roster(romeo, NULL);
	forget(romeo);
	roster_set(romeo, rows[_i].items);
	gets(romeo, "type='error'", rows[_i].condition);
	gets_nothing(romeo);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_ROSTER, "romeo@localhost"), 0);
}
END_TEST

/* 2.1.5, 2.3.2, 2.4.2, 2.5.2: to the interested resources, and to them alone */
START_TEST(pushes)
{
	struct client *other = login("romeo@localhost", "other"), *dull = online("romeo@localhost", "dull");

	ask_roster(romeo, NULL);
	ask_roster(other, NULL);
	forget(romeo);
	forget(other);
	roster_set(romeo, "<item jid='a@b' name='A' subscription='both' ask='subscribe'><group>g</group></item>");
	gets_any(romeo, "type='set'", "jid='a@b'", "name='A'", "subscription='none'", "<group>g</group>",
		 "to='romeo@localhost/orchard'");
	gets_any(romeo, "type='result'", "id='s'");
	ck_assert_ptr_null(strstr(gets(other, "type='set'", "ver='"), "ask="));
	roster_set(romeo, "<item jid='a@b'/>"); /* exactly as given */
	ck_assert_ptr_null(strstr(gets(other, "jid='a@b'"), "group"));
	roster_set(other, "<item jid='a@b' subscription='remove'/>");
	gets_any(other, "subscription='remove'");
	gets_any(other, "type='result'");
	forget(romeo);
	gets_nothing(other);
	gets_nothing(dull);
}
END_TEST

/* 2.3.3, 2.1.3: another's roster is not one's to see or change */
START_TEST(of_others)
{
	says(romeo, "<iq id='1' type='set' to='juliet@localhost'><query xmlns='jabber:iq:roster'>"
		    "<item jid='a@b'/></query></iq>");
	gets(romeo, "type='error'", "forbidden");
	says(romeo, "<iq id='2' type='get' to='juliet@localhost'><query xmlns='jabber:iq:roster'/></iq>");
	gets(romeo, "type='error'", "forbidden");
}
END_TEST

START_TEST(limit)
{
	roster_set(romeo, "<item jid='1@b'/>");
	roster_set(romeo, "<item jid='2@b'/>");
	roster_set(romeo, "<item jid='3@b'/>");
	forget(romeo);
	roster_set(romeo, "<item jid='4@b'/>");
	gets(romeo, "type='error'", "resource-constraint");
	roster_set(romeo, "<item jid='3@b' name='x'/>");
	gets(romeo, "type='result'");
	says(romeo, "<presence type='subscribe' to='5@localhost'/>");
	gets(romeo, "type='error'", "resource-constraint");
}
END_TEST

/* 2.6.3 */
START_TEST(size)
{
	world_reconfigure("roster_size_max = 4096\nroster_name_max = 3000");
	roster_set(romeo, "<item jid='1@b' name='x'/>");
	forget(romeo);
	for (int i = 2; i <= 3; i++) {
		char *xml = xasprintf("<item jid='%d@b' name='%02060d'/>", i, 0);

		roster_set(romeo, xml);
		free(xml);
		if (i == 2)
			gets(romeo, "type='result'");
		else
			gets(romeo, "type='error'", "resource-constraint");
	}
}
END_TEST

START_TEST(versions)
{
	char *ver;
	const char *at;

	ask_roster(romeo, "");
	at = strstr(gets(romeo, "<query", "ver='"), "ver='") + 5;
	ver = xstrndup(at, strcspn(at, "'"));
	roster_set(romeo, "<item jid='1@b'/>");
	roster_set(romeo, "<item jid='2@b'/>");
	roster_set(romeo, "<item jid='1@b' name='one'/>");
	forget(romeo);
	ask_roster(romeo, ver);
	ck_assert_ptr_null(strstr(gets(romeo, "type='result'", "id='r'"), "<query"));
	gets(romeo, "type='set'", "jid='2@b'");
	at = strstr(gets(romeo, "type='set'", "jid='1@b'", "name='one'"), "ver='") + 5;
	free(ver);
	ver = xstrndup(at, strcspn(at, "'"));
	gets_nothing(romeo);
	ask_roster(romeo, ver); /* nothing changed */
	ck_assert_ptr_null(strstr(gets(romeo, "type='result'"), "<query"));
	gets_nothing(romeo);
	roster_set(romeo, "<item jid='1@b' subscription='remove'/>");
	forget(romeo);
	ask_roster(romeo, ver);
	ck_assert_ptr_null(strstr(gets(romeo, "<query", "jid='2@b'"), "1@b"));
	ask_roster(romeo, "not ours");
	gets(romeo, "<query", "jid='2@b'");
	free(ver);
}
END_TEST

START_TEST(survives_eviction)
{
	ask_roster(romeo, NULL);
	roster_set(romeo, "<item jid='1@b' name='one'><group>g</group></item>");
	befriend(romeo, juliet);
	((struct sm_config *)w.app.config)->users_cached = 0;
	leave(romeo, true);
	ck_assert_ptr_null(user_get(w.sm, STR("romeo@localhost")));
	romeo = login("romeo@localhost", "orchard");
	ask_roster(romeo, NULL);
	gets(romeo, "jid='1@b'", "name='one'", "<group>g</group>", "jid='juliet@localhost'",
	     "subscription='both'");
}
END_TEST

/* --- subscriptions --------------------------------------------------------------------------- */

/* 3.1: from the request to the presence of both */
START_TEST(subscribe)
{
	struct client *quiet = login("juliet@localhost", "quiet");

	ask_roster(romeo, NULL);
	ask_roster(juliet, NULL);
	ask_roster(quiet, NULL);
	forget(romeo);
	forget(juliet);
	forget(quiet);
	says(romeo, "<presence type='subscribe' id='x' to='juliet@localhost/balcony'><status>hi</status></presence>");
	gets(romeo, "type='set'", "ask='subscribe'", "subscription='none'");
	gets(juliet, "type='subscribe'", "from='romeo@localhost'", "to='juliet@localhost'",
	     "<status>hi</status>", "id='x'");
	gets_nothing(quiet); /* interested, but not available: 3.1.3 */
	says(romeo, "<presence type='subscribe' to='juliet@localhost'/>");
	gets_nothing(juliet); /* A.3.1: a duplicate */
	says(juliet, "<presence type='subscribed' to='romeo@localhost'/>");
	gets(juliet, "type='set'", "subscription='from'");
	gets(quiet, "type='set'", "subscription='from'");
	gets(romeo, "type='subscribed'", "from='juliet@localhost'", "to='romeo@localhost'");
	gets_any(romeo, "type='set'", "subscription='to'");
	gets_any(romeo, "<presence", "from='juliet@localhost/balcony'");
	gets_nothing(romeo);
	says(juliet, "<presence><show>away</show></presence>");
	gets(romeo, "away", "to='romeo@localhost'", "from='juliet@localhost/balcony'");
}
END_TEST

/* 3.2, 3.3: the one who loses the right sees the other leave, before the change is told */
START_TEST(cancel)
{
	befriend(romeo, juliet);
	says(juliet, "<presence type='unsubscribed' to='romeo@localhost'/>");
	gets(romeo, "type='unavailable'", "from='juliet@localhost/balcony'");
	forget(romeo);
	forget(juliet);
	says(juliet, "<presence><show>away</show></presence>");
	gets_nothing(romeo);
	says(juliet, "<presence type='unsubscribe' to='romeo@localhost'/>");
	gets_any(juliet, "type='unavailable'", "from='romeo@localhost/orchard'");
	ask_roster(romeo, NULL);
	gets_any(romeo, "jid='juliet@localhost'", "subscription='none'");
}
END_TEST

/* A.3.2: the answer to the one is not taken for that to the other. */
START_TEST(asked_again_at_once)
{
	befriend(romeo, juliet);
	says_only(romeo, "<presence type='unsubscribe' to='juliet@localhost'/>");
	says_only(romeo, "<presence type='subscribe' to='juliet@localhost'/>");
	settle();
	says(juliet, "<presence type='subscribed' to='romeo@localhost'/>");
	forget(romeo);
	ask_roster(romeo, NULL);
	gets(romeo, "jid='juliet@localhost'", "subscription='both'");
}
END_TEST

/* 3.1.3: whole, at each login, until answered */
START_TEST(requests_are_kept)
{
	leave(juliet, true);
	says(romeo, "<presence type='subscribe' to='juliet@localhost'><x xmlns='y'>z</x></presence>");
	((struct sm_config *)w.app.config)->users_cached = 0;
	for (int i = 0; i < 2; i++) {
		juliet = login("juliet@localhost", "balcony");
		ask_roster(juliet, NULL);
		ck_assert_ptr_null(strstr(gets(juliet, "<query"), "romeo"));
		says(juliet, "<presence/>");
		gets_any(juliet, "type='subscribe'", "<x xmlns='y'>z</x>", "from='romeo@localhost'");
		leave(juliet, true);
	}
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence type='unsubscribed' to='romeo@localhost'/>");
	forget(juliet);
	says(juliet, "<presence/>");
	gets(juliet, "<presence", "to='juliet@localhost/balcony'", "from='juliet@localhost/balcony'");
	gets_nothing(juliet);
}
END_TEST

/* What strangers ask has limits of its own. */
START_TEST(requests_are_limited)
{
	char *xml, *a;
	char big[400];

	for (int i = 0; i < 3; i++) {
		xml = xasprintf("<presence type='subscribe' from='s%d@localhost' to='juliet@localhost'/>", i);
		a = tell_in(xml, 90, (uint64_t)i);
		ck_assert(!strstr(a, "resource-constraint") == (i < 2));
		free(a);
		free(xml);
	}
	gets(juliet, "s0@localhost");
	gets(juliet, "s1@localhost");
	gets_nothing(juliet);
	roster_set(juliet, "<item jid='1@b'/>"); /* her own roster is not full by it */
	gets(juliet, "type='result'");
	memset(big, 'x', sizeof big);
	xml = xasprintf("<presence type='subscribe' to='romeo@localhost'><status>%.*s</status></presence>",
			(int)sizeof big, big);
	says(juliet, xml);
	free(xml);
	forget(romeo);
	gets_any(juliet, "type='error'", "resource-constraint");
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_ROSTER, "romeo@localhost"), 0);
}
END_TEST

static void asks(const char *from, int status, bool taken)
{
	static uint64_t number;
	char *xml = xasprintf("<presence type='subscribe' from='%s' to='juliet@localhost'>"
			      "<status>%0*d</status></presence>", from, status, 0);
	char *a = tell_in(xml, 91, ++number);

	ck_assert_ptr_nonnull(a);
	ck_assert((strstr(a, "resource-constraint") == NULL) == taken);
	free(a);
	free(xml);
}

/* Together, too; and of those who are in the roster already. */
START_TEST(requests_are_limited_in_size)
{
	world_reconfigure("roster_pending_max = 10\nroster_request_max = 300\n"
			  "roster_pending_size_max = 500");
	roster_set(juliet, "<item jid='friend@localhost'/>");
	asks("friend@localhost", 400, false);
	asks("friend@localhost", 100, true);
	asks("s1@localhost", 100, true);
	((struct sm_config *)w.app.config)->users_cached = 0;
	leave(juliet, true);
	asks("s2@localhost", 100, false);
	juliet = online("juliet@localhost", "balcony");
	says(juliet, "<presence type='unsubscribed' to='s1@localhost'/>");
	asks("s2@localhost", 100, true);
	asks("s3@localhost", 100, false);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_ROSTER, "juliet@localhost"), 2);
}
END_TEST

/* What else comes from who has asked is not taken for the request. */
START_TEST(request_outlives_answer)
{
	says(juliet, "<presence type='subscribe' to='romeo@localhost'/>");
	says(romeo, "<presence type='subscribe' to='juliet@localhost'><x xmlns='y'>z</x></presence>");
	says(romeo, "<presence type='subscribed' to='juliet@localhost'/>");
	leave(juliet, true);
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	gets_any(juliet, "type='subscribe'", "<x xmlns='y'>z</x>", "from='romeo@localhost'");
}
END_TEST

/* 3.4 */
START_TEST(pre_approval)
{
	ask_roster(juliet, NULL);
	forget(juliet);
	says(juliet, "<presence type='subscribed' to='romeo@localhost'/>");
	gets(juliet, "type='set'", "approved='true'", "subscription='none'");
	gets_nothing(romeo);
	ask_roster(juliet, NULL);
	gets(juliet, "approved='true'");
	ask_roster(romeo, NULL);
	forget(romeo);
	says(romeo, "<presence type='subscribe' to='juliet@localhost'/>");
	gets_any(romeo, "type='subscribed'", "from='juliet@localhost'");
	gets_any(romeo, "<presence", "from='juliet@localhost/balcony'");
	ck_assert_ptr_null(strstr(gets(juliet, "type='set'", "subscription='from'"), "approved"));
	gets_nothing(juliet); /* the request is not shown */
}
END_TEST

/* 2.5.2 */
START_TEST(removal_cancels)
{
	befriend(romeo, juliet);
	ask_roster(juliet, NULL);
	forget(juliet);
	roster_set(romeo, "<item jid='juliet@localhost' subscription='remove'/>");
	gets_any(juliet, "type='unsubscribe'", "from='romeo@localhost'");
	gets_any(juliet, "type='unsubscribed'", "from='romeo@localhost'");
	gets_any(juliet, "type='unavailable'", "from='romeo@localhost/orchard'");
	gets_any(romeo, "type='unavailable'", "from='juliet@localhost/balcony'");
	ask_roster(juliet, NULL);
	gets_any(juliet, "type='result'", "jid='romeo@localhost'", "subscription='none'");
}
END_TEST

START_TEST(to_oneself)
{
	ask_roster(romeo, NULL);
	forget(romeo);
	says(romeo, "<presence type='subscribe' to='romeo@localhost'/>");
	says(romeo, "<presence type='subscribed' to='romeo@localhost/orchard'/>");
	gets_nothing(romeo);
	ck_assert_uint_eq(romeo->done, romeo->in);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_ROSTER, "romeo@localhost"), 0);
}
END_TEST

START_TEST(account_removed)
{
	struct msg_user_remove m = {.account = STR("romeo@localhost")};

	befriend(romeo, juliet);
	fake_receive(w.link, frame_from(CTL_ID, MSG_USER_REMOVE, "romeo@localhost"), &m);
	settle();
	ck_assert_int_eq(romeo->ended, 1 + STREAM_E_NOT_AUTHORIZED);
	gets_any(juliet, "type='unavailable'", "from='romeo@localhost/orchard'");
	ask_roster(juliet, NULL);
	gets_any(juliet, "type='result'", "jid='romeo@localhost'", "subscription='none'");
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_ROSTER, "romeo@localhost"), 0);
	ck_assert_ptr_null(user_get(w.sm, STR("romeo@localhost")));
}
END_TEST

/* A roster within its size may be several times as long in XML. */
START_TEST(too_long_for_a_frame)
{
	char name[1001];

	world_reconfigure("roster_items_max = 300\nroster_name_max = 1023\nroster_request_max = 8k");
	memset(name, '\'', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 180; i++) {
		char *item = xasprintf("<item jid='c%u@d' name=\"%s\"/>", i, name);

		roster_set(romeo, item);
		free(item);
		acknowledge_all(romeo);
	}
	forget(romeo);
	ask_roster(romeo, NULL);
	gets(romeo, "id='r'", "type='error'", "resource-constraint");
	gets_nothing(romeo);
}
END_TEST

static void put_roster(const char *query)
{
	struct msg_user_put put = {.account = STR("romeo@localhost"), .xml = str_z(query)};

	fake_receive(w.link, frame_from(CTL_ID, MSG_USER_PUT, "romeo@localhost"), &put);
	settle();
}

static long long version_in(const char *xml)
{
	const char *at = strstr(xml, "ver='");

	ck_assert_ptr_nonnull(at);
	return strtoll(at + 5, NULL, 10);
}

/* XEP-0227 into an account that has contacts: their states stay such as Appendix A knows, and each push has the
 * version that its change made, so that a client which gets no further is told the rest (2.6.3). */
START_TEST(merged)
{
	long long before;
	const char *xml;

	says(romeo, "<presence type='subscribe' to='juliet@localhost'/>");
	says(romeo, "<presence type='subscribed' to='2@b'/>");
	ask_roster(romeo, NULL);
	before = version_in(gets_any(romeo, "ask='subscribe'", "approved='true'"));
	forget(romeo);
	put_roster("<query xmlns='jabber:iq:roster'><item jid='juliet@localhost' subscription='to'/>"
		   "<item jid='1@b' subscription='none'/><item jid='2@b' subscription='from'/></query>");
	xml = gets(romeo, "juliet@localhost", "subscription='to'");
	ck_assert_ptr_null(strstr(xml, "ask="));
	ck_assert_int_eq(version_in(xml), before + 1);
	ck_assert_int_eq(version_in(gets(romeo, "1@b", "subscription='none'")), before + 2);
	xml = gets(romeo, "2@b", "subscription='from'");
	ck_assert_ptr_null(strstr(xml, "approved="));
	ck_assert_int_eq(version_in(xml), before + 3);
	gets_nothing(romeo);
}
END_TEST

/* What is wrong with a contact's groups costs no more than these. */
START_TEST(merged_without_groups)
{
	ask_roster(romeo, NULL);
	roster_set(romeo, "<item jid='2@b'><group>g</group></item>");
	forget(romeo);
	put_roster("<query xmlns='jabber:iq:roster'><item jid='1@b' name='one' subscription='from'><group/></item>"
		   "<item jid='2@b'><group>x</group><group>x</group></item></query>");
	ck_assert_ptr_null(strstr(gets(romeo, "1@b", "name='one'", "subscription='from'"), "<group"));
	gets(romeo, "2@b", "<group>g</group>");
	gets_nothing(romeo);
}
END_TEST

/* 2.6.2: of another roster under the same name no version is one of this. */
START_TEST(replaced)
{
	struct msg_user_put clear = {.account = STR("romeo@localhost"), .clear = true};
	char *ver;

	roster_set(romeo, "<item jid='1@b'/>");
	forget(romeo);
	ask_roster(romeo, NULL);
	ver = xasprintf("%lld", version_in(gets(romeo, "1@b")));
	fake_receive(w.link, frame_from(CTL_ID, MSG_USER_PUT, "romeo@localhost"), &clear);
	settle();
	pass(1000);
	put_roster("<query xmlns='jabber:iq:roster'><item jid='2@b'/><item jid='3@b'/></query>");
	romeo = online("romeo@localhost", "orchard");
	ask_roster(romeo, ver);
	gets(romeo, "type='result'", "2@b", "3@b");
	gets_nothing(romeo);
	free(ver);
}
END_TEST

Suite *roster_suite(void)
{
	Suite *s = suite_create("rosters");
	TCase *c = tcase_create("rosters");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, errors, 0, 9);
	tcase_add_test(c, pushes);
	tcase_add_test(c, of_others);
	tcase_add_test(c, limit);
	tcase_add_test(c, size);
	tcase_add_test(c, too_long_for_a_frame);
	tcase_add_test(c, versions);
	tcase_add_test(c, survives_eviction);
	tcase_add_test(c, subscribe);
	tcase_add_test(c, cancel);
	tcase_add_test(c, asked_again_at_once);
	tcase_add_test(c, requests_are_kept);
	tcase_add_test(c, requests_are_limited);
	tcase_add_test(c, requests_are_limited_in_size);
	tcase_add_test(c, request_outlives_answer);
	tcase_add_test(c, pre_approval);
	tcase_add_test(c, removal_cancels);
	tcase_add_test(c, to_oneself);
	tcase_add_test(c, account_removed);
	tcase_add_test(c, merged);
	tcase_add_test(c, merged_without_groups);
	tcase_add_test(c, replaced);
	suite_add_tcase(s, c);
	return s;
}
