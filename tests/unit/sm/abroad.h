/* SPDX-License-Identifier: MIT */
/*
 * Other servers, behind an s2s that takes what sm asks of it as the delivery rules say, and answers
 * when it is told to: it delivers numbered messages (tests/unit/sm/ledger.h) or refuses them, says
 * that it holds others, and may die with all that it knows.
 */
#ifndef TESTS_UNIT_SM_ABROAD_H
#define TESTS_UNIT_SM_ABROAD_H

#include "tests/unit/sm/world.h"

void abroad_start(void);
void abroad_stop(void);
bool abroad_frame(const struct fake_frame *f); /* false: it is not for s2s */
/* The oldest that waits is taken by its server, or refused with service-unavailable; false: none
 * waits. */
bool abroad_takes(void);
bool abroad_refuses(void);
void abroad_takes_silently(void); /* and its server's word is not passed on */
void abroad_holds(void);	  /* s2s says so of all that it has not begun with */
void abroad_dies(void);		  /* another is started */
void abroad_owner_lost(void);	  /* another does not know which s2s had what */

#endif
