/* SPDX-License-Identifier: MIT */
/* All XML that we make ourselves goes through here; escaping exists once. */
#ifndef XMPP_XML_WRITE_H
#define XMPP_XML_WRITE_H

#include "base/buf.h"

/* Appends s with & < > ' " escaped (both places), and drops what XML 1.0 cannot hold. */
void xml_escape(struct buf *b, struct str s);
/* The same of UTF-8, but no further than to a little beyond max bytes in b. False: there it ended. In text,
 * quotes, tabs and line feeds stand for themselves (XML 1.0 sections 2.4 and 2.11). */
enum xml_place { XML_ATTRIBUTE, XML_TEXT };
bool xml_escape_within(struct buf *b, struct str s, enum xml_place place, size_t max);

/* Writes elements into a buffer. A namespace is declared where an element's differs from its
 * parent's; the outermost parent is content_ns ("jabber:client"-like: elements in it carry no
 * xmlns). Names are literals of ours and live on. Depth at most 32: beyond is a bug(). */
struct xml_writer {
	struct buf *b;
	unsigned depth;
	bool open; /* the start tag still lacks its '>' */
	const char *name[32], *ns[33];
};

void xw_init(struct xml_writer *w, struct buf *b);
/* Inside of an element in ns, which is not declared again. */
void xw_init_in(struct xml_writer *w, struct buf *b, const char *ns);
/* ns NULL: the parent's. The outermost parent is in the stream's content namespace. */
void xw_start(struct xml_writer *w, const char *name, const char *ns);
void xw_attr(struct xml_writer *w, const char *name, struct str value);
void xw_attrz(struct xml_writer *w, const char *name, const char *value); /* NULL: nothing */
void xw_attr_int(struct xml_writer *w, const char *name, long long value);
void xw_text(struct xml_writer *w, struct str text);
void xw_raw(struct xml_writer *w, struct str xml); /* canonical XML, trusted */
void xw_end(struct xml_writer *w);
void xw_leaf(struct xml_writer *w, const char *name, const char *ns, struct str text);

#endif
