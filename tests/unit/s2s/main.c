/* SPDX-License-Identifier: MIT */
/* The tests of s2s. */
#include <signal.h>
#include <stdlib.h>
#include "base/log.h"
#include "tests/unit/s2s/s2s_tests.h"

int main(void)
{
	SRunner *sr = srunner_create(dialback_suite());
	int failed;

	signal(SIGPIPE, SIG_IGN);
	log_threshold = LOG_LEVEL_ERROR;
	srunner_add_suite(sr, cert_suite());
	srunner_add_suite(sr, dane_suite());
	srunner_add_suite(sr, policy_suite());
	srunner_add_suite(sr, attempt_suite());
	srunner_add_suite(sr, limits_suite());
	srunner_add_suite(sr, in_suite());
	srunner_add_suite(sr, proven_suite());
	srunner_add_suite(sr, out_suite());
	srunner_add_suite(sr, verify_suite());
	srunner_add_suite(sr, lost_suite());
	srunner_add_suite(sr, piggyback_suite());
	srunner_add_suite(sr, pair_suite());
	srunner_add_suite(sr, enforce_suite());
	srunner_add_suite(sr, in_dane_suite());
	srunner_add_suite(sr, self_suite());
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
