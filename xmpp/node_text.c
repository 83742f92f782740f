/* SPDX-License-Identifier: MIT */
/* Character data of canonical bytes: what XML allows, and what its references stand for. */
#include <errno.h>
#include "xmpp/node_internal.h"

bool xml_chars_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
			return false;
		if (c == 0xef && s.len - i > 2 && memcmp(s.ptr + i + 1, "\xbf\xbe", 2) == 0)
			return false;
		if (c == 0xef && s.len - i > 2 && memcmp(s.ptr + i + 1, "\xbf\xbf", 2) == 0)
			return false;
	}
	return str_utf8_valid(s);
}

static size_t put_utf8(char *to, unsigned long c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static bool xml_char(unsigned long c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xd800) ||
	       (c >= 0xe000 && c < 0xfffe) || (c >= 0x10000 && c <= 0x10ffff);
}

/* "#x1F" or "#31" of a reference. */
static bool number(struct str ref, unsigned long *ret)
{
	bool hex = ref.len > 1 && ref.ptr[1] == 'x';
	unsigned long v = 0;
	size_t i = hex ? 2 : 1;

	if (i == ref.len)
		return false;
	for (; i < ref.len; i++) {
		char c = ref.ptr[i];
		unsigned long digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned long)(c - '0');
		else if (hex && c >= 'a' && c <= 'f')
			digit = (unsigned long)(c - 'a') + 10;
		else if (hex && c >= 'A' && c <= 'F')
			digit = (unsigned long)(c - 'A') + 10;
		else
			return false;
		v = v * (hex ? 16 : 10) + digit;
		if (v > 0x10ffff)
			return false;
	}
	*ret = v;
	return xml_char(v);
}

/* What stands between & and ; as bytes at to: never more than the reference had. 0: unknown. */
static size_t reference(struct str ref, char *to)
{
	static const struct {
		const char *name;
		char c;
	} known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
	unsigned long c;

	if (ref.len && ref.ptr[0] == '#')
		return number(ref, &c) ? put_utf8(to, c) : 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_eqz(ref, known[i].name)) {
			*to = known[i].c;
			return 1;
		}
	}
	return 0;
}

int xml_unescape(struct pool *p, struct str raw, bool attr, bool refs, struct str *ret)
{
	const char *from = raw.ptr, *end = raw.ptr + raw.len;
	char *out, *to;

	while (from < end && !(*from == '&' && refs) && *from != '\r' &&
	       !(attr && (*from == '\n' || *from == '\t')))
		from++;
	if (from == end) {
		*ret = raw;
		return 0;
	}
	to = out = pool_alloc(p, raw.len);
	memcpy(to, raw.ptr, (size_t)(from - raw.ptr));
	to += from - raw.ptr;
	while (from < end) {
		char c = *from++;

		if (c == '&' && refs) {
			const char *semi = memchr(from, ';', (size_t)(end - from));
			size_t n = semi ? reference(str_n(from, (size_t)(semi - from)), to) : 0;

			if (n == 0)
				return -EINVAL;
			to += n;
			from = semi + 1;
			continue;
		}
		if (c == '\r') {
			if (from < end && *from == '\n')
				from++;
			c = '\n';
		}
		*to++ = attr && xml_blank(c) ? ' ' : c;
	}
	*ret = str_n(out, (size_t)(to - out));
	return 0;
}
