/* SPDX-License-Identifier: MIT */
/* When accounts were last available: what presence shares with XEP-0012. */
#ifndef SM_LAST_H
#define SM_LAST_H

#include "sm/module.h"

/* When its last available resource became unavailable, wall clock, us; 0: it was never seen to. */
int64_t last_left(const struct user *u);

#endif
