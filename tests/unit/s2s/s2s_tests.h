/* SPDX-License-Identifier: MIT */
/* The suites of s2s's tests. */
#ifndef S2S_TESTS_H
#define S2S_TESTS_H

#include <check.h>

Suite *attempt_suite(void);
Suite *cert_suite(void);
Suite *dane_suite(void);
Suite *dialback_suite(void);
Suite *enforce_suite(void);
Suite *in_dane_suite(void);
Suite *in_suite(void);
Suite *limits_suite(void);
Suite *lost_suite(void);
Suite *out_suite(void);
Suite *pair_suite(void);
Suite *piggyback_suite(void);
Suite *policy_suite(void);
Suite *proven_suite(void);
Suite *self_suite(void);
Suite *verify_suite(void);

#endif
