/* SPDX-License-Identifier: MIT */
/* Texts of the configuration with %u (an account's name), %d (its domain) and %% in them. */
#ifndef AUTH_TEMPLATE_H
#define AUTH_TEMPLATE_H

#include "base/buf.h"

/* What becomes of a value before it is put in. */
typedef void template_escape_fn(struct buf *b, struct str value);
void template_escape_dn(struct buf *b, struct str value);     /* RFC 4514 section 2.4 */
void template_escape_filter(struct buf *b, struct str value); /* RFC 4515 section 3 */
void template_escape_none(struct buf *b, struct str value);

bool template_valid(const char *text); /* no % before anything else */
bool template_names_user(const char *text);
void template_expand(const char *text, struct str user, struct str domain,
		     template_escape_fn *escape, struct buf *b);

#endif
