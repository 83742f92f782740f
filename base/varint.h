/* SPDX-License-Identifier: MIT */
/* Numbers of seven bits a byte, low ones first, in as few bytes as they need: there is one encoding of each. */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

enum { VARINT_MAX = 10 }; /* bytes */

/* Returns what is behind it. */
static inline char *varint_write(char *to, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*to++ = (char)(v | 0x80);
	*to++ = (char)v;
	return to;
}

static inline void varint_append(struct buf *b, uint64_t v)
{
	char bytes[VARINT_MAX];

	buf_append(b, bytes, (size_t)(varint_write(bytes, v) - bytes));
}

/* Moves *at behind it. False, and *ret is 0: it does not end before end, or is not such a number. */
static inline bool varint_read(const char **at, const char *end, uint64_t *ret)
{
	uint64_t v = 0;

	if (*at < end && !(**at & 0x80)) { /* most are small */
		*ret = (uint8_t)*(*at)++;
		return true;
	}
	*ret = 0;
	for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
		uint8_t byte = (uint8_t)*(*at)++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if ((!byte && shift) || (shift == 63 && byte > 1))
			return false;
		*ret = v;
		return true;
	}
	return false;
}

#endif
