/* SPDX-License-Identifier: MIT */
/* The suites of the tools. */
#ifndef TESTS_UNIT_TOOLS_TOOLS_TESTS_H
#define TESTS_UNIT_TOOLS_TOOLS_TESTS_H

#include <check.h>

Suite *args_suite(void);
Suite *config_suite(void);
Suite *ctl_suite(void);
Suite *launcher_suite(void);
Suite *pie_suite(void);

#endif
