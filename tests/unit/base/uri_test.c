/* SPDX-License-Identifier: MIT */
/* Tests of URIs: what is one, and what only looks like one. */
#include "base/uri.h"
#include "tests/unit/base/base_tests.h"

static const char *const good[] = {
	"mailto:abuse@example.net",
	"MAILTO:abuse@example.net?subject=x%20y",
	"mailto:a@b,c@d",
	"xmpp:abuse@example.net",
	"xmpp:example.net",
	"xmpp:help@muc.example.net?join",
	"xmpp:a@b/%E2%9C%93",
	"https://example.net",
	"http://example.net:8080/a?b=c&d#e",
	"https://user@[2001:db8::1]:443/",
	"tel:+1-201-555-0123",
	"urn:example:a",
};

static const char *const bad[] = {
	"",
	":",
	"mailto:",
	"abuse@example.net",
	"example.net",
	"//example.net/",
	"/help",
	"mailto:abuse",
	"mailto:@example.net",
	"mailto:abuse@",
	"mailto:abuse@?subject=x",
	"xmpp:",
	"xmpp:?join",
	"xmpp:@b",
	"xmpp:a@/x",
	"http:",
	"https:example.net",
	"https:///help",
	"https://:80/",
	"https://a@:80/",
	"1http://example.net",
	"ht tp://example.net",
	"https://example.net/a b",
	"https://example.net/<script>",
	"https://example.net/\"",
	"https://example.net/%",
	"https://example.net/%4",
	"https://example.net/%zz",
	"https://ex\u00e4mple.net/",
	"https://example.net/\n",
};

START_TEST(test_good)
{
	ck_assert_msg(uri_valid(str_z(good[_i])), "%s", good[_i]);
}
END_TEST

START_TEST(test_bad)
{
	ck_assert_msg(!uri_valid(str_z(bad[_i])), "%s", bad[_i]);
}
END_TEST

START_TEST(test_nul)
{
	ck_assert(!uri_valid(str_n("urn:a\0b", 7)));
	ck_assert(!uri_valid(str_n("ht\0p://a", 8)));
	ck_assert(!uri_valid(str_n("mailto:a\0@b", 11)));
}
END_TEST

Suite *uri_suite(void)
{
	Suite *s = suite_create("uri");
	TCase *t = tcase_create("uri");

	tcase_add_loop_test(t, test_good, 0, sizeof good / sizeof *good);
	tcase_add_loop_test(t, test_bad, 0, sizeof bad / sizeof *bad);
	tcase_add_test(t, test_nul);
	suite_add_tcase(s, t);
	return s;
}
