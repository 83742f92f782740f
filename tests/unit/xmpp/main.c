/* SPDX-License-Identifier: MIT */
/* Runs the unit tests of xmpp/; a new suite is one line in the list. */
#include <check.h>
#include <stdlib.h>

#define SUITES(X)                                                                                  \
	X(command_suite)                                                                           \
	X(forms_suite)                                                                             \
	X(jid_suite)                                                                               \
	X(node_suite)                                                                              \
	X(prep_suite)                                                                              \
	X(stanza_suite)                                                                            \
	X(stream_suite)                                                                            \
	X(xml_cost_suite)                                                                          \
	X(xml_hold_suite)                                                                          \
	X(xml_read_suite)                                                                          \
	X(xml_share_suite)                                                                         \
	X(xml_write_suite)

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
