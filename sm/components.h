/* SPDX-License-Identifier: MIT */
/* Domains that components serve. */
#ifndef SM_COMPONENTS_H
#define SM_COMPONENTS_H

#include "sm/sm_internal.h"

struct components *components_new(struct sm *sm);
struct components *components_free(struct components *c);
/* Membership has changed: m has come, has other routes, or is lost (may be NULL). */
void components_look(struct components *c, const struct member *m);
/* A component serves the domain, or did until a moment ago. */
bool components_await(const struct components *c, const char *domain);
bool components_is(const struct member *m);
/* Whether that component may say something in the name of an address of the domain: of those that it
 * serves. */
bool components_may_say(const struct components *c, const struct member *m, struct str domain);

#endif
