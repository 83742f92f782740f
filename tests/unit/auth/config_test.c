/* SPDX-License-Identifier: MIT */
/* The defaults of the options are well-formed and mean what the code expects. */
#include <check.h>
#include "auth/auth_config.h"
#include "auth/mech.h"

static const struct option_section sections[] = {{"auth", false, auth_options}, {NULL}};

START_TEST(defaults)
{
	struct auth_config c = {0};
	struct buf errors = BUF_INIT;
	struct conf *conf = conf_parse("test", "", sections, NULL, &errors);
	size_t n = 0;

	ck_assert_ptr_nonnull(conf);
	conf_fill(conf, "auth", "auth-1", auth_options, &c);
	while (c.mechanisms[n])
		ck_assert_ptr_nonnull(mech_type(str_z(c.mechanisms[n++])));
	ck_assert_uint_eq(n, mech_types() - 1); /* ANONYMOUS is an operator's decision */
	ck_assert_ptr_null(c.anonymous_domains[0]);
	ck_assert(c.upgrade_keys);
	ck_assert_str_eq(c.mechanisms[0], "EXTERNAL");
	ck_assert_str_eq(c.mechanisms[1], "SCRAM-SHA-256-PLUS");
	ck_assert_int_eq(c.scram_iterations, 10000);
	ck_assert_int_eq(c.fail_delay, 1000);
	ck_assert(!c.allow_unencrypted);
	ck_assert(c.downgrade_protection);
	options_free(auth_options, &c);
	conf_free(conf);
	buf_free(&errors);
}
END_TEST

START_TEST(refused)
{
	static const char *const texts[] = {"auth { scram_iterations = 100 }",
					    "auth { password_cache = soon }", "auth { workers = 0 }"};
	struct buf errors = BUF_INIT;

	ck_assert_ptr_null(conf_parse("test", texts[_i], sections, NULL, &errors));
	ck_assert(str_starts(buf_str(&errors), STR("test:1: ")));
	buf_free(&errors);
}
END_TEST

Suite *config_suite(void);
Suite *config_suite(void)
{
	Suite *s = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_test(tc, defaults);
	tcase_add_loop_test(tc, refused, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
