/* SPDX-License-Identifier: MIT */
/* Borrowed slices of bytes; nothing here assumes a NUL at the end. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *ptr; /* may be NULL only when len is 0 */
	size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE     ((struct str){NULL, 0})
/* printf arguments for "%.*s" */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct str str_z(const char *z)
{
	return (struct str){z, z ? strlen(z) : 0};
}

static inline struct str str_n(const char *p, size_t n)
{
	return (struct str){p, n};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_eqz(struct str a, const char *z)
{
	return str_eq(a, str_z(z));
}

static inline bool str_empty(struct str a)
{
	return a.len == 0;
}

static inline bool str_starts(struct str a, struct str prefix)
{
	return a.len >= prefix.len && memcmp(a.ptr, prefix.ptr, prefix.len) == 0;
}

/* Byte order, shorter first on a tie: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
bool str_caseeq(struct str a, struct str b); /* ASCII case only */
/* Index of the first byte c at or after from, or -1. */
ptrdiff_t str_find(struct str a, char c, size_t from);
struct str str_trim(struct str a); /* without ASCII white space at both ends */
/* Takes the part before the next sep out of *rest (which loses it and the sep).
 * False when *rest is exhausted (ptr NULL). */
bool str_split(struct str *rest, char sep, struct str *ret_part);
/* Decimal; the whole slice must be digits (a leading '-' for i64). False: not a number or too large. */
bool str_u64(struct str a, unsigned long long *ret_value);
bool str_i64(struct str a, long long *ret_value);
bool str_utf8_valid(struct str a); /* RFC 3629; rejects surrogates and over-long forms */
char *str_dup(struct str a);       /* malloc'ed, NUL-terminated */

#endif
