/* SPDX-License-Identifier: MIT */
/* Tests of storage/retention_limits.c: what a section does not say is as for all; accounts win. */
#include <stdlib.h>
#include "base/alloc.h"
#include "storage/retention.h"
#include "tests/storage/rig.h"

Suite *retention_limits_suite(void);

static const struct limits all = {.age = 1000, .count = 5, .size = 0, .offline = 9000};

static struct retention_limits fill(const char *text)
{
	struct buf errors = BUF_INIT;
	struct conf *c = conf_parse("conf", text, retention_sections, NULL, &errors);
	struct retention_limits l = {0};

	ck_assert_msg(c != NULL, "%.*s", STR_ARG(buf_str(&errors)));
	retention_limits_fill(&l, &all, c);
	conf_free(c);
	return l;
}

static void ck_limits(struct retention_limits *l, const char *account, struct limits want)
{
	struct limits got = retention_limits_of(l, account);

	ck_assert_int_eq(got.age, want.age);
	ck_assert_int_eq(got.count, want.count);
	ck_assert_int_eq(got.size, want.size);
	ck_assert_int_eq(got.offline, want.offline);
}

START_TEST(domains)
{
	struct retention_limits l = fill("retention \"Example.NET\" { age = 2d size = 1k }\n"
					 "retention \"rooms.example.net\" { count = 0 }\n");

	ck_limits(&l, "a@x", all);
	ck_limits(&l, "a@example.net", (struct limits){172800000, 5, 1024, 9000});
	ck_limits(&l, "r@rooms.example.net", (struct limits){1000, 0, 0, 9000});
	ck_limits(&l, "example.net", (struct limits){172800000, 5, 1024, 9000});
	/* The longest time that anything is kept for; one without an end keeps all. */
	ck_assert_int_eq(retention_limits_longest(&l), 172800000);
	l.all.offline = 0;
	ck_assert_int_eq(retention_limits_longest(&l), 0);
	retention_limits_free(&l);
}
END_TEST

START_TEST(accounts)
{
	struct retention_limits l = fill("retention \"example.net\" { age = 2d }");
	struct msg_value v[] = {V_TEXT("a@example.net"), V_INT(0), V_INT(7), value_null(),
				value_null()};
	struct msg_row row = {.values = v, .nvalues = 5};

	retention_limits_row(&l, &row);
	ck_limits(&l, "a@example.net", (struct limits){0, 7, 0, 9000});
	ck_limits(&l, "b@example.net", (struct limits){172800000, 5, 0, 9000});
	ck_assert_int_eq(retention_limits_longest(&l), 0);
	ck_assert(retention_limits_any(&l));
	retention_limits_forget(&l);
	ck_limits(&l, "a@example.net", (struct limits){172800000, 5, 0, 9000});
	retention_limits_free(&l);
}
END_TEST

START_TEST(nothing_set)
{
	struct retention_limits l = fill("");

	ck_assert(retention_limits_any(&l));
	l.all = (struct limits){0};
	ck_assert(!retention_limits_any(&l));
	retention_limits_free(&l);
}
END_TEST

START_TEST(too_long)
{
	static const char *const texts[] = {"age = 36501d", "offline = 999999999d"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *text = xasprintf("retention \"example.net\" { %s }", texts[i]);
		struct buf errors = BUF_INIT;

		ck_assert_ptr_null(conf_parse("conf", text, retention_sections, NULL, &errors));
		buf_putc(&errors, 0);
		ck_assert_ptr_nonnull(strstr(buf_ptr(&errors), "is not between 0 and 36500d"));
		buf_free(&errors);
		free(text);
	}
}
END_TEST

Suite *retention_limits_suite(void)
{
	Suite *s = suite_create("retention limits");
	TCase *tc = tcase_create("retention limits");

	tcase_add_test(tc, domains);
	tcase_add_test(tc, accounts);
	tcase_add_test(tc, nothing_set);
	tcase_add_test(tc, too_long);
	suite_add_tcase(s, tc);
	return s;
}
