/* SPDX-License-Identifier: MIT */
/* Deliberate mistakes, one for each rule of delivery, by which the fault tests prove that they see
 * them. Only in a build of configure --enable-mutations; in any other MUTATION() is false, and what
 * depends on it is not compiled. */
#ifndef BASE_MUTATION_H
#define BASE_MUTATION_H

#include "config.h"

#include <stdbool.h>

#ifdef WITH_MUTATIONS

/* True: this process shall break the rule of that name (tests/model/delivery-model.c, -x), which
 * the environment variable MERCUTIO_MUTATION names. */
bool mutation_on(const char *name);

#define MUTATION(name) mutation_on(name)
#else
#define MUTATION(name) false
#endif

#endif
