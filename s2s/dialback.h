/* SPDX-License-Identifier: MIT */
/* The keys of Server Dialback (XEP-0185). */
#ifndef S2S_DIALBACK_H
#define S2S_DIALBACK_H

#include "base/str.h"

enum { DIALBACK_KEY = 65, DIALBACK_KEY_MAX = 1024 }; /* with NUL; the longest of others */

/* receiving: the domain that is to be convinced; originating: the one that is proven; id: of the
 * stream that the receiving server gave. ret: hexadecimal. */
void dialback_key(struct str secret, struct str receiving, struct str originating, struct str id,
		  char ret[DIALBACK_KEY]);

#endif
