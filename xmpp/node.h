/* SPDX-License-Identifier: MIT */
/* A small read-only tree in a pool, for handlers that need an element's content. */
#ifndef XMPP_NODE_H
#define XMPP_NODE_H

#include "base/pool.h"
#include "xmpp/xml_read.h"

struct node {
	struct str name, ns;
	struct str text; /* all character data directly inside, unescaped, joined */
	struct str outer; /* its canonical bytes, start tag to end tag, as parsed */
	const struct xml_attr *attrs;
	size_t nattrs;
	struct node *first, *next, *parent; /* child elements; next sibling */
};

/* Parses canonical bytes (elements, white space) whose outermost default namespace is
 * content_ns. *ret is the first element, its siblings follow; NULL when there is none. All in
 * p; bytes must outlive it. -EINVAL: not well-formed, or deeper than 64. */
int node_parse(struct pool *p, struct str bytes, const char *content_ns, struct node **ret);
/* The first child with that name and namespace; name or ns NULL: any. Accepts NULL node. */
const struct node *node_child(const struct node *n, const char *name, const char *ns);
/* The next sibling after n like it. */
const struct node *node_next(const struct node *n, const char *name, const char *ns);
/* An attribute without namespace; ptr NULL when absent (empty is ptr non-NULL, len 0). */
struct str node_attr(const struct node *n, const char *name);
struct str node_child_text(const struct node *n, const char *name, const char *ns);

#endif
