/* SPDX-License-Identifier: MIT */
/* Elements written anew in canonical form, from what libexpat hands over. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "tools/pie_internal.h"
#include "xmpp/ns.h"
#include "xmpp/xml_write.h"

struct pie_name pie_name(const char *triplet)
{
	struct str rest = str_z(triplet), first, second;
	struct pie_name n = {0};

	str_split(&rest, PIE_SEPARATOR, &first);
	if (!str_split(&rest, PIE_SEPARATOR, &second)) {
		n.local = first;
		return n;
	}
	n.ns = first;
	n.local = second;
	str_split(&rest, PIE_SEPARATOR, &n.prefix);
	return n;
}

static void close_start(struct pie_canon *c, struct buf *b)
{
	if (c->open)
		buf_putc(b, '>');
	c->open = false;
}

static void put_attr(struct buf *b, struct str lead, struct str name, struct str value)
{
	buf_putc(b, ' ');
	buf_str_append(b, lead);
	buf_str_append(b, name);
	buf_lit(b, "='");
	xml_escape(b, value);
	buf_putc(b, '\'');
}

/* The prefix of an attribute is declared where it is used, once a tag. */
static void put_prefixed(struct buf *b, const char **atts, const char **at,
			 const struct pie_name *n)
{
	struct buf lead = BUF_INIT;
	bool declared = str_eqz(n->ns, NS_XML);
	struct str prefix = declared ? STR("xml") : n->prefix;

	for (; atts < at && !declared; atts += 2)
		declared = str_eq(pie_name(*atts).prefix, prefix);
	if (!declared)
		put_attr(b, STR("xmlns:"), prefix, n->ns);
	buf_str_append(&lead, prefix);
	buf_putc(&lead, ':');
	put_attr(b, buf_str(&lead), n->local, str_z(at[1]));
	buf_free(&lead);
}

void pie_canon_start(struct pie_canon *c, struct buf *b, const struct pie_name *n,
		     const char **atts)
{
	const char *outer = c->depth ? c->ns[c->depth - 1] : NULL;

	close_start(c, b);
	buf_putc(b, '<');
	buf_str_append(b, n->local);
	if (!outer || !str_eqz(n->ns, outer))
		put_attr(b, STR_NONE, STR("xmlns"), n->ns);
	for (const char **a = atts; *a; a += 2) {
		struct pie_name name = pie_name(*a);

		if (name.ns.len)
			put_prefixed(b, atts, a, &name);
		else
			put_attr(b, STR_NONE, name.local, str_z(a[1]));
	}
	c->ns[c->depth++] = str_dup(n->ns);
	c->open = true;
}

void pie_canon_text(struct pie_canon *c, struct buf *b, struct str text)
{
	close_start(c, b);
	xml_escape(b, text);
}

void pie_canon_leave(struct pie_canon *c)
{
	free(c->ns[--c->depth]);
}

void pie_canon_end(struct pie_canon *c, struct buf *b, const struct pie_name *n)
{
	if (c->open)
		buf_lit(b, "/>");
	else
		buf_printf(b, "</%.*s>", STR_ARG(n->local));
	c->open = false;
	pie_canon_leave(c);
}

void pie_canon_free(struct pie_canon *c)
{
	while (c->depth)
		pie_canon_leave(c);
}
