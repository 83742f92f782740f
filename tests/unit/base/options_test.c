/* SPDX-License-Identifier: MIT */
/* Tests of the configuration: values, precedence, every mistake with its place. */
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/options.h"
#include "tests/unit/base/base_tests.h"

struct top {
	char *domain, *secret;
	int level;
};

struct c2s {
	char **listen, **contact;
	int64_t max_size, timeout, workers, linger;
	bool tls;
};

struct host {
	char *certificate;
};

static const char *const levels[] = {"debug", "info", "warn", NULL};

static const struct option top_options[] = {
	{.name = "domain", .type = OPT_STR, .offset = offsetof(struct top, domain),
	 .help = "The domain."},
	{.name = "secret", .type = OPT_STR, .offset = offsetof(struct top, secret),
	 .flags = OPT_SECRET | OPT_RELOAD, .help = "Proves who we are."},
	{.name = "log_level", .type = OPT_ENUM, .offset = offsetof(struct top, level),
	 .def = "info", .choices = levels, .flags = OPT_RELOAD, .help = "Least level."},
	{NULL},
};

static const struct option c2s_options[] = {
	{.name = "listen", .type = OPT_LIST, .offset = offsetof(struct c2s, listen),
	 .def = "{\"*:5222\", \"*:5223\"}", .max = 3, .help = "Where."},
	{.name = "max_stanza_size", .type = OPT_SIZE, .offset = offsetof(struct c2s, max_size),
	 .def = "256k", .min = 10000, .max = 16 << 20, .flags = OPT_RELOAD, .help = "Limit."},
	{.name = "timeout", .type = OPT_TIME, .offset = offsetof(struct c2s, timeout),
	 .def = "10s", .help = "How long."},
	{NULL},
};

/* A module's table for the same section. */
static const struct option more_options[] = {
	{.name = "workers", .type = OPT_INT, .offset = offsetof(struct c2s, workers), .def = "-3",
	 .min = -5, .max = 5},
	{.name = "contact", .type = OPT_LIST, .offset = offsetof(struct c2s, contact), .max = 2,
	 .flags = OPT_URI},
	{.name = "tls", .type = OPT_BOOL, .offset = offsetof(struct c2s, tls), .def = "yes"},
	{.name = "linger", .type = OPT_TIME, .offset = offsetof(struct c2s, linger), .def = "2h",
	 .min = 90000, .max = 86400000},
	{NULL},
};

static const struct option host_options[] = {
	{.name = "certificate", .type = OPT_STR, .offset = offsetof(struct host, certificate),
	 .def = "none"},
	{NULL},
};

static const struct option sm_options[] = {
	{.name = "workers", .type = OPT_STR, .offset = 0},
	{.name = "users", .type = OPT_INT, .offset = 0},
	{NULL},
};

static const struct option_section sections[] = {
	{"", false, top_options},   {"c2s", false, c2s_options}, {"c2s", false, more_options},
	{"sm", false, sm_options},  {"host", true, host_options},
	{.name = "muc", .options = &top_options[3], .foreign = true}, {NULL, false, NULL},
};

static struct conf *good_with(const char *text, const char *const *overrides)
{
	struct buf errors = BUF_INIT;
	struct conf *c = conf_parse("t.conf", text, sections, overrides, &errors);

	ck_assert_msg(c != NULL, "%.*s", STR_ARG(buf_str(&errors)));
	ck_assert_uint_eq(errors.len, 0);
	return c;
}

static struct conf *good(const char *text)
{
	return good_with(text, NULL);
}

static struct c2s c2s_of(const struct conf *c, const char *instance)
{
	struct c2s o = {0};

	conf_fill(c, "c2s", instance, c2s_options, &o);
	conf_fill(c, "c2s", instance, more_options, &o);
	return o;
}

static void c2s_free(struct c2s *o)
{
	options_free(c2s_options, o);
	options_free(more_options, o);
}

static struct top top_of(const struct conf *c, const char *instance)
{
	struct top o = {0};

	conf_fill(c, "", instance, top_options, &o);
	return o;
}

START_TEST(test_defaults)
{
	struct conf *c = good("");
	struct c2s o = c2s_of(c, NULL);
	struct top t = top_of(c, "c2s-1");

	ck_assert_str_eq(o.listen[0], "*:5222");
	ck_assert_str_eq(o.listen[1], "*:5223");
	ck_assert_ptr_null(o.listen[2]);
	ck_assert_int_eq(o.max_size, 262144);
	ck_assert_int_eq(o.timeout, 10000);
	ck_assert_int_eq(o.workers, -3);
	ck_assert(o.tls);
	ck_assert_str_eq(t.domain, "");
	ck_assert_int_eq(t.level, 1);
	ck_assert_ptr_null(conf_titles(c, "host")[0]);
	c2s_free(&o);
	options_free(top_options, &t);
	conf_free(c);
}
END_TEST

START_TEST(test_values)
{
	struct conf *c = good("domain = \"ex ample\" # comment\n"
			      "log_level = warn\n"
			      "c2s {\n"
			      "  listen = {\"127.0.0.1:1\", '[::1]:2'}\n"
			      "  listen += \"*:3\"\n"
			      "  max_stanza_size = 1M\n  timeout = 500ms\n  workers = 5\n"
			      "  tls = off\n}\n");
	struct c2s o = c2s_of(c, "c2s-7");
	struct top t = top_of(c, NULL);

	ck_assert_str_eq(o.listen[0], "127.0.0.1:1");
	ck_assert_str_eq(o.listen[1], "[::1]:2");
	ck_assert_str_eq(o.listen[2], "*:3");
	ck_assert_ptr_null(o.listen[3]);
	ck_assert_int_eq(o.max_size, 1 << 20);
	ck_assert_int_eq(o.timeout, 500);
	ck_assert_int_eq(o.workers, 5);
	ck_assert(!o.tls);
	ck_assert_str_eq(t.domain, "ex ample");
	ck_assert_int_eq(t.level, 2);
	c2s_free(&o);
	options_free(top_options, &t);
	conf_free(c);
}
END_TEST

START_TEST(test_units)
{
	static const struct {
		const char *text;
		int64_t ms;
	} times[] = {{"7", 7000}, {"7s", 7000}, {"7ms", 7}, {"7m", 420000}, {"2h", 7200000},
		     {"3d", 259200000}, {"0", 0}};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char *text = xasprintf("c2s { timeout = %s }", times[i].text);
		struct conf *c = good(text);
		struct c2s o = c2s_of(c, NULL);

		ck_assert_int_eq(o.timeout, times[i].ms);
		c2s_free(&o);
		conf_free(c);
		free(text);
	}
}
END_TEST

START_TEST(test_empty_list)
{
	struct conf *c = good("c2s { listen = {} }\ninstance \"c2s-2\" { listen = \"one\" }");
	struct c2s o = c2s_of(c, NULL), two = c2s_of(c, "c2s-2");

	ck_assert_ptr_null(o.listen[0]);
	ck_assert_str_eq(two.listen[0], "one");
	ck_assert_ptr_null(two.listen[1]);
	c2s_free(&o);
	c2s_free(&two);
	conf_free(c);
}
END_TEST

START_TEST(test_precedence)
{
	struct conf *c = good("log_level = warn\n"
			      "instance \"c2s-2\" { timeout = 2s log_level = debug }\n"
			      "c2s { timeout = 1s  max_stanza_size = 20k log_level = info }\n"
			      "c2s { timeout = 3s }\n");
	struct c2s one = c2s_of(c, "c2s-1"), two = c2s_of(c, "c2s-2");
	struct top none = top_of(c, NULL), t1 = top_of(c, "c2s-1"), t2 = top_of(c, "c2s-2"),
		   other = top_of(c, "sm-1");

	ck_assert_int_eq(one.timeout, 3000);
	ck_assert_int_eq(two.timeout, 2000);
	ck_assert_int_eq(two.max_size, 20480);
	ck_assert_int_eq(none.level, 2);
	ck_assert_int_eq(t1.level, 1);
	ck_assert_int_eq(t2.level, 0);
	ck_assert_int_eq(other.level, 2);
	c2s_free(&one);
	c2s_free(&two);
	options_free(top_options, &none);
	options_free(top_options, &t1);
	options_free(top_options, &t2);
	options_free(top_options, &other);
	conf_free(c);
}
END_TEST

START_TEST(test_titles)
{
	struct conf *c = good("host \"b.example\" { certificate = \"/b.pem\" }\n"
			      "host \"a.example\" { }\nhost \"b.example\" {}\n");
	const char *const *titles = conf_titles(c, "host");
	struct host b = {0}, a = {0}, x = {0};

	ck_assert_str_eq(titles[0], "b.example");
	ck_assert_str_eq(titles[1], "a.example");
	ck_assert_ptr_null(titles[2]);
	conf_fill_titled(c, "host", "b.example", host_options, &b);
	conf_fill_titled(c, "host", "a.example", host_options, &a);
	conf_fill_titled(c, "host", "x.example", host_options, &x);
	ck_assert_str_eq(b.certificate, "/b.pem");
	ck_assert_str_eq(a.certificate, "none");
	ck_assert_str_eq(x.certificate, "none");
	options_free(host_options, &a);
	options_free(host_options, &b);
	options_free(host_options, &x);
	conf_free(c);
}
END_TEST

START_TEST(test_overrides)
{
	static const char *const set[] = {
		"domain=example.org", "c2s.timeout=9s", "c2s-2.timeout=8s", "instance:c2s-3.tls=no",
		"c2s.listen=127.0.0.1:1, [::1]:2", "host:c.example.com.certificate=/c=d.pem",
		"log_level = debug", NULL};
	struct conf *c = good_with("domain = example.com\nc2s { timeout = 1s }\n"
				   "instance \"c2s-1\" { timeout = 2s log_level = warn }\n", set);
	struct c2s one = c2s_of(c, "c2s-1"), two = c2s_of(c, "c2s-2"), three = c2s_of(c, "c2s-3");
	struct top t = top_of(c, "c2s-1");
	struct host h = {0};

	ck_assert_str_eq(t.domain, "example.org");
	ck_assert_int_eq(t.level, 0);
	ck_assert_int_eq(one.timeout, 9000);
	ck_assert_int_eq(two.timeout, 8000);
	ck_assert(one.tls && !three.tls);
	ck_assert_str_eq(one.listen[0], "127.0.0.1:1");
	ck_assert_str_eq(one.listen[1], "[::1]:2");
	ck_assert_str_eq(conf_titles(c, "host")[0], "c.example.com");
	conf_fill_titled(c, "host", "c.example.com", host_options, &h);
	ck_assert_str_eq(h.certificate, "/c=d.pem");
	c2s_free(&one);
	c2s_free(&two);
	c2s_free(&three);
	options_free(top_options, &t);
	options_free(host_options, &h);
	conf_free(c);
}
END_TEST

/* Each process reads the one file: what is for processes that it does not know is not its to
 * judge, but the syntax and its own part are. */
START_TEST(test_foreign)
{
	static const char *const set[] = {"muc.rooms=3", "muc-1.other={}", NULL};
	struct buf errors = BUF_INIT;
	struct conf *c;

	conf_free(good_with("muc { rooms = 7 names = {a, b} none = {} }\n"
			    "instance \"muc-1\" { rooms = x }\n", set));
	c = conf_parse("t.conf", "muc { rooms = 7 }\nc2s { rooms = 7 }\n", sections, NULL, &errors);
	ck_assert_ptr_null(c);
	assert_str(buf_str(&errors), "t.conf:2: no such option \"rooms\" in section c2s\n");
	buf_free(&errors);
}
END_TEST

static const struct {
	const char *text, *override, *errors;
} mistakes[] = {
	{"domian = x", NULL, "t.conf:1: no such option \"domian\" (nearest: \"domain\")\n"},
	{"\n\nc2s {\n\ttimeuot = 3\n}\n", NULL,
	 "t.conf:4: no such option \"timeuot\" in section c2s (nearest: \"timeout\")\n"},
	{"c2s {\n frobnicate_all = {1, 2}\n}\nxyzzy = 1\nlog_level = loud\n", NULL,
	 "t.conf:2: no such option \"frobnicate_all\" in section c2s\n"
	 "t.conf:4: no such option \"xyzzy\"\n"
	 "t.conf:5: option \"log_level\": \"loud\" is none of debug, info, warn\n"},
	{"c2s { timeout = 5x }", NULL,
	 "t.conf:1: option \"timeout\": \"5x\" is not a time, as 500ms, 10s, 5m, 2h or 3d\n"},
	{"c2s {\nmax_stanza_size = 99999999999999999999k\n}", NULL,
	 "t.conf:2: option \"max_stanza_size\": \"99999999999999999999k\" is not a size, as 4096, "
	 "64k, 10M or 1G\n"},
	{"c2s { max_stanza_size = 5k }", NULL,
	 "t.conf:1: option \"max_stanza_size\": \"5k\" is not between 10000 and 16777216\n"},
	{"c2s { workers = 6 }", NULL,
	 "t.conf:1: option \"workers\": \"6\" is not between -5 and 5\n"},
	{"c2s { linger = 90000001ms }", NULL,
	 "t.conf:1: option \"linger\": \"90000001ms\" is not between 90s and 1d\n"},
	{"c2s { workers = many }", NULL,
	 "t.conf:1: option \"workers\": \"many\" is not a whole number\n"},
	{"c2s { tls = maybe }", NULL,
	 "t.conf:1: option \"tls\": \"maybe\" is not true, yes, on, false, no or off\n"},
	{"c2s { listen = {a, b,\n c,\n d, e} }", NULL,
	 "t.conf:3: option \"listen\": more than 3 entries\n"},
	{"c2s { contact = {\"mailto:a@b\",\n \"a@b\"} }", NULL,
	 "t.conf:2: option \"contact\": \"a@b\" is not a URI, as mailto:abuse@example.net, "
	 "xmpp:help@example.net or https://example.net/help\n"},
	{"c2s { timeout = {1, 2} }", NULL, "t.conf:1: unexpected token '{'\n"},
	{"instance \"c2s-1\" {\n users = 3\n}", NULL,
	 "t.conf:2: no such option \"users\" in instance \"c2s-1\"\n"},
	{"instance \"frob-1\" { }", NULL,
	 "t.conf:1: instance \"frob-1\" is named after no process\n"},
	{"host \"x\" { domain = y }", NULL,
	 "t.conf:1: no such option \"domain\" in host \"x\"\n"},
	{"hsot \"x\" { certificate = y }", NULL,
	 "t.conf:1: no such section \"hsot\" (nearest: \"host\")\n"},
	{"host { certificate = y }", NULL, "t.conf:1: missing title for section 'host'\n"},
	{"c2s {\n timeout = 3\n", NULL, "t.conf:2: a section or comment is not closed\n"},
	{"domain = x /* never\nends", NULL, "t.conf:2: a section or comment is not closed\n"},
	{"domain = \"x", NULL, "t.conf:1: premature end of file\n"},
	{"domain", NULL, "t.conf:1: premature end of file\n"},
	{"}", NULL, "t.conf:1: unexpected closing brace\n"},
	{"include(\"/nonexistent/x.conf\")", NULL,
	 "t.conf:1: /nonexistent/x.conf: No such file or directory\n"},
	{"include(\"/\")", NULL, "t.conf:1: /: not a regular file\n"},
	{"secret = abc hunter2 = x", NULL, "t.conf:1: syntax error behind a secret value\n"},
	{"secret = abc = hunter2", NULL, "t.conf:1: syntax error near a secret value\n"},
	{"", "timeout=3", "override \"timeout\": no such option\n"},
	{"", "c2s.timeuot=3", "override \"c2s.timeuot\": no such option (nearest: \"timeout\")\n"},
	{"", "frob.x=3", "override \"frob.x\": no such section\n"},
	{"", "host.certificate=3", "override \"host.certificate\": no such section\n"},
	{"", "c2s:x.timeout=3", "override \"c2s:x.timeout\": no such section\n"},
	{"", "c2s.timeout", "override \"c2s.timeout\": no equal sign\n"},
	{"", "c2s.timeout=x",
	 "override \"c2s.timeout\": \"x\" is not a time, as 500ms, 10s, 5m, 2h or 3d\n"},
	{"", "c2s.contact=xmpp:a@b,http:x,y",
	 "override \"c2s.contact\": \"http:x\" is not a URI, as mailto:abuse@example.net, "
	 "xmpp:help@example.net or https://example.net/help\n"},
	{"", "c2s.listen=a,b,c,d", "override \"c2s.listen\": more than 3 entries\n"},
};

START_TEST(test_mistakes)
{
	const char *set[] = {mistakes[_i].override, NULL};
	struct buf errors = BUF_INIT;
	struct conf *c;

	c = conf_parse("t.conf", mistakes[_i].text, sections, set, &errors);
	ck_assert_msg(c == NULL, "%s is taken", mistakes[_i].text);
	assert_str(buf_str(&errors), mistakes[_i].errors);
	buf_free(&errors);
	/* Nothing of the failure is left in the parser. */
	conf_free(good("domain = \"x\"\nc2s { timeout = 3 }"));
}
END_TEST

START_TEST(test_files)
{
	char *dir = temp_dir(), *main_file = path_in(dir, "main.conf"),
	     *part = path_in(dir, "part.conf"), *want;
	struct buf errors = BUF_INIT;
	struct conf *c;
	struct top t;

	file_write(main_file, "\xef\xbb\xbf" "domain = example.com\ninclude(\"part.conf\")\nlog_level = warn\n");
	file_write(part, "\xef\xbb\xbfsecret = abc\nc2s { timeout = 4s }\n");
	c = conf_load(main_file, sections, NULL, &errors);
	ck_assert_msg(c != NULL, "%.*s", STR_ARG(buf_str(&errors)));
	t = top_of(c, NULL);
	ck_assert_str_eq(t.secret, "abc");
	ck_assert_int_eq(t.level, 2);
	options_free(top_options, &t);
	conf_free(c);

	file_write(part, "\n\ndomian = 3\nc2s { tls = x }");
	ck_assert_ptr_null(conf_load(main_file, sections, NULL, &errors));
	want = xasprintf("%s:3: no such option \"domian\" (nearest: \"domain\")\n"
			 "%s:4: option \"tls\": \"x\" is not true, yes, on, false, no or off\n",
			 part, part);
	assert_str(buf_str(&errors), want);
	free(want);

	file_write(part, "include(\"main.conf\")");
	buf_clear(&errors);
	ck_assert_ptr_null(conf_load(main_file, sections, NULL, &errors));
	ck_assert_ptr_nonnull(memmem(buf_ptr(&errors), errors.len, "too deeply", 10));

	buf_clear(&errors);
	unlink(main_file);
	ck_assert_ptr_null(conf_load(main_file, sections, NULL, &errors));
	want = xasprintf("%s: No such file or directory\n", main_file);
	assert_str(buf_str(&errors), want);
	free(want);
	buf_free(&errors);
	free(main_file);
	free(part);
	temp_dir_remove(dir);
}
END_TEST

START_TEST(test_reload)
{
	struct conf *c = good("domain = a\nsecret = x"), *d = good("domain = b\nsecret = y");
	struct top old = top_of(c, NULL), newer = top_of(d, NULL);
	struct buf changed = BUF_INIT, ignored = BUF_INIT;

	newer.level = 0;
	options_reload(top_options, &old, &newer, &changed, &ignored);
	assert_str(buf_str(&changed), "secret log_level");
	assert_str(buf_str(&ignored), "domain");
	ck_assert_str_eq(old.domain, "a");
	ck_assert_str_eq(old.secret, "y");
	ck_assert_int_eq(old.level, 0);
	buf_clear(&changed);
	buf_clear(&ignored);
	options_reload(top_options, &old, &newer, &changed, &ignored);
	ck_assert_uint_eq(changed.len, 0);
	assert_str(buf_str(&ignored), "domain");
	options_free(top_options, &old);
	options_free(top_options, &newer);
	buf_free(&changed);
	buf_free(&ignored);
	conf_free(c);
	conf_free(d);
}
END_TEST

/* Once for each, in the order of the file read backwards, then what has gone. */
START_TEST(test_compare_titled)
{
	struct conf *c = good("host \"a\" { certificate = 1 }\nhost \"b\" { certificate = 2 }\n"
			      "host \"d\" { certificate = 4 }\ninstance \"c2s-1\" { listen = a }"),
		    *d = good("host \"a\" { certificate = 0 }\nhost \"a\" { certificate = 1 }\n"
			      "host \"b\" { certificate = 3 }\nhost \"c\" { certificate = 4 }\n"
			      "host \"e\" { }\ninstance \"c2s-1\" { listen = b }");
	struct buf changed = BUF_INIT, ignored = BUF_INIT;

	conf_compare_titled(c, c, &changed, &ignored);
	ck_assert_uint_eq(changed.len + ignored.len, 0);
	conf_compare_titled(c, d, &changed, &ignored);
	ck_assert_uint_eq(changed.len, 0);
	assert_str(buf_str(&ignored), "host:c.certificate host:b.certificate host:d.certificate");
	buf_free(&changed);
	buf_free(&ignored);
	conf_free(c);
	conf_free(d);
}
END_TEST

START_TEST(test_documents)
{
	struct buf b = BUF_INIT;
	char *text, *line, *rest;
	struct conf *c;

	options_sample("", false, top_options, &b);
	options_sample("c2s", false, c2s_options, &b);
	text = buf_take(&b);
	ck_assert_ptr_nonnull(strstr(text, "# Least level.\n# One of: debug, info, warn\n"
					   "#log_level = info\n\n"));
	ck_assert_ptr_nonnull(strstr(text, "c2s {\n\t# Where.\n\t#listen = {\"*:5222\", \"*:5223\"}"
					   "\n\n\t# Limit.\n\t# Range: 10000 to 16777216\n"
					   "\t#max_stanza_size = 256k\n\n"));
	/* With its options taken out of their comments it is a valid file that changes nothing. */
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *hash = strchr(line, '#');

		if (hash && hash[1] != ' ')
			*hash = ' ';
		buf_printf(&b, "%s\n", line);
	}
	free(text);
	text = buf_take(&b);
	c = good(text);
	conf_free(c);
	free(text);
	options_mdoc("c2s", c2s_options, &b);
	text = buf_take(&b);
	ck_assert_ptr_nonnull(strstr(text, ".It Ic max_stanza_size No = Ar size\nLimit.\n"
					   "Range: 10000 to 16777216.\nDefault: 256k.\n"
					   "Takes effect at reload.\n"));
	free(text);
}
END_TEST

Suite *options_suite(void)
{
	Suite *s = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_values);
	tcase_add_test(tc, test_units);
	tcase_add_test(tc, test_empty_list);
	tcase_add_test(tc, test_precedence);
	tcase_add_test(tc, test_titles);
	tcase_add_test(tc, test_overrides);
	tcase_add_loop_test(tc, test_mistakes, 0, (int)(sizeof(mistakes) / sizeof(mistakes[0])));
	tcase_add_test(tc, test_foreign);
	tcase_add_test(tc, test_files);
	tcase_add_test(tc, test_reload);
	tcase_add_test(tc, test_compare_titled);
	tcase_add_test(tc, test_documents);
	suite_add_tcase(s, tc);
	return s;
}
