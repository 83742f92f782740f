/* SPDX-License-Identifier: MIT */
/* What the doubles share. */
#ifndef TESTS_AUTH_DOUBLES_INTERNAL_H
#define TESTS_AUTH_DOUBLES_INTERNAL_H

#include "tests/unit/auth/doubles.h"

extern struct pool *double_pool; /* until double_reset */
/* Encoded and decoded again: a copy that lives as long as the pool. */
void *double_copy(uint16_t kind, const void *m);

/* Each does one thing that was asked for; false: there is none. */
bool double_fire(void);
bool double_work_one(void);
bool double_read_one(void);
bool double_write_one(void);

void double_store_clear(void);

#endif
