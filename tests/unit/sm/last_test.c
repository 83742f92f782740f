/* SPDX-License-Identifier: MIT */
/* Last activity (XEP-0012) while the wall clock is set. */
#include "tests/unit/sm/world.h"

#define DAY INT64_C(86400000000)

static struct client *romeo, *juliet;

static void setup(void)
{
	clock_fake(UINT64_C(1000000), INT64_C(1792000000000000));
	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	romeo = online("romeo@localhost", "orchard");
	juliet = online("juliet@localhost", "balcony");
	befriend(romeo, juliet);
	leave(juliet, true);
	forget(romeo);
}

static void asks(const char *to, const char *wanted)
{
	char *xml = xasprintf("<iq id='q' type='get' to='%s'><query xmlns='jabber:iq:last'/></iq>", to);

	says(romeo, xml);
	free(xml);
	gets(romeo, "type='result'", wanted);
}

static void clock_is_set(int64_t by)
{
	clock_fake(clock_mono_us() + 7000000, clock_wall_us() + 7000000 + by);
}

/* 4: the uptime goes on as before. */
START_TEST(ahead)
{
	clock_is_set(DAY);
	asks("juliet@localhost", "seconds='86407'");
	asks("localhost", "seconds='7'");
}
END_TEST

START_TEST(back)
{
	clock_is_set(-DAY);
	asks("juliet@localhost", "seconds='0'");
	asks("localhost", "seconds='7'");
}
END_TEST

Suite *last_suite(void)
{
	Suite *s = suite_create("last");
	TCase *c = tcase_create("last");

	tcase_add_checked_fixture(c, setup, world_stop);
	tcase_add_test(c, ahead);
	tcase_add_test(c, back);
	suite_add_tcase(s, c);
	return s;
}
