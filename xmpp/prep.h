/* SPDX-License-Identifier: MIT */
/* PRECIS (RFC 8264, RFC 8265, RFC 8266): the profiles XMPP uses, on libunistring's tables. */
#ifndef XMPP_PREP_H
#define XMPP_PREP_H

#include <stdint.h>
#include "base/buf.h"

enum prep_profile {
	PREP_USERNAME_CASE_MAPPED,
	PREP_USERNAME_CASE_PRESERVED,
	PREP_OPAQUE_STRING,
	PREP_NICKNAME
};

/* RFC 8264 section 8: the derived property value of a code point. */
enum prep_property { PREP_PVALID, PREP_FREE_PVAL, PREP_CONTEXTJ, PREP_CONTEXTO, PREP_DISALLOWED,
		     PREP_UNASSIGNED };
enum prep_property prep_property(uint32_t code_point);

/* Appends the enforced form of text (UTF-8). -EINVAL (b untouched): not UTF-8, empty, or it
 * holds what the profile forbids. Applied again to its result it changes nothing. */
int prep_enforce(enum prep_profile profile, struct str text, struct buf *b);
/* SASLprep (RFC 4013) of a password before keys are derived; stored-string rules. */
int prep_saslprep(struct str text, struct buf *b);

#endif
