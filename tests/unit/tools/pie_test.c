/* SPDX-License-Identifier: MIT */
/* Files of accounts (XEP-0227) as the reader hands them out. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tests/unit/tools/tools_tests.h"
#include "tools/pie_read.h"

#define HEAD "<server-data xmlns='urn:xmpp:pie:0'><host jid='h'>"
#define TAIL "</host></server-data>"

static void on_user(void *arg, struct str host, struct str name, struct str password)
{
	buf_printf(arg, "[%.*s@%.*s %.*s]", STR_ARG(name), STR_ARG(host), STR_ARG(password));
}

static void on_child(void *arg, struct str xml)
{
	buf_printf(arg, "{%.*s}", STR_ARG(xml));
}

static void on_user_end(void *arg)
{
	buf_putc(arg, ']');
}

static void on_note(void *arg, const char *where, const char *text)
{
	(void)where;
	buf_printf(arg, "(%s)", text);
}

/* What was handed out, or why not. */
static char *read_text(const char *text, size_t piece, size_t most)
{
	static const struct pie_ops ops = {on_user, on_child, on_user_end, on_note};
	struct pie_limits limits = {piece, most};
	char path[] = "/tmp/mercutio-pie-XXXXXX", *error;
	int fd = mkstemp(path);
	struct buf b = BUF_INIT;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	if (!pie_read(path, &limits, &ops, &b, &error))
		buf_printf(&b, "!%s", strstr(error, ": ") + 2);
	free(error);
	unlink(path);
	return buf_take(&b);
}

static void ck_reads_limited(const char *text, size_t piece, size_t most, const char *wanted)
{
	char *got = read_text(text, piece, most);

	ck_assert_str_eq(got, wanted);
	free(got);
}

static void ck_reads(const char *text, const char *wanted)
{
	ck_reads_limited(text, 1000, 4000, wanted);
}

START_TEST(canonical)
{
	ck_reads(HEAD
		 "<user name='a' password='&lt;'> <v:vCard xmlns:v='vcard-temp'><v:FN>&#38;'</v:FN>"
		 "<x xmlns=''/><y xmlns='z'/></v:vCard>\n</user>" TAIL,
		 "[a@h <]{<vCard xmlns='vcard-temp'><FN>&amp;&apos;</FN><x xmlns=''/><y xmlns='z'/>"
		 "</vCard>}]");
	ck_reads(HEAD "<user name='a'><e xmlns='u' xmlns:p='q' p:b='1' p:c='2' "
		      "xml:lang='de'/></user>" TAIL,
		 "[a@h ]{<e xmlns='u' xmlns:p='q' p:b='1' p:c='2' xml:lang='de'/>}]");
}
END_TEST

START_TEST(pieces)
{
	static const char text[] =
		HEAD "<user name='a'><query xmlns='jabber:iq:roster'><item jid='1'/> "
		     "<item jid='2'/><item jid='3'/></query></user>" TAIL;

	ck_reads(text, "[a@h ]{<query xmlns='jabber:iq:roster'><item jid='1'/><item jid='2'/>"
		       "<item jid='3'/></query>}]");
	ck_reads_limited(
		text, 60, 4000,
		"[a@h ]{<query xmlns='jabber:iq:roster'><item jid='1'/><item jid='2'/></query>}"
		"{<query xmlns='jabber:iq:roster'><item jid='3'/></query>}]");
	ck_reads_limited(
		HEAD
		"<user name='a'><query xmlns='jabber:iq:private'><a xmlns='long-long-long'>"
		"long long long long long long</a><b xmlns='c'/></query><d xmlns='e'/></user>" TAIL,
		60, 80,
		"[a@h ](an element is larger than a frame between processes may be (max_frame))"
		"{<query xmlns='jabber:iq:private'><b xmlns='c'/></query>}{<d xmlns='e'/>}]");
	ck_reads(HEAD "<user name='a'><query xmlns='jabber:iq:roster'/></user>" TAIL, "[a@h ]]");
}
END_TEST

START_TEST(unknown)
{
	ck_reads("<server-data xmlns='urn:xmpp:pie:0'><o xmlns='p'><host/></o><host jid='h'>"
		 "<q xmlns='r'/></host></server-data>",
		 "(ignored: <o xmlns='p'/>)(ignored: <q xmlns='r'/>)");
	/* Below a child of <user/> it is somebody's data. */
	ck_reads(HEAD "<user name='a'><e xmlns='u'><include xmlns='http://www.w3.org/2001/XInclude'"
		      " href='x'/></e></user>" TAIL,
		 "[a@h ]{<e xmlns='u'><include xmlns='http://www.w3.org/2001/XInclude' "
		 "href='x'/></e>}]");
}
END_TEST

START_TEST(refused)
{
	ck_reads("<x/>", "!not a file of accounts (XEP-0227): <server-data xmlns='urn:xmpp:pie:0'> "
			 "is missing");
	ck_reads("", "!no element found");
	ck_reads(HEAD "<user name='a'>" TAIL, "[a@h ]!mismatched tag");
	ck_reads("<!DOCTYPE a>" HEAD TAIL, "!a document type declaration is not accepted");
}
END_TEST

Suite *pie_suite(void)
{
	Suite *s = suite_create("pie");
	TCase *t = tcase_create("pie");

	tcase_add_test(t, canonical);
	tcase_add_test(t, pieces);
	tcase_add_test(t, unknown);
	tcase_add_test(t, refused);
	suite_add_tcase(s, t);
	return s;
}
