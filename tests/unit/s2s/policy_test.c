/* SPDX-License-Identifier: MIT */
/* Policies by domain. */
#include <stdlib.h>
#include "base/alloc.h"
#include "s2s/policy.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/s2s/s2s_tests.h"

static const struct option_section sections[] = {
	{"s2s", false, s2s_options, false},
	{"remote", true, remote_options, false},
	{NULL},
};

struct given {
	struct app app;
	struct s2s_config config;
	struct policies *policies;
	char *error;
};

static void begin(struct given *g, const char *text)
{
	struct buf errors = BUF_INIT;

	memset(g, 0, sizeof *g);
	g->app.conf = conf_parse("test", text, sections, NULL, &errors);
	ck_assert_msg(g->app.conf != NULL, "%.*s", STR_ARG(buf_str(&errors)));
	conf_fill(g->app.conf, "s2s", NULL, s2s_options, &g->config);
	g->app.config = &g->config;
	g->policies = policies_new(&g->app, &g->error);
}

static void end(struct given *g)
{
	policies_free(g->policies);
	options_free(s2s_options, &g->config);
	conf_free(g->app.conf);
	free(g->error);
}

static struct policy of(const struct given *g, const char *domain)
{
	return policy_of(g->policies, &g->config, str_z(domain));
}

START_TEST(test_defaults)
{
	struct given g;
	struct policy p;

	begin(&g, "");
	p = of(&g, "example.net");
	ck_assert_int_eq(p.tls, NEED_REQUIRED);
	ck_assert_int_eq(p.certificate, NEED_OPTIONAL);
	ck_assert_int_eq(p.dialback, NEED_OPTIONAL);
	ck_assert(!p.denied);
	end(&g);
}
END_TEST

START_TEST(test_remote)
{
	struct given g;
	struct policy p;

	begin(&g, "s2s { tls = optional dialback = forbidden }\n"
		  "remote \"Example.NET\" { tls = required dialback = optional }\n");
	p = of(&g, "example.net");
	ck_assert_int_eq(p.tls, NEED_REQUIRED);
	ck_assert_int_eq(p.dialback, NEED_OPTIONAL);
	p = of(&g, "sub.example.net");
	ck_assert_int_eq(p.tls, NEED_OPTIONAL);
	ck_assert_int_eq(p.dialback, NEED_FORBIDDEN);
	end(&g);
}
END_TEST

START_TEST(test_lists)
{
	struct given g;

	begin(&g, "s2s { deny = {\"evil.example\", \"b\xc3\xbc"
		  "cher.example\"} }\n");
	ck_assert(of(&g, "evil.example").denied);
	ck_assert(of(&g, "sub.evil.example").denied);
	ck_assert(!of(&g, "devil.example").denied);
	ck_assert(!of(&g, "example").denied);
	end(&g);
	begin(&g, "s2s { allow = {\"good.example\"} deny = {\"bad.good.example\"} }\n");
	ck_assert(!of(&g, "good.example").denied);
	ck_assert(!of(&g, "im.good.example").denied);
	ck_assert(of(&g, "bad.good.example").denied);
	ck_assert(of(&g, "other.example").denied);
	end(&g);
}
END_TEST

/* What nothing could ever prove is a mistake, and found at once. */
START_TEST(test_impossible)
{
	static const char *const texts[] = {
		"s2s { peer_certificate = forbidden dialback = forbidden }",
		"s2s { tls = forbidden dialback = forbidden }",
		"s2s { tls = forbidden peer_certificate = required }",
		"remote \"a.example\" { peer_certificate = forbidden dialback = forbidden }",
		"remote \"no domain\" { tls = optional }",
	};
	struct given g;

	begin(&g, texts[_i]);
	ck_assert_ptr_null(g.policies);
	ck_assert_ptr_nonnull(g.error);
	end(&g);
}
END_TEST

/* Whether a stream to another domain at its address will do (XEP-0220 section 2.6.2). */
static const struct sharing {
	const char *text;
	enum share how;
	bool secure, good, will;
} sharing[] = {
	{"", SHARE_CERTIFICATE, true, true, true},
	{"", SHARE_CERTIFICATE, true, false, false},
	{"", SHARE_CERTIFICATE, false, false, false},
	{"", SHARE_DNS, true, true, true},
	{"", SHARE_DNS, true, false, true},
	{"", SHARE_DNS, false, false, false},
	{"", SHARE_NEVER, true, true, false},
	{"s2s { tls = optional }", SHARE_DNS, false, false, true},
	{"s2s { tls = optional }", SHARE_CERTIFICATE, false, false, false},
	{"s2s { tls = forbidden }", SHARE_DNS, true, true, false},
	{"s2s { tls = forbidden }", SHARE_DNS, false, false, true},
	{"s2s { peer_certificate = required }", SHARE_DNS, true, false, false},
	{"s2s { peer_certificate = required }", SHARE_DNS, true, true, true},
	{"s2s { peer_certificate = forbidden }", SHARE_DNS, true, false, true},
	{"s2s { dialback = required }", SHARE_CERTIFICATE, true, true, true},
	/* Our certificate alone would prove us, and on a stream that stands it is not asked for. */
	{"s2s { dialback = forbidden }", SHARE_DNS, true, true, false},
	{"s2s { deny = {\"a.example\"} }", SHARE_DNS, true, true, false},
	{"s2s { dialback = forbidden } remote \"a.example\" { dialback = optional }",
	 SHARE_CERTIFICATE, true, true, true},
};

START_TEST(test_shares)
{
	const struct sharing *r = &sharing[_i];
	struct given g;

	begin(&g, r->text);
	ck_assert(policy_shares(of(&g, "a.example"), r->how, r->secure, r->good) == r->will);
	end(&g);
}
END_TEST

static void count(void *arg, const char *domain, const char *target, bool tls)
{
	ck_assert_str_eq(domain, "a.example");
	ck_assert_str_eq(target, "127.0.0.1:5269");
	ck_assert(tls);
	++*(int *)arg;
}

START_TEST(test_targets)
{
	struct given g;
	int n = 0;

	begin(&g, "remote \"a.example\" { target = \"127.0.0.1:5269\" target_tls = true }\n"
		  "remote \"b.example\" { tls = optional }\n");
	policies_targets(g.policies, count, &n);
	ck_assert_int_eq(n, 1);
	end(&g);
}
END_TEST

Suite *policy_suite(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("policy");

	tcase_add_test(t, test_defaults);
	tcase_add_test(t, test_remote);
	tcase_add_test(t, test_lists);
	tcase_add_loop_test(t, test_impossible, 0, 5);
	tcase_add_loop_test(t, test_shares, 0, sizeof sharing / sizeof *sharing);
	tcase_add_test(t, test_targets);
	suite_add_tcase(s, t);
	return s;
}
