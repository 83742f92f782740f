/* SPDX-License-Identifier: MIT */
/* Records of attempts: bounded, whatever strangers make us write. */
#include "s2s/attempt.h"
#include "tests/unit/s2s/s2s_tests.h"

static const char *text(const json_t *a, const char *name)
{
	return json_string_value(json_object_get(a, name));
}

START_TEST(test_told)
{
	struct attempts *all = attempts_new();
	struct attempt *a = attempt_new(all, true, "own.example", "a.example");
	struct attempt *b = attempt_new(all, false, "", "");
	json_t *list, *first;

	attempt_step(a, "one %d", 1);
	attempt_advise(a, "Do this.");
	attempt_advise(a, "Not that.");
	attempt_result(a, false, "no");
	attempt_end(a, NULL);
	attempt_domains(b, STR("own.example"), STR("a.example"));
	list = attempts_json(all, STR("a.example"), 0);
	ck_assert_uint_eq(json_array_size(list), 2);
	first = json_array_get(list, 0); /* the newest */
	ck_assert_str_eq(text(first, "direction"), "in");
	ck_assert(json_is_true(json_object_get(first, "open")));
	first = json_array_get(list, 1);
	ck_assert_str_eq(text(first, "advice"), "Do this.");
	ck_assert_str_eq(text(first, "result"), "no");
	ck_assert_str_eq(text(json_array_get(json_object_get(first, "steps"), 0), "text"), "one 1");
	json_decref(list);
	list = attempts_json(all, STR("x"), attempt_number(b));
	ck_assert_uint_eq(json_array_size(list), 1);
	json_decref(list);
	attempts_free(all);
}
END_TEST

START_TEST(test_bounded)
{
	struct attempts *all = attempts_new();
	struct attempt *kept = attempt_new(all, true, "o", "kept.example");
	json_t *list;

	attempts_limit(all, 10);
	for (int i = 0; i < 100; i++) {
		struct attempt *a = attempt_new(all, true, "o", "r.example");

		for (int k = 0; k < 1000; k++)
			attempt_step(a, "%01000d", k);
		attempt_end(a, "over");
	}
	list = attempts_json(all, STR("r.example"), 0);
	ck_assert_uint_le(json_array_size(list), 10);
	ck_assert_uint_le(json_array_size(json_object_get(json_array_get(list, 0), "steps")), 64);
	ck_assert_int_gt(json_integer_value(json_object_get(json_array_get(list, 0), "left_out")),
			 900);
	json_decref(list);
	/* That of a living stream stays. */
	attempt_step(kept, "still here");
	list = attempts_json(all, STR("kept.example"), 0);
	ck_assert_uint_eq(json_array_size(list), 1);
	json_decref(list);
	attempts_free(all);
}
END_TEST

/* What a stranger said cannot spoil the list. */
START_TEST(test_strange)
{
	struct attempts *all = attempts_new();
	struct attempt *a = attempt_new(all, false, "o", "r");
	json_t *list;

	attempt_step(a, "%s", "\xff\xfe\x01\x1b[31m");
	list = attempts_json(all, STR("r"), 0);
	ck_assert_str_eq(
		text(json_array_get(json_object_get(json_array_get(list, 0), "steps"), 0), "text"),
		"??  [31m");
	json_decref(list);
	attempts_free(all);
}
END_TEST

Suite *attempt_suite(void)
{
	Suite *s = suite_create("attempt");
	TCase *t = tcase_create("records");

	tcase_add_test(t, test_told);
	tcase_add_test(t, test_bounded);
	tcase_add_test(t, test_strange);
	suite_add_tcase(s, t);
	return s;
}
