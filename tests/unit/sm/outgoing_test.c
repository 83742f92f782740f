/* SPDX-License-Identifier: MIT */
/* Stanzas to other servers: what an earlier owner has left of them. */
#include <stdlib.h>
#include "tests/unit/sm/world.h"

enum { S2S_ID = 70 };

static struct client *romeo;

static void row(unsigned n, int64_t deadline_us)
{
	char xml[160];
	struct msg_value v[COLS_OUTGOING] = {
		[COL_OUTGOING_ACCOUNT] = value_text(str_z("romeo@localhost")),
		[COL_OUTGOING_ORIGIN] = value_int(77),
		[COL_OUTGOING_NUMBER] = value_int(n),
		[COL_OUTGOING_EPOCH] = value_int(0),
		[COL_OUTGOING_TIME] = value_int(clock_wall_us()),
		[COL_OUTGOING_DEADLINE] = value_int(clock_wall_us() + deadline_us),
	};

	(void)snprintf(xml, sizeof xml,
		       "<message type='chat' id='m%u' from='romeo@localhost/x' to='juliet@remote.test'>"
		       "<body>%u</body></message>",
		       n, n);
	v[COL_OUTGOING_STANZA] = value_text(str_z(xml));
	shelf_put(w.shelf, TABLE_OUTGOING, v, COLS_OUTGOING);
}

/* Two rows of an earlier owner, which are being read while romeo sends one more. */
static void setup(void)
{
	world_start("outgoing_after = 1s");
	fake_member(w.link, S2S_ID, "s2s", "s2s", true);
	account("romeo@localhost");
	row(1, 60000000);
	row(2, 60000000);
	romeo = online("romeo@localhost", "x");
	w.shelf->hold_reads = true;
	w.nother = 0;
	pass(50);
	says(romeo, "<message type='chat' id='m3' to='juliet@remote.test'><body>3</body></message>");
}

static size_t tells(void)
{
	size_t n = 0;

	for (size_t i = 0; i < w.nother; i++)
		n += w.other[i].f.kind == MSG_TELL;
	return n;
}

static void asked_in_order(void)
{
	ck_assert_uint_eq(tells(), 3);
	for (size_t i = 0; i < 3; i++) {
		char *xml = tell_out(i), id[] = {'\'', 'm', (char)('1' + i), '\'', 0};

		ck_assert_msg(strstr(xml, id), "%zu: %s", i, xml);
		free(xml);
	}
}

START_TEST(behind_what_was_left)
{
	ck_assert_uint_eq(tells(), 0);
	w.shelf->hold_reads = false;
	settle();
	asked_in_order();
}
END_TEST

/* The shard is wanted elsewhere before the rows are read. */
START_TEST(behind_it_when_released)
{
	lets_go("romeo@localhost");
	w.shelf->hold_reads = false;
	settle();
	asked_in_order();
	pass(5000); /* its c2s gives the third to the next owner */
	ck_assert_int_eq(w.drained, 1);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_OUTGOING, "romeo@localhost"), 2);
}
END_TEST

/* Past its deadline: an error goes back, and the row goes. */
START_TEST(expired)
{
	row(0, -1);
	w.shelf->hold_reads = false;
	settle();
	asked_in_order();
	gets(romeo, "id='m0'", "remote-server-timeout");
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_OUTGOING, "romeo@localhost"), 2);
}
END_TEST

/* That is the next owner's: on the way to him the error could be lost. */
START_TEST(expired_when_released)
{
	row(0, -1);
	lets_go("romeo@localhost");
	w.shelf->hold_reads = false;
	settle();
	asked_in_order();
	pass(5000);
	gets_nothing(romeo);
	ck_assert_uint_eq(shelf_count(w.shelf, TABLE_OUTGOING, "romeo@localhost"), 3);
}
END_TEST

Suite *outgoing_suite(void)
{
	Suite *s = suite_create("outgoing");
	TCase *c = tcase_create("of an earlier owner");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, behind_what_was_left);
	tcase_add_test(c, behind_it_when_released);
	tcase_add_test(c, expired);
	tcase_add_test(c, expired_when_released);
	suite_add_tcase(s, c);
	return s;
}
