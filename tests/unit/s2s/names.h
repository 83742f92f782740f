/* SPDX-License-Identifier: MIT */
/* The DNS of a test, in place of the network's: the linker leads dns_lookup() here (Makefile.inc).
 */
#ifndef S2S_TESTS_NAMES_H
#define S2S_TESTS_NAMES_H

#include "s2s/resolve.h"

/* Nothing is known, nobody has asked. Answers come in turns of this loop. */
void names_begin(struct loop *l);
/* What is not added does not exist, and nothing vouches for that. The answer is copied, flat. */
void names_add(const char *name, enum dns_type type, struct dns_answer answer);
void names_hold(void);	    /* nobody gets an answer any more */
size_t names_asked(void);   /* questions so far */
size_t names_waiting(void); /* those without an answer */

#endif
