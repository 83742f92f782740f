/* SPDX-License-Identifier: MIT */
/* Runs the suites of the session manager. */
#include <check.h>
#include <stdlib.h>

Suite *subscription_suite(void);

int main(void)
{
	SRunner *sr = srunner_create(subscription_suite());
	int failed;

	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
