/* SPDX-License-Identifier: MIT */
/* Uniform resource identifiers (RFC 3986), as far as configuration and forms name them. */
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include "base/uri.h"

static bool alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool hex(char c)
{
	return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Section 3.1; 0: none. */
static size_t scheme_len(struct str s)
{
	size_t n = 0;

	if (!s.len || !alpha(s.ptr[0]))
		return 0;
	while (n < s.len && (alpha(s.ptr[n]) || digit(s.ptr[n]) || strchr("+-.", s.ptr[n])))
		n++;
	return n < s.len && s.ptr[n] == ':' ? n : 0;
}

/* Section 2: unreserved and reserved characters, and others as octets. */
static bool characters_good(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '%') {
			if (i + 2 >= s.len || !hex(s.ptr[i + 1]) || !hex(s.ptr[i + 2]))
				return false;
		} else if (!c || !(alpha(c) || digit(c) || strchr("-._~:/?#[]@!$&'()*+,;=", c))) {
			return false;
		}
	}
	return true;
}

static bool one_of(const char *const *names, struct str s)
{
	for (; *names; names++)
		if (strlen(*names) == s.len && strncasecmp(*names, s.ptr, s.len) == 0)
			return true;
	return false;
}

/* Section 3.2: "//", perhaps a user and "@", a host. */
static bool has_host(struct str s)
{
	size_t at = 2, end = 2;

	if (s.len < 3 || s.ptr[0] != '/' || s.ptr[1] != '/')
		return false;
	while (end < s.len && !strchr("/?#", s.ptr[end]))
		if (s.ptr[end++] == '@')
			at = end;
	return at < end && s.ptr[at] != ':';
}

/* RFC 6068 and RFC 5122 (without an account to act as): neither side of an "@" is empty, and an
 * XMPP address may be a domain alone. */
static bool has_address(struct str s, bool need_at)
{
	size_t end = 0, at = SIZE_MAX;

	for (; end < s.len && !strchr("/?#", s.ptr[end]); end++)
		if (s.ptr[end] == '@')
			at = end;
	if (at == SIZE_MAX)
		return !need_at && end > 0;
	return at > 0 && at + 1 < end;
}

bool uri_valid(struct str s)
{
	static const char *const with_host[] = {"http", "https", "ftp", "ws", "wss", NULL};
	static const char *const mail[] = {"mailto", NULL}, *const xmpp[] = {"xmpp", NULL};
	size_t n = scheme_len(s);
	struct str scheme = str_n(s.ptr, n), rest;

	if (!n || n + 1 == s.len || !characters_good(s))
		return false;
	rest = str_n(s.ptr + n + 1, s.len - n - 1);
	if (one_of(with_host, scheme))
		return has_host(rest);
	if (one_of(mail, scheme))
		return has_address(rest, true);
	return !one_of(xmpp, scheme) || has_address(rest, false);
}
