/* SPDX-License-Identifier: MIT */
/* Start tags, versions and errors of streams, counters of XEP-0198. */
#include <check.h>
#include "tests/unit/base/base_tests.h"
#include "xmpp/ns.h"
#include "xmpp/stream.h"

Suite *stream_suite(void);

static struct buf b;

static void setup(void)
{
	b = BUF_INIT;
}

static void teardown(void)
{
	buf_free(&b);
}

START_TEST(test_head)
{
	struct stream_head h = {.content_ns = NS_CLIENT};

	stream_head_write(&b, &h);
	assert_str(buf_str(&b), "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
				"xmlns:stream='http://etherx.jabber.org/streams' xml:lang='en'>");
	buf_clear(&b);
	h = (struct stream_head){.content_ns = NS_SERVER,
				 .dialback = true,
				 .id = STR("i&d"),
				 .from = STR("a.example"),
				 .to = STR("o'b@c.example"),
				 .version = STR("1.0")};
	stream_head_write(&b, &h);
	assert_str(
		buf_str(&b),
		"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
		"xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
		"id='i&amp;d' from='a.example' to='o&apos;b@c.example' version='1.0' "
		"xml:lang='en'>");
}
END_TEST

static const struct {
	const char *text;
	bool read, good;
} versions[] = {
	{"1.0", true, true},	{"1.10", true, true},	{"01.00", true, true},
	{"2.0", true, true},	{"0.9", true, false},	{"0.0", true, false},
	{"1", false, false},	{"", false, false},	{"1.", false, false},
	{".0", false, false},	{"1.x", false, false},	{"1.0.1", false, false},
	{"-1.0", false, false}, {" 1.0", false, false},
};

START_TEST(test_versions)
{
	unsigned long long major, minor;
	struct str text = str_z(versions[_i].text);

	ck_assert_int_eq(stream_version(text, &major, &minor), versions[_i].read);
	ck_assert_int_eq(stream_version_good(text), versions[_i].good);
}
END_TEST

#define XMLNS " xmlns='urn:ietf:params:xml:ns:xmpp-streams'"

START_TEST(test_errors)
{
	stream_error_write(&b, STREAM_E_RESET, STR_NONE, NULL, STR_NONE);
	assert_str(buf_str(&b), "<stream:error><reset" XMLNS "/></stream:error></stream:stream>");
	buf_clear(&b);
	stream_error_write(&b, STREAM_E_SEE_OTHER_HOST, STR("[::1]:5222"), "", STR_NONE);
	assert_str(buf_str(&b), "<stream:error><see-other-host" XMLNS ">[::1]:5222</see-other-host>"
				"</stream:error></stream:stream>");
	buf_clear(&b);
	stream_error_write(&b, STREAM_E_CONFLICT, STR_NONE, "a < b", STR("<x xmlns='y'/>"));
	assert_str(buf_str(&b), "<stream:error><conflict" XMLNS "/><text" XMLNS " xml:lang='en'>"
				"a &lt; b</text><x xmlns='y'/></stream:error></stream:stream>");
}
END_TEST

static const struct {
	const char *text;
	bool good;
	uint32_t number;
} numbers[] = {
	{"0", true, 0},		  {"4294967295", true, UINT32_MAX},
	{"4294967296", false, 0}, {"", false, 0},
	{"-1", false, 0},	  {"1 ", false, 0},
	{"0x1", false, 0},	  {"007", true, 7},
};

START_TEST(test_numbers)
{
	uint32_t n = 0;

	ck_assert_int_eq(sm_number(str_z(numbers[_i].text), &n), numbers[_i].good);
	ck_assert_uint_eq(n, numbers[_i].number);
}
END_TEST

START_TEST(test_too_high)
{
	const uint32_t sent = UINT32_MAX;

	sm_too_high_write(&b, 7, &sent);
	sm_too_high_write(&b, 8, NULL);
	assert_str(buf_str(&b), "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='7' "
				"send-count='4294967295'/>"
				"<handled-count-too-high xmlns='urn:xmpp:sm:3' h='8'/>");
}
END_TEST

START_TEST(test_attributes)
{
	const struct xml_attr attrs[] = {
		{STR("urn:x"), STR("to"), STR("other")},
		{STR(""), STR("to"), {NULL, 0}},
		{STR(NS_XML), STR("lang"), STR("de")},
	};
	const struct xml_element e = {.attrs = attrs, .nattrs = 3};
	const struct xml_header h = {.attrs = attrs, .nattrs = 3};

	/* Empty is not missing. */
	ck_assert_ptr_nonnull(element_attr(&e, "to").ptr);
	ck_assert_uint_eq(element_attr(&e, "to").len, 0);
	ck_assert_ptr_null(element_attr(&e, "lang").ptr);
	assert_str(header_attr(&h, NS_XML, "lang"), "de");
	assert_str(header_attr(&h, "urn:x", "to"), "other");
	ck_assert_ptr_null(header_attr(&h, "", "from").ptr);
}
END_TEST

Suite *stream_suite(void)
{
	Suite *s = suite_create("stream");
	TCase *t = tcase_create("stream");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_head);
	tcase_add_loop_test(t, test_versions, 0, sizeof versions / sizeof *versions);
	tcase_add_test(t, test_errors);
	tcase_add_loop_test(t, test_numbers, 0, sizeof numbers / sizeof *numbers);
	tcase_add_test(t, test_too_high);
	tcase_add_test(t, test_attributes);
	suite_add_tcase(s, t);
	return s;
}
