/* SPDX-License-Identifier: MIT */
/* Stanzas written, cut, appended to, and answered. */
#include "base/buf.h"
#include "base/log.h"
#include "xmpp/node.h"
#include "xmpp/ns.h"
#include "xmpp/stanza_internal.h"
#include "xmpp/xml_write.h"

static void put_attr(struct buf *b, const char *lead, struct str value)
{
	if (!value.ptr)
		return;
	buf_append(b, lead, strlen(lead));
	xml_escape(b, value);
	buf_putc(b, '\'');
}

static void put_head(const struct stanza *s, const char *ns, struct buf *b)
{
	const char *kind = stanza_kind_name(s->kind);

	buf_putc(b, '<');
	buf_append(b, kind, strlen(kind));
	if (ns)
		put_attr(b, " xmlns='", str_z(ns));
}

static void put_tail(const struct stanza *s, struct buf *b)
{
	const char *kind = stanza_kind_name(s->kind), *type = stanza_type_name(s->type);

	put_attr(b, " from='", s->from);
	put_attr(b, " id='", s->id);
	if (*type)
		put_attr(b, " type='", str_z(type));
	put_attr(b, " xml:lang='", s->lang);
	buf_str_append(b, s->attrs);
	if (str_empty(s->bytes)) {
		buf_lit(b, "/>");
		return;
	}
	buf_putc(b, '>');
	buf_str_append(b, s->bytes);
	buf_lit(b, "</");
	buf_append(b, kind, strlen(kind));
	buf_putc(b, '>');
}

void stanza_write_ns(const struct stanza *s, const char *content_ns, struct buf *b)
{
	put_head(s, content_ns, b);
	put_attr(b, " to='", s->to);
	put_tail(s, b);
}

void stanza_write(const struct stanza *s, struct buf *b)
{
	stanza_write_ns(s, NULL, b);
}

size_t stanza_write_most(const struct stanza *s)
{
	size_t escaped = s->to.len + s->from.len + s->id.len + s->lang.len;

	return (sizeof "&apos;" - 1) * escaped + s->attrs.len + s->bytes.len + 128; /* names and types */
}

void stanza_write_split(const struct stanza *s, struct buf *head, struct buf *tail)
{
	put_head(s, NULL, head);
	put_tail(s, tail);
}

void stanza_cut(struct pool *p, struct stanza *s, const struct xml_child *c)
{
	size_t at = (size_t)(c - s->children), end = c->off + c->len;
	struct xml_child *v = pool_alloc(p, s->nchildren * sizeof(*v));
	char *bytes = pool_alloc(p, s->bytes.len);
	size_t n = 0;

	memcpy(bytes, s->bytes.ptr, c->off);
	memcpy(bytes + c->off, s->bytes.ptr + end, s->bytes.len - end);
	for (size_t i = 0; i < s->nchildren; i++) {
		if (i == at)
			continue;
		v[n] = s->children[i];
		v[n].off -= i > at ? c->len : 0;
		n++;
	}
	s->bytes = str_n(bytes, s->bytes.len - c->len);
	s->children = v;
	s->nchildren = n;
}

void stanza_append(struct pool *p, struct stanza *s, const char *name, const char *ns,
		   struct str xml)
{
	struct xml_child *v = pool_alloc(p, (s->nchildren + 1) * sizeof(*v));
	char *bytes = pool_alloc(p, s->bytes.len + xml.len);

	if (s->nchildren)
		memcpy(v, s->children, s->nchildren * sizeof(*v));
	v[s->nchildren] = (struct xml_child){
		.name = pool_str(p, str_z(name)),
		.ns = ns ? pool_str(p, str_z(ns)) : STR(NS_CLIENT),
		.off = (uint32_t)s->bytes.len,
		.len = (uint32_t)xml.len,
	};
	if (s->bytes.len)
		memcpy(bytes, s->bytes.ptr, s->bytes.len);
	memcpy(bytes + s->bytes.len, xml.ptr, xml.len);
	s->bytes = str_n(bytes, s->bytes.len + xml.len);
	s->children = v;
	s->nchildren++;
}

static struct stanza answer(const struct stanza *s, enum stanza_type type)
{
	if (stanza_no_reply(s))
		bug("an answer to a %s of type %s", stanza_kind_name(s->kind),
		    stanza_type_name(s->type));
	return (struct stanza){
		.kind = s->kind,
		.type = type,
		.id = s->id,
		.to = s->from,
		.from = s->to,
	};
}

struct stanza stanza_result(const struct stanza *s, struct str bytes)
{
	struct stanza r = answer(s, IQ_RESULT);

	if (s->kind != STANZA_IQ)
		bug("a result for a %s", stanza_kind_name(s->kind));
	r.bytes = bytes;
	return r;
}

/* RFC 6120 section 8.3.2: the condition, then the text, then what the application adds. */
static struct str error_element(struct pool *p, enum stanza_error e, const char *type,
				const char *text, struct str app)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;
	struct str xml;

	xw_init(&w, &b);
	xw_start(&w, "error", NULL);
	xw_attrz(&w, "type", type ? type : stanza_error_type(e));
	xw_leaf(&w, stanza_error_name(e), NS_STANZAS, STR_NONE);
	if (text) {
		xw_start(&w, "text", NS_STANZAS);
		xw_attrz(&w, "xml:lang", "en");
		xw_text(&w, str_z(text));
		xw_end(&w);
	}
	xw_raw(&w, app);
	xw_end(&w);
	xml = pool_str(p, buf_str(&b));
	buf_free(&b);
	return xml;
}

struct stanza stanza_error_reply(struct pool *p, const struct stanza *s, enum stanza_error e,
				 const char *type, const char *text, struct str app)
{
	static const enum stanza_type error_types[] = {
		[STANZA_MESSAGE] = MESSAGE_ERROR,
		[STANZA_PRESENCE] = PRESENCE_ERROR,
		[STANZA_IQ] = IQ_ERROR,
	};
	struct stanza r = answer(s, error_types[s->kind]);

	stanza_append(p, &r, "error", NULL, error_element(p, e, type, text, app));
	return r;
}
