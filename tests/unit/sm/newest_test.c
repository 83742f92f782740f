/* SPDX-License-Identifier: MIT */
/* What a new owner knows of what an earlier one did: keys in the log, answers, what was owed. */
#include <stdlib.h>
#include <utlist.h>
#include "sm/outgoing.h"
#include "tests/unit/sm/world.h"

enum { MANY = 200 };

static struct client *romeo;

static void setup(void)
{
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
}

/* All of them sent, and acknowledged by a client that has gone since; then another owner comes. */
static void history(void)
{
	struct client *juliet = online("juliet@localhost", "balcony");

	for (int i = 1; i <= MANY; i++) {
		nurse_said(i);
		acknowledge_all(juliet);
	}
	leave(juliet, true);
	pass(2000);
}

/* However many there are: senders that could not be answered for some seconds repeat them all. */
START_TEST(all_repetitions_are_known)
{
	size_t reads;

	w.shelf->older = _i;
	history();
	juliet_goes();
	reads = w.shelf->reads;
	nurse_said(MANY);
	ck_assert_uint_eq(w.shelf->reads - reads, 3);
	for (int i = 1; i < MANY; i++)
		nurse_said(i);
	ck_assert_uint_eq(juliet_logged(), MANY);
	gets_nothing(online("juliet@localhost", "balcony"));
}
END_TEST

/* Those that nobody can repeat any more are not read. */
START_TEST(old_ones_are_not_read)
{
	struct shelf_row *at;
	int left = MANY - 10;
	size_t reads;

	history();
	DL_FOREACH (w.shelf->rows, at)
		if (at->table == TABLE_LOG && left-- > 0)
			at->v[COL_LOG_TIME].i -= (int64_t)SEEN_MS * 1000;
	juliet_goes();
	reads = w.shelf->reads;
	nurse_said(MANY);
	ck_assert_uint_eq(w.shelf->reads - reads, 1);
	ck_assert_uint_eq(juliet_logged(), MANY);
}
END_TEST

/* More than one page is undelivered, and storage fails in between: each comes once. */
START_TEST(storage_fails_between_pages)
{
	struct client *juliet;

	for (int i = 1; i <= MANY; i++)
		nurse_said(i);
	juliet_goes();
	w.shelf->one_read = true;
	ck_assert_ptr_null(nurse_says(MANY));
	reads_time_out();
	w.shelf->hold_reads = false;
	pass(3000);
	ck_assert_uint_eq(juliet_logged(), MANY);
	juliet = login("juliet@localhost", "balcony");
	says(juliet, "<presence/>");
	for (int i = 1; i <= MANY; i++) {
		char body[20];

		(void)snprintf(body, sizeof body, ">m%d.<", i);
		gets_any(juliet, body);
		acknowledge_all(juliet);
	}
}
END_TEST

/* --- requests that were owed ----------------------------------------------------------------------- */

static struct msg_given given;

#define REQUEST                                                                                      \
	"<iq type='get' id='q1' from='romeo@localhost/orchard' to='juliet@localhost/balcony'>"        \
	"<query xmlns='jabber:iq:version'/></iq>"
#define ERROR                                                                                        \
	"<iq type='error' id='q1' to='romeo@localhost/orchard' from='juliet@localhost/balcony'/>"

static void adopt_owed(void)
{
	struct msg_value v[COLS_OUTGOING] = {[COL_OUTGOING_ACCOUNT] = value_text(STR("juliet@localhost")),
					     [COL_OUTGOING_STANZA] = value_text(STR(ERROR))};
	struct msg_stanza_key key = {NURSE, 9, 0};

	owed_adopt(w.sm, &key, v);
	settle();
}

/* An earlier owner wrote down that an error is due for a request, and its sender, who has not heard,
 * repeats it: there is one answer, whichever comes first. */
START_TEST(owed_and_repeated)
{
	char *answer;

	if (_i)
		adopt_owed();
	answer = tell_in(REQUEST, NURSE, 9);
	ck_assert_ptr_nonnull(answer);
	if (!_i)
		adopt_owed();
	ck_assert((strstr(answer, "service-unavailable") != NULL) == !_i);
	free(answer);
	/* The answer is lost, and it is asked once more. */
	answer = tell_in(REQUEST, NURSE, 9);
	ck_assert_ptr_nonnull(answer);
	ck_assert((strstr(answer, "service-unavailable") != NULL) == !_i);
	free(answer);
	if (_i)
		gets(romeo, "type='error'", "id='q1'");
	gets_nothing(romeo);
}
END_TEST

/* The answer came to the client, and that it is done did not: it is not asked again of somebody who has come
 * since. */
START_TEST(answered_but_not_done)
{
	static const char *const stanzas[] = {
		"<iq type='get' id='q1' to='juliet@localhost/balcony'><query xmlns='jabber:iq:version'/></iq>",
		"<message to='juliet@localhost/balcony' type='normal'><body>x</body></message>",
		"<message to='paris@localhost' type='chat'><body>x</body></message>",
	};
	const char *xml = stanzas[_i];
	struct client *juliet;

	enable(romeo);
	says(romeo, xml);
	gets(romeo, "type='error'", "<service-unavailable");
	given = (struct msg_given){.key = {romeo->sid, romeo->in, UINT16_MAX}, .m = romeo->out};
	romeo->done = --romeo->in;
	session_free(session_find(w.sm, romeo->sid));
	juliet = online("juliet@localhost", "balcony");
	account("paris@localhost");
	announce_given(romeo, &given, 1);
	says(romeo, xml);
	gets_nothing(romeo);
	gets_nothing(juliet);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_LOG, "paris@localhost"), 0);
	ck_assert_uint_eq(romeo->done, romeo->in);
}
END_TEST

/* The account goes to another owner: what its client has not acknowledged is asked of that one, also while
 * the client is away. */
START_TEST(asked_of_the_next_owner)
{
	struct client *juliet = online("juliet@localhost", "balcony");
	char *xml;

	befriend(romeo, juliet);
	enable(juliet);
	acknowledge_all(juliet);
	if (_i)
		leave(juliet, false);
	says(romeo, REQUEST);
	ck_assert_ptr_nonnull(user_get(w.sm, STR("juliet@localhost"))->sessions);
	w.nother = 0;
	unacked_ask_again(user_get(w.sm, STR("juliet@localhost")));
	settle();
	xml = tell_out(0);
	ck_assert_ptr_nonnull(strstr(xml, "id='q1'"));
	free(xml);
}
END_TEST

Suite *newest_suite(void)
{
	Suite *s = suite_create("newest");
	TCase *c = tcase_create("newest");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, all_repetitions_are_known, 0, 2);
	tcase_add_test(c, old_ones_are_not_read);
	tcase_add_test(c, storage_fails_between_pages);
	tcase_add_loop_test(c, owed_and_repeated, 0, 2);
	tcase_add_loop_test(c, answered_but_not_done, 0, 3);
	tcase_add_loop_test(c, asked_of_the_next_owner, 0, 2);
	suite_add_tcase(s, c);
	return s;
}
