/* SPDX-License-Identifier: MIT */
/* Dialback keys: the values of XEP-0185 section 3. */
#include "s2s/dialback.h"
#include "tests/unit/s2s/s2s_tests.h"

#define SECRET STR("s3cr3tf0rd14lb4ck")

START_TEST(test_example)
{
	char key[DIALBACK_KEY];

	dialback_key(SECRET, STR("xmpp.example.com"), STR("example.org"), STR("D60000229F"), key);
	ck_assert_str_eq(key, "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643");
}
END_TEST

/* Each of the four inputs counts, and moving a character from one to the next is another key. */
START_TEST(test_bound)
{
	static const struct {
		struct str secret, receiving, originating, id;
	} others[] = {
		{STR("s3cr3tf0rd14lb4cl"), STR("a.example"), STR("b.example"), STR("1")},
		{SECRET, STR("b.example"), STR("a.example"), STR("1")},
		{SECRET, STR("a.example"), STR("c.example"), STR("1")},
		{SECRET, STR("a.example"), STR("b.example"), STR("2")},
		{SECRET, STR("a.exampleb"), STR(".example"), STR("1")},
		{SECRET, STR("a.example"), STR("b.example1"), STR("")},
	};
	char key[DIALBACK_KEY], other[DIALBACK_KEY];

	dialback_key(SECRET, STR("a.example"), STR("b.example"), STR("1"), key);
	dialback_key(others[_i].secret, others[_i].receiving, others[_i].originating, others[_i].id,
		     other);
	ck_assert_str_ne(key, other);
}
END_TEST

Suite *dialback_suite(void)
{
	Suite *s = suite_create("dialback");
	TCase *t = tcase_create("keys");

	tcase_add_test(t, test_example);
	tcase_add_loop_test(t, test_bound, 0, 6);
	suite_add_tcase(s, t);
	return s;
}
