/* SPDX-License-Identifier: MIT */
/*
 * The tree of canonical bytes, made in one pass by hand: they have been through libexpat at the
 * edge, so a parser for the rest of XML (no comments, no declarations) is enough and four times
 * as fast. It still refuses what is not well-formed.
 */
#include <errno.h>
#include "base/alloc.h"
#include "xmpp/node.h"
#include "xmpp/node_internal.h"
#include "xmpp/ns.h"

/* What a reader takes, and what we put around it (XEP-0297, XEP-0227). */
#define MAX_DEPTH (XML_DEPTH_MAX + 16)

struct binding {
	const struct binding *next;
	struct str prefix, uri;
};

struct piece {
	struct piece *next;
	struct str text;
};

struct frame {
	struct node *n, **tail;
	const struct binding *scope;
	struct str qname;
	struct piece *first, **last;
	size_t text;
};

struct scan {
	const char *at, *end;
	struct pool *p;
	unsigned depth;
	struct frame frame[MAX_DEPTH + 1];
};

static bool name_char(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (unsigned char)c >= 0x80)
		return true;
	return !first && ((c >= '0' && c <= '9') || c == '-' || c == '.');
}

static void skip_blank(struct scan *s)
{
	while (s->at < s->end && xml_blank(*s->at))
		s->at++;
}

static int ncname(struct scan *s, struct str *ret)
{
	const char *from = s->at;

	while (s->at < s->end && name_char(*s->at, s->at == from))
		s->at++;
	if (s->at == from)
		return -EINVAL;
	*ret = str_n(from, (size_t)(s->at - from));
	return 0;
}

static int qname(struct scan *s, struct str *ret_prefix, struct str *ret_local)
{
	*ret_prefix = STR_NONE;
	if (ncname(s, ret_local) < 0)
		return -EINVAL;
	if (s->at == s->end || *s->at != ':')
		return 0;
	s->at++;
	*ret_prefix = *ret_local;
	return ncname(s, ret_local);
}

static int resolve(const struct binding *b, struct str prefix, struct str *ret)
{
	for (; b; b = b->next) {
		if (str_eq(b->prefix, prefix)) {
			*ret = b->uri;
			return 0;
		}
	}
	if (str_eq(prefix, STR("xml")))
		*ret = STR(NS_XML);
	else if (prefix.len)
		return -EINVAL;
	else
		*ret = STR("");
	return 0;
}

/* While the tag is read an attribute's ns holds its prefix. */
struct raw_attrs {
	struct xml_attr *v;
	size_t n, cap;
};

static void add_attr(struct pool *p, struct raw_attrs *a, struct xml_attr attr)
{
	if (a->n == a->cap) {
		struct xml_attr *v;

		a->cap = a->cap ? a->cap * 2 : 4;
		v = pool_alloc(p, a->cap * sizeof(*v));
		if (a->n)
			memcpy(v, a->v, a->n * sizeof(*v));
		a->v = v;
	}
	a->v[a->n++] = attr;
}

static int declare(struct scan *s, struct frame *f, struct str prefix, struct str uri)
{
	struct binding *b;

	if ((prefix.len && uri.len == 0) || str_eq(prefix, STR("xmlns")) ||
	    str_eq(prefix, STR("xml")) != str_eq(uri, STR(NS_XML)))
		return -EINVAL;
	b = pool_alloc(s->p, sizeof(*b));
	*b = (struct binding){f->scope, prefix, uri};
	f->scope = b;
	return 0;
}

static int attribute(struct scan *s, struct frame *f, struct raw_attrs *attrs)
{
	struct xml_attr a;
	const char *close;

	if (qname(s, &a.ns, &a.name) < 0)
		return -EINVAL;
	skip_blank(s);
	if (s->at == s->end || *s->at++ != '=')
		return -EINVAL;
	skip_blank(s);
	if (s->at == s->end || (*s->at != '\'' && *s->at != '"'))
		return -EINVAL;
	close = memchr(s->at + 1, *s->at, (size_t)(s->end - s->at - 1));
	if (!close)
		return -EINVAL;
	a.value = str_n(s->at + 1, (size_t)(close - s->at - 1));
	s->at = close + 1;
	if (str_find(a.value, '<', 0) >= 0 || xml_unescape(s->p, a.value, true, true, &a.value) < 0)
		return -EINVAL;
	if (str_empty(a.ns) && str_eq(a.name, STR("xmlns")))
		return declare(s, f, STR_NONE, a.value);
	if (str_eq(a.ns, STR("xmlns")))
		return declare(s, f, a.name, a.value);
	add_attr(s->p, attrs, a);
	return 0;
}

static int settle_attrs(const struct frame *f, struct raw_attrs *attrs)
{
	for (size_t i = 0; i < attrs->n; i++) {
		struct xml_attr *a = &attrs->v[i];

		if (str_empty(a->ns))
			a->ns = STR_NONE;
		else if (resolve(f->scope, a->ns, &a->ns) < 0)
			return -EINVAL;
		for (size_t j = 0; j < i; j++)
			if (str_eq(a->name, attrs->v[j].name) && str_eq(a->ns, attrs->v[j].ns))
				return -EINVAL;
	}
	return 0;
}

static void join_text(struct scan *s, struct frame *f)
{
	char *out;

	if (!f->first || !f->first->next) {
		f->n->text = f->first ? f->first->text : STR("");
		return;
	}
	out = pool_alloc(s->p, f->text);
	f->n->text = str_n(out, f->text);
	for (struct piece *t = f->first; t; t = t->next) {
		memcpy(out, t->text.ptr, t->text.len);
		out += t->text.len;
	}
}

static void leave(struct scan *s)
{
	struct frame *f = &s->frame[s->depth--];

	f->n->outer.len = (size_t)(s->at - f->n->outer.ptr);
	join_text(s, f);
}

static int start_tag(struct scan *s)
{
	struct frame *up = &s->frame[s->depth], *f = up + 1;
	struct raw_attrs attrs = {0};
	const char *from = s->at - 1;
	struct str prefix;
	struct node *n;

	if (s->depth == MAX_DEPTH)
		return -EINVAL;
	n = pool_calloc(s->p, sizeof(*n));
	*f = (struct frame){.n = n, .tail = &n->first, .scope = up->scope, .last = &f->first};
	n->outer = str_n(from, 0);
	n->parent = up->n;
	if (qname(s, &prefix, &n->name) < 0)
		return -EINVAL;
	f->qname = str_n(from + 1, (size_t)(s->at - from - 1));
	for (;;) {
		bool blank = s->at < s->end && xml_blank(*s->at);

		skip_blank(s);
		if (s->at == s->end)
			return -EINVAL;
		if (*s->at == '>' || *s->at == '/')
			break;
		if (!blank || attribute(s, f, &attrs) < 0)
			return -EINVAL;
	}
	if (resolve(f->scope, prefix, &n->ns) < 0 || settle_attrs(f, &attrs) < 0)
		return -EINVAL;
	n->attrs = attrs.v;
	n->nattrs = attrs.n;
	*up->tail = n;
	up->tail = &n->next;
	s->depth++;
	if (*s->at++ == '>')
		return 0;
	if (s->at == s->end || *s->at++ != '>')
		return -EINVAL;
	leave(s);
	return 0;
}

static int end_tag(struct scan *s)
{
	struct str name = s->frame[s->depth].qname;

	s->at++;
	if (s->depth == 0 || (size_t)(s->end - s->at) < name.len ||
	    !str_eq(str_n(s->at, name.len), name))
		return -EINVAL;
	s->at += name.len;
	skip_blank(s);
	if (s->at == s->end || *s->at++ != '>')
		return -EINVAL;
	leave(s);
	return 0;
}

static int add_text(struct scan *s, struct str raw, bool refs)
{
	struct frame *f = &s->frame[s->depth];
	struct piece *t;
	struct str text;

	if (s->depth == 0)
		return refs && str_empty(str_trim(raw)) ? 0 : -EINVAL;
	if (xml_unescape(s->p, raw, false, refs, &text) < 0)
		return -EINVAL;
	if (str_empty(text))
		return 0;
	t = pool_alloc(s->p, sizeof(*t));
	*t = (struct piece){NULL, text};
	*f->last = t;
	f->last = &t->next;
	f->text += text.len;
	return 0;
}

static int cdata(struct scan *s)
{
	struct str open = STR("![CDATA["), rest = str_n(s->at, (size_t)(s->end - s->at));
	const char *from, *close;

	if (!str_starts(rest, open))
		return -EINVAL;
	from = s->at + open.len;
	close = memmem(from, (size_t)(s->end - from), "]]>", 3);
	if (!close)
		return -EINVAL;
	s->at = close + 3;
	return add_text(s, str_n(from, (size_t)(close - from)), false);
}

static int next_token(struct scan *s)
{
	const char *lt = memchr(s->at, '<', (size_t)(s->end - s->at));
	struct str text = str_n(s->at, (size_t)((lt ? lt : s->end) - s->at));

	if (text.len) {
		s->at += text.len;
		/* Section 2.4. */
		if (text.len > 2 && memmem(text.ptr, text.len, "]]>", 3))
			return -EINVAL;
		return add_text(s, text, true);
	}
	if (++s->at == s->end)
		return -EINVAL;
	if (*s->at == '/')
		return end_tag(s);
	return *s->at == '!' ? cdata(s) : start_tag(s);
}

int node_parse(struct pool *p, struct str bytes, const char *content_ns, struct node **ret)
{
	struct binding outside = {NULL, STR_NONE, str_z(content_ns)};
	struct node *top = NULL;
	struct scan s UNINITIALIZED;

	if (!xml_chars_valid(bytes))
		return -EINVAL;
	s.at = bytes.ptr;
	s.end = bytes.ptr ? bytes.ptr + bytes.len : NULL;
	s.p = p;
	s.depth = 0;
	s.frame[0] = (struct frame){.tail = &top, .scope = &outside};
	while (s.at < s.end)
		if (next_token(&s) < 0)
			return -EINVAL;
	if (s.depth)
		return -EINVAL;
	*ret = top;
	return 0;
}

static const struct node *match(const struct node *n, const char *name, const char *ns)
{
	while (n && ((name && !str_eqz(n->name, name)) || (ns && !str_eqz(n->ns, ns))))
		n = n->next;
	return n;
}

const struct node *node_child(const struct node *n, const char *name, const char *ns)
{
	return n ? match(n->first, name, ns) : NULL;
}

const struct node *node_next(const struct node *n, const char *name, const char *ns)
{
	return n ? match(n->next, name, ns) : NULL;
}

struct str node_attr(const struct node *n, const char *name)
{
	for (size_t i = 0; n && i < n->nattrs; i++)
		if (str_empty(n->attrs[i].ns) && str_eqz(n->attrs[i].name, name))
			return n->attrs[i].value;
	return STR_NONE;
}

struct str node_child_text(const struct node *n, const char *name, const char *ns)
{
	const struct node *c = node_child(n, name, ns);

	return c ? c->text : STR_NONE;
}
