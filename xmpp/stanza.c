/* SPDX-License-Identifier: MIT */
/* The envelope made of an element or of text, and looked at. */
#include <errno.h>
#include "base/buf.h"
#include "xmpp/jid.h"
#include "xmpp/node.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_internal.h"
#include "xmpp/xml_write.h"

static const char *const kind_names[] = {
	[STANZA_MESSAGE] = "message",
	[STANZA_PRESENCE] = "presence",
	[STANZA_IQ] = "iq",
};

static const char *const type_names[] = {
	[MESSAGE_NORMAL] = "",
	[MESSAGE_CHAT] = "chat",
	[MESSAGE_GROUPCHAT] = "groupchat",
	[MESSAGE_HEADLINE] = "headline",
	[MESSAGE_ERROR] = "error",
	[PRESENCE_AVAILABLE] = "",
	[PRESENCE_UNAVAILABLE] = "unavailable",
	[PRESENCE_SUBSCRIBE] = "subscribe",
	[PRESENCE_SUBSCRIBED] = "subscribed",
	[PRESENCE_UNSUBSCRIBE] = "unsubscribe",
	[PRESENCE_UNSUBSCRIBED] = "unsubscribed",
	[PRESENCE_PROBE] = "probe",
	[PRESENCE_ERROR] = "error",
	[IQ_GET] = "get",
	[IQ_SET] = "set",
	[IQ_RESULT] = "result",
	[IQ_ERROR] = "error",
	[STANZA_TYPE_UNKNOWN] = "",
};

const struct stanza_types stanza_types[] = {
	[STANZA_MESSAGE] = {MESSAGE_NORMAL, MESSAGE_ERROR, MESSAGE_NORMAL, MESSAGE_NORMAL},
	[STANZA_PRESENCE] = {PRESENCE_AVAILABLE, PRESENCE_ERROR, PRESENCE_AVAILABLE,
			     STANZA_TYPE_UNKNOWN},
	[STANZA_IQ] = {IQ_GET, IQ_ERROR, STANZA_TYPE_UNKNOWN, STANZA_TYPE_UNKNOWN},
};

const char *stanza_kind_name(enum stanza_kind k)
{
	return kind_names[k];
}

const char *stanza_type_name(enum stanza_type t)
{
	return type_names[t];
}

static int kind_of(struct str name, enum stanza_kind *ret)
{
	for (unsigned k = 0; k < sizeof(kind_names) / sizeof(kind_names[0]); k++) {
		if (str_eqz(name, kind_names[k])) {
			*ret = (enum stanza_kind)k;
			return 0;
		}
	}
	return -ENOENT;
}

static enum stanza_type type_of(enum stanza_kind kind, struct str text)
{
	const struct stanza_types *t = &stanza_types[kind];

	if (!text.ptr)
		return t->absent;
	for (unsigned i = t->first; i <= t->last; i++)
		if (type_names[i][0] && str_eqz(text, type_names[i]))
			return (enum stanza_type)i;
	/* RFC 6121 section 4.7.1 knows no name for being available, 5.2.2 one for normal. */
	return t->other;
}

/* Attributes that the envelope has no field for, as they are written into the start tag. */
static void keep_attr(struct buf *b, const struct xml_attr *a, unsigned number)
{
	if (str_eqz(a->ns, NS_XML)) {
		buf_lit(b, " xml:");
	} else if (!str_empty(a->ns)) {
		buf_printf(b, " xmlns:a%u='", number);
		xml_escape(b, a->ns);
		buf_printf(b, "' a%u:", number);
	} else {
		buf_putc(b, ' ');
	}
	buf_str_append(b, a->name);
	buf_lit(b, "='");
	xml_escape(b, a->value);
	buf_putc(b, '\'');
}

static int prepared(struct pool *p, struct str text, struct str *ret)
{
	struct jid jid;
	int r = jid_parse(p, text, &jid);

	if (r == 0)
		*ret = jid.full;
	return r;
}

static void take_attrs(struct pool *p, struct stanza *s, const struct xml_attr *v, size_t n)
{
	struct str type = STR_NONE, from = STR_NONE, to = STR_NONE;
	struct buf other = BUF_INIT;
	const struct xml_attr *said = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct xml_attr *a = &v[i];
		bool plain = str_empty(a->ns);

		if (plain && str_eq(a->name, STR("to")))
			to = a->value;
		else if (plain && str_eq(a->name, STR("from")))
			from = a->value;
		else if (plain && str_eq(a->name, STR("id")))
			s->id = a->value;
		else if (plain && str_eq(a->name, STR("type")))
			type = (said = a)->value;
		else if (str_eq(a->name, STR("lang")) && str_eqz(a->ns, NS_XML))
			s->lang = a->value;
		else
			keep_attr(&other, a, (unsigned)i);
	}
	s->type = type_of(s->kind, type);
	/* What is treated as normal (RFC 6121 section 5.2.2) is passed on as it was said. */
	if (said && s->kind == STANZA_MESSAGE && s->type == MESSAGE_NORMAL)
		keep_attr(&other, said, 0);
	if (other.len)
		s->attrs = pool_str(p, buf_str(&other));
	buf_free(&other);
	if (from.ptr && prepared(p, from, &s->from) < 0)
		s->fault = STANZA_BAD_REQUEST;
	if (to.ptr && prepared(p, to, &s->to) < 0)
		s->fault = STANZA_TO_MALFORMED;
}

/* RFC 6120 section 8.2.3 for iq; RFC 6121 section 4.7.1 for presence. */
static bool well_made(const struct stanza *s)
{
	if (s->type == STANZA_TYPE_UNKNOWN)
		return false;
	if (s->kind != STANZA_IQ)
		return true;
	if (!s->id.ptr)
		return false;
	return (s->type != IQ_GET && s->type != IQ_SET) || s->nchildren == 1;
}

/* Inside, the content namespace is always the client's, on whatever stream it came. */
static const struct xml_child *own_children(struct pool *p, const struct xml_element *e)
{
	struct xml_child *v;

	if (e->nchildren == 0 || str_eqz(e->ns, NS_CLIENT))
		return e->children;
	v = pool_alloc(p, e->nchildren * sizeof(*v));
	for (size_t i = 0; i < e->nchildren; i++) {
		v[i] = e->children[i];
		if (str_eq(v[i].ns, e->ns))
			v[i].ns = STR(NS_CLIENT);
	}
	return v;
}

int stanza_from_element(struct pool *p, const struct xml_element *e, struct stanza *ret)
{
	struct stanza s = {0};

	if (kind_of(e->name, &s.kind) < 0)
		return -ENOENT;
	s.children = own_children(p, e);
	s.nchildren = e->nchildren;
	s.bytes = e->inner;
	take_attrs(p, &s, e->attrs, e->nattrs);
	if (s.fault == STANZA_FINE && !well_made(&s))
		s.fault = STANZA_BAD_REQUEST;
	*ret = s;
	return 0;
}

/* Between start and end tag of an element that node_parse has accepted. */
static struct str inner_of(struct str outer)
{
	size_t i = 0, end = outer.len;
	char quote = 0;

	for (; i < outer.len && (quote || outer.ptr[i] != '>'); i++) {
		char c = outer.ptr[i];

		if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '\'' || c == '"')
			quote = c;
	}
	if (outer.ptr[i - 1] == '/')
		return STR("");
	while (outer.ptr[end - 1] != '<')
		end--;
	return str_n(outer.ptr + i + 1, end - 1 - (i + 1));
}

int stanza_parse(struct pool *p, struct str xml, struct stanza *ret)
{
	struct xml_element e = {0};
	struct xml_child *v;
	struct node *n;

	if (node_parse(p, xml, NS_CLIENT, &n) < 0 || !n || n->next)
		return -EINVAL;
	e.name = n->name;
	e.ns = n->ns;
	e.attrs = n->attrs;
	e.nattrs = n->nattrs;
	e.inner = inner_of(n->outer);
	for (const struct node *c = n->first; c; c = c->next)
		e.nchildren++;
	e.children = v = pool_alloc(p, e.nchildren * sizeof(*v));
	for (const struct node *c = n->first; c; c = c->next, v++) {
		v->name = c->name;
		v->ns = c->ns;
		v->off = (uint32_t)(c->outer.ptr - e.inner.ptr);
		v->len = (uint32_t)c->outer.len;
	}
	return stanza_from_element(p, &e, ret);
}

int stanza_reread(struct pool *p, struct stanza *s)
{
	struct buf b = BUF_INIT;
	int r;

	stanza_write(s, &b);
	r = stanza_parse(p, pool_str(p, buf_str(&b)), s);
	buf_free(&b);
	return r;
}

const struct xml_child *stanza_child(const struct stanza *s, const char *name, const char *ns)
{
	for (size_t i = 0; i < s->nchildren; i++) {
		const struct xml_child *c = &s->children[i];

		if ((!name || str_eqz(c->name, name)) && (!ns || str_eqz(c->ns, ns)))
			return c;
	}
	return NULL;
}

struct str stanza_child_bytes(const struct stanza *s, const struct xml_child *c)
{
	return str_n(s->bytes.ptr + c->off, c->len);
}

const struct node *stanza_payload(struct pool *p, const struct stanza *s)
{
	struct node *n;

	if (s->kind != STANZA_IQ || (s->type != IQ_GET && s->type != IQ_SET) || s->nchildren != 1)
		return NULL;
	if (node_parse(p, stanza_child_bytes(s, &s->children[0]), NS_CLIENT, &n) < 0)
		return NULL;
	return n;
}

bool stanza_no_reply(const struct stanza *s)
{
	/* RFC 6120 sections 8.2.3 and 8.3.1. */
	return s->type == MESSAGE_ERROR || s->type == PRESENCE_ERROR || s->type == IQ_ERROR ||
	       s->type == IQ_RESULT;
}
