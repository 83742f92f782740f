/* SPDX-License-Identifier: MIT */
/* Runs the unit tests of the tools. */
#include <stdlib.h>
#include "tests/unit/tools/tools_tests.h"

int main(void)
{
	SRunner *sr = srunner_create(args_suite());
	int failed;

	srunner_add_suite(sr, config_suite());
	srunner_add_suite(sr, ctl_suite());
	srunner_add_suite(sr, launcher_suite());
	srunner_add_suite(sr, pie_suite());
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
