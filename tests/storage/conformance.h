/* SPDX-License-Identifier: MIT */
/* The parts of the conformance suite; each test runs with the index of its engine as _i. */
#ifndef TESTS_STORAGE_CONFORMANCE_H
#define TESTS_STORAGE_CONFORMANCE_H

#include <check.h>

extern const char *const engines[];
#define ADD(tc, test, engine) tcase_add_loop_test(tc, test, engine, (engine) + 1)

void fill_read(TCase *tc, int engine);
void fill_write(TCase *tc, int engine);
void fill_log(TCase *tc, int engine);
void fill_select(TCase *tc, int engine);
void fill_retention(TCase *tc, int engine);
void fill_lease(TCase *tc, int engine);

#endif
