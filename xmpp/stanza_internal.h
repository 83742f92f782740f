/* SPDX-License-Identifier: MIT */
/* What the stanza_*.c files share. */
#ifndef XMPP_STANZA_INTERNAL_H
#define XMPP_STANZA_INTERNAL_H

#include "xmpp/stanza.h"

/* The types of a kind: first to last; what no type attribute means; what another one means. */
struct stanza_types {
	enum stanza_type first, last, absent, other;
};

extern const struct stanza_types stanza_types[3];

#endif
