/* SPDX-License-Identifier: MIT */
/* What became of numbered messages, <message id='n5'>…<body>n5.: received, refused, or lost; and of
 * requests, <iq id='q5' type='get'>…: answered, once. */
#ifndef TESTS_UNIT_SM_LEDGER_H
#define TESTS_UNIT_SM_LEDGER_H

#include "tests/unit/sm/world.h"

enum { LEDGER_MOST = 4000 }; /* those with greater numbers are not followed */

void ledger_clear(void);
void ledger_sent(unsigned n, struct client *c);
void ledger_asked(unsigned n, struct client *c);
/* What it was sent last may not have arrived: nothing is said of what it has sent so far. */
void ledger_doubt(const struct client *c);
/* It has all that it was given up to m. Fails when a request was answered twice. */
void ledger_got(const struct client *c, uint32_t m);
void ledger_received(unsigned n); /* by somebody else */
void ledger_check(void);	  /* fails when a message was neither received nor refused */
void ledger_answered(void);	  /* fails when a request was not answered */

#endif
