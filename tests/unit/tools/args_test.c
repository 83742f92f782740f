/* SPDX-License-Identifier: MIT */
/* Command lines: long and short options, in any order with other arguments. */
#include "tools/args.h"
#include "tests/unit/tools/tools_tests.h"

enum { CONFIG, JSON };
static const struct arg table[] = {
	[CONFIG] = {"config", 'c', true}, [JSON] = {"json", 'j', false}, {0}};

#define ARGV(...) ((char *[]){"program", __VA_ARGS__, NULL})
#define BEGIN(...)                                                                                 \
	args_begin(table, (int)(sizeof(ARGV(__VA_ARGS__)) / sizeof(char *)) - 1, ARGV(__VA_ARGS__))

START_TEST(takes_every_form)
{
	struct args a = BEGIN("--config", "one", "-c", "two", "-cthree", "--config=four", "-j");
	static const char *const values[] = {"one", "two", "three", "four"};

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(args_next(&a), CONFIG);
		ck_assert_str_eq(a.value, values[i]);
	}
	ck_assert_int_eq(args_next(&a), JSON);
	ck_assert_int_eq(args_next(&a), ARGS_END);
	ck_assert_int_eq(a.words, 0);
}
END_TEST

START_TEST(gathers_words)
{
	struct args a = BEGIN("user", "--json", "import", "-", "--config", "f", "--", "--json");

	ck_assert_int_eq(args_next(&a), JSON);
	ck_assert_int_eq(args_next(&a), CONFIG);
	ck_assert_int_eq(args_next(&a), ARGS_END);
	ck_assert_int_eq(a.words, 4);
	ck_assert_str_eq(a.argv[1], "user");
	ck_assert_str_eq(a.argv[2], "import");
	ck_assert_str_eq(a.argv[3], "-");
	ck_assert_str_eq(a.argv[4], "--json");
}
END_TEST

static void refuses(struct args a)
{
	ck_assert_int_eq(args_next(&a), ARGS_BAD);
}

START_TEST(refuses_mistakes)
{
	refuses(BEGIN("--frob"));
	refuses(BEGIN("-x"));
	refuses(BEGIN("--config"));
	refuses(BEGIN("-c"));
	refuses(BEGIN("--json=yes"));
	refuses(BEGIN("-jx"));
	refuses(BEGIN("--conf", "f"));
}
END_TEST

Suite *args_suite(void)
{
	Suite *s = suite_create("args");
	TCase *t = tcase_create("args");

	tcase_add_test(t, takes_every_form);
	tcase_add_test(t, gathers_words);
	tcase_add_test(t, refuses_mistakes);
	suite_add_tcase(s, t);
	return s;
}
