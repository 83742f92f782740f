/* SPDX-License-Identifier: MIT */
/* The tests of c2s. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include "tests/unit/c2s/bed.h"

int main(void)
{
	SRunner *sr = srunner_create(stream_suite());
	int failed;

	/* The first descriptors, those of sockets that are handed over, are the tests'. */
	while (open("/dev/null", O_RDONLY) < 4)
		;
	signal(SIGPIPE, SIG_IGN);
	log_threshold = LOG_LEVEL_ERROR;
	srunner_add_suite(sr, sasl_suite());
	srunner_add_suite(sr, register_suite());
	srunner_add_suite(sr, bind_suite());
	srunner_add_suite(sr, session_suite());
	srunner_add_suite(sr, deliver_suite());
	srunner_add_suite(sr, announce_suite());
	srunner_add_suite(sr, ack_suite());
	srunner_add_suite(sr, drain_suite());
	srunner_add_suite(sr, external_suite());
	srunner_add_suite(sr, limits_suite());
	srunner_add_suite(sr, listen_suite());
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
