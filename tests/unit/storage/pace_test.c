/* SPDX-License-Identifier: MIT */
/* When commits wait for company. */
#include <check.h>
#include "storage/pace.h"

Suite *pace_suite(void);

static struct loop *l;
static struct engine_config config;
static struct pace p;

static void nothing(void *arg)
{
	(void)arg;
}

static void setup(void)
{
	l = loop_new();
	/* Longer than a test takes: time decides nothing here. */
	config = (struct engine_config){.loop = l, .commit_delay = 3600000, .commit_max = 100};
	pace_init(&p, l, &config, nothing, NULL);
	p.last = loop_now(l);
}

static void teardown(void)
{
	pace_free(&p);
	l = loop_free(l);
}

/* Many do not wait, nor does anybody when the last commit is long ago. */
START_TEST(waits)
{
	ck_assert(pace_waits(&p, 1));
	ck_assert(pace_waits(&p, 2));
	ck_assert(!pace_waits(&p, ENOUGH_JOBS));
	config.commit_max = 2;
	ck_assert(!pace_waits(&p, 2));
	config.commit_delay = 0;
	ck_assert(!pace_waits(&p, 1));
}
END_TEST

/* Waits in vain are tried again ever more seldom, until somebody comes. */
START_TEST(in_vain)
{
	unsigned last = 0;

	for (int round = 0; round < 10; round++) {
		unsigned skipped = 0;

		ck_assert(pace_waits(&p, 1));
		pace_began(&p, 1);
		for (; !pace_waits(&p, 1); skipped++)
			pace_began(&p, 1);
		ck_assert_uint_ge(skipped, last);
		ck_assert_uint_le(skipped, 64);
		last = skipped;
	}
	ck_assert_uint_eq(last, 64);
	pace_began(&p, 1);
	ck_assert(!pace_waits(&p, 1));
	pace_began(&p, 2); /* they met without waiting */
	ck_assert(pace_waits(&p, 1));
	pace_began(&p, 3); /* and by it */
	ck_assert(pace_waits(&p, 1));
}
END_TEST

Suite *pace_suite(void)
{
	Suite *s = suite_create("pace");
	TCase *c = tcase_create("pace");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, waits);
	tcase_add_test(c, in_vain);
	suite_add_tcase(s, c);
	return s;
}
