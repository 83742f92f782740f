/* SPDX-License-Identifier: MIT */
/* The rules of PRECIS that look at a string around a code point. */
#ifndef XMPP_PREP_INTERNAL_H
#define XMPP_PREP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The contextual rule (RFC 5892 appendix A) of s[at], whose property is CONTEXTJ or CONTEXTO.
 * known is 0 before the first place of s: rules about the whole string run once, lest a long one
 * cost the square of its length. */
bool prep_context_ok(const uint32_t *s, size_t n, size_t at, unsigned *known);
/* The Bidi Rule (RFC 5893 section 2), which binds only strings with a right-to-left character. */
bool prep_bidi_ok(const uint32_t *s, size_t n);

#endif
