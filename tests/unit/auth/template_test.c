/* SPDX-License-Identifier: MIT */
/* A user's name inside a DN or a filter of LDAP stays a name. */
#include <check.h>
#include "auth/template.h"

static const struct {
	const char *text, *user;
	template_escape_fn *escape;
	const char *want;
} expansions[] = {
	{"uid=%u,dc=%d", "joe", template_escape_dn, "uid=joe,dc=example.org"},
	{"uid=%u", "joe,ou=admins", template_escape_dn, "uid=joe\\2cou\\3dadmins"},
	{"uid=%u", "a+b\"c;d<e>f\\g", template_escape_dn, "uid=a\\2bb\\22c\\3bd\\3ce\\3ef\\5cg"},
	{"uid=%u", "#joe ", template_escape_dn, "uid=\\23joe\\20"},
	{"uid=%u", "J\xc3\xbcrgen", template_escape_dn, "uid=J\xc3\xbcrgen"},
	{"(uid=%u)", "*", template_escape_filter, "(uid=\\2a)"},
	{"(uid=%u)", "joe)(uid=*", template_escape_filter, "(uid=joe\\29\\28uid=\\2a)"},
	{"(uid=%u)", "a\\2a", template_escape_filter, "(uid=a\\5c2a)"},
	{"(&(a=100%%)(mail=%u@%d))", "joe", template_escape_filter,
	 "(&(a=100%)(mail=joe@example.org))"},
	{"%u", "%d", template_escape_none, "%d"},
};

START_TEST(expanded)
{
	struct buf b = BUF_INIT;

	template_expand(expansions[_i].text, str_z(expansions[_i].user), STR("example.org"),
			expansions[_i].escape, &b);
	ck_assert_msg(str_eqz(buf_str(&b), expansions[_i].want), "%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
}
END_TEST

START_TEST(zero_byte)
{
	struct buf b = BUF_INIT;

	template_expand("%u%u", str_n("a\0b", 3), STR_NONE, template_escape_filter, &b);
	ck_assert(str_eqz(buf_str(&b), "a\\00ba\\00b"));
	buf_clear(&b);
	template_expand("%u", str_n("a\0b", 3), STR_NONE, template_escape_dn, &b);
	ck_assert(str_eqz(buf_str(&b), "a\\00b"));
	buf_free(&b);
}
END_TEST

START_TEST(validity)
{
	ck_assert(template_valid("uid=%u,%d%%"));
	ck_assert(!template_valid("uid=%s"));
	ck_assert(!template_valid("uid=%"));
	ck_assert(template_names_user("%%%u"));
	ck_assert(!template_names_user("%%u"));
	ck_assert(!template_names_user("%d"));
}
END_TEST

Suite *template_suite(void);
Suite *template_suite(void)
{
	Suite *s = suite_create("template");
	TCase *tc = tcase_create("template");

	tcase_add_loop_test(tc, expanded, 0, sizeof(expansions) / sizeof(expansions[0]));
	tcase_add_test(tc, zero_byte);
	tcase_add_test(tc, validity);
	suite_add_tcase(s, tc);
	return s;
}
