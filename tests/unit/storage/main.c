/* SPDX-License-Identifier: MIT */
/* Runs the unit tests of storage/; a new suite is one line in the list. */
#include <check.h>
#include <stdlib.h>

#define SUITES(X)                                                                                  \
	X(check_suite)                                                                             \
	X(crash_suite)                                                                             \
	X(degraded_suite)                                                                          \
	X(migrate_suite)                                                                           \
	X(pace_suite)                                                                              \
	X(plan_suite)                                                                              \
	X(retention_limits_suite)                                                                  \
	X(sqlite_suite)

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
