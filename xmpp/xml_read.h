/* SPDX-License-Identifier: MIT */
/*
 * The reader of XML streams (RFC 6120 section 4): bytes in, first-level elements out.
 *
 * Parsers (libexpat) are pooled: a connection holds one only while an element is incomplete.
 * A parser goes back to the pool under the detach rule: depth 1, no open CDATA section, no
 * token left over in it (byte index equal to the bytes fed). Prefixes are resolved outside of
 * the parser; only streams whose root is not written <stream:stream> get parsers that are not
 * shared.
 *
 * An element's content is handed out in canonical form: the default namespace it inherits is the
 * element's own; elements in it carry no prefix and no xmlns, so the same bytes are right on
 * client, server and component streams. Bytes that are canonical already are kept verbatim.
 */
#ifndef XMPP_XML_READ_H
#define XMPP_XML_READ_H

#include <stdint.h>
#include "base/pool.h"
#include "base/str.h"
#include "xmpp/error.h"

struct xml_attr {
	struct str ns; /* empty: no namespace */
	struct str name, value; /* value unescaped */
};

/* A direct child of an element: where it lies in the element's inner bytes. */
struct xml_child {
	struct str name, ns;
	uint32_t off, len;
};

/* All of it lives until the callback returns. */
struct xml_element {
	struct str name, ns;
	const struct xml_attr *attrs; /* without namespace declarations */
	size_t nattrs;
	const struct xml_child *children;
	size_t nchildren;
	struct str inner; /* canonical bytes between start and end tag */
	bool has_text;    /* character data other than white space directly inside */
	bool prefixed;    /* the element itself was written with a prefix */
};

struct xml_header { /* of a stream: its start tag */
	struct str name, ns;       /* "stream" in NS_STREAM unless the peer is confused */
	struct str content_ns;     /* the default namespace it declares; empty: none */
	const struct xml_attr *attrs;
	size_t nattrs;
};

/* The greatest depth that a reader may be told to allow: what node_parse() takes is deeper. */
enum { XML_DEPTH_MAX = 256 };

struct xml_limits {
	/* Of one first-level element as received; also of inner, and of the attributes with their
	 * namespaces, as they are written again. */
	size_t stanza_bytes;
	size_t header_bytes;   /* of the stream's start tag and what is before it */
	unsigned depth;        /* below the stream element */
	unsigned attrs;        /* of one element, namespace declarations included */
	unsigned children;     /* elements in one first-level element, at any depth */
	unsigned ns_decls;     /* in one first-level element */
};

struct xml_reader_ops {
	void (*header)(void *arg, const struct xml_header *h);
	void (*element)(void *arg, const struct xml_element *e);
	void (*end)(void *arg); /* </stream:stream> */
	/* Nothing is called after it until xml_reader_restart. not-well-formed, restricted-xml
	 * (DTD, comment, processing instruction, custom entity), bad-namespace-prefix,
	 * unsupported-encoding, bad-format (text between stanzas), policy-violation (a limit,
	 * text names it). */
	void (*error)(void *arg, enum stream_error condition, const char *text);
};

struct xml_reader;

/* Parsers are shared by the readers of one pool; one pool a process. */
struct xml_pool *xml_pool_new(void);
struct xml_pool *xml_pool_free(struct xml_pool *p); /* after its readers */

struct xml_reader *xml_reader_new(struct xml_pool *p, const struct xml_limits *limits,
				  const struct xml_reader_ops *ops, void *arg);
/* Accepts NULL; returns NULL. Allowed from inside a callback. */
struct xml_reader *xml_reader_free(struct xml_reader *r);
void xml_reader_feed(struct xml_reader *r, const char *data, size_t len);
/* From inside a callback: no more callbacks from the bytes of this feed; they are dropped
 * (<starttls/>, SASL success: RFC 6120 sections 5.4.3.3 and 6.3.2). */
void xml_reader_stop(struct xml_reader *r);
/* A new stream header is expected; a parser held is given back or retired. */
void xml_reader_restart(struct xml_reader *r);
/* True when an element or header is begun and not complete: for the time limit. */
bool xml_reader_partial(const struct xml_reader *r);
void xml_reader_limits(struct xml_reader *r, const struct xml_limits *limits);

#endif
