/* SPDX-License-Identifier: MIT */
/* Comparing, searching, splitting and reading numbers out of slices. */
#include <limits.h>
#include <stdint.h>
#include "base/alloc.h"
#include "base/str.h"

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (r)
		return r;
	return (a.len > b.len) - (a.len < b.len);
}

bool str_caseeq(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower((unsigned char)a.ptr[i]) != lower((unsigned char)b.ptr[i]))
			return false;
	}
	return true;
}

ptrdiff_t str_find(struct str a, char c, size_t from)
{
	const char *p;

	if (from >= a.len)
		return -1;
	p = memchr(a.ptr + from, c, a.len - from);
	return p ? p - a.ptr : -1;
}

struct str str_trim(struct str a)
{
	while (a.len && is_space(a.ptr[0])) {
		a.ptr++;
		a.len--;
	}
	while (a.len && is_space(a.ptr[a.len - 1]))
		a.len--;
	return a;
}

bool str_split(struct str *rest, char sep, struct str *ret_part)
{
	ptrdiff_t at;

	if (!rest->ptr)
		return false;
	at = str_find(*rest, sep, 0);
	if (at < 0) {
		*ret_part = *rest;
		*rest = STR_NONE;
		return true;
	}
	*ret_part = str_n(rest->ptr, (size_t)at);
	rest->ptr += at + 1;
	rest->len -= (size_t)at + 1;
	return true;
}

bool str_u64(struct str a, unsigned long long *ret_value)
{
	unsigned long long v = 0;

	if (!a.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		unsigned d = (unsigned char)a.ptr[i] - (unsigned)'0';

		if (d > 9 || v > (ULLONG_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret_value = v;
	return true;
}

bool str_i64(struct str a, long long *ret_value)
{
	bool negative = a.len && a.ptr[0] == '-';
	unsigned long long v;

	if (negative)
		a = str_n(a.ptr + 1, a.len - 1);
	if (!str_u64(a, &v) || v > (unsigned long long)LLONG_MAX + negative)
		return false;
	if (!negative)
		*ret_value = (long long)v;
	else
		*ret_value = v ? -(long long)(v - 1) - 1 : 0;
	return true;
}

/* Length of the sequence that starts with this byte, 0 when none does; ret_min and ret_max
 * bound its second byte (RFC 3629 section 4: that is where surrogates, over-long forms and
 * what lies beyond U+10FFFF differ). */
static size_t utf8_lead(unsigned char c, unsigned char *ret_min, unsigned char *ret_max)
{
	*ret_min = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*ret_max = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

bool str_utf8_valid(struct str a)
{
	const unsigned char *p = (const unsigned char *)a.ptr;
	size_t i = 0;

	while (i < a.len) {
		unsigned char min, max;
		size_t n;

		if (p[i] < 0x80) {
			i++;
			continue;
		}
		n = utf8_lead(p[i], &min, &max);
		if (n < 2 || a.len - i < n || p[i + 1] < min || p[i + 1] > max)
			return false;
		for (size_t k = 2; k < n; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		}
		i += n;
	}
	return true;
}

char *str_dup(struct str a)
{
	return xstrndup(a.ptr, a.len);
}
