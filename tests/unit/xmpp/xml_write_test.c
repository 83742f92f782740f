/* SPDX-License-Identifier: MIT */
/* xmpp/xml_write.c: escaping that survives any parser, and namespaces declared once. */
#include <check.h>
#include <limits.h>
#include <signal.h>
#include "xmpp/ns.h"
#include "xmpp/xml_write.h"

Suite *xml_write_suite(void);

static struct buf b;
static struct xml_writer w;

static void setup(void)
{
	b = BUF_INIT;
	xw_init(&w, &b);
}

static void teardown(void)
{
	buf_free(&b);
}

static void check(const char *want)
{
	ck_assert_msg(str_eqz(buf_str(&b), want), "got  %.*s\nwant %s", STR_ARG(buf_str(&b)), want);
	buf_clear(&b);
}

static void escaped(struct str text, const char *want)
{
	xml_escape(&b, text);
	check(want);
}

START_TEST(test_escape)
{
	escaped(STR_NONE, "");
	escaped(STR("plain text"), "plain text");
	escaped(STR("&<>'\""), "&amp;&lt;&gt;&apos;&quot;");
	escaped(STR("a&b"), "a&amp;b");
	escaped(STR("]]>"), "]]&gt;");
	escaped(STR("\t\n\r"), "&#9;&#10;&#13;");
	escaped(STR("\u00e9\u20ac\U0001f600"), "\u00e9\u20ac\U0001f600");
	escaped(STR("<\u00e9>"), "&lt;\u00e9&gt;");
}
END_TEST

/* XML 1.0 section 2.2: Char */
START_TEST(test_drops)
{
	escaped(STR("a\0b\x01\x08\x0b\x0c\x0e\x1f"
		    "c"),
		"abc");
	escaped(STR("\x7f\xc2\x80"), "\x7f\xc2\x80");
	escaped(STR("a\ufffe\uffff\ufffd"), "a\ufffd");
	escaped(STR("a\xffz"), "az");
	escaped(STR("a\xed\xa0\x80z"), "az");
	escaped(STR("\u00e9\xc3"), "\u00e9");
	escaped(STR("\xe2\x82"), "");
	escaped(STR("\xc3<"), "&lt;");
}
END_TEST

/* Text of any length is escaped as without a limit; beyond the limit it soon ends. */
START_TEST(test_escape_within)
{
	struct buf text = BUF_INIT, whole = BUF_INIT;

	/* Each way to lie across the end of what is done at a time. */
	for (int shift = 0; shift < 4; shift++) {
		buf_lit(&text, "x");
		for (int i = 0; i < 5000; i++)
			buf_lit(&text, "'\u20ac");
		buf_clear(&whole);
		xml_escape(&whole, buf_str(&text));
		ck_assert(xml_escape_within(&b, buf_str(&text), XML_ATTRIBUTE, whole.len));
		ck_assert(str_eq(buf_str(&b), buf_str(&whole)));
		buf_clear(&b);
		ck_assert(!xml_escape_within(&b, buf_str(&text), XML_ATTRIBUTE, whole.len - 1));
		buf_clear(&b);
	}
	ck_assert(!xml_escape_within(&b, buf_str(&text), XML_ATTRIBUTE, 10));
	ck_assert_uint_lt(b.len, whole.len);
	ck_assert(!xml_escape_within(&b, STR_NONE, XML_ATTRIBUTE, 10));
	buf_clear(&b);
	ck_assert(xml_escape_within(&b, STR("<'\"&\r\n\t>"), XML_TEXT, 100));
	check("&lt;'\"&amp;&#13;\n\t&gt;");
	buf_free(&text);
	buf_free(&whole);
}
END_TEST

START_TEST(test_elements)
{
	xw_start(&w, "iq", NULL);
	xw_attrz(&w, "type", "result");
	xw_attrz(&w, "id", NULL);
	xw_attr(&w, "to", STR("o'neil@b"));
	xw_start(&w, "query", NS_ROSTER);
	xw_start(&w, "item", NULL);
	xw_end(&w);
	xw_leaf(&w, "item", NS_ROSTER, STR("a<b"));
	xw_leaf(&w, "x", NS_DATA, STR_NONE);
	xw_end(&w);
	xw_end(&w);
	check("<iq type='result' to='o&apos;neil@b'><query xmlns='jabber:iq:roster'><item/>"
	      "<item>a&lt;b</item><x xmlns='jabber:x:data'/></query></iq>");
	ck_assert_uint_eq(w.depth, 0);
}
END_TEST

START_TEST(test_siblings)
{
	xw_leaf(&w, "a", "urn:1", STR_NONE);
	xw_leaf(&w, "b", "urn:1", STR_NONE);
	xw_leaf(&w, "c", NULL, STR_NONE);
	check("<a xmlns='urn:1'/><b xmlns='urn:1'/><c/>");
}
END_TEST

START_TEST(test_content)
{
	xw_start(&w, "a", NULL);
	xw_text(&w, STR("one\r\n\ttwo"));
	xw_raw(&w, STR("<raw/>"));
	xw_end(&w);
	check("<a>one&#13;\n\ttwo<raw/></a>");
	xw_start(&w, "a", NULL);
	xw_text(&w, STR_NONE);
	xw_raw(&w, STR_NONE);
	xw_end(&w);
	check("<a/>");
	xw_start(&w, "a", NULL);
	xw_attr_int(&w, "min", LLONG_MIN);
	xw_attr(&w, "ws", STR("\n\t"));
	xw_end(&w);
	check("<a min='-9223372036854775808' ws='&#10;&#9;'/>");
}
END_TEST

START_TEST(test_depth)
{
	for (int i = 0; i < 32; i++)
		xw_start(&w, "a", "urn:deep");
	for (int i = 0; i < 32; i++)
		xw_end(&w);
	ck_assert(str_starts(buf_str(&b), STR("<a xmlns='urn:deep'><a><a>")));
	ck_assert_uint_eq(b.len, strlen("<a xmlns='urn:deep'>") + 30 * 3 + 4 + 31 * 4);
}
END_TEST

START_TEST(test_too_deep)
{
	for (int i = 0; i < 33; i++)
		xw_start(&w, "a", NULL);
}
END_TEST

START_TEST(test_end_without_start)
{
	xw_end(&w);
}
END_TEST

START_TEST(test_attr_after_content)
{
	xw_start(&w, "a", NULL);
	xw_text(&w, STR("t"));
	xw_attrz(&w, "x", "y");
}
END_TEST

Suite *xml_write_suite(void)
{
	Suite *s = suite_create("xml_write");
	TCase *tc = tcase_create("xml_write");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_escape);
	tcase_add_test(tc, test_drops);
	tcase_add_test(tc, test_escape_within);
	tcase_add_test(tc, test_elements);
	tcase_add_test(tc, test_siblings);
	tcase_add_test(tc, test_content);
	tcase_add_test(tc, test_depth);
	tcase_add_test_raise_signal(tc, test_too_deep, SIGABRT);
	tcase_add_test_raise_signal(tc, test_end_without_start, SIGABRT);
	tcase_add_test_raise_signal(tc, test_attr_after_content, SIGABRT);
	suite_add_tcase(s, tc);
	return s;
}
