/* SPDX-License-Identifier: MIT */
/* Service discovery (XEP-0030), entity capabilities (XEP-0115), delayed delivery (XEP-0203). */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "xmpp/forms.h"
#include "xmpp/ns.h"

void disco_identity(struct xml_writer *w, const struct disco_identity *i)
{
	xw_start(w, "identity", NULL);
	xw_attrz(w, "category", i->category);
	xw_attrz(w, "type", i->type);
	xw_attrz(w, "xml:lang", i->lang);
	xw_attrz(w, "name", i->name);
	xw_end(w);
}

void disco_feature(struct xml_writer *w, const char *ns)
{
	xw_start(w, "feature", NULL);
	xw_attrz(w, "var", ns);
	xw_end(w);
}

void disco_item(struct xml_writer *w, struct str jid, const char *node, struct str name)
{
	xw_start(w, "item", NULL);
	xw_attr(w, "jid", jid);
	xw_attrz(w, "node", node);
	if (!str_empty(name))
		xw_attr(w, "name", name);
	xw_end(w);
}

void delay_write(struct xml_writer *w, struct str from, int64_t wall_us, const char *reason)
{
	char stamp[32];

	clock_format(wall_us, stamp);
	xw_start(w, "delay", NS_DELAY);
	if (!str_empty(from))
		xw_attr(w, "from", from);
	xw_attrz(w, "stamp", stamp);
	if (reason)
		xw_text(w, str_z(reason));
	xw_end(w);
}

/* The elements of one kind, to be sorted. */
struct list {
	const struct node **item;
	size_t n, cap;
};

static void list_add(struct list *list, const struct node *n)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 16;
		list->item = xrealloc(list->item, list->cap * sizeof(*list->item));
	}
	list->item[list->n++] = n;
}

static struct list list_children(const struct node *parent, const char *name, const char *ns)
{
	struct list list = {0};
	const struct node *n;

	for (n = node_child(parent, name, ns); n; n = node_next(n, name, ns))
		list_add(&list, n);
	return list;
}

static void list_sort(struct list *list, int (*compare)(const void *, const void *))
{
	if (list->n > 1)
		qsort(list->item, list->n, sizeof(*list->item), compare);
}

static struct str lang(const struct node *n)
{
	for (size_t i = 0; i < n->nattrs; i++) {
		if (str_eqz(n->attrs[i].ns, NS_XML) && str_eqz(n->attrs[i].name, "lang"))
			return n->attrs[i].value;
	}
	return STR_NONE;
}

static int by_attr(const void *a, const void *b, const char *name)
{
	const struct node *const *x = a, *const *y = b;

	return str_cmp(node_attr(*x, name), node_attr(*y, name));
}

static int by_var(const void *a, const void *b)
{
	return by_attr(a, b, "var");
}

static int by_identity(const void *a, const void *b)
{
	const struct node *const *x = a, *const *y = b;
	int r = by_attr(a, b, "category");

	r = r ? r : by_attr(a, b, "type");
	r = r ? r : str_cmp(lang(*x), lang(*y));
	return r ? r : by_attr(a, b, "name");
}

static int by_text(const void *a, const void *b)
{
	const struct node *const *x = a, *const *y = b;

	return str_cmp((*x)->text, (*y)->text);
}

static int by_form_type(const void *a, const void *b)
{
	const struct node *const *x = a, *const *y = b;

	return str_cmp(form_value(*x, "FORM_TYPE"), form_value(*y, "FORM_TYPE"));
}

static void put(struct buf *b, struct str s, char end)
{
	buf_str_append(b, s);
	buf_putc(b, end);
}

static void put_identities(const struct node *query, struct buf *b)
{
	struct list list = list_children(query, "identity", NS_DISCO_INFO);

	list_sort(&list, by_identity);
	for (size_t i = 0; i < list.n; i++) {
		put(b, node_attr(list.item[i], "category"), '/');
		put(b, node_attr(list.item[i], "type"), '/');
		put(b, lang(list.item[i]), '/');
		put(b, node_attr(list.item[i], "name"), '<');
	}
	free(list.item);
}

static void put_features(const struct node *query, struct buf *b)
{
	struct list list = list_children(query, "feature", NS_DISCO_INFO);

	list_sort(&list, by_var);
	for (size_t i = 0; i < list.n; i++)
		put(b, node_attr(list.item[i], "var"), '<');
	free(list.item);
}

static void put_field(const struct node *field, struct buf *b)
{
	struct list values = list_children(field, "value", NS_DATA);

	put(b, node_attr(field, "var"), '<');
	list_sort(&values, by_text);
	for (size_t i = 0; i < values.n; i++)
		put(b, values.item[i]->text, '<');
	free(values.item);
}

static void put_form(const struct node *form, struct buf *b)
{
	struct list fields = list_children(form, "field", NS_DATA);

	put(b, form_value(form, "FORM_TYPE"), '<');
	list_sort(&fields, by_var);
	for (size_t i = 0; i < fields.n; i++) {
		struct str var = node_attr(fields.item[i], "var");

		if (var.ptr && !str_eqz(var, "FORM_TYPE"))
			put_field(fields.item[i], b);
	}
	free(fields.item);
}

/* Section 5.4, 3.6: a form whose FORM_TYPE is missing or not hidden is left out. */
static bool has_hidden_form_type(const struct node *form)
{
	const struct node *f = node_child(form, "field", NS_DATA);

	while (f && !str_eqz(node_attr(f, "var"), "FORM_TYPE"))
		f = node_next(f, "field", NS_DATA);
	return f && str_eqz(node_attr(f, "type"), "hidden");
}

static void put_forms(const struct node *query, struct buf *b)
{
	struct list all = list_children(query, "x", NS_DATA), list = {0};

	for (size_t i = 0; i < all.n; i++) {
		if (has_hidden_form_type(all.item[i]))
			list_add(&list, all.item[i]);
	}
	list_sort(&list, by_form_type);
	for (size_t i = 0; i < list.n; i++)
		put_form(list.item[i], b);
	free(all.item);
	free(list.item);
}

void caps_ver(const struct node *query, struct buf *b)
{
	struct buf s = BUF_INIT;
	uint8_t digest[20];

	put_identities(query, &s);
	put_features(query, &s);
	put_forms(query, &s);
	sha1(buf_ptr(&s), s.len, digest);
	base64_encode(b, digest, sizeof(digest));
	buf_free(&s);
}
