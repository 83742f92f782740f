/* SPDX-License-Identifier: MIT */
/* What the parts of the JID code share. */
#ifndef XMPP_JID_INTERNAL_H
#define XMPP_JID_INTERNAL_H

#include "xmpp/jid.h"

#define JID_PART_MAX 1023UL /* RFC 7622 sections 3.2 to 3.4 */
/* Longest text worth preparing: no mapping or composition shrinks a valid part more than
 * threefold (a full-width letter, three conjoining jamo). */
#define JID_TEXT_MAX (4 * JID_PART_MAX)

/* True when the text is a domain in its prepared form and no more than ASCII: dots between
 * lower-case labels of letters, digits and hyphens, none of them an A-label. */
bool jid_domain_is_plain(struct str text);

#endif
