/* SPDX-License-Identifier: MIT */
/* Any stanza to anybody: numbered messages and requests, which the ledger then knows of, and
 * others. */
#ifndef TESTS_UNIT_SM_MONKEY_SAYS_H
#define TESTS_UNIT_SM_MONKEY_SAYS_H

#include "tests/unit/sm/world.h"

enum { ACCOUNTS = 4 };
extern const char *const monkey_accounts[ACCOUNTS];

void monkey_says_start(unsigned seed);
unsigned dice(unsigned n); /* 0 to n - 1 */
/* To an account, another server, a resource that is gone, nobody, or the full JID `other`. */
void monkey_says(struct client *c, const char *other);

#endif
