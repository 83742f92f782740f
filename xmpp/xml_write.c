/* SPDX-License-Identifier: MIT */
/* The one writer of XML: escaping, and elements with as few namespace declarations as needed. */
#include "xmpp/xml_write.h"

#include <stdio.h>
#include <unistr.h>
#include "base/log.h"

/* What is escaped before a limit is looked at. */
#define SLICE 4096

/* What stands for a byte: NULL itself, "" nothing (XML 1.0 section 2.2 has no place for it).
 * White space other than the blank goes out as a reference, because a parser turns it into a
 * blank in attribute values (section 3.3.3) and a carriage return into a line feed everywhere
 * (section 2.11). */
static const char *const escapes[128] = {
	[0x00] = "",	   [0x01] = "",	     [0x02] = "",     [0x03] = "",    [0x04] = "",
	[0x05] = "",	   [0x06] = "",	     [0x07] = "",     [0x08] = "",    [0x0b] = "",
	[0x0c] = "",	   [0x0e] = "",	     [0x0f] = "",     [0x10] = "",    [0x11] = "",
	[0x12] = "",	   [0x13] = "",	     [0x14] = "",     [0x15] = "",    [0x16] = "",
	[0x17] = "",	   [0x18] = "",	     [0x19] = "",     [0x1a] = "",    [0x1b] = "",
	[0x1c] = "",	   [0x1d] = "",	     [0x1e] = "",     [0x1f] = "",    ['\t'] = "&#9;",
	['\n'] = "&#10;",  ['\r'] = "&#13;", ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;",
	['\''] = "&apos;", ['"'] = "&quot;",
};

/* Bytes of the multi-byte character at s that XML can hold; 0 when it cannot be sent (then
 * *ret_skip bytes are to be dropped). */
static size_t wide_char(const char *s, size_t n, size_t *ret_skip)
{
	ucs4_t uc;
	int len = u8_mbtoucr(&uc, (const uint8_t *)s, n);

	if (len < 0) {
		*ret_skip = 1;
		return 0;
	}
	if (uc == 0xfffe || uc == 0xffff) {
		*ret_skip = (size_t)len;
		return 0;
	}
	return (size_t)len;
}

static bool stays_in_text(unsigned char c)
{
	return c == '\n' || c == '\t' || c == '\'' || c == '"';
}

static void escape(struct buf *b, struct str s, enum xml_place place)
{
	size_t done = 0, i = 0;

	while (i < s.len) {
		unsigned char c = (unsigned char)s.ptr[i];
		const char *with = "";
		size_t n = 1;

		if (c >= 0x80) {
			size_t good = wide_char(s.ptr + i, s.len - i, &n);

			if (good) {
				i += good;
				continue;
			}
		} else {
			with = escapes[c];
			if (!with || (place == XML_TEXT && stays_in_text(c))) {
				i++;
				continue;
			}
		}
		buf_append(b, s.ptr + done, i - done);
		buf_append(b, with, strlen(with));
		i += n;
		done = i;
	}
	if (i > done)
		buf_append(b, s.ptr + done, i - done);
}

/* Bytes that stand for themselves: nearly always all. */
static size_t plain_prefix(struct str s)
{
	size_t i = 0;

	while (i < s.len && (unsigned char)s.ptr[i] < 0x80 && !escapes[(unsigned char)s.ptr[i]])
		i++;
	return i;
}

void xml_escape(struct buf *b, struct str s)
{
	escape(b, s, XML_ATTRIBUTE);
}

bool xml_escape_within(struct buf *b, struct str s, enum xml_place place, size_t max)
{
	while (s.len > 0 && b->len <= max) {
		size_t n = s.len < SLICE ? s.len : SLICE;

		/* Not in the middle of a character. */
		while (n < s.len && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
			n++;
		escape(b, str_n(s.ptr, n), place);
		s = str_n(s.ptr + n, s.len - n);
	}
	return b->len <= max;
}

void xw_init(struct xml_writer *w, struct buf *b)
{
	w->b = b;
	w->depth = 0;
	w->open = false;
	w->ns[0] = NULL; /* the stream's: whatever it is, it is not declared again */
}

void xw_init_in(struct xml_writer *w, struct buf *b, const char *ns)
{
	xw_init(w, b);
	w->ns[0] = ns;
}

static void close_start(struct xml_writer *w)
{
	if (w->open)
		buf_putc(w->b, '>');
	w->open = false;
}

static void must_be_open(const struct xml_writer *w)
{
	if (!w->open)
		bug("attribute outside of a start tag");
}

void xw_start(struct xml_writer *w, const char *name, const char *ns)
{
	const char *outer = w->ns[w->depth];
	size_t n = strlen(name);
	char *p;

	if (w->depth == sizeof(w->name) / sizeof(w->name[0]))
		bug("XML deeper than the writer: %s", name);
	close_start(w);
	p = buf_reserve(w->b, n + 1);
	*p++ = '<';
	memcpy(p, name, n);
	buf_added(w->b, n + 1);
	if (!ns)
		ns = outer;
	w->name[w->depth++] = name;
	w->ns[w->depth] = ns;
	w->open = true;
	if (ns && !(outer && strcmp(ns, outer) == 0))
		xw_attrz(w, "xmlns", ns);
}

void xw_attr(struct xml_writer *w, const char *name, struct str value)
{
	size_t n = strlen(name), plain = plain_prefix(value);
	char *p;

	must_be_open(w);
	p = buf_reserve(w->b, n + plain + 4);
	*p++ = ' ';
	p = (char *)memcpy(p, name, n) + n;
	*p++ = '=';
	*p++ = '\'';
	if (plain)
		memcpy(p, value.ptr, plain);
	buf_added(w->b, n + plain + 3);
	if (plain < value.len)
		escape(w->b, str_n(value.ptr + plain, value.len - plain), XML_ATTRIBUTE);
	buf_putc(w->b, '\'');
}

void xw_attrz(struct xml_writer *w, const char *name, const char *value)
{
	if (value)
		xw_attr(w, name, str_z(value));
}

void xw_attr_int(struct xml_writer *w, const char *name, long long value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%lld", value);

	xw_attr(w, name, str_n(digits, (size_t)n));
}

void xw_text(struct xml_writer *w, struct str text)
{
	if (str_empty(text))
		return;
	close_start(w);
	escape(w->b, text, XML_TEXT);
}

void xw_raw(struct xml_writer *w, struct str xml)
{
	if (str_empty(xml))
		return;
	close_start(w);
	buf_str_append(w->b, xml);
}

void xw_end(struct xml_writer *w)
{
	const char *name;
	size_t n;
	char *p;

	if (w->depth == 0)
		bug("end of an element that was not started");
	name = w->name[--w->depth];
	if (w->open) {
		buf_lit(w->b, "/>");
		w->open = false;
		return;
	}
	n = strlen(name);
	p = buf_reserve(w->b, n + 3);
	*p++ = '<';
	*p++ = '/';
	p = (char *)memcpy(p, name, n) + n;
	*p = '>';
	buf_added(w->b, n + 3);
}

void xw_leaf(struct xml_writer *w, const char *name, const char *ns, struct str text)
{
	xw_start(w, name, ns);
	xw_text(w, text);
	xw_end(w);
}
