/* SPDX-License-Identifier: MIT */
/* What a new owner knows of what an earlier one did: keys in the log, what c2s announces, what was owed. */
#include <stdlib.h>
#include <utlist.h>
#include "sm/newest.h"
#include "sm/outgoing.h"
#include "tests/unit/sm/world.h"

enum { MANY = 200, ORIGIN = 77 };

static struct client *romeo;

static void setup(void)
{
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
}

/* NULL: not answered. */
static char *chat_answered(int n)
{
	char *xml = xasprintf("<message type='chat' from='nurse@localhost/x' to='juliet@localhost'>"
			      "<body>m%d.</body></message>",
			      n);
	char *answer;

	w.nother = 0;
	answer = tell_in(xml, ORIGIN, (uint64_t)n);
	free(xml);
	return answer;
}

static void chat(int n)
{
	char *answer = chat_answered(n);

	ck_assert_ptr_nonnull(answer);
	ck_assert_str_eq(answer, "");
	free(answer);
}

static size_t logged(void)
{
	return shelf_count(w.shelf, TABLE_LOG, "juliet@localhost");
}

/* All of them sent, and acknowledged by a client that has gone since; then another owner comes. */
static void history(void)
{
	struct client *juliet = online("juliet@localhost", "balcony");

	for (int i = 1; i <= MANY; i++) {
		chat(i);
		acknowledge_all(juliet);
	}
	leave(juliet, true);
	pass(2000);
}

static void owner_changes(void)
{
	user_drop(user_get(w.sm, STR("juliet@localhost")));
}

/* However many there are: senders that could not be answered for some seconds repeat them all. */
START_TEST(all_repetitions_are_known)
{
	size_t reads;

	w.shelf->older = _i;
	history();
	owner_changes();
	reads = w.shelf->reads;
	chat(MANY);
	ck_assert_uint_eq(w.shelf->reads - reads, 3);
	for (int i = 1; i < MANY; i++)
		chat(i);
	ck_assert_uint_eq(logged(), MANY);
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
	owner_changes();
	reads = w.shelf->reads;
	chat(MANY);
	ck_assert_uint_eq(w.shelf->reads - reads, 1);
	ck_assert_uint_eq(logged(), MANY);
}
END_TEST

/* More than one page is undelivered, and storage fails in between: each comes once. */
START_TEST(storage_fails_between_pages)
{
	struct client *juliet;

	for (int i = 1; i <= MANY; i++)
		chat(i);
	owner_changes();
	w.shelf->one_read = true;
	ck_assert_ptr_null(chat_answered(MANY));
	reads_time_out();
	w.shelf->hold_reads = false;
	pass(3000);
	ck_assert_uint_eq(logged(), MANY);
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

/* --- what c2s announces -------------------------------------------------------------------------- */

static struct msg_given given;

/* She was given message 1 by an owner that was cut off, and another takes the account. */
static struct client *given_elsewhere(bool acked)
{
	struct client *juliet = online("juliet@localhost", "balcony");

	enable(juliet);
	given = (struct msg_given){.key = {ORIGIN, 1, 0}, .log = 5, .m = ++juliet->out};
	if (acked)
		juliet->acked = juliet->out;
	session_free(session_find(w.sm, juliet->sid));
	return juliet;
}

static void next_owner(struct client *juliet)
{
	owner_changes();
	announce_given(juliet, &given, 1);
	pass(2000);
}

static void presence(struct client *c, const char *show)
{
	char *xml = xasprintf("<presence><show>%s</show></presence>", show);

	says(c, xml);
	gets(c, "<presence", show);
	acknowledge_all(c);
	free(xml);
}

/* Its sender repeats it before c2s could say that its client has it: it gets a number anew, and still
 * neither this session nor another is given it again, at this owner or the next. */
START_TEST(announced_behind_its_repetition)
{
	struct client *juliet = given_elsewhere(true), *other;
	bool committed = !(_i & 1);

	w.shelf->hold = !committed;
	free(chat_answered(1));
	announce_given(juliet, &given, 1);
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	pass(2000);
	ck_assert_uint_eq(logged(), 1);
	gets_nothing(juliet);
	presence(juliet, "away");
	ck_assert_int_lt((int32_t)(juliet->settled - given.m), 0);
	next_owner(juliet);
	presence(juliet, "xa");
	gets_nothing(juliet);
	other = online("juliet@localhost", "garden");
	pass(2000);
	forget(juliet); /* that one's presence */
	gets_nothing(other);
	/* What comes behind it and is settled speaks for it, to the next owner as well. */
	chat(2);
	gets(juliet, ">m2.<");
	acknowledge_all(juliet);
	acknowledge_all(other);
	pass(2000);
	ck_assert_int_ge((int32_t)(juliet->settled - given.m), 0);
}
END_TEST

/* A number below those of the log does not mean that the log has it: its sender repeats it, and it is known
 * by what was announced. */
START_TEST(not_committed_though_below)
{
	struct client *juliet = given_elsewhere(true);
	uint64_t greater;

	chat(2);
	greater = (uint64_t)shelf_row(w.shelf, TABLE_LOG, "juliet@localhost")->v[COL_LOG_NUMBER].i;
	ck_assert_uint_gt(greater, given.log);
	announce_given(juliet, &given, 1);
	gets(juliet, ">m2.<");
	acknowledge_all(juliet);
	pass(2000);
	ck_assert_int_lt((int32_t)(juliet->settled - given.m), 0);
	chat(1);
	pass(2000);
	gets_nothing(juliet);
	ck_assert_uint_eq(logged(), 2);
	ck_assert_int_ge((int32_t)(juliet->settled - given.m), 0);
}
END_TEST

/* What is older than what is read with the account is asked of the log, also when that takes two times. */
START_TEST(committed_long_ago)
{
	struct client *juliet = given_elsewhere(true);

	chat(1);
	given.log = (uint64_t)shelf_row(w.shelf, TABLE_LOG, "juliet@localhost")->v[COL_LOG_NUMBER].i;
	for (int i = 2; i <= MANY; i++)
		chat(i);
	user_touch(user_get(w.sm, STR("juliet@localhost"))); /* writes the position */
	settle();
	for (struct shelf_row *at = w.shelf->rows; at; at = at->next)
		if (at->table == TABLE_LOG && at->v[COL_LOG_NUMBER].i < (int64_t)given.log + MANY - 10)
			at->v[COL_LOG_TIME].i = 0;
	owner_changes();
	chat(MANY);
	w.shelf->hold_reads = true;
	announce_given(juliet, &given, 1);
	reads_time_out();
	w.shelf->hold_reads = false;
	pass(3000);
	gets(juliet, ">m2.<");
	acknowledge_all(juliet);
	pass(2000);
	ck_assert_int_ge((int32_t)(juliet->settled - given.m), 0);
}
END_TEST

static int64_t position(void)
{
	const struct shelf_row *r = shelf_row(w.shelf, TABLE_POSITION, "juliet@localhost");

	return r ? r->v[COL_POSITION_DELIVERED].i : 0;
}

/* It has the number that c2s announced, and is committed after her client has acknowledged it: it is settled
 * when the position says so, or the next owner would give it again. */
START_TEST(acknowledged_before_the_commit)
{
	struct client *juliet = given_elsewhere(true);

	given.log = (uint64_t)w.epoch << 40 | 1000;
	announce_given(juliet, &given, 1);
	chat(1);
	ck_assert((int32_t)(juliet->settled - given.m) < 0 || position() >= (int64_t)given.log);
	pass(2000);
	ck_assert_int_ge((int32_t)(juliet->settled - given.m), 0);
	ck_assert_int_ge(position(), (int64_t)given.log);
	gets_nothing(juliet);
}
END_TEST

/* Message 2 waits for her in the log; message 1 is appended under the number that it was given by elsewhere,
 * below that, and is not committed. Who comes then? */
static struct client *below_the_log(void)
{
	struct client *juliet = login("juliet@localhost", "balcony");

	enable(juliet);
	given = (struct msg_given){.key = {ORIGIN, 1, 0}, .log = 5, .m = ++juliet->out};
	session_free(session_find(w.sm, juliet->sid));
	chat(2);
	announce_given(juliet, &given, 1);
	w.shelf->hold = true;
	ck_assert_ptr_null(chat_answered(1));
	leave(juliet, true);
	return login("juliet@localhost", "garden");
}

/* The owner dies with it: who has read a position beyond it finds it all the same. */
START_TEST(appended_below_the_position)
{
	struct client *juliet;

	leave(below_the_log(), true);
	ck_assert_int_gt(position(), (int64_t)given.log);
	shelf_release(w.shelf, w.link, 1);
	shelf_lose(w.shelf);
	w.shelf->hold = false;
	ck_assert_uint_eq(logged(), 2);
	owner_changes();
	juliet = login("juliet@localhost", "garden");
	says(juliet, "<presence/>");
	gets(juliet, "<presence");
	gets(juliet, ">m1.<");
	gets(juliet, ">m2.<");
	gets_nothing(juliet);
}
END_TEST

START_TEST(appended_below_the_log)
{
	struct client *juliet = below_the_log();

	says(juliet, "<presence/>");
	gets_any(juliet, ">m2.<");
	forget(juliet);
	shelf_release(w.shelf, w.link, 1);
	settle();
	gets(juliet, ">m1.<");
	gets_nothing(juliet);
	w.shelf->hold = false;
	acknowledge_all(juliet);
	pass(2000);
	ck_assert_int_eq((int32_t)juliet->settled, (int32_t)juliet->out);
}
END_TEST

/* It is committed while those above it are read. */
START_TEST(committed_below_what_is_read)
{
	struct client *juliet = below_the_log();

	w.shelf->hold_reads = true;
	says(juliet, "<presence/>");
	shelf_release(w.shelf, w.link, 1);
	settle();
	w.shelf->hold_reads = false;
	settle();
	gets_any(juliet, ">m1.<");
	gets_any(juliet, ">m2.<");
}
END_TEST

/* Message 3, behind it, is found in the log before either's commit is known. */
START_TEST(read_before_what_is_below)
{
	struct client *juliet = below_the_log();
	const char *const bodies[] = {">m2.<", ">m1.<", ">m3.<"};

	ck_assert_ptr_null(chat_answered(3));
	shelf_lose_answer(w.shelf);
	shelf_lose_answer(w.shelf);
	w.shelf->hold = false;
	says(juliet, "<presence/>");
	gets(juliet, "<presence");
	pass(9000); /* the writes are repeated */
	for (size_t i = 0; i < 3; i++)
		gets(juliet, bodies[i]);
	gets_nothing(juliet);
	ck_assert_uint_eq(logged(), 3);
}
END_TEST

/* --- requests that were owed ----------------------------------------------------------------------- */

#define REQUEST                                                                                      \
	"<iq type='get' id='q1' from='romeo@localhost/orchard' to='juliet@localhost/balcony'>"        \
	"<query xmlns='jabber:iq:version'/></iq>"
#define ERROR                                                                                        \
	"<iq type='error' id='q1' to='romeo@localhost/orchard' from='juliet@localhost/balcony'/>"

static void adopt_owed(void)
{
	struct msg_value v[COLS_OUTGOING] = {[COL_OUTGOING_ACCOUNT] = value_text(STR("juliet@localhost")),
					     [COL_OUTGOING_STANZA] = value_text(STR(ERROR))};
	struct msg_stanza_key key = {ORIGIN, 9, 0};

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
	answer = tell_in(REQUEST, ORIGIN, 9);
	ck_assert_ptr_nonnull(answer);
	if (!_i)
		adopt_owed();
	ck_assert((strstr(answer, "service-unavailable") != NULL) == !_i);
	free(answer);
	/* The answer is lost, and it is asked once more. */
	answer = tell_in(REQUEST, ORIGIN, 9);
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
	tcase_add_loop_test(c, announced_behind_its_repetition, 0, 2);
	tcase_add_test(c, not_committed_though_below);
	tcase_add_test(c, committed_long_ago);
	tcase_add_test(c, acknowledged_before_the_commit);
	tcase_add_test(c, appended_below_the_log);
	tcase_add_test(c, appended_below_the_position);
	tcase_add_test(c, committed_below_what_is_read);
	tcase_add_test(c, read_before_what_is_below);
	tcase_add_loop_test(c, owed_and_repeated, 0, 2);
	tcase_add_loop_test(c, answered_but_not_done, 0, 3);
	tcase_add_loop_test(c, asked_of_the_next_owner, 0, 2);
	suite_add_tcase(s, c);
	return s;
}
