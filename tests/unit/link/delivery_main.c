/* SPDX-License-Identifier: MIT */
/* Runs the unit tests of tracked delivery over a double of the link; a new suite is one line. */
#include <check.h>
#include <stdlib.h>

#define SUITES(X)                                                                                  \
	X(channel_recv_suite)                                                                      \
	X(channel_suite)                                                                           \
	X(doubt_suite)                                                                             \
	X(lane_suite)                                                                              \
	X(shards_suite)                                                                            \
	X(store_all_suite)                                                                         \
	X(store_client_suite)                                                                      \
	X(ticket_suite)

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
