/* SPDX-License-Identifier: MIT */
/* xmpp/forms.c, rsm.c and disco.c, with the examples of the XEPs. */
#include <check.h>
#include <errno.h>
#include "base/clock.h"
#include "xmpp/forms.h"
#include "xmpp/ns.h"

Suite *forms_suite(void);

static struct pool *pool;
static struct buf b;
static struct xml_writer w;

static void setup(void)
{
	pool = pool_new();
	b = BUF_INIT;
	xw_init(&w, &b);
}

static void teardown(void)
{
	buf_free(&b);
	pool = pool_free(pool);
}

static const struct node *parse(const char *xml)
{
	struct node *n = NULL;

	ck_assert_msg(node_parse(pool, str_z(xml), NS_CLIENT, &n) == 0, "%s", xml);
	return n;
}

static void check_str(struct str got, const char *want)
{
	ck_assert_msg(str_eqz(got, want), "got  %.*s\nwant %s", STR_ARG(got), want);
}

static void check(const char *want)
{
	check_str(buf_str(&b), want);
	buf_clear(&b);
}

#define FORM                                                                                       \
	"<x xmlns='jabber:x:data' type='submit'>"                                                  \
	"<field var='FORM_TYPE' type='hidden'><value>urn:example</value></field>"                  \
	"<field var='name'><value>a&lt;b</value></field>"                                          \
	"<field var='empty'><value/></field><field var='none'/>"                                   \
	"<field var='many'><value>one</value><value/><value>two</value></field></x>"

static void collect(void *arg, struct str v)
{
	ck_assert_ptr_nonnull(v.ptr);
	buf_str_append(arg, v);
	buf_putc(arg, ';');
}

START_TEST(test_form_read)
{
	const struct node *x = parse(FORM);

	check_str(form_value(x, "name"), "a<b");
	ck_assert_ptr_nonnull(form_value(x, "empty").ptr);
	ck_assert_uint_eq(form_value(x, "empty").len, 0);
	ck_assert_ptr_null(form_value(x, "none").ptr);
	ck_assert_ptr_null(form_value(x, "absent").ptr);
	ck_assert_ptr_null(form_value(NULL, "name").ptr);
	form_values(x, "many", collect, &b);
	check("one;;two;");
	form_values(x, "none", collect, &b);
	form_values(x, "absent", collect, &b);
	check("");
}
END_TEST

START_TEST(test_form_is)
{
	const struct node *x = parse(FORM);

	ck_assert(form_is(x, "submit", "urn:example"));
	ck_assert(form_is(x, NULL, "urn:example"));
	ck_assert(form_is(x, "submit", NULL));
	ck_assert(!form_is(x, "cancel", "urn:example"));
	ck_assert(!form_is(x, "submit", "urn:other"));
	ck_assert(!form_is(NULL, NULL, NULL));
	ck_assert(!form_is(parse("<x/>"), NULL, NULL));
	ck_assert(!form_is(parse("<x xmlns='jabber:x:data'/>"), "submit", NULL));
	ck_assert(!form_is(parse("<x xmlns='jabber:x:data'/>"), NULL, "urn:example"));
}
END_TEST

START_TEST(test_form_write)
{
	form_start(&w, "form", "urn:example", "A & B");
	form_field(&w, "name", "text-single", "Name", true, STR("<x>"));
	form_field(&w, "empty", NULL, NULL, false, STR(""));
	form_field(&w, "none", NULL, NULL, false, STR_NONE);
	form_end(&w);
	check("<x xmlns='jabber:x:data' type='form'><title>A &amp; B</title>"
	      "<field var='FORM_TYPE' type='hidden'><value>urn:example</value></field>"
	      "<field var='name' type='text-single' label='Name'><required/>"
	      "<value>&lt;x&gt;</value></field>"
	      "<field var='empty'><value/></field><field var='none'/></x>");
	form_start(&w, "result", NULL, NULL);
	form_end(&w);
	check("<x xmlns='jabber:x:data' type='result'/>");
}
END_TEST

static int read_set(const char *inner, struct rsm *ret)
{
	struct str xml = pool_printf(pool,
				     "<query xmlns='urn:q'><set xmlns='" NS_RSM "'>%s</set>"
				     "</query>",
				     inner);

	return rsm_read(parse(xml.ptr), ret);
}

START_TEST(test_rsm_read)
{
	struct rsm rsm;

	ck_assert_int_eq(rsm_read(parse("<query xmlns='urn:q'/>"), &rsm), 0);
	ck_assert(!rsm.present && !rsm.has_max);
	ck_assert_int_eq(read_set("", &rsm), 0);
	ck_assert(rsm.present && !rsm.has_max && !rsm.has_before && !rsm.has_after);
	ck_assert_int_eq(read_set("<max> 10\n</max><before/>", &rsm), 0);
	ck_assert(rsm.has_max && rsm.max == 10 && rsm.has_before && !rsm.has_after);
	ck_assert_ptr_nonnull(rsm.before.ptr);
	ck_assert_uint_eq(rsm.before.len, 0);
	ck_assert_int_eq(read_set("<max>0</max><after>a&amp;b</after><index>371</index>", &rsm), 0);
	ck_assert(rsm.has_max && rsm.max == 0 && rsm.has_index && rsm.index == 371);
	check_str(rsm.after, "a&b");
	rsm.max = 4711;
	ck_assert_int_eq(read_set("<max/>", &rsm), -EINVAL);
	ck_assert_int_eq(read_set("<max>-1</max>", &rsm), -EINVAL);
	ck_assert_int_eq(read_set("<max>ten</max>", &rsm), -EINVAL);
	ck_assert_int_eq(read_set("<max>99999999999999999999</max>", &rsm), -EINVAL);
	ck_assert_int_eq(read_set("<index>1 2</index>", &rsm), -EINVAL);
	ck_assert_uint_eq(rsm.max, 4711);
}
END_TEST

START_TEST(test_rsm_write)
{
	rsm_write(&w, STR("a&b"), STR("z"), true, 0, true, 800);
	check("<set xmlns='http://jabber.org/protocol/rsm'><first index='0'>a&amp;b</first>"
	      "<last>z</last><count>800</count></set>");
	rsm_write(&w, STR("a"), STR("z"), false, 0, false, 0);
	check("<set xmlns='http://jabber.org/protocol/rsm'><first>a</first><last>z</last></set>");
	rsm_write(&w, STR_NONE, STR_NONE, true, 3, true, 0);
	check("<set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set>");
}
END_TEST

START_TEST(test_disco_write)
{
	struct disco_identity full = {"server", "im", "en", "It's"},
			      bare = {"account", "registered", NULL, NULL};

	xw_start(&w, "query", NS_DISCO_INFO);
	disco_identity(&w, &full);
	disco_identity(&w, &bare);
	disco_feature(&w, NS_PING);
	disco_item(&w, STR("a@b"), NULL, STR_NONE);
	disco_item(&w, STR("c"), "n", STR("Rooms"));
	xw_end(&w);
	check("<query xmlns='http://jabber.org/protocol/disco#info'>"
	      "<identity category='server' type='im' xml:lang='en' name='It&apos;s'/>"
	      "<identity category='account' type='registered'/>"
	      "<feature var='urn:xmpp:ping'/><item jid='a@b'/>"
	      "<item jid='c' node='n' name='Rooms'/></query>");
}
END_TEST

START_TEST(test_delay)
{
	delay_write(&w, STR("b.c"), INT64_C(1031699309123456), "Offline");
	check("<delay xmlns='urn:xmpp:delay' from='b.c' stamp='2002-09-10T23:08:29.123Z'>"
	      "Offline</delay>");
	delay_write(&w, STR_NONE, 0, NULL);
	check("<delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:00.000Z'/>");
}
END_TEST

#define QUERY(inner) "<query xmlns='http://jabber.org/protocol/disco#info'>" inner "</query>"
/* XEP-0115 sections 5.2 and 5.3, in another order than they are to be sorted in */
#define FEATURES                                                                                   \
	"<feature var='http://jabber.org/protocol/muc'/>"                                          \
	"<feature var='http://jabber.org/protocol/disco#items'/>"                                  \
	"<feature var='http://jabber.org/protocol/caps'/>"                                         \
	"<feature var='http://jabber.org/protocol/disco#info'/>"
#define EXODUS "<identity category='client' name='Exodus 0.9.1' type='pc'/>"
#define PSI                                                                                        \
	"<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"                    \
	"<identity xml:lang='el' category='client' name='\u03a8 0.11' type='pc'/>"
#define PSI_FORM(hidden)                                                                           \
	"<x xmlns='jabber:x:data' type='result'><field var='software'><value>Psi</value></field>"  \
	"<field var='ip_version'><value>ipv6</value><value>ipv4</value></field>"                   \
	"<field var='FORM_TYPE'" hidden "><value>urn:xmpp:dataforms:softwareinfo</value></field>"  \
	"<field var='os_version'><value>10.5.1</value></field>"                                    \
	"<field var='os'><value>Mac</value></field>"                                               \
	"<field var='software_version'><value>0.11</value></field></x>"

static void check_caps(const char *query, const char *want)
{
	caps_ver(parse(query), &b);
	check(want);
}

START_TEST(test_caps)
{
	check_caps(QUERY(EXODUS FEATURES), "QgayPKawpkPSDYmwT/WM94uAlu0=");
	check_caps(QUERY(PSI_FORM(" type='hidden'") PSI FEATURES), "q07IKJEyjvHSyhy//CH0CxmKi8w=");
	/* A form without a hidden FORM_TYPE is left out. */
	check_caps(QUERY(EXODUS FEATURES PSI_FORM("")), "QgayPKawpkPSDYmwT/WM94uAlu0=");
	check_caps(QUERY(EXODUS FEATURES "<x xmlns='jabber:x:data'/>"),
		   "QgayPKawpkPSDYmwT/WM94uAlu0=");
	/* The digest of nothing. */
	check_caps(QUERY(""), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
}
END_TEST

Suite *forms_suite(void)
{
	Suite *s = suite_create("forms");
	TCase *tc = tcase_create("forms");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_form_read);
	tcase_add_test(tc, test_form_is);
	tcase_add_test(tc, test_form_write);
	tcase_add_test(tc, test_rsm_read);
	tcase_add_test(tc, test_rsm_write);
	tcase_add_test(tc, test_disco_write);
	tcase_add_test(tc, test_delay);
	tcase_add_test(tc, test_caps);
	suite_add_tcase(s, tc);
	return s;
}
