/* SPDX-License-Identifier: MIT */
/* The reader: which bytes go to which parser, when it is given back, what is told to the owner. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include "base/alloc.h"
#include "base/log.h"
#include "xmpp/xml_internal.h"

/* libexpat counts in int; also bounds what one call may find behind a limit. */
#define PIECE (1u << 20)

#define NO_GAP UINT64_MAX

#define SIZE_TEXT "the size of a %s exceeds the limit of %zu"

struct xml_reader *xml_reader_new(struct xml_pool *p, const struct xml_limits *limits,
				  const struct xml_reader_ops *ops, void *arg)
{
	struct xml_reader *r = xcalloc(1, sizeof(*r));

	r->pool = p;
	r->ops = ops;
	r->arg = arg;
	r->limits = *limits;
	return r;
}

static void drop_parser(struct xml_reader *r)
{
	r->w = xml_parser_free(r->w);
	r->partial = false;
}

static void reader_destroy(struct xml_reader *r)
{
	drop_parser(r);
	xml_scope_free(r->scope);
	free(r);
}

struct xml_reader *xml_reader_free(struct xml_reader *r)
{
	if (!r)
		return NULL;
	/* libexpat is on the stack: the feed that called back finishes it. */
	if (r->feeding)
		r->freed = true;
	else
		reader_destroy(r);
	return NULL;
}

void xml_reader_stop(struct xml_reader *r)
{
	if (r->feeding)
		r->stopped = true;
}

static void start_over(struct xml_reader *r)
{
	drop_parser(r);
	xml_scope_free(r->scope);
	r->scope = NULL;
	r->state = READER_HEADER;
	r->header_seen = 0;
	r->restarted = false;
}

void xml_reader_restart(struct xml_reader *r)
{
	if (r->feeding)
		r->restarted = true;
	else
		start_over(r);
}

bool xml_reader_partial(const struct xml_reader *r)
{
	return r->partial;
}

void xml_reader_limits(struct xml_reader *r, const struct xml_limits *limits)
{
	r->limits = *limits;
}

/* What the XML declaration says; libexpat was told to read UTF-8 whatever it is. */
static void on_declaration(void *arg, const char *version, const char *encoding, int standalone)
{
	struct xml_parser *w = arg;

	if (!encoding || strcasecmp(encoding, "UTF-8") == 0)
		return;
	/* RFC 6120 section 11.6. */
	xml_fault(&w->fault, STREAM_E_UNSUPPORTED_ENCODING, "the encoding must be UTF-8");
	xml_halt(w, w->fed);
}

static void take_header(struct xml_parser *w, const char *name, const char **atts)
{
	struct xml_reader *r = w->reader;
	struct xml_header h = {0};
	const struct ns_bind *content;
	unsigned outermost;
	struct xml_tag t;

	if (!ns_enter(&w->ns, w->strings, 1, name, atts, &t, &w->fault))
		return;
	if (w->consumed > r->limits.header_bytes) {
		xml_fault(&w->fault, STREAM_E_POLICY_VIOLATION, SIZE_TEXT, "stream header",
			  r->limits.header_bytes);
		return;
	}
	if (t.natts > r->limits.attrs || t.ndecls > r->limits.ns_decls) {
		xml_fault(&w->fault, STREAM_E_POLICY_VIOLATION,
			  "the number of attributes of the stream exceeds the limit of %u",
			  t.natts > r->limits.attrs ? r->limits.attrs : r->limits.ns_decls);
		return;
	}
	w->attrs = xmalloc((t.natts + 1) * sizeof(*w->attrs));
	if (!ns_attrs(&w->ns, atts, w->attrs, &h.nattrs, &outermost, &w->fault))
		return;
	r->scope = xml_scope_make(name, w->ns.v, w->ns.n);
	r->state = READER_BODY;
	content = ns_find(&w->ns, STR_NONE);
	h.name = t.name;
	h.ns = t.ns;
	h.content_ns = content ? content->uri : STR("");
	h.attrs = w->attrs;
	r->ops->header(r->arg, &h);
}

static void on_header(void *arg, const char *name, const char **atts)
{
	struct xml_parser *w = arg;
	uint64_t start = (uint64_t)XML_GetCurrentByteIndex(w->xp);
	uint64_t len = (uint64_t)XML_GetCurrentByteCount(w->xp);

	if (w->halt)
		return;
	w->depth = 1;
	/* The rest of the piece is for a parser of the pool: nothing that a peer's header may have
	 * done to this one is shared. */
	xml_halt(w, start + len);
	take_header(w, name, atts);
}

/* <stream:stream/> is over at once; on_header has stopped the parser, but the library reports the
 * end of an empty element all the same. */
static void on_header_end(void *arg, const char *name)
{
	struct xml_parser *w = arg;

	if (w->depth == 1)
		w->depth = 0;
}

static struct xml_parser *header_parser(struct xml_reader *r)
{
	struct xml_parser *w = xml_parser_new(r->pool);

	xml_element_handlers(w);
	XML_SetElementHandler(w->xp, on_header, on_header_end);
	XML_SetXmlDeclHandler(w->xp, on_declaration);
	w->reader = r;
	return w;
}

static void raise(struct xml_reader *r, enum stream_error condition, const char *text)
{
	r->state = READER_OVER;
	r->stopped = true;
	r->ops->error(r->arg, condition, text);
	drop_parser(r);
}

/* RFC 6120 section 4.9.3.22: "otherwise improperly encoded the stream (e.g., by violating the rules of
 * the [UTF-8] encoding)". libexpat has one code for this and for characters that XML forbids. */
static bool is_not_utf8(XML_Parser xp)
{
	int at = 0, size = 0;
	const char *context = XML_GetInputContext(xp, &at, &size);
	unsigned char c = context && at < size ? (unsigned char)context[at] : 0;
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	if (c < 0x80)
		return false;
	if (n > (size_t)(size - at))
		n = (size_t)(size - at);
	return !str_utf8_valid(str_n(context + at, n));
}

static void raise_expat(struct xml_reader *r, enum XML_Error code)
{
	enum stream_error condition = STREAM_E_NOT_WELL_FORMED;

	switch (code) {
	case XML_ERROR_INVALID_TOKEN:
		if (is_not_utf8(r->w->xp))
			condition = STREAM_E_UNSUPPORTED_ENCODING;
		break;
	case XML_ERROR_UNDEFINED_ENTITY:
	case XML_ERROR_RECURSIVE_ENTITY_REF:
	case XML_ERROR_ASYNC_ENTITY:
	case XML_ERROR_BINARY_ENTITY_REF:
	case XML_ERROR_ATTRIBUTE_EXTERNAL_ENTITY_REF:
	case XML_ERROR_EXTERNAL_ENTITY_HANDLING:
		condition = STREAM_E_RESTRICTED_XML;
		break;
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		condition = STREAM_E_UNSUPPORTED_ENCODING;
		break;
	default:
		break;
	}
	raise(r, condition, XML_ErrorString(code));
}

static void raise_size(struct xml_reader *r)
{
	bool body = r->state == READER_BODY;
	char text[80];

	snprintf(text, sizeof(text), SIZE_TEXT, body ? "stanza" : "stream header",
		 body ? r->limits.stanza_bytes : r->limits.header_bytes);
	raise(r, STREAM_E_POLICY_VIOLATION, text);
}

/* Where what is incomplete in the parser begins. */
static uint64_t open_from(const struct xml_parser *w)
{
	return w->depth >= 2 ? w->el_start : (uint64_t)XML_GetCurrentByteIndex(w->xp);
}

static bool blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Between stanzas there is only white space (RFC 6120 section 11.7). The handlers see text that
 * is well-formed; here the first byte decides, so that "]" alone and "]]>" end alike. */
static bool stray_text(struct xml_parser *w, const char *data)
{
	size_t i;

	if (w->depth != 1 || w->gap_start == NO_GAP)
		return false;
	i = w->gap_start > w->before ? (size_t)(w->gap_start - w->before) : 0;
	while (i < w->fed - w->before && blank(data[i]))
		i++;
	w->gap_start = i < w->fed - w->before ? NO_GAP : w->fed;
	return w->gap_start == NO_GAP && data[i] != '<';
}

/* Keeps what a later piece's element may need of this one's bytes. */
static void gather(struct xml_parser *w, const char *data, uint64_t from)
{
	uint64_t start = w->depth >= 2 ? w->inner_start : from;

	if (start >= w->before) {
		buf_clear(&w->gather);
		w->gather_start = start;
		buf_append(&w->gather, data + (start - w->before), (size_t)(w->fed - start));
	} else {
		buf_append(&w->gather, data, (size_t)(w->fed - w->before));
	}
}

/* The detach rule: depth 1, no open CDATA section, no token left over. */
static void settle(struct xml_reader *r, const char *data)
{
	struct xml_parser *w = r->w;
	uint64_t from = open_from(w);

	/* A carriage return between stanzas waits for what follows it; it must not hold a parser
	 * for as long as the peer likes. */
	if (w->depth == 1 && w->fed - from == 1 && data[w->fed - w->before - 1] == '\r') {
		xml_parser_run(w, "\n", 1);
		from = open_from(w);
	}
	if (w->depth == 1 && !w->in_cdata && from == w->fed) {
		r->partial = false;
		r->w = NULL;
		xml_parser_give(w, r->scope->root);
		return;
	}
	if (w->fed - from > r->limits.stanza_bytes) {
		raise_size(r);
		return;
	}
	r->partial = true;
	gather(w, data, from);
	xml_hold_from(w);
}

/* A handler has stopped the parser: for an error, the end of header or stream, a callback. */
static void halted(struct xml_reader *r)
{
	struct xml_parser *w = r->w;

	if (w->fault.set) {
		raise(r, w->fault.condition, w->fault.text);
		return;
	}
	if (w->depth == 0 && !r->stopped && !r->restarted && !r->freed) {
		r->state = READER_OVER;
		r->ops->end(r->arg);
	}
	drop_parser(r);
}

/* Returns how many bytes were for this parser. */
static size_t parse_body(struct xml_reader *r, const char *data, size_t n)
{
	struct xml_parser *w = r->w;
	enum XML_Status status;

	w->hold = 0;
	status = xml_parser_run(w, data, n);
	if (w->halt) {
		n = (size_t)(w->consumed - w->before);
		halted(r);
	} else if (stray_text(w, data)) {
		raise(r, STREAM_E_BAD_FORMAT, "text between stanzas");
	} else if (status != XML_STATUS_OK) {
		raise_expat(r, XML_GetErrorCode(w->xp));
	} else {
		settle(r, data);
	}
	return n;
}

/* With what was held. Nothing in that was complete, so the bytes used reach into the new ones. */
static size_t parse_held(struct xml_reader *r, const char *data, size_t n)
{
	struct buf held = r->w->held;
	size_t before = held.len;

	r->w->held = BUF_INIT;
	buf_append(&held, data, n);
	n = parse_body(r, buf_ptr(&held), held.len) - before;
	buf_free(&held);
	return n;
}

static size_t feed_body(struct xml_reader *r, const char *data, size_t len)
{
	struct xml_parser *w = r->w;
	size_t room, n = 0;

	if (!w) {
		while (n < len && blank(data[n]))
			n++;
		if (n)
			return n; /* the keepalive of RFC 6120 section 4.6.1 costs no parser */
		r->w = w = xml_parser_take(r->pool, r->scope->root);
		w->reader = r;
		w->gap_start = w->fed;
		w->ns.outer = r->scope->bind;
		w->ns.nouter = r->scope->n;
	}
	/* One byte beyond the limit is enough to see it exceeded. */
	room = (size_t)(w->fed - open_from(w)) + w->held.len;
	room = room > r->limits.stanza_bytes ? 1 : r->limits.stanza_bytes - room + 1;
	n = len < room ? len : room;
	if (n > PIECE)
		n = PIECE;
	if (w->hold && n < room && xml_hold(w, data, n))
		return n;
	return w->held.len ? parse_held(r, data, n) : parse_body(r, data, n);
}

/* RFC 6120 section 11.6. A stream in UTF-16 or -32, with a byte order mark or without, begins with
 * one of these; libexpat would follow it against what it was told. */
static bool foreign(const struct xml_reader *r, const char *data)
{
	unsigned char c = (unsigned char)data[0];

	if (r->header_seen == 0)
		return c == 0 || c >= 0xfe;
	return r->header_seen == 1 && c == 0;
}

static size_t feed_header(struct xml_reader *r, const char *data, size_t len)
{
	size_t n = 0, room = r->limits.header_bytes + 1 - r->header_seen;
	enum XML_Status status;
	struct xml_parser *w;

	if (!r->w) {
		while (n < len && blank(data[n]))
			n++;
		if (n)
			return n; /* left over from the stream before (section 11.7) */
	}
	n = len < room ? len : room;
	if (n > PIECE)
		n = PIECE;
	if (r->header_seen == 0)
		n = 1; /* to look at the second alone */
	if (foreign(r, data)) {
		raise(r, STREAM_E_UNSUPPORTED_ENCODING, "the encoding must be UTF-8");
		return len;
	}
	/* Section 11.6: U+FEFF "as the first character of the stream" is a character as any other, and
	 * text before the root element; libexpat would take it for a byte order mark. */
	if (r->header_seen == 0 && (unsigned char)data[0] == 0xef) {
		raise(r, STREAM_E_NOT_WELL_FORMED, "text before the stream header");
		return len;
	}
	if (!r->w)
		r->w = header_parser(r);
	w = r->w;
	status = xml_parser_run(w, data, n);
	r->header_seen += n;
	r->partial = true;
	if (w->halt) {
		n = (size_t)(w->consumed - w->before);
		halted(r);
	} else if (status != XML_STATUS_OK) {
		raise_expat(r, XML_GetErrorCode(w->xp));
	} else if (r->header_seen > r->limits.header_bytes) {
		raise_size(r);
	}
	return n;
}

/* True: the reader is gone or the rest is dropped. */
static bool after_callback(struct xml_reader *r)
{
	bool stop = r->stopped;

	r->stopped = false;
	if (r->freed) {
		reader_destroy(r);
		return true;
	}
	if (r->restarted)
		start_over(r);
	r->feeding = !stop;
	return stop;
}

void xml_reader_feed(struct xml_reader *r, const char *data, size_t len)
{
	if (r->feeding)
		bug("a reader is fed from its own callback");
	r->feeding = true;
	while (len > 0 && r->state != READER_OVER) {
		size_t n = r->state == READER_HEADER ? feed_header(r, data, len)
						     : feed_body(r, data, len);

		data += n;
		len -= n;
		if ((r->stopped || r->restarted || r->freed) && after_callback(r))
			return;
	}
	r->feeding = false;
}
