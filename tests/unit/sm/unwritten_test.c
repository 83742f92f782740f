/* SPDX-License-Identifier: MIT */
/* What waits for storage has a bound: what is refused at it, and what makes room. */
#include <stdlib.h>
#include "link/channel.h"
#include "sm/inbox.h"
#include "tests/unit/sm/world.h"

enum { BOUND = 4 << 20, BODY = 20000, ONE = BODY + 1000, FLOOD = 300 };

static struct client *romeo, *juliet;
static char *body;

static void setup(void)
{
	world_start("unwritten_max = 4M");
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
	body = xmalloc(BODY + 1);
	memset(body, 'x', BODY);
	body[BODY] = '\0';
}

static void teardown(void)
{
	free(body);
	world_stop();
}

static void chat(int n)
{
	char *xml = xasprintf(
		"<message type='chat' id='m%d.' to='juliet@localhost'><body>%s</body></message>", n,
		body);

	says(romeo, xml);
	free(xml);
}

static size_t logged(void)
{
	return shelf_count(w.shelf, TABLE_LOG, "juliet@localhost");
}

static size_t waiting(void)
{
	return w.sm->append_bytes + channels_route_bytes(w.sm->channels, "storage");
}

static void storage_is_back(void)
{
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	settle();
}

static bool was_refused(void)
{
	for (size_t i = 0; i < romeo->ngot; i++) {
		if (romeo->got[i].taken)
			continue;
		romeo->got[i].taken = true;
		if (strstr(romeo->got[i].xml, "resource-constraint"))
			return true;
	}
	return false;
}

/* Nobody is there who could take it: at the bound it is refused at once, and so is every other
 * change; what was taken before is stored when storage is back, and what comes then as well. */
START_TEST(refused)
{
	int n = 0;

	leave(juliet, true);
	forget(romeo);
	w.shelf->hold = true;
	do
		chat(++n);
	while (!was_refused() && n < FLOOD);
	ck_assert_int_lt(n, FLOOD);
	ck_assert_uint_ge(waiting(), BOUND);
	ck_assert_uint_lt(waiting(), BOUND + 2 * ONE);
	ck_assert_uint_eq(romeo->in - romeo->done, (uint32_t)n); /* in order */
	says(romeo,
	     "<iq type='set' id='p'><query xmlns='jabber:iq:private'><x xmlns='y'/></query></iq>");
	gets(romeo, "id='p'", "resource-constraint");
	says(romeo, "<presence type='subscribe' to='nurse@localhost'/>");
	gets(romeo, "nurse@localhost", "resource-constraint");
	says(romeo, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
	gets(romeo, "id='r'", "result");
	storage_is_back();
	ck_assert_uint_eq(logged(), (size_t)n - 1);
	ck_assert_uint_eq(romeo->in, romeo->done);
	chat(++n);
	ck_assert(!was_refused());
	ck_assert_uint_eq(logged(), (size_t)n - 1);
}
END_TEST

/* Who is there is served as long as it lasts: what the recipient's client has acknowledged is left
 * out of the log; it comes once, also to a later session. */
START_TEST(left_out)
{
	forget(juliet);
	w.shelf->hold = true;
	for (int n = 1; n <= FLOOD; n++) {
		char id[20];

		chat(n);
		pass(200);
		(void)snprintf(id, sizeof id, "id='m%d.'", n);
		gets(juliet, id);
		acknowledge_all(juliet);
		ck_assert(!was_refused());
		ck_assert_uint_eq(romeo->in, romeo->done);
		ck_assert_uint_le(waiting(), BOUND + 2 * ONE);
	}
	ck_assert_uint_gt(w.sm->left_out, 0);
	ck_assert_uint_le(session_find(w.sm, juliet->sid)->ngiven, FLOOD - w.sm->left_out);
	storage_is_back();
	pass(1000);
	ck_assert_uint_eq(session_find(w.sm, juliet->sid)->ngiven, 0);
	ck_assert_uint_ge(logged(), FLOOD - w.sm->left_out);
	ck_assert_uint_lt(logged(), FLOOD);
	ck_assert_uint_eq(waiting(), 0);
	leave(juliet, true);
	juliet = online("juliet@localhost", "balcony");
	gets_nothing(juliet);
}
END_TEST

/* What another client has not acknowledged is not left out: it would be nowhere, could that client not keep it. */
START_TEST(left_out_of_two)
{
	struct client *garden = online("juliet@localhost", "garden");

	acknowledge_all(garden);
	acknowledge_all(juliet);
	forget(juliet);
	forget(romeo);
	w.shelf->hold = true;
	for (int n = 1; n <= FLOOD; n++) {
		chat(n);
		pass(200);
		acknowledge_all(juliet);
	}
	ck_assert(was_refused());
	ck_assert_uint_eq(w.sm->left_out, 0);
	ck_assert_uint_le(waiting(), BOUND + 2 * ONE);
	acknowledge_all(garden);
	pass(2000);
	ck_assert_uint_gt(w.sm->left_out, 0);
}
END_TEST

/* Those whose senders were told that they are late make room for others, as far as storage has not
 * had them. */
START_TEST(late_ones_make_room)
{
	int n = 0;

	leave(juliet, true);
	forget(romeo);
	fake_member_lost(w.link, STORAGE_ID);
	do
		chat(++n);
	while (!was_refused() && n < FLOOD);
	ck_assert_int_lt(n, FLOOD);
	pass(31000); /* deadline */
	ck_assert_uint_eq(romeo->in, romeo->done);
	ck_assert_uint_lt(waiting(), BOUND - BOUND / 4);
	forget(romeo);
	chat(++n);
	ck_assert(!was_refused());
}
END_TEST

Suite *unwritten_suite(void)
{
	Suite *s = suite_create("unwritten");
	TCase *tc = tcase_create("unwritten");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, left_out);
	tcase_add_test(tc, left_out_of_two);
	tcase_add_test(tc, late_ones_make_room);
	suite_add_tcase(s, tc);
	return s;
}
