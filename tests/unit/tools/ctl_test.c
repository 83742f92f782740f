/* SPDX-License-Identifier: MIT */
/* mercutioctl without a server: its table, lines of an import, columns, accounts. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "tools/ctl.h"
#include "tools/ctl_import.h"
#include "tests/unit/tools/tools_tests.h"

START_TEST(finds_commands)
{
	int used = 0;
	const struct ctl_command *k = ctl_find(3, (char *[]){"user", "add", "a@b"}, &used);

	ck_assert_ptr_nonnull(k);
	ck_assert_str_eq(k->name, "user add");
	ck_assert_int_eq(used, 2);
	k = ctl_find(1, (char *[]){"status"}, &used);
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(used, 1);
	ck_assert_ptr_null(ctl_find(1, (char *[]){"user"}, &used));
	ck_assert_ptr_null(ctl_find(2, (char *[]){"user", "ad"}, &used));
}
END_TEST

/* What the issue of the tools names, and no command without help. */
START_TEST(has_all_commands)
{
	static const char *const names[] = {
		"user add",    "user del",     "user passwd",  "user list",
		"user import", "session list", "status",       "session kick",
		"stats",       "route list",   "config check", "cert check",
		"config doc",  "log level",    "trace",	       "config defaults",
		"user export", "storage copy", "storage migrate", "storage backup"};
	int used;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *copy = xstrdup(names[i]), *words[3] = {copy, strchr(copy, ' '), NULL};
		int n = words[1] ? 2 : 1;

		if (words[1])
			*words[1]++ = '\0';
		ck_assert_msg(ctl_find(n, words, &used) != NULL, "%s", names[i]);
		free(copy);
	}
	for (const struct ctl_command *const *t = ctl_tables; *t; t++) {
		for (const struct ctl_command *k = *t; k->name; k++)
			ck_assert(k->help && *k->help && k->run);
	}
}
END_TEST

START_TEST(usage_errors_exit_2)
{
	ck_assert_int_eq(ctl_main(1, (char *[]){"mercutioctl", NULL}), CTL_USAGE);
	ck_assert_int_eq(ctl_main(2, (char *[]){"mercutioctl", "frob", NULL}), CTL_USAGE);
	ck_assert_int_eq(ctl_main(3, (char *[]){"mercutioctl", "user", "add", NULL}), CTL_USAGE);
	ck_assert_int_eq(ctl_main(3, (char *[]){"mercutioctl", "status", "x", NULL}), CTL_USAGE);
	ck_assert_int_eq(ctl_main(3, (char *[]){"mercutioctl", "status", "--replace", NULL}),
			 CTL_USAGE);
	ck_assert_int_eq(ctl_main(4, (char *[]){"mercutioctl", "--timeout", "0", "status", NULL}),
			 CTL_USAGE);
	ck_assert_int_eq(
		ctl_main(4, (char *[]){"mercutioctl", "-c", "/nonexistent", "status", NULL}),
		CTL_FAILED);
}
END_TEST

START_TEST(splits_import_lines)
{
	struct str jid, password;

	ck_assert(ctl_import_split(STR("a@b\tpass\tword "), &jid, &password));
	ck_assert(str_eqz(jid, "a@b"));
	ck_assert(str_eqz(password, "pass\tword "));
	ck_assert(!ctl_import_split(STR("a@b"), &jid, &password));
	ck_assert(!ctl_import_split(STR("a@b password"), &jid, &password));
	ck_assert(!ctl_import_split(STR("a@b\t"), &jid, &password));
	ck_assert(!ctl_import_split(STR("\tpassword"), &jid, &password));
}
END_TEST

START_TEST(knows_its_accounts)
{
	struct ctl c = {.common.domains = (char *[]){"example.org",
						     "b\xc3\xbc"
						     "cher.example",
						     NULL}};
	struct pool *p = pool_new();
	struct buf why = BUF_INIT;

	ck_assert(str_eqz(ctl_account(&c, p, STR("Alice@EXAMPLE.org"), &why), "alice@example.org"));
	ck_assert(str_eqz(ctl_account(&c, p, STR("a@xn--bcher-kva.example"), &why),
			  "a@b\xc3\xbc"
			  "cher.example"));
	ck_assert_uint_eq(why.len, 0);
	ck_assert(str_empty(ctl_account(&c, p, STR("alice@example.net"), &why)));
	ck_assert(str_empty(ctl_account(&c, p, STR("example.org"), &why)));
	ck_assert(str_empty(ctl_account(&c, p, STR("alice@example.org/home"), &why)));
	ck_assert(str_empty(ctl_account(&c, p, STR("a b@example.org"), &why)));
	ck_assert_uint_gt(why.len, 0);
	buf_free(&why);
	pool_free(p);
}
END_TEST

START_TEST(columns_fit)
{
	struct ctl_text *t = ctl_text_new(2);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ctl_text_cell(t, "NAME");
	ctl_text_cell(t, "VALUE");
	ctl_text_cell(t, "b\xc3\xbc"
			 "cher");
	ctl_text_cell(t, "a\x1b[2Jb\xc2\x9b"
			 "2Jc\xc2\xa0"
			 "d");
	ctl_text_print(t, f);
	fclose(f);
	ck_assert_str_eq(text, "NAME    VALUE\nb\xc3\xbc"
			       "cher  a?[2Jb??2Jc\xc2\xa0"
			       "d\n");
	free(text);
}
END_TEST

START_TEST(durations)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {{0, "0s"}, {59, "59s"}, {61, "1m 1s"}, {3661, "1h 1m"}, {90000, "1d 1h"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = ctl_duration(cases[i].seconds);

		ck_assert_str_eq(text, cases[i].text);
		free(text);
	}
}
END_TEST

Suite *ctl_suite(void)
{
	Suite *s = suite_create("ctl");
	TCase *t = tcase_create("ctl");

	tcase_add_test(t, finds_commands);
	tcase_add_test(t, has_all_commands);
	tcase_add_test(t, usage_errors_exit_2);
	tcase_add_test(t, splits_import_lines);
	tcase_add_test(t, knows_its_accounts);
	tcase_add_test(t, columns_fit);
	tcase_add_test(t, durations);
	suite_add_tcase(s, t);
	return s;
}
