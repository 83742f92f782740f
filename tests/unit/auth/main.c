/* SPDX-License-Identifier: MIT */
/* Runs the unit tests of auth/; a new suite is one line in the list. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#ifdef HAVE_LDAP
#define LDAP_SUITES(X) X(directory_suite)
#else
#define LDAP_SUITES(X)
#endif

#define SUITES(X)                                                                                  \
	X(accounts_suite)                                                                          \
	X(anonymous_suite)                                                                         \
	X(config_suite)                                                                            \
	X(derive_suite)                                                                            \
	LDAP_SUITES(X)                                                                             \
	X(exchange_suite)                                                                          \
	X(external_suite)                                                                          \
	X(http_answer_suite)                                                                       \
	X(lockout_suite)                                                                           \
	X(mech_suite)                                                                              \
	X(pass_cache_suite)                                                                        \
	X(scram_suite)                                                                             \
	X(sources_suite)                                                                           \
	X(tally_suite)                                                                             \
	X(template_suite)                                                                          \
	X(upgrade_suite)                                                                           \
	X(workers_suite)

#define DECLARE(name) Suite *name(void);
SUITES(DECLARE)
#undef DECLARE

int main(void)
{
	SRunner *sr = srunner_create(NULL);
	int failed;

#define ADD(name) srunner_add_suite(sr, name());
	SUITES(ADD)
#undef ADD
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
