/* SPDX-License-Identifier: MIT */
/* The parts of the generated codec that are not hot: lists of numbers, and printing. */
#include <ctype.h>
#include <inttypes.h>
#include "link/codec.h"

#define GET_LIST(type, name, get, size)                                                            \
	type *name(struct reader *r, struct pool *p, size_t *ret_n)                                \
	{                                                                                          \
		size_t n = get_count(r, size);                                                     \
		type *list = n ? pool_alloc(p, n * sizeof(*list)) : NULL;                          \
                                                                                                   \
		for (size_t i = 0; i < n; i++)                                                     \
			list[i] = get(r);                                                          \
		*ret_n = n;                                                                        \
		return list;                                                                       \
	}

GET_LIST(uint16_t, get_u16_list, get_u16, 2)
GET_LIST(uint32_t, get_u32_list, get_u32, 4)
GET_LIST(uint64_t, get_u64_list, get_u64, 8)

struct str *get_str_list(struct reader *r, struct pool *p, size_t *ret_n)
{
	size_t n = get_count(r, 4);
	struct str *list = n ? pool_alloc(p, n * sizeof(*list)) : NULL;

	for (size_t i = 0; i < n; i++) {
		/* Within a list there is no older version that knew fewer elements. */
		r->bad |= r->left < 4;
		list[i] = get_str(r);
	}
	*ret_n = n;
	return list;
}

void print_name(struct buf *b, const char *name)
{
	char last = b->len ? buf_ptr(b)[b->len - 1] : ' ';

	if (!strchr(" {[", last))
		buf_putc(b, ' ');
	if (name)
		buf_printf(b, "%s=", name);
}

static bool needs_quotes(struct str s)
{
	if (str_empty(s))
		return true;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"\\=[]{},", c))
			return true;
	}
	return false;
}

static void print_char(struct buf *b, unsigned char c, bool utf8)
{
	if (c == '"' || c == '\\')
		buf_printf(b, "\\%c", c);
	else if (c == '\n')
		buf_lit(b, "\\n");
	else if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8))
		buf_printf(b, "\\x%02x", c);
	else
		buf_putc(b, (char)c);
}

static bool holds(struct str s, const char *z)
{
	return s.len && memmem(s.ptr, s.len, z, strlen(z));
}

/* Stanzas by which users and administrators set passwords (XEP-0077, XEP-0133). */
static bool sets_password(struct str s)
{
	return (holds(s, "jabber:iq:register") || holds(s, "http://jabber.org/protocol/admin#")) &&
	       holds(s, "password");
}

void print_str(struct buf *b, const char *name, struct str s)
{
	struct str shown = {s.ptr, s.len < PRINT_STR ? s.len : PRINT_STR};
	bool utf8;

	if (sets_password(s)) {
		print_name(b, name);
		buf_lit(b, "***");
		return;
	}
	/* A cut must not fall into a character. */
	while (shown.len < s.len && shown.len && ((unsigned char)s.ptr[shown.len] & 0xc0) == 0x80)
		shown.len--;
	utf8 = str_utf8_valid(shown);
	print_name(b, name);
	if (!needs_quotes(shown)) {
		buf_str_append(b, shown);
	} else {
		buf_putc(b, '"');
		for (size_t i = 0; i < shown.len; i++)
			print_char(b, (unsigned char)shown.ptr[i], utf8);
		buf_putc(b, '"');
	}
	if (shown.len < s.len)
		buf_printf(b, "+%zu", s.len - shown.len);
}

void print_number(struct buf *b, const char *name, uint64_t v)
{
	print_name(b, name);
	buf_printf(b, "%" PRIu64, v);
}

void print_signed(struct buf *b, const char *name, int64_t v)
{
	print_name(b, name);
	buf_printf(b, "%" PRId64, v);
}

bool print_next(struct buf *b, size_t i, size_t n)
{
	if (i < PRINT_LIST)
		return true;
	buf_printf(b, " +%zu", n - i);
	return false;
}

static bool address_char(unsigned char c)
{
	return isalnum(c) || c >= 0x80 || strchr(".-_@", c);
}

bool str_mentions(struct str s, struct str jid)
{
	const char *p = s.ptr, *end = s.ptr + s.len, *hit;

	if (str_empty(jid))
		return true;
	while (p && (hit = memmem(p, (size_t)(end - p), jid.ptr, jid.len))) {
		const char *next = hit + jid.len;
		bool before = hit > s.ptr && hit[-1] && address_char((unsigned char)hit[-1]);
		bool after = next < end && *next && address_char((unsigned char)*next);

		/* Inside an envelope the next byte may be the first one of a length; the second is
		 * then zero. */
		if (after && next + 1 < end && next[1] == '\0')
			after = false;
		if (!before && !after)
			return true;
		p = hit + 1;
	}
	return false;
}
