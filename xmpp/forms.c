/* SPDX-License-Identifier: MIT */
/* Data forms (XEP-0004) with a FORM_TYPE (XEP-0068). */
#include "xmpp/forms.h"

#include "xmpp/ns.h"

static const struct node *field(const struct node *x, const char *var)
{
	const struct node *f;

	for (f = node_child(x, "field", NS_DATA); f; f = node_next(f, "field", NS_DATA)) {
		if (str_eqz(node_attr(f, "var"), var))
			return f;
	}
	return NULL;
}

/* A value that is there and empty is not an absent one. */
static struct str value_text(const struct node *value)
{
	return value->text.ptr ? value->text : STR("");
}

struct str form_value(const struct node *x, const char *var)
{
	const struct node *f = field(x, var);
	const struct node *value = f ? node_child(f, "value", NS_DATA) : NULL;

	return value ? value_text(value) : STR_NONE;
}

void form_values(const struct node *x, const char *var, void (*fn)(void *arg, struct str v),
		 void *arg)
{
	const struct node *f = field(x, var);
	const struct node *value = f ? node_child(f, "value", NS_DATA) : NULL;

	for (; value; value = node_next(value, "value", NS_DATA))
		fn(arg, value_text(value));
}

bool form_is(const struct node *x, const char *type, const char *form_type)
{
	if (!x || !str_eqz(x->name, "x") || !str_eqz(x->ns, NS_DATA))
		return false;
	if (type && !str_eqz(node_attr(x, "type"), type))
		return false;
	return !form_type || str_eqz(form_value(x, "FORM_TYPE"), form_type);
}

void form_start(struct xml_writer *w, const char *type, const char *form_type, const char *title)
{
	xw_start(w, "x", NS_DATA);
	xw_attrz(w, "type", type);
	if (title)
		xw_leaf(w, "title", NULL, str_z(title));
	if (form_type)
		form_field(w, "FORM_TYPE", "hidden", NULL, false, str_z(form_type));
}

void form_field(struct xml_writer *w, const char *var, const char *type, const char *label,
		bool required, struct str value)
{
	xw_start(w, "field", NULL);
	xw_attrz(w, "var", var);
	xw_attrz(w, "type", type);
	xw_attrz(w, "label", label);
	if (required)
		xw_leaf(w, "required", NULL, STR_NONE);
	if (value.ptr)
		xw_leaf(w, "value", NULL, value);
	xw_end(w);
}

void form_end(struct xml_writer *w)
{
	xw_end(w);
}
