/* SPDX-License-Identifier: MIT */
/* What the node*.c files share. */
#ifndef XMPP_NODE_INTERNAL_H
#define XMPP_NODE_INTERNAL_H

#include "base/pool.h"

static inline bool xml_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* XML 1.0 section 2.2, in UTF-8. */
bool xml_chars_valid(struct str s);
/* Character data or an attribute's value as it is meant: references replaced (not in CDATA), line
 * ends made one (section 2.11), white space in attributes made blanks (3.3.3). A slice of raw
 * where nothing changes, else in p. -EINVAL: an unknown or unfinished reference. */
int xml_unescape(struct pool *p, struct str raw, bool attr, bool refs, struct str *ret);

#endif
