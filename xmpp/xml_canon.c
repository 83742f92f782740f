/* SPDX-License-Identifier: MIT */
/*
 * The slow path: an element's content written anew in canonical form.
 *
 * The bytes have been through a parser of the reader already and go through a second one of the
 * same pool, whose handlers are these for as long.
 */
#include <errno.h>
#include "xmpp/xml_internal.h"
#include "xmpp/xml_write.h"

struct canon {
	struct xml_parser *p; /* the second one: its prefix stack and strings */
	struct buf *b;
	struct xml_child *children;
	size_t nchildren;
	struct ns_stack out;  /* the default namespaces as written */
	struct str inherited; /* outside of all */
	unsigned depth;
	bool open;  /* the start tag still lacks its '>' */
	bool flush; /* what begins now is ours and not to be written */
	bool over;  /* more than max has been written */
	size_t max;
	struct xml_fault fault;
};

/* A prefix may stand for a long name and a byte for six: the limit is looked at while writing. */
static void put_escaped(struct canon *c, struct str s, enum xml_place place)
{
	if (xml_escape_within(c->b, s, place, c->max))
		return;
	c->over = true;
	XML_StopParser(c->p->xp, XML_FALSE);
}

static void put_attr(struct canon *c, const char *lead, struct str name, struct str value)
{
	if (c->over)
		return;
	buf_append(c->b, lead, strlen(lead));
	buf_str_append(c->b, name);
	buf_lit(c->b, "='");
	put_escaped(c, value, XML_ATTRIBUTE);
	buf_putc(c->b, '\'');
}

static void close_tag(struct canon *c)
{
	if (c->open)
		buf_putc(c->b, '>');
	c->open = false;
}

static void put_default(struct canon *c, struct str ns)
{
	struct str now = c->out.n ? c->out.v[c->out.n - 1].uri : c->inherited;

	if (str_eq(now, ns))
		return;
	put_attr(c, " xmlns", STR_NONE, ns);
	ns_push(&c->out, STR_NONE, ns, c->depth);
}

/* The prefix of an attribute is declared where it is used, once a tag. */
static void put_prefix(struct canon *c, const char **atts, const char **at)
{
	struct str prefix = str_n(*at, (size_t)(strchr(*at, ':') - *at));
	const struct ns_bind *b = ns_find(&c->p->ns, prefix);

	if (!b || b->depth == 0) /* xml: */
		return;
	for (; atts < at; atts += 2)
		if (!ns_is_decl(*atts) && strncmp(*atts, *at, prefix.len + 1) == 0)
			return;
	put_attr(c, " xmlns:", prefix, b->uri);
}

static void on_start(void *arg, const char *name, const char **atts)
{
	struct canon *c = arg;
	struct xml_tag t;

	if (c->flush)
		return;
	close_tag(c);
	c->depth++;
	/* The reader stood at depth 2; declarations outside keep a smaller one. */
	if (!ns_enter(&c->p->ns, c->p->strings, c->depth + 2, name, atts, &t, &c->fault)) {
		XML_StopParser(c->p->xp, XML_FALSE);
		return;
	}
	if (c->depth == 1)
		c->children[c->nchildren].off = (uint32_t)c->b->len;
	buf_putc(c->b, '<');
	buf_str_append(c->b, t.name);
	put_default(c, t.ns);
	for (const char **a = atts; *a; a += 2) {
		if (ns_is_decl(*a))
			continue;
		if (strchr(*a, ':'))
			put_prefix(c, atts, a);
		put_attr(c, " ", str_z(a[0]), str_z(a[1]));
	}
	c->open = true;
}

static void on_end(void *arg, const char *name)
{
	struct canon *c = arg;
	const char *colon = strchr(name, ':');

	if (c->flush || c->fault.set || c->over)
		return;
	if (c->open) {
		buf_lit(c->b, "/>");
	} else {
		buf_lit(c->b, "</");
		buf_str_append(c->b, str_z(colon ? colon + 1 : name));
		buf_putc(c->b, '>');
	}
	c->open = false;
	ns_leave(&c->p->ns, c->depth + 2);
	ns_leave(&c->out, c->depth);
	if (--c->depth == 0) {
		struct xml_child *child = &c->children[c->nchildren++];

		child->len = (uint32_t)c->b->len - child->off;
	}
}

static void on_text(void *arg, const char *s, int n)
{
	struct canon *c = arg;

	close_tag(c);
	put_escaped(c, str_n(s, (size_t)n), XML_TEXT);
}

static void scope_of(struct xml_parser *p, const struct xml_parser *w)
{
	pool_reset(p->strings);
	p->ns.outer = w->ns.outer;
	p->ns.nouter = w->ns.nouter;
	p->ns.n = 0;
	for (unsigned i = 0; i < w->ns.n; i++)
		ns_push(&p->ns, w->ns.v[i].prefix, w->ns.v[i].uri, 2);
}

int xml_canon(struct xml_parser *w, struct str inner)
{
	struct str root = STR("stream:stream");
	struct xml_parser *p = xml_parser_take(w->pool, root);
	struct canon c = {
		.p = p,
		.b = &w->canon,
		.children = w->children,
		.inherited = w->el.ns,
		.max = w->reader->limits.stanza_bytes,
	};
	enum XML_Status content, end;

	scope_of(p, w);
	buf_clear(c.b);
	XML_SetUserData(p->xp, &c);
	XML_SetElementHandler(p->xp, on_start, on_end);
	XML_SetCharacterDataHandler(p->xp, on_text);
	XML_SetCdataSectionHandler(p->xp, NULL, NULL);
	content = xml_parser_run(p, inner.ptr, inner.len);
	/* A carriage return at the very end comes out only when something follows. */
	c.flush = true;
	end = content == XML_STATUS_OK ? xml_parser_run(p, "<_/>", 4) : XML_STATUS_ERROR;
	ns_free(&c.out);
	p->ns.n = 0;
	c.over = c.over || w->canon.len > c.max;
	if (c.over || end != XML_STATUS_OK || c.nchildren != w->el.nchildren) {
		xml_parser_free(p);
		return c.over ? -EMSGSIZE : -EINVAL;
	}
	XML_SetUserData(p->xp, p);
	xml_element_handlers(p);
	xml_parser_give(p, root);
	w->el.inner = buf_str(&w->canon);
	return 0;
}
