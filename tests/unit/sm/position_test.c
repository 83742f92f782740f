/* SPDX-License-Identifier: MIT */
/* How much is undelivered at the most: the position that lists it is written and read in one frame. */
#include "sm/inbox.h"
#include "sm/sm_process.h"
#include "tests/unit/sm/world.h"

enum { FRAME = 1 << 20 }; /* the double's link_max_frame() */

static struct client *romeo;

static void setup(void)
{
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
}

static void says_one(void)
{
	says(romeo, "<message type='chat' to='juliet@localhost'><body>x</body></message>");
}

/* Whether sessions hold the entries or not. */
START_TEST(fits_into_a_frame)
{
	struct msg_value row[COLS_POSITION];
	struct buf list = BUF_INIT;
	struct user *u;

	((struct sm_config *)w.app.config)->offline_max = 1000000;
	says_one();
	u = user_in_memory(w.sm, STR("juliet@localhost"));
	while (u->inbox->n + 1 < inbox_most(FRAME))
		inbox_add(u->inbox, u->inbox->top + 1, 0)->holders = (unsigned)_i;
	w.sm->counter = u->inbox->top;
	says_one();
	gets_nothing(romeo);
	ck_assert_uint_eq(u->inbox->n, inbox_most(FRAME));
	says_one();
	gets(romeo, "type='error'", "service-unavailable");
	inbox_position(u, &list, row);
	ck_assert_uint_le(list.len, FRAME / 2);
	buf_free(&list);
}
END_TEST

/* Those that storage has not answered for will be in it. */
START_TEST(with_what_is_under_way)
{
	struct user *u;

	((struct sm_config *)w.app.config)->offline_max = 1000000;
	says_one();
	u = user_in_memory(w.sm, STR("juliet@localhost"));
	while (u->inbox->n + 2 < inbox_most(FRAME))
		inbox_add(u->inbox, u->inbox->top + 1, 0);
	w.sm->counter = u->inbox->top;
	w.shelf->hold = true;
	says_one();
	says_one();
	gets_nothing(romeo);
	says_one();
	gets(romeo, "type='error'", "service-unavailable");
	w.shelf->hold = false;
	shelf_release(w.shelf, w.link, w.shelf->nheld);
	settle();
	ck_assert_uint_eq(u->inbox->n, inbox_most(FRAME));
}
END_TEST

START_TEST(configured)
{
	struct common_config common = {.max_frame = FRAME};
	struct sm_config config = {.offline_max = FRAME / 24};
	struct buf errors = BUF_INIT;

	sm_process.check("file", NULL, &common, &config, &errors);
	ck_assert_uint_eq(errors.len, 0);
	config.offline_max++;
	sm_process.check("file", NULL, &common, &config, &errors);
	ck_assert_str_eq(buf_str(&errors).ptr,
			 "file: option \"offline_max\" of sm: with this max_frame at most 43690\n");
	buf_free(&errors);
}
END_TEST

Suite *position_suite(void)
{
	Suite *s = suite_create("position");
	TCase *c = tcase_create("position");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_loop_test(c, fits_into_a_frame, 0, 2);
	tcase_add_test(c, with_what_is_under_way);
	tcase_add_test(c, configured);
	suite_add_tcase(s, c);
	return s;
}
