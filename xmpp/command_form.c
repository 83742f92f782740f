/* SPDX-License-Identifier: MIT */
/* The forms of ad-hoc commands: written from their tables, filled in, checked, read; results. */
#include <stdarg.h>
#include <stdlib.h>
#include "xmpp/command_internal.h"
#include "xmpp/forms.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

/* --- tables ---------------------------------------------------------------------------------- */

static const char *type_name(enum command_type t)
{
	static const char *const names[] = {
		[COMMAND_TEXT] = "text-single",	    [COMMAND_TEXTS] = "text-multi",
		[COMMAND_PRIVATE] = "text-private", [COMMAND_JID] = "jid-single",
		[COMMAND_JIDS] = "jid-multi",	    [COMMAND_LIST] = "list-single",
		[COMMAND_LISTS] = "list-multi",	    [COMMAND_BOOL] = "boolean",
	};

	return names[t];
}

/* XEP-0068: the part of a node before its "#" is what its forms are about. */
static struct str form_type(const struct command *cmd)
{
	struct str node = str_z(cmd->node);
	ptrdiff_t at = str_find(node, '#', 0);

	return at < 0 ? node : str_n(node.ptr, (size_t)at);
}

const struct command_field *command_field_of(const struct command *cmd, const char *var)
{
	for (const struct command_form *form = cmd->forms; form && form->title; form++)
		for (const struct command_field *f = form->fields; f->var; f++)
			if (strcmp(f->var, var) == 0)
				return f;
	return NULL;
}

/* --- filling in ------------------------------------------------------------------------------ */

static void fill(struct command_run *r, struct filled one)
{
	struct filled *f = pool_calloc(r->pool, sizeof *f);

	*f = one;
	f->label = pool_str(r->pool, one.label);
	f->value = pool_str(r->pool, one.value);
	*r->filled_tail = f;
	r->filled_tail = &f->next;
}

void command_fill(struct command_run *r, const char *var, struct str value)
{
	fill(r, (struct filled){.var = var, .value = value});
}

void command_fill_lines(struct command_run *r, const char *var, struct str text)
{
	struct str line;

	while (str_split(&text, '\n', &line))
		command_fill(r, var, line);
}

void command_choice(struct command_run *r, const char *var, struct str label, struct str value)
{
	fill(r, (struct filled){.var = var, .label = label, .value = value, .option = true});
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_option(struct xml_writer *w, struct str label, struct str value)
{
	xw_start(w, "option", NULL);
	if (label.len)
		xw_attr(w, "label", label);
	xw_leaf(w, "value", NULL, value);
	xw_end(w);
}

/* What was submitted before (the requester came back to the form), or is filled in, or the default.
 */
static void write_values(struct xml_writer *w, const struct command_run *r,
			 const struct command_field *f)
{
	const struct node *x = r->direct ? NULL : r->forms[r->stage];
	const struct node *field = node_child(x, "field", NS_DATA);
	bool any = false;

	for (; field && f->type != COMMAND_PRIVATE; field = node_next(field, "field", NS_DATA)) {
		const struct node *v = node_child(field, "value", NS_DATA);

		if (!str_eqz(node_attr(field, "var"), f->var))
			continue;
		any = true;
		for (; v; v = node_next(v, "value", NS_DATA))
			xw_leaf(w, "value", NULL, v->text);
	}
	if (any)
		return;
	for (const struct filled *e = r->filled; e; e = e->next) {
		if (e->option || strcmp(e->var, f->var) != 0)
			continue;
		any = true;
		xw_leaf(w, "value", NULL, e->value);
	}
	if (!any && f->value)
		xw_leaf(w, "value", NULL, str_z(f->value));
}

static void write_field(struct xml_writer *w, const struct command_run *r,
			const struct command_field *f)
{
	xw_start(w, "field", NULL);
	xw_attrz(w, "var", f->var);
	xw_attrz(w, "type", type_name(f->type));
	xw_attrz(w, "label", f->label);
	if (f->required)
		xw_leaf(w, "required", NULL, STR_NONE);
	write_values(w, r, f);
	for (const struct command_option *o = f->options; o && o->value; o++)
		write_option(w, str_z(o->label), str_z(o->value));
	for (const struct filled *e = r->filled; e; e = e->next)
		if (e->option && strcmp(e->var, f->var) == 0)
			write_option(w, e->label, e->value);
	xw_end(w);
}

static void write_form_type(struct xml_writer *w, const struct command *cmd)
{
	form_field(w, "FORM_TYPE", "hidden", NULL, false, form_type(cmd));
}

void command_write_form(const struct command_run *r, struct buf *b)
{
	const struct command_form *form = &r->cmd->forms[r->stage];
	struct xml_writer w;

	xw_init(&w, b);
	form_start(&w, "form", NULL, form->title);
	if (form->instructions)
		xw_leaf(&w, "instructions", NULL, str_z(form->instructions));
	write_form_type(&w, r->cmd);
	for (const struct command_field *f = form->fields; f->var; f++)
		write_field(&w, r, f);
	form_end(&w);
}

/* --- results --------------------------------------------------------------------------------- */

void command_fields_end(struct command_run *r)
{
	if (r->last_var)
		buf_lit(&r->fields, "</field>");
	r->last_var = NULL;
}

void command_result(struct command_run *r, const char *var, const char *type, const char *label,
		    struct str value)
{
	struct xml_writer w;

	if (!r->last_var || strcmp(r->last_var, var) != 0) {
		command_fields_end(r);
		buf_lit(&r->fields, "<field var='");
		xml_escape(&r->fields, str_z(var));
		if (type) {
			buf_lit(&r->fields, "' type='");
			xml_escape(&r->fields, str_z(type));
		}
		if (label) {
			buf_lit(&r->fields, "' label='");
			xml_escape(&r->fields, str_z(label));
		}
		buf_lit(&r->fields, "'>");
		r->last_var = var;
	}
	if (!value.ptr) /* a field that has no value */
		return;
	xw_init_in(&w, &r->fields, NS_DATA);
	xw_leaf(&w, "value", NULL, value);
}

void command_result_xml(struct command_run *r, struct str xml)
{
	command_fields_end(r);
	buf_str_append(&r->fields, xml);
}

void command_note(struct command_run *r, const char *type, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	struct xml_writer w;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	xw_init_in(&w, &r->notes, NS_COMMANDS);
	xw_start(&w, "note", NULL);
	xw_attrz(&w, "type", type);
	xw_text(&w, buf_str(&text));
	xw_end(&w);
	buf_free(&text);
}

void command_write_result(struct command_run *r, struct buf *b)
{
	struct xml_writer w;

	if (!r->fields.len)
		return;
	command_fields_end(r);
	xw_init(&w, b);
	form_start(&w, "result", NULL, NULL);
	write_form_type(&w, r->cmd);
	xw_raw(&w, buf_str(&r->fields));
	form_end(&w);
}

/* --- submitted ------------------------------------------------------------------------------- */

struct check {
	struct pool *p;
	const struct command_field *field;
	const char *wrong;
	size_t n;
};

static bool is_option(const struct command_field *f, struct str v)
{
	for (const struct command_option *o = f->options; o && o->value; o++)
		if (str_eqz(v, o->value))
			return true;
	return !f->options;
}

static const char *wrong_value(struct pool *p, const struct command_field *f, struct str v)
{
	struct jid j;

	switch (f->type) {
	case COMMAND_JID:
	case COMMAND_JIDS:
		return jid_parse(p, v, &j) < 0 ? "is no JID" : NULL;
	case COMMAND_LIST:
	case COMMAND_LISTS:
		return is_option(f, v) ? NULL : "is none of the values on offer";
	case COMMAND_BOOL: /* XEP-0004 section 3.3 */
		return str_eqz(v, "0") || str_eqz(v, "1") || str_eqz(v, "true") ||
				       str_eqz(v, "false")
			       ? NULL
			       : "is neither true nor false";
	default:
		return NULL;
	}
}

static void check_value(void *arg, struct str v)
{
	struct check *c = arg;

	if (c->wrong || !v.len)
		return;
	c->n++;
	c->wrong = wrong_value(c->p, c->field, v);
}

static bool takes_many(enum command_type t)
{
	return t == COMMAND_TEXTS || t == COMMAND_JIDS || t == COMMAND_LISTS;
}

const char *command_check_form(struct pool *p, const struct command_form *form,
			       const struct node *x)
{
	struct buf b = BUF_INIT;
	struct str text = STR_NONE;

	for (const struct command_field *f = form->fields; f->var && !b.len; f++) {
		struct check c = {p, f, NULL, 0};

		form_values(x, f->var, check_value, &c);
		if (!c.n && f->required)
			c.wrong = "is required";
		else if (!c.wrong && c.n > 1 && !takes_many(f->type))
			c.wrong = "takes one value";
		if (c.wrong)
			buf_printf(&b, "%s (%s) %s.", f->label ? f->label : f->var, f->var,
				   c.wrong);
	}
	if (b.len) {
		buf_putc(&b, '\0');
		text = pool_str(p, buf_str(&b));
	}
	buf_free(&b);
	return text.ptr;
}

struct str command_value(const struct command_run *r, const char *var)
{
	for (unsigned i = 0; i < COMMAND_STAGES; i++) {
		struct str v = r->forms[i] ? form_value(r->forms[i], var) : STR_NONE;

		if (v.len)
			return v;
	}
	return STR_NONE;
}

struct seen {
	UT_hash_handle hh;
};
struct gather {
	struct command_run *r;
	bool jids;
	struct str *list;
	struct seen *seen;
	size_t n, cap;
};

static bool is_new(struct gather *g, struct str v)
{
	struct seen *s;

	HASH_FIND (hh, g->seen, v.ptr, v.len, s)
		;
	if (s)
		return false;
	s = pool_calloc(g->r->pool, sizeof *s);
	HASH_ADD_KEYPTR(hh, g->seen, v.ptr, v.len, s);
	return true;
}

/* XEP-0004 section 3.3: of jid-multi each once. */
static void gather_value(void *arg, struct str v)
{
	struct gather *g = arg;
	struct jid j;

	if (!v.len)
		return;
	if (g->jids) {
		if (jid_parse(g->r->pool, v, &j) < 0)
			return;
		v = j.full;
	}
	if (!is_new(g, v))
		return;
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 16;
		struct str *list = pool_calloc(g->r->pool, cap * sizeof *list);

		if (g->n)
			memcpy(list, g->list, g->n * sizeof *list);
		g->list = list;
		g->cap = cap;
	}
	g->list[g->n++] = v;
}

size_t command_values(struct command_run *r, const char *var, const struct str **ret_values)
{
	const struct command_field *f = command_field_of(r->cmd, var);
	struct gather g = {.r = r,
			   .jids = f && (f->type == COMMAND_JID || f->type == COMMAND_JIDS)};

	for (unsigned i = 0; i < COMMAND_STAGES; i++)
		if (r->forms[i])
			form_values(r->forms[i], var, gather_value, &g);
	HASH_CLEAR(hh, g.seen);
	*ret_values = g.list;
	return g.n;
}

static void add_line(void *arg, struct str v)
{
	struct buf *b = arg;

	if (b->len)
		buf_putc(b, '\n');
	buf_str_append(b, v);
}

void command_lines(struct command_run *r, const char *var, struct buf *b)
{
	struct buf lines = BUF_INIT;

	for (unsigned i = 0; i < COMMAND_STAGES; i++)
		if (r->forms[i])
			form_values(r->forms[i], var, add_line, &lines);
	buf_str_append(b, buf_str(&lines));
	buf_free(&lines);
}

/* --- discovery ------------------------------------------------------------------------------- */

/* Section 2.2: the identity of the fixed node. */
void command_list_info(struct buf *b)
{
	static const struct disco_identity list = {"automation", "command-list", NULL, NULL};
	struct xml_writer w;

	xw_init_in(&w, b, NS_DISCO_INFO);
	disco_identity(&w, &list);
	disco_feature(&w, NS_COMMANDS);
}

/* "A responder MUST at least provide" identity and feature, "and SHOULD include" that of the forms.
 */
void command_node_info(const struct command *cmd, struct buf *b)
{
	const struct disco_identity node = {"automation", "command-node", NULL, cmd->name};
	struct xml_writer w;

	xw_init_in(&w, b, NS_DISCO_INFO);
	disco_identity(&w, &node);
	disco_feature(&w, NS_COMMANDS);
	disco_feature(&w, NS_DATA);
}
