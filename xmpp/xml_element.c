/* SPDX-License-Identifier: MIT */
/* The events of a parser inside a stream, put together to first-level elements. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "xmpp/xml_internal.h"
#include "xmpp/xml_write.h"

static void *grown(void *v, unsigned *cap, size_t want, size_t size)
{
	if (want <= *cap)
		return v;
	*cap = want > 8 ? (unsigned)want * 2 : 8;
	return xrealloc(v, *cap * size);
}

void xml_halt(struct xml_parser *w, uint64_t consumed)
{
	w->halt = true;
	w->consumed = consumed;
	XML_StopParser(w->xp, XML_FALSE);
}

static void fail(struct xml_parser *w, enum stream_error condition, const char *text)
{
	if (w->halt)
		return;
	xml_fault(&w->fault, condition, "%s", text);
	xml_halt(w, w->fed);
}

static void over(struct xml_parser *w, const char *what, size_t limit)
{
	/* RFC 6120 section 4.9.3.14: the policy may be named in the text. */
	xml_fault(&w->fault, STREAM_E_POLICY_VIOLATION, "%s exceeds the limit of %zu", what, limit);
	xml_halt(w, w->fed);
}

static uint64_t token_start(const struct xml_parser *w)
{
	return (uint64_t)XML_GetCurrentByteIndex(w->xp);
}

static uint64_t token_end(const struct xml_parser *w)
{
	return (uint64_t)XML_GetCurrentByteIndex(w->xp) + (uint64_t)XML_GetCurrentByteCount(w->xp);
}

static bool within_limits(struct xml_parser *w, const struct xml_tag *t)
{
	const struct xml_limits *l = &w->reader->limits;

	w->ndecls += t->ndecls;
	if (w->depth - 1 > l->depth)
		over(w, "the depth of an element", l->depth);
	else if (t->natts > l->attrs)
		over(w, "the number of attributes of an element", l->attrs);
	else if (w->ndecls > l->ns_decls)
		over(w, "the number of namespace declarations", l->ns_decls);
	else if (w->depth > 2 && ++w->nelements > l->children)
		over(w, "the number of elements in a stanza", l->children);
	return !w->halt;
}

/* Escaping makes six bytes of one, and who writes an attribute again puts its namespace with it:
 * who hands on what is within the limit stays within. */
static bool attrs_fit(struct xml_parser *w)
{
	size_t max = w->reader->limits.stanza_bytes, n = 0;
	const struct xml_element *e = &w->el;

	/* Those without a namespace are who takes the stanza to look at. */
	for (size_t i = 0; i < e->nattrs; i++)
		if (w->attrs[i].ns.len)
			n += w->attrs[i].ns.len + w->attrs[i].name.len + w->attrs[i].value.len;
	if (n <= max / 6)
		return true;
	buf_clear(&w->canon);
	for (size_t i = 0; i < e->nattrs; i++) {
		if (!w->attrs[i].ns.len)
			continue;
		buf_str_append(&w->canon, w->attrs[i].name);
		if (!xml_escape_within(&w->canon, w->attrs[i].ns, XML_ATTRIBUTE, max) ||
		    !xml_escape_within(&w->canon, w->attrs[i].value, XML_ATTRIBUTE, max)) {
			over(w, "the size of a stanza", max);
			return false;
		}
	}
	return true;
}

static bool begin(struct xml_parser *w, const struct xml_tag *t, const char **atts)
{
	struct xml_element *e = &w->el;
	const struct ns_bind *b;
	unsigned outermost;

	w->attrs = grown(w->attrs, &w->attrs_cap, t->natts, sizeof(*w->attrs));
	if (!ns_attrs(&w->ns, atts, w->attrs, &e->nattrs, &outermost, &w->fault) || !attrs_fit(w))
		return false;
	for (size_t i = 0; i < e->nattrs; i++) {
		w->attrs[i].name = pool_str(w->strings, w->attrs[i].name);
		w->attrs[i].value = pool_str(w->strings, w->attrs[i].value);
	}
	e->name = pool_str(w->strings, t->name);
	e->ns = t->ns;
	e->prefixed = t->prefixed;
	e->has_text = false;
	e->nchildren = 0;
	w->nelements = 0;
	w->canonical = true;
	w->el_start = token_start(w);
	w->inner_start = token_end(w);
	/* What the content inherits as written; read again it will inherit the element's own. */
	b = ns_find(&w->ns, STR_NONE);
	w->same_default = str_eq(b ? b->uri : STR(""), t->ns);
	return true;
}

/* Bytes are kept as they are when no element has a prefix, no attribute's prefix is declared
 * outside of them, and what is inherited from outside is the namespace of the first-level
 * element: inherited at all only where it is the same, and not declared once more. */
static bool canonical_tag(struct xml_parser *w, const struct xml_tag *t, const char **atts)
{
	bool from_outside = t->default_depth <= 2;
	unsigned outermost = UINT_MAX;
	size_t n = w->el.nattrs, own;

	if (t->nprefixed) {
		w->attrs = grown(w->attrs, &w->attrs_cap, n + t->natts, sizeof(*w->attrs));
		if (!ns_attrs(&w->ns, atts, w->attrs + n, &own, &outermost, &w->fault))
			return false;
	}
	if (t->prefixed || outermost < 3)
		w->canonical = false;
	else if (from_outside && !t->declares && !w->same_default)
		w->canonical = false;
	else if (from_outside && t->declares && str_eq(t->ns, w->el.ns))
		w->canonical = false;
	return true;
}

static void add_child(struct xml_parser *w, const struct xml_tag *t)
{
	size_t n = w->el.nchildren++;

	w->children = grown(w->children, &w->children_cap, n + 1, sizeof(*w->children));
	w->children[n] = (struct xml_child){
		.name = pool_str(w->strings, t->name),
		.ns = t->ns,
		.off = (uint32_t)(token_start(w) - w->inner_start),
	};
}

static void on_start(void *arg, const char *name, const char **atts)
{
	struct xml_parser *w = arg;
	struct xml_tag t;
	bool good;

	if (w->halt)
		return;
	if (++w->depth == 2) {
		pool_reset(w->strings);
		w->ns.n = 0;
		w->ndecls = 0;
	}
	good = ns_enter(&w->ns, w->strings, w->depth, name, atts, &t, &w->fault);
	if (good && !within_limits(w, &t))
		return;
	good = good && (w->depth == 2 ? begin(w, &t, atts) : canonical_tag(w, &t, atts));
	if (!good)
		xml_halt(w, w->fed);
	else if (w->depth == 3)
		add_child(w, &t);
}

/* The bytes of the element's content up to end: where they came in one piece, in it. */
static struct str inner_bytes(struct xml_parser *w, uint64_t end)
{
	size_t n = (size_t)(end - w->inner_start);

	if (w->inner_start >= w->before)
		return str_n(w->data + (w->inner_start - w->before), n);
	if (end > w->before)
		buf_append(&w->gather, w->data, (size_t)(end - w->before));
	return str_n(buf_ptr(&w->gather) + (w->inner_start - w->gather_start), n);
}

static void deliver(struct xml_parser *w)
{
	struct xml_reader *r = w->reader;
	uint64_t end = token_end(w);
	int written = 0;

	if (end - w->el_start > r->limits.stanza_bytes) {
		over(w, "the size of a stanza", r->limits.stanza_bytes);
		return;
	}
	w->el.inner = inner_bytes(w, token_start(w));
	w->el.attrs = w->attrs;
	w->el.children = w->children;
	if (!w->canonical)
		written = xml_canon(w, w->el.inner);
	if (written == -EMSGSIZE) {
		over(w, "the size of a stanza", r->limits.stanza_bytes);
		return;
	}
	if (written < 0) {
		fail(w, STREAM_E_INTERNAL_SERVER_ERROR, "a stanza cannot be rewritten");
		return;
	}
	w->served++;
	r->ops->element(r->arg, &w->el);
	if (r->stopped || r->restarted || r->freed)
		xml_halt(w, end);
}

static void on_end(void *arg, const char *name)
{
	struct xml_parser *w = arg;
	struct xml_child *c;

	if (w->halt)
		return;
	switch (w->depth--) {
	case 3:
		c = &w->children[w->el.nchildren - 1];
		c->len = (uint32_t)(token_end(w) - w->inner_start) - c->off;
		break;
	case 2:
		w->gap_start = token_end(w);
		deliver(w);
		break;
	case 1:
		xml_halt(w, token_end(w));
		break;
	}
	ns_leave(&w->ns, w->depth + 1);
}

static bool blank(const char *s, int n)
{
	for (int i = 0; i < n; i++)
		if (s[i] != ' ' && s[i] != '\n' && s[i] != '\t' && s[i] != '\r')
			return false;
	return true;
}

/* Whether the text was written as &…;, which counts as text though it be for a blank. One that
 * began in an earlier piece has been refused there. */
static bool is_reference(const struct xml_parser *w)
{
	uint64_t start = token_start(w);

	return start >= w->before && w->data[start - w->before] == '&';
}

static void on_text(void *arg, const char *s, int n)
{
	struct xml_parser *w = arg;

	if (w->halt || w->depth > 2)
		return;
	if (w->depth == 2)
		w->el.has_text = w->el.has_text || !blank(s, n);
	else if (!blank(s, n) || is_reference(w))
		fail(w, STREAM_E_BAD_FORMAT, "text between stanzas");
}

static void on_cdata_start(void *arg)
{
	struct xml_parser *w = arg;

	w->in_cdata = true;
	/* Also when it is empty: RFC 6120 section 11.7 has white space only between stanzas, and
	 * an open section there must never meet another stream's bytes. */
	if (!w->halt && w->depth < 2)
		fail(w, STREAM_E_BAD_FORMAT, "text between stanzas");
}

static void on_cdata_end(void *arg)
{
	struct xml_parser *w = arg;

	w->in_cdata = false;
}

/* RFC 6120 section 11.1. */
static void on_comment(void *arg, const char *data)
{
	fail(arg, STREAM_E_RESTRICTED_XML, "comments are not allowed");
}

static void on_pi(void *arg, const char *target, const char *data)
{
	fail(arg, STREAM_E_RESTRICTED_XML, "processing instructions are not allowed");
}

static void on_doctype(void *arg, const char *name, const char *sysid, const char *pubid, int inner)
{
	fail(arg, STREAM_E_RESTRICTED_XML, "document types are not allowed");
}

void xml_element_handlers(struct xml_parser *w)
{
	XML_SetElementHandler(w->xp, on_start, on_end);
	XML_SetCharacterDataHandler(w->xp, on_text);
	XML_SetCdataSectionHandler(w->xp, on_cdata_start, on_cdata_end);
	XML_SetCommentHandler(w->xp, on_comment);
	XML_SetProcessingInstructionHandler(w->xp, on_pi);
	XML_SetDoctypeDeclHandler(w->xp, on_doctype, NULL);
}
