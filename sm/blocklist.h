/* SPDX-License-Identifier: MIT */
/* A list of blocked addresses and how it matches (XEP-0191); pure. */
#ifndef SM_BLOCKLIST_H
#define SM_BLOCKLIST_H

#include <uthash.h>
#include "xmpp/jid.h"

struct blocked {
	UT_hash_handle hh;
	char jid[];
};
struct blocklist {
	struct blocked *all;
	size_t n;
};

struct blocklist *blocklist_new(void);
struct blocklist *blocklist_free(struct blocklist *l);
void blocklist_add(struct blocklist *l, struct str jid);    /* no effect when it is there */
bool blocklist_remove(struct blocklist *l, struct str jid); /* false: it was not there */
bool blocklist_has(const struct blocklist *l, struct str jid);
/* An entry covers j: its full JID, bare JID, domain with resource, or domain (section 5). */
bool blocklist_matches(const struct blocklist *l, const struct jid *j);

#endif
