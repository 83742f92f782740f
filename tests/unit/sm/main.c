/* SPDX-License-Identifier: MIT */
/* Runs the suites of the session manager. */
#include <check.h>
#include <stdlib.h>

Suite *subscription_suite(void);
Suite *admin_suite(void);
Suite *announced_suite(void);
Suite *anonymous_suite(void);
Suite *bounced_suite(void);
Suite *deliver_suite(void);
Suite *forged_suite(void);
Suite *given_suite(void);
Suite *hold_suite(void);
Suite *inbox_suite(void);
Suite *last_suite(void);
Suite *later_suite(void);
Suite *lost_suite(void);
Suite *modules_suite(void);
Suite *monkey_suite(void);
Suite *newest_suite(void);
Suite *outgoing_suite(void);
Suite *position_suite(void);
Suite *presence_suite(void);
Suite *probe_suite(void);
Suite *record_suite(void);
Suite *relaxed_suite(void);
Suite *roster_suite(void);
Suite *seen_suite(void);
Suite *session_suite(void);
Suite *txn_suite(void);
Suite *untimely_suite(void);
Suite *unwritten_suite(void);
Suite *user_suite(void);

int main(void)
{
	SRunner *sr = srunner_create(subscription_suite());
	int failed;

	srunner_add_suite(sr, admin_suite());
	srunner_add_suite(sr, anonymous_suite());
	srunner_add_suite(sr, bounced_suite());
	srunner_add_suite(sr, deliver_suite());
	srunner_add_suite(sr, forged_suite());
	srunner_add_suite(sr, given_suite());
	srunner_add_suite(sr, hold_suite());
	srunner_add_suite(sr, inbox_suite());
	srunner_add_suite(sr, announced_suite());
	srunner_add_suite(sr, last_suite());
	srunner_add_suite(sr, later_suite());
	srunner_add_suite(sr, lost_suite());
	srunner_add_suite(sr, modules_suite());
	srunner_add_suite(sr, monkey_suite());
	srunner_add_suite(sr, newest_suite());
	srunner_add_suite(sr, outgoing_suite());
	srunner_add_suite(sr, position_suite());
	srunner_add_suite(sr, presence_suite());
	srunner_add_suite(sr, probe_suite());
	srunner_add_suite(sr, record_suite());
	srunner_add_suite(sr, relaxed_suite());
	srunner_add_suite(sr, roster_suite());
	srunner_add_suite(sr, seen_suite());
	srunner_add_suite(sr, session_suite());
	srunner_add_suite(sr, txn_suite());
	srunner_add_suite(sr, untimely_suite());
	srunner_add_suite(sr, unwritten_suite());
	srunner_add_suite(sr, user_suite());
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
