/* SPDX-License-Identifier: MIT */
/* mercutioctl config check: what a process would not start with is told, of any of them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "link/hosts.h"
#include "tools/ctl.h"
#include "tests/unit/tools/tools_tests.h"

static void put_host(void *arg, const char *title, const char *why)
{
	buf_printf(arg, "host \"%s\": %s\n", title, why);
}

/* All that is said of a file. */
static char *mistakes(const char *text)
{
	struct option_section *sections = process_sections(all_processes);
	struct buf errors = BUF_INIT;
	struct conf *c = conf_parse("f", text, sections, NULL, &errors);
	struct common_config common = {0};
	char *said;

	ck_assert_ptr_nonnull(c);
	conf_fill(c, "", NULL, common_options, &common);
	if (process_prepare("f", &common, &errors)) {
		hosts_unserved(c, &common, put_host, &errors);
		process_check_all(all_processes, "f", c, &errors);
	}
	said = buf_take(&errors);
	options_free(common_options, &common);
	conf_free(c);
	free(sections);
	return said ? said : xstrdup("");
}

static const struct {
	const char *text, *said; /* NULL: nothing */
} cases[] = {
	{"domain = example.org", NULL},
	{"domain = \"Example.org\" host \"EXAMPLE.org\" { certificate = x }", NULL},
	{"domain = example.org host \"exmaple.org\" { certificate = x }", "host \"exmaple.org\": it is no"},
	{"domain = x host \"x\" { key = a } host \"X\" { key = b }", "host \"X\": another section"},
	{"domain = x c2s { tls_min = \"1.5\" }", "f: c2s: "},
	{"domain = x s2s { tls_min = \"1.5\" }", "1.5"},
	{"domain = x c2s { listen = {\"*:99999\"} }", "option \"listen\": \"*:99999\""},
	{"domain = x s2s { listen_tls = {\"xmpp.example.org:5270\"} }", "option \"listen_tls\": \"xmpp"},
	{"domain = x router { listen = {\"hub:5200\"} }", "option \"listen\": \"hub:5200\""},
	{"domain = x routers = {\"hub:5200\"}", "option \"routers\": \"hub:5200\""},
	{"domain = x routers = {\"*:5200\"}", "option \"routers\": \"*:5200\""},
	{"domain = x routers = {\"unix:/run/r\", \"192.0.2.1:5200\", \"[2001:db8::1]:5200\"}", NULL},
	{"domain = x router { trusted = {\"no such user\"} }", "option \"trusted\""},
	{"domain = x s2s { peer_certificate = forbidden dialback = forbidden }", "can prove"},
	{"domain = x remote \"y\" { peer_certificate = forbidden dialback = forbidden }", "can prove"},
	{"domain = x instance \"c2s-2\" { listen = {\"nonsense\"} }", "option \"listen\": \"nonsense\""},
	{"domain = x instance \"router-2\" { listen = {\"hub:5200\"} }", "option \"listen\": \"hub:5200\""},
	{"domain = x c2s { listen = {\"hub:1\"} } instance \"c2s-2\" { listen = {\"192.0.2.1:1\"} }", "hub:1"},
	{"domain = x instance \"c2s-2\" { listen = {\"192.0.2.1:5222\"} }", NULL},
	{"domain = x mercutio { instances = {\"router-1\", \"sm-1\", \"sm-2\"} }", NULL},
	{"domain = x mercutio { instances = {\"sm-1\", \"router-1\", \"sm-1\"} }", "\"sm-1\" is named twice"},
	{"domain = x mercutio { instances = {\"router\"} }", "\"router\" is not the name"},
	{"domain = x sm { admins = \"juliet\" }", "option \"admins\": \"juliet\""},
	{"domain = x instance \"sm-2\" { routers = {\"hub:5200\"} }", "option \"routers\": \"hub:5200\""},
};

START_TEST(told)
{
	char *said = mistakes(cases[_i].text);

	if (cases[_i].said)
		ck_assert_msg(strstr(said, cases[_i].said) != NULL, "%s", said);
	else
		ck_assert_str_eq(said, "");
	free(said);
}
END_TEST

START_TEST(told_once)
{
	char *said = mistakes("domain = x c2s { listen = {\"hub:1\"} } instance \"c2s-2\" { log_level = debug }");

	ck_assert_str_eq(strstr(said, "f: option \"listen\""), said);
	ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
	free(said);
}
END_TEST

START_TEST(domains_once)
{
	struct option_section *sections = process_sections(all_processes);
	struct buf errors = BUF_INIT;
	struct conf *c = conf_parse("f", "domain = {\"a\", \"B\", \"A\", \"b.\", \"c\"}", sections, NULL, &errors);
	struct common_config common = {0};

	ck_assert_ptr_nonnull(c);
	conf_fill(c, "", NULL, common_options, &common);
	ck_assert(process_prepare("f", &common, &errors));
	ck_assert_str_eq(common.domains[0], "a");
	ck_assert_str_eq(common.domains[1], "b");
	ck_assert_str_eq(common.domains[2], "c");
	ck_assert_ptr_null(common.domains[3]);
	options_free(common_options, &common);
	conf_free(c);
	free(sections);
	buf_free(&errors);
}
END_TEST

/* A title is compared as a domain is; where two are of the same, the one in the prepared form. */
START_TEST(titles_of_hosts)
{
	static const char text[] = "host \"Example.ORG\" { key = a } host \"Example.net\" { key = b }"
				   "host \"example.net\" { key = c } host \"xn--bcher-kva.example\" { key = d }";
	static const char *const keys[][2] = {{"example.org", "a"}, {"example.net", "c"},
					      {"b\xc3\xbc" "cher.example", "d"}, {"other.example", ""}};
	struct option_section *sections = process_sections(all_processes);
	struct buf errors = BUF_INIT;
	struct conf *c = conf_parse("f", text, sections, NULL, &errors);

	ck_assert_ptr_nonnull(c);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct host_config h = {0};

		host_config_fill(c, keys[i][0], &h);
		ck_assert_str_eq(h.key ? h.key : "", keys[i][1]);
		options_free(host_options, &h);
	}
	conf_free(c);
	free(sections);
}
END_TEST

Suite *config_suite(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_loop_test(t, told, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, told_once);
	tcase_add_test(t, domains_once);
	tcase_add_test(t, titles_of_hosts);
	suite_add_tcase(s, t);
	return s;
}
