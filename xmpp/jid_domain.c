/* SPDX-License-Identifier: MIT */
/* Domainparts (RFC 7622 section 3.2): IP literals, host names, internationalised domain names. */
#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <stdlib.h>
#include "xmpp/jid_internal.h"

#define LABEL_MAX  63  /* RFC 1035 section 2.3.4, of the A-label */
#define DOMAIN_MAX 253 /* of the name in text, without the root's dot (RFC 1035 section 3.1) */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z');
}

/* RFC 5890 section 2.3.1: letters, digits, hyphens; hyphens neither first nor last, and in the
 * third and fourth place only in A-labels, the only reserved labels that RFC 7622 lets in. */
static bool label_ok(struct str label, bool allow_alabel)
{
	if (label.len < 1 || label.len > LABEL_MAX)
		return false;
	if (!is_letter_digit(label.ptr[0]) || !is_letter_digit(label.ptr[label.len - 1]))
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!is_letter_digit(label.ptr[i]) && label.ptr[i] != '-')
			return false;
	}
	if (label.len >= 4 && label.ptr[2] == '-' && label.ptr[3] == '-')
		return allow_alabel && label.len > 4 && str_starts(label, STR("xn--"));
	return true;
}

static bool all_digits(struct str label)
{
	for (size_t i = 0; i < label.len; i++) {
		if (!is_digit(label.ptr[i]))
			return false;
	}
	return true;
}

/* A name whose last label is a number is none (RFC 3696 section 2), and resolvers take many such
 * for an IPv4 address in a notation of their own ("127.1"): two names for one host. */
static bool name_ok(struct str name, bool allow_alabels)
{
	struct str rest = name, label = STR_NONE;

	if (name.len < 1 || name.len > DOMAIN_MAX || name.ptr[name.len - 1] == '.')
		return false;
	while (str_split(&rest, '.', &label)) {
		if (!label_ok(label, allow_alabels))
			return false;
	}
	return !all_digits(label);
}

bool jid_domain_is_plain(struct str text)
{
	return name_ok(text, false);
}

/* IPv4address, or IP-literal with an IPv6 address (RFC 3986 section 3.2.2), written in the one
 * form of RFC 5952 so that equal addresses are equal bytes. IPvFuture does not exist, and the
 * zone of a link-local address (RFC 6874) has no meaning beyond one host: both are refused. */
static bool address_literal(struct str text, char ret[INET6_ADDRSTRLEN + 2])
{
	char copy[INET6_ADDRSTRLEN + 1];
	unsigned char address[16];
	bool six = text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']';
	struct str inner = six ? str_n(text.ptr + 1, text.len - 2) : text;
	char *out = ret;

	if (inner.len == 0 || inner.len >= sizeof(copy) || str_find(inner, '\0', 0) >= 0)
		return false;
	memcpy(copy, inner.ptr, inner.len);
	copy[inner.len] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, copy, address) != 1)
		return false;
	if (six)
		*out++ = '[';
	if (!inet_ntop(six ? AF_INET6 : AF_INET, address, out, INET6_ADDRSTRLEN))
		return false;
	if (six)
		memcpy(out + strlen(out), "]", 2);
	return true;
}

static bool ascii_lower(struct str text, char *ret)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= 0x80)
			return false;
		ret[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
	}
	return true;
}

/* The A-label form, lower case, mapped by UTS 46 and valid by IDNA2008; malloc'ed or NULL.
 * Not IDN2_USE_STD3_ASCII_RULES: it deletes what it does not like. name_ok() refuses it. */
static char *to_ascii(const char *text)
{
	char *out = NULL;

	if (idn2_to_ascii_8z(text, &out, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return NULL;
	return out;
}

/* The U-label form that gives ascii back, and no other: idn2_to_unicode checks nothing. */
static char *to_unicode(const char *ascii)
{
	char *unicode = NULL, *back = NULL;
	bool same = false;

	if (idn2_to_unicode_8z8z(ascii, &unicode, 0) == IDN2_OK) {
		back = to_ascii(unicode);
		same = back && strcmp(back, ascii) == 0;
	}
	idn2_free(back);
	if (!same) {
		idn2_free(unicode);
		return NULL;
	}
	return unicode;
}

static int append_part(struct buf *b, const char *text)
{
	size_t len = strlen(text);

	if (len > JID_PART_MAX)
		return -EINVAL;
	buf_append(b, text, len);
	return 0;
}

/* ascii: the whole name mapped to ASCII; takes one final dot off (RFC 7622 section 3.2). */
static int prep_ascii(struct buf *b, char *ascii)
{
	char literal[INET6_ADDRSTRLEN + 2], *unicode;
	size_t len = strlen(ascii);
	int r;

	if (len > 0 && ascii[len - 1] == '.')
		ascii[--len] = '\0';
	/* Full-width digits and ideographic stops may have made an address of it. */
	if (address_literal(str_n(ascii, len), literal))
		return append_part(b, literal);
	if (name_ok(str_n(ascii, len), false))
		return append_part(b, ascii);
	if (!name_ok(str_n(ascii, len), true))
		return -EINVAL;
	unicode = to_unicode(ascii);
	if (!unicode)
		return -EINVAL;
	r = append_part(b, unicode);
	idn2_free(unicode);
	return r;
}

static int prep_idn(struct buf *b, const char *text)
{
	char *ascii = to_ascii(text);
	int r;

	if (!ascii)
		return -EINVAL;
	r = prep_ascii(b, ascii);
	idn2_free(ascii);
	return r;
}

static bool has_alabel(const char *lower)
{
	return strncmp(lower, "xn--", 4) == 0 || strstr(lower, ".xn--");
}

int jid_prep_domain(struct buf *b, struct str text)
{
	char lower[JID_TEXT_MAX + 1];

	if (text.len < 1 || text.len > JID_TEXT_MAX || str_find(text, '\0', 0) >= 0)
		return -EINVAL;
	if (ascii_lower(text, lower)) {
		lower[text.len] = '\0';
		return has_alabel(lower) ? prep_idn(b, lower) : prep_ascii(b, lower);
	}
	if (!str_utf8_valid(text))
		return -EINVAL;
	memcpy(lower, text.ptr, text.len);
	lower[text.len] = '\0';
	return prep_idn(b, lower);
}

int jid_domain_ascii(struct buf *b, struct str prepared)
{
	char literal[INET6_ADDRSTRLEN + 2], *text, *ascii;
	int r = -EINVAL;

	if (address_literal(prepared, literal))
		return -EINVAL;
	if (name_ok(prepared, false)) {
		buf_str_append(b, prepared);
		return 0;
	}
	text = str_dup(prepared);
	ascii = to_ascii(text);
	if (ascii && name_ok(str_z(ascii), true))
		r = append_part(b, ascii);
	idn2_free(ascii);
	free(text);
	return r;
}
