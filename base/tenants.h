/* SPDX-License-Identifier: MIT */
/* How many connections there are from one IPv4 address, or one IPv6 /64 (what a single customer
 * commonly has). */
#ifndef BASE_TENANTS_H
#define BASE_TENANTS_H

#include <stdbool.h>
#include <stddef.h>

struct tenant; /* one address's; a set of them begins as NULL */

/* Counts the peer of a connected socket. NULL: it has limit connections already (*ret_full; limit 0:
 * any number), or has no address of that kind. */
struct tenant *tenants_enter(struct tenant **all, int fd, size_t limit, bool *ret_full);
void tenants_leave(struct tenant **all, struct tenant *t); /* accepts NULL */

#endif
