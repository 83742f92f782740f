/* SPDX-License-Identifier: MIT */
/* Runs the unit tests of base. */
#include <fcntl.h>
#include <stdlib.h>
#include "tests/unit/base/base_tests.h"

int main(void)
{
	SRunner *sr = srunner_create(str_suite());
	int failed;

	/* The first descriptors, those of sockets that are handed over, are the tests'. */
	while (open("/dev/null", O_RDONLY) < 4)
		;
	srunner_add_suite(sr, buf_suite());
	srunner_add_suite(sr, pool_suite());
	srunner_add_suite(sr, clock_suite());
	srunner_add_suite(sr, random_suite());
	srunner_add_suite(sr, log_suite());
	srunner_add_suite(sr, loop_suite());
	srunner_add_suite(sr, conn_suite());
	srunner_add_suite(sr, tls_suite());
	srunner_add_suite(sr, conn_tls_suite());
	srunner_add_suite(sr, listen_suite());
	srunner_add_suite(sr, options_suite());
	srunner_add_suite(sr, keyed_suite());
	srunner_add_suite(sr, tenants_suite());
	srunner_add_suite(sr, uri_suite());
	srunner_add_suite(sr, varint_suite());
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
