/* SPDX-License-Identifier: MIT */
/* Offline messages through the log: order, pages, two resources, positions, quota (XEP-0160). */
#include <stdlib.h>
#include "sm/inbox.h"
#include "tests/unit/sm/world.h"

static struct client *romeo;

static void setup(void)
{
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
}

static void chats(int from, int to)
{
	for (int i = from; i <= to; i++) {
		char *xml = xasprintf("<message type='chat' to='juliet@localhost'><body>m%d.</body></message>", i);

		says(romeo, xml);
		free(xml);
	}
}

/* The next message not looked at, presence passed over. */
static const char *next_message(struct client *c)
{
	for (size_t i = 0; i < c->ngot; i++) {
		if (c->got[i].taken)
			continue;
		c->got[i].taken = true;
		if (strncmp(c->got[i].xml, "<message", 8) == 0)
			return c->got[i].xml;
	}
	return NULL;
}

static void has_messages(struct client *c, int from, int to, bool delayed)
{
	for (int i = from; i <= to; i++) {
		const char *m = next_message(c);
		char body[20];

		(void)snprintf(body, sizeof body, ">m%d.<", i);
		ck_assert_msg(m != NULL, "message %d is missing", i);
		ck_assert_msg(strstr(m, body) != NULL, "wanted %d, got %s", i, m);
		ck_assert(!strstr(m, "urn:xmpp:delay") == !delayed);
	}
	ck_assert_ptr_null(next_message(c));
}

/* In order, with their time, over several pages; those of this session have none. */
START_TEST(pages)
{
	struct client *juliet;

	chats(1, 120);
	juliet = login("juliet@localhost", "balcony");
	has_messages(juliet, 1, 0, false);
	says(juliet, "<presence/>");
	has_messages(juliet, 1, 120, true);
	ck_assert_uint_le(w.shelf->largest_page, 100);
	chats(121, 121);
	has_messages(juliet, 121, 121, false);
}
END_TEST

static void any_messages(struct client *c, int from, int to)
{
	for (int i = from; i <= to; i++) {
		const char *m = next_message(c);
		char body[20];

		(void)snprintf(body, sizeof body, ">m%d.<", i);
		ck_assert_msg(m && strstr(m, body), "wanted %d, got %s", i, m ? m : "nothing");
	}
	ck_assert_ptr_null(next_message(c));
}

/* What arrives while the old ones are read comes behind them. */
START_TEST(order_with_new_ones)
{
	struct client *juliet;

	chats(1, 60);
	juliet = login("juliet@localhost", "balcony");
	w.shelf->hold_reads = true;
	says(juliet, "<presence/>");
	chats(61, 62);
	w.shelf->hold_reads = false;
	settle();
	any_messages(juliet, 1, 62);
}
END_TEST

/* A new owner looks through the log when the client has no presence yet; that comes between two pages. */
START_TEST(order_with_presence_between_pages)
{
	struct client *juliet;

	chats(1, 120);
	juliet = login("juliet@localhost", "balcony");
	w.shelf->one_read = true;
	inbox_flush(session_find(w.sm, juliet->sid));
	settle();
	says(juliet, "<presence/>");
	w.shelf->hold_reads = w.shelf->one_read = false;
	settle();
	any_messages(juliet, 1, 120);
}
END_TEST

/* A page that is read does not speak for what was not committed then, though its number is known. */
START_TEST(order_with_uncommitted_ones)
{
	struct client *juliet;

	chats(1, 3);
	w.shelf->hold = true;
	chats(4, 4);
	pass(300);
	juliet = login("juliet@localhost", "balcony");
	w.shelf->hold_reads = true;
	says(juliet, "<presence/>");
	chats(5, 5);
	pass(300);
	w.shelf->hold_reads = false;
	w.shelf->one_read = true;
	settle();
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	settle();
	w.shelf->hold_reads = false;
	pass(2000);
	any_messages(juliet, 1, 5);
}
END_TEST

/* What another session was given before its commit does not come late to one that began since. */
START_TEST(order_with_what_another_has)
{
	struct client *a = online("juliet@localhost", "a"), *juliet;

	forget(a);
	w.shelf->hold = true;
	chats(1, 1);
	pass(300);
	chats(2, 3);
	juliet = login("juliet@localhost", "balcony");
	w.shelf->hold_reads = true;
	says(juliet, "<presence/>");
	pass(300);
	chats(4, 5);
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	settle();
	w.shelf->hold_reads = false;
	w.shelf->hold = false;
	pass(3000);
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	pass(3000);
	any_messages(a, 1, 5);
	any_messages(juliet, 2, 5);
}
END_TEST

/* Nor after newer ones to one that follows a session which went without it. */
START_TEST(order_with_what_another_left)
{
	struct client *a = online("juliet@localhost", "a"), *juliet;

	w.shelf->hold = true;
	chats(1, 1);
	pass(300);
	leave(a, false);
	juliet = online("juliet@localhost", "balcony");
	chats(2, 2);
	pass(300);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	pass(300);
	any_messages(juliet, 1, 2);
}
END_TEST

static size_t errors_told(void)
{
	struct pool *p = pool_new();
	struct msg_told told;
	size_t n = 0;

	for (size_t i = 0; i < w.nother; i++)
		n += w.other[i].f.kind == MSG_TOLD &&
		     msg_decode(MSG_TOLD, p, w.other[i].f.body, &told) == 0 && told.error.len > 0;
	pool_free(p);
	return n;
}

static void asks(const char *what, uint64_t number)
{
	char *xml = xasprintf("<message from='nurse@localhost/x' to='juliet@localhost/a' %s"
			      "</message>",
			      what);

	ck_assert_ptr_null(tell_in(xml, 77, number));
	free(xml);
}

/* Asked again, what waits behind a message is not answered as if nobody were there while the first
 * waits on, to be given. */
START_TEST(repeated_behind_a_message)
{
	const char *unkept = "type='normal'><body>unkept</body><no-store xmlns='urn:xmpp:hints'/>";
	struct client *a;

	w.shelf->hold = true;
	asks("type='chat'><body>1</body>", 1);
	pass(300);
	asks(unkept, 2);
	asks("type='chat'><body>3</body>", 3);
	asks(unkept, 2);
	pass(300);
	ck_assert_uint_eq(errors_told(), 0);
	a = online("juliet@localhost", "a");
	pass(300);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	pass(300);
	ck_assert_uint_eq(errors_told(), 0);
	ck_assert_uint_eq(a->ngot, 3 + 1); /* and its own presence */
	gets_any(a, "<body>1<");
	gets_any(a, "<body>unkept<");
	gets_any(a, "<body>3<");
}
END_TEST

/* 3: "deliver ... to the resource that has sent that presence"; none twice. */
START_TEST(two_resources)
{
	struct client *a, *b;

	chats(1, 70);
	a = login("juliet@localhost", "a");
	b = login("juliet@localhost", "b");
	says_only(a, "<presence/>");
	says_only(b, "<presence/>");
	settle();
	has_messages(a, 1, 70, true);
	has_messages(b, 1, 0, true);
}
END_TEST

START_TEST(negative_priority_gets_none)
{
	struct client *juliet;

	chats(1, 3);
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence><priority>-1</priority></presence>");
	has_messages(juliet, 1, 0, true);
	says(juliet, "<presence><priority>0</priority></presence>");
	has_messages(juliet, 1, 3, true);
}
END_TEST

/* Acknowledged is delivered; what was not is there at the next login, also after eviction. */
START_TEST(positions)
{
	struct client *juliet;

	chats(1, 5);
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	has_messages(juliet, 1, 5, true);
	acknowledge(juliet, juliet->got[juliet->ngot - 3].m); /* all but two */
	((struct sm_config *)w.app.config)->users_cached = 0;
	leave(juliet, true);
	ck_assert_ptr_null(user_get(w.sm, STR("juliet@localhost")));
	ck_assert_ptr_nonnull(shelf_row(w.shelf, TABLE_POSITION, "juliet@localhost"));
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	has_messages(juliet, 4, 5, true);
	acknowledge_all(juliet);
	leave(juliet, true);
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	has_messages(juliet, 1, 0, true);
}
END_TEST

/* More undelivered than the keys that are read at first. */
START_TEST(many_undelivered)
{
	struct client *juliet;

	((struct sm_config *)w.app.config)->users_cached = 0;
	chats(1, 150);
	ck_assert_ptr_null(user_get(w.sm, STR("juliet@localhost")));
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	has_messages(juliet, 1, 150, true);
}
END_TEST

/* A session that ends without acknowledging: another resource gets it, once. */
START_TEST(to_another_resource)
{
	struct client *a = online("juliet@localhost", "a"), *b;

	says(romeo, "<message type='chat' to='juliet@localhost/a'><body>m1.</body></message>");
	has_messages(a, 1, 1, false);
	b = online("juliet@localhost", "b");
	has_messages(b, 1, 0, true);
	leave(a, true);
	has_messages(b, 1, 1, true);
}
END_TEST

START_TEST(quota)
{
	((struct sm_config *)w.app.config)->offline_max = 3;
	chats(1, 3);
	gets_nothing(romeo);
	chats(4, 4);
	gets(romeo, "type='error'", "service-unavailable");
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 3);
}
END_TEST

static struct inbox *inbox(void)
{
	return user_get(w.sm, STR("juliet@localhost"))->inbox;
}

static size_t listed(void)
{
	struct shelf_row *row = shelf_row(w.shelf, TABLE_POSITION, "juliet@localhost");

	return row ? row->v[COL_POSITION_UNDELIVERED].s.len : 0;
}

/* Their senders were told that they were not stored: they do not fill the account for ever. */
START_TEST(quota_of_failed_ones)
{
	struct client *juliet;

	((struct sm_config *)w.app.config)->offline_max = 3;
	w.shelf->hold = true;
	chats(1, 3);
	pass(32000);
	for (int i = 1; i <= 3; i++)
		gets(romeo, "type='error'", "resource-constraint");
	ck_assert_uint_eq(inbox()->n, 0);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	pass(2000);
	ck_assert_uint_eq(inbox()->n, 0);
	w.shelf->status = STORE_FAILED;
	chats(4, 4);
	gets(romeo, "type='error'", "internal-server-error");
	ck_assert_uint_eq(inbox()->n, 0);
	w.shelf->status = STORE_COMMITTED;
	chats(5, 7);
	gets_nothing(romeo);
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	any_messages(juliet, 5, 7);
	acknowledge_all(juliet);
	ck_assert_uint_eq(listed(), 0);
}
END_TEST

/* Option retention_offline: what is undelivered leaves the log one day. _i: of so many only the first. */
START_TEST(quota_of_what_is_gone)
{
	struct client *juliet;
	int n = _i ? _i : 3;

	((struct sm_config *)w.app.config)->offline_max = n;
	chats(1, n);
	if (_i)
		shelf_remove_first(w.shelf, TABLE_LOG, "juliet@localhost");
	else
		shelf_remove(w.shelf, TABLE_LOG, "juliet@localhost");
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	any_messages(juliet, 2, _i ? n : 1);
	ck_assert_uint_eq(inbox()->n, _i ? (size_t)n - 1 : 0);
	acknowledge_all(juliet);
	ck_assert_uint_eq(inbox()->n, 0);
	leave(juliet, true);
	chats(n + 1, 2 * n);
	gets_nothing(romeo);
}
END_TEST

/* One that came under a number of an earlier owner while the page was read is not missing. */
START_TEST(page_without_a_late_one)
{
	struct client *juliet;
	struct inbox *b;

	chats(1, 3);
	shelf_remove(w.shelf, TABLE_LOG, "juliet@localhost");
	juliet = login("juliet@localhost", "balcony");
	w.shelf->hold_reads = true;
	says(juliet, "<presence/>");
	b = inbox();
	inbox_add(b, b->entries[0].log - 1, 0);
	w.shelf->hold_reads = false;
	settle();
	ck_assert_uint_eq(b->n, 4);
}
END_TEST

/* Who is online gets messages, however many wait for others; option offline_max may be 0. */
START_TEST(quota_online)
{
	struct client *juliet;

	((struct sm_config *)w.app.config)->offline_max = 0;
	chats(1, 1);
	gets(romeo, "type='error'", "service-unavailable");
	juliet = online("juliet@localhost", "balcony");
	forget(romeo);
	chats(1, 2);
	has_messages(juliet, 1, 2, false);
	gets_nothing(romeo);
	leave(juliet, true);
	forget(romeo);
	chats(3, 3);
	gets(romeo, "type='error'", "service-unavailable");
}
END_TEST

/* RFC 6120 section 10.1: what is not logged waits for the messages before it, of the same client. */
START_TEST(order_with_what_is_not_logged)
{
	struct client *a = online("juliet@localhost", "a"), *other;

	account("nurse@localhost");
	other = online("nurse@localhost", "n");
	befriend(romeo, a);
	forget(a);
	w.shelf->hold = true;
	says(romeo, "<message type='chat' to='juliet@localhost'><body>1</body></message>");
	says(romeo, "<message type='headline' to='juliet@localhost'><body>2</body></message>");
	says(romeo, "<presence to='juliet@localhost'><status>3</status></presence>");
	says(romeo, "<message type='chat' to='juliet@localhost/a'><body>4</body></message>");
	says(romeo, "<iq id='5' type='get' to='juliet@localhost/a'><x xmlns='x'/></iq>");
	says(other, "<message type='headline' to='juliet@localhost'><body>other</body></message>");
	gets(a, "other");
	gets_nothing(a);
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets(a, "<body>1<");
	gets(a, "<body>2<");
	gets(a, "<status>3<");
	gets_nothing(a);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	settle();
	gets(a, "<body>4<");
	gets(a, "id='5'");
	says(a, "<iq id='5' type='result' to='romeo@localhost/r'/>");
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

/* Nor for longer than the message itself: slow storage. */
START_TEST(order_with_slow_storage)
{
	struct client *a = online("juliet@localhost", "a");

	forget(a);
	w.shelf->hold = true;
	says(romeo, "<message type='chat' to='juliet@localhost'><body>1</body></message>");
	says(romeo, "<message type='headline' to='juliet@localhost'><body>2</body></message>");
	gets_nothing(a);
	pass(1000);
	gets(a, "<body>1<");
	gets(a, "<body>2<");
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	settle();
	gets_nothing(a);
}
END_TEST

/* XEP-0334: in the log until every session that has it has acknowledged it, and not for good. */
START_TEST(no_permanent_store)
{
	struct client *a = online("juliet@localhost", "a"), *b = online("juliet@localhost", "b");

	forget(a);
	says(romeo, "<message type='chat' to='juliet@localhost'><body>once</body>"
		    "<no-permanent-store xmlns='urn:xmpp:hints'/></message>");
	says(romeo, "<message type='chat' to='juliet@localhost'><body>no-permanent-store</body></message>");
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 2);
	acknowledge_all(a);
	pass(200000);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 2); /* b may want it */
	acknowledge_all(b);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 2); /* nor at once */
	pass(400000);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "juliet@localhost"), 1);
	ck_assert_uint_eq(w.sm->nfades, 0);
}
END_TEST

/* XEP-0191 section 3.2: of somebody who was blocked since nothing is delivered until he is unblocked. Meanwhile
 * nobody reads all that came after it, at a login or when messages begin to flow again. */
START_TEST(withheld)
{
	struct client *juliet;

	nurse_said(1);
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>"
		     "<item jid='nurse@localhost'/></block></iq>");
	says(juliet, "<presence/>");
	chats(2, 120);
	any_messages(juliet, 2, 120);
	acknowledge_all(juliet);
	leave(juliet, true);
	chats(121, 121);
	juliet = online("juliet@localhost", "balcony");
	acknowledge_all(juliet);
	w.shelf->largest_page = 0;
	for (int i = 0; i < 3; i++)
		{
		says(juliet, "<presence><priority>-1</priority></presence>");
		says(juliet, "<presence/>");
	}
	leave(juliet, true);
	juliet = online("juliet@localhost", "balcony");
	ck_assert_uint_eq(w.shelf->largest_page, 0);
	gets_nothing(juliet);
	says(juliet, "<iq type='set' id='u'><unblock xmlns='urn:xmpp:blocking'>"
		     "<item jid='nurse@localhost'/></unblock></iq>");
	says(juliet, "<presence><priority>-1</priority></presence>");
	forget(juliet);
	says(juliet, "<presence/>");
	has_messages(juliet, 1, 1, true);
	acknowledge_all(juliet);
	leave(juliet, true);
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	ck_assert_ptr_null(next_message(juliet));
}
END_TEST

Suite *inbox_suite(void)
{
	Suite *s = suite_create("inbox");
	TCase *c = tcase_create("offline messages");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, pages);
	tcase_add_test(c, order_with_presence_between_pages);
	tcase_add_test(c, order_with_new_ones);
	tcase_add_test(c, order_with_uncommitted_ones);
	tcase_add_test(c, order_with_what_another_has);
	tcase_add_test(c, order_with_what_another_left);
	tcase_add_test(c, repeated_behind_a_message);
	tcase_add_test(c, two_resources);
	tcase_add_test(c, negative_priority_gets_none);
	tcase_add_test(c, positions);
	tcase_add_test(c, many_undelivered);
	tcase_add_test(c, to_another_resource);
	tcase_add_test(c, quota);
	tcase_add_test(c, quota_of_failed_ones);
	tcase_add_loop_test(c, quota_of_what_is_gone, 0, 1);
	tcase_add_loop_test(c, quota_of_what_is_gone, 3, 4);
	tcase_add_loop_test(c, quota_of_what_is_gone, 120, 121);
	tcase_add_test(c, page_without_a_late_one);
	tcase_add_test(c, quota_online);
	tcase_add_test(c, no_permanent_store);
	tcase_add_test(c, withheld);
	tcase_add_test(c, order_with_what_is_not_logged);
	tcase_add_test(c, order_with_slow_storage);
	suite_add_tcase(s, c);
	return s;
}
