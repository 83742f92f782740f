/* SPDX-License-Identifier: MIT */
/* xmpp/prep.c by the examples of RFC 8265 and RFC 8266; prep_oracle.py covers the rest. */
#include <check.h>
#include <errno.h>
#include "xmpp/prep.h"

Suite *prep_suite(void);

START_TEST(test_property)
{
	static const struct {
		uint32_t cp;
		enum prep_property property;
	} rows[] = {
		{'a', PREP_PVALID},	     {' ', PREP_FREE_PVAL},	{0x0, PREP_DISALLOWED},
		{0x7f, PREP_DISALLOWED},     {0xad, PREP_DISALLOWED},	{0xdf, PREP_PVALID},
		{0xb7, PREP_CONTEXTO},	     {0x378, PREP_UNASSIGNED},	{0x640, PREP_DISALLOWED},
		{0x1100, PREP_DISALLOWED},   {0x200c, PREP_CONTEXTJ},	{0x2163, PREP_FREE_PVAL},
		{0xac00, PREP_PVALID},	     {0xd800, PREP_DISALLOWED}, {0xe000, PREP_DISALLOWED},
		{0x1f600, PREP_FREE_PVAL},   {0xfdd0, PREP_DISALLOWED}, {0x10ffff, PREP_DISALLOWED},
		{0x110000, PREP_DISALLOWED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(prep_property(rows[i].cp) == rows[i].property, "U+%04X",
			      (unsigned)rows[i].cp);
}
END_TEST

#define MAPPED	  PREP_USERNAME_CASE_MAPPED
#define PRESERVED PREP_USERNAME_CASE_PRESERVED
#define OPAQUE	  PREP_OPAQUE_STRING
#define NICK	  PREP_NICKNAME

static const struct {
	enum prep_profile profile;
	const char *text, *want; /* want NULL: refused */
} rows[] = {
	/* RFC 8265 section 3.5 */
	{MAPPED, "juliet@example.com", "juliet@example.com"},
	{MAPPED, "fussball", "fussball"},
	{MAPPED, "fu\u00dfball", "fu\u00dfball"},
	{MAPPED, "\u03c0", "\u03c0"},
	{MAPPED, "\u03a3", "\u03c3"},
	{MAPPED, "\u03c3", "\u03c3"},
	{MAPPED, "\u03c2", "\u03c2"},
	{MAPPED, "foo bar", NULL},
	{MAPPED, "", NULL},
	{MAPPED, "henry\u2163", NULL},
	{MAPPED, "\u265a", NULL},
	/* mapping */
	{MAPPED, "JULIET", "juliet"},
	{PRESERVED, "JULIET", "JULIET"},
	{MAPPED, "\u0391\u03a3", "\u03b1\u03c2"},
	{MAPPED, "\uff2a\uff41", "ja"},
	{PRESERVED, "\uff2a\uff41", "Ja"},
	{MAPPED, "\uff76\uff9e", "\u30ac"},
	{MAPPED, "A\u030a", "\u00e5"},
	{MAPPED, "\u0130", "i\u0307"},
	/* contexts */
	{MAPPED, "l\u00b7l", "l\u00b7l"},
	{MAPPED, "L\u00b7L", "l\u00b7l"},
	{PRESERVED, "L\u00b7L", NULL},
	{MAPPED, "l\u00b7a", NULL},
	{MAPPED, "l\u00b7", NULL},
	{MAPPED, "\u0375\u03b1", "\u0375\u03b1"},
	{MAPPED, "\u0375", NULL},
	{MAPPED, "\u05d0\u05f3", "\u05d0\u05f3"},
	{MAPPED, "\u30fb", NULL},
	{MAPPED, "\u30ab\u30fb", "\u30ab\u30fb"},
	{MAPPED, "\u0915\u094d\u200d", "\u0915\u094d\u200d"},
	{MAPPED, "a\u200d", NULL},
	{MAPPED, "\u0628\u200c\u0628", "\u0628\u200c\u0628"},
	{MAPPED, "\u0627\u200c\u0628", NULL},
	{MAPPED, "\u0628\u0660\u0661", "\u0628\u0660\u0661"},
	{OPAQUE, "\u0660\u06f0", NULL},
	/* directions */
	{MAPPED, "\u05d0\u05d1", "\u05d0\u05d1"},
	{MAPPED, "\u05d01", "\u05d01"},
	{MAPPED, "1\u05d0", NULL},
	{MAPPED, "\u05d0a", NULL},
	{MAPPED, "a\u05d0", NULL},
	{MAPPED, "\u05d01\u0661", NULL},
	{MAPPED, "\u05d0-", NULL},
	{OPAQUE, "a\u05d0", "a\u05d0"},
	/* RFC 8265 section 4.3 */
	{OPAQUE, "correct horse battery staple", "correct horse battery staple"},
	{OPAQUE, "Correct Horse Battery Staple", "Correct Horse Battery Staple"},
	{OPAQUE, "\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5"},
	{OPAQUE, "Jack of \u2666s", "Jack of \u2666s"},
	{OPAQUE, "foo\u1680bar", "foo bar"},
	{OPAQUE, "", NULL},
	{OPAQUE, "my cat is a \tby", NULL},
	{OPAQUE, "a\u200b", NULL},
	{OPAQUE, "\u0378", NULL},
	{OPAQUE, " ", " "},
	/* RFC 8266 section 3, without its case folding, which serves comparison only */
	{NICK, "Foo", "Foo"},
	{NICK, "  Foo   Bar  ", "Foo Bar"},
	{NICK, "Foo \u00a0\u2003Bar\u3000", "Foo Bar"},
	{NICK, "Richard \u2163", "Richard IV"},
	{NICK, "\u265a", "\u265a"},
	{NICK, "   ", NULL},
	{NICK, "\u00a0", NULL},
	{NICK, "a\nb", NULL},
	/* not UTF-8 */
	{OPAQUE, "a\xff", NULL},
	{MAPPED, "\xed\xa0\x80", NULL},
	{NICK, "\xc0\x80", NULL},
};

START_TEST(test_enforce)
{
	struct buf b = BUF_INIT;
	struct str got;
	int r;

	buf_lit(&b, "=");
	r = prep_enforce(rows[_i].profile, str_z(rows[_i].text), &b);
	got = buf_str(&b);
	ck_assert_msg((r == 0) == (rows[_i].want != NULL), "'%s': %d", rows[_i].text, r);
	ck_assert(str_starts(got, STR("=")));
	got = str_n(got.ptr + 1, got.len - 1);
	if (!rows[_i].want) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_uint_eq(got.len, 0);
	} else {
		ck_assert_msg(str_eqz(got, rows[_i].want), "'%s': '%.*s'", rows[_i].text,
			      STR_ARG(got));
	}
	buf_free(&b);
}
END_TEST

START_TEST(test_saslprep)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		/* RFC 4013 section 3 */
		{"I\u00adX", "IX"},
		{"user", "user"},
		{"USER", "USER"},
		{"\u00aa", "a"},
		{"\u2168", "IX"},
		{"\x07", NULL},
		{"\u0627\x31", NULL},
		/* spaces of all kinds, and what is newer than Unicode 3.2 */
		{"a b", "a b"},
		{"a\u00a0b", "a b"},
		{"\U0001f600", "\U0001f600"},
		{"", NULL},
		{"\u00ad", NULL},
		{"a\xff", NULL},
		{"a\nb", NULL},
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = prep_saslprep(str_z(cases[i].text), &b);

		ck_assert_msg(r == (cases[i].want ? 0 : -EINVAL), "'%s'", cases[i].text);
		ck_assert_msg(str_eqz(buf_str(&b), cases[i].want ? cases[i].want : ""), "'%s'",
			      cases[i].text);
		buf_clear(&b);
	}
	ck_assert_int_eq(prep_saslprep(STR("a\0b"), &b), -EINVAL);
	buf_free(&b);
}
END_TEST

Suite *prep_suite(void)
{
	Suite *s = suite_create("prep");
	TCase *tc = tcase_create("prep");

	tcase_add_test(tc, test_property);
	tcase_add_loop_test(tc, test_enforce, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, test_saslprep);
	suite_add_tcase(s, tc);
	return s;
}
