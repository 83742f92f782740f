/* SPDX-License-Identifier: MIT */
/* Answers to presence probes: a part of the presence module. */
#ifndef SM_PROBE_H
#define SM_PROBE_H

#include "sm/module.h"

void probe_answer(struct packet *p); /* p is a probe of its account, which need not exist */

#endif
