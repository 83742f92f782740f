/* SPDX-License-Identifier: MIT */
/* A reader that writes down what it is told. */
#include "tests/unit/xmpp/xml_client.h"

const struct xml_limits client_limits = {
	.stanza_bytes = 2000,
	.header_bytes = 400,
	.depth = 8,
	.attrs = 10,
	.children = 20,
	.ns_decls = 8,
};

static void put_attrs(struct buf *b, const struct xml_attr *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, " {%.*s}%.*s=%.*s", STR_ARG(v[i].ns), STR_ARG(v[i].name),
			   STR_ARG(v[i].value));
}

static void on_header(void *arg, const struct xml_header *h)
{
	struct client *c = arg;

	buf_printf(&c->log, "header {%.*s}%.*s content=%.*s", STR_ARG(h->ns), STR_ARG(h->name),
		   STR_ARG(h->content_ns));
	put_attrs(&c->log, h->attrs, h->nattrs);
	buf_putc(&c->log, '\n');
}

static void on_element(void *arg, const struct xml_element *e)
{
	struct client *c = arg;

	buf_printf(&c->log, "<{%.*s}%.*s", STR_ARG(e->ns), STR_ARG(e->name));
	put_attrs(&c->log, e->attrs, e->nattrs);
	if (!c->brief) {
		buf_printf(&c->log, "%s%s [%.*s]", e->prefixed ? " prefixed" : "",
			   e->has_text ? " text" : "", STR_ARG(e->inner));
		for (size_t i = 0; i < e->nchildren; i++)
			buf_printf(&c->log, " {%.*s}%.*s:%.*s", STR_ARG(e->children[i].ns),
				   STR_ARG(e->children[i].name), (int)e->children[i].len,
				   e->inner.ptr + e->children[i].off);
	}
	buf_putc(&c->log, '\n');
	if (!str_eqz(e->name, "act"))
		return;
	if (c->act == ACT_STOP)
		xml_reader_stop(c->r);
	if (c->act == ACT_RESTART)
		xml_reader_restart(c->r);
	if (c->act == ACT_FREE)
		c->r = xml_reader_free(c->r);
}

static void on_end(void *arg)
{
	struct client *c = arg;

	buf_lit(&c->log, "end\n");
}

static void on_error(void *arg, enum stream_error condition, const char *text)
{
	struct client *c = arg;

	ck_assert_ptr_nonnull(text);
	ck_assert_uint_gt(strlen(text), 0);
	buf_printf(&c->log, "%s", stream_error_name(condition));
	if (condition == STREAM_E_POLICY_VIOLATION)
		buf_printf(&c->log, ": %s", text);
	buf_putc(&c->log, '\n');
}

const struct xml_reader_ops client_ops = {on_header, on_element, on_end, on_error};

void client_feed(struct client *c, const char *z)
{
	/* A copy of the exact size: an overrun is seen. */
	size_t n = strlen(z);
	char *copy = n ? malloc(n) : NULL;

	if (n)
		memcpy(copy, z, n);
	xml_reader_feed(c->r, copy, n);
	free(copy);
}

struct client *client_new(struct xml_pool *p, enum act act)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->act = act;
	c->brief = true;
	c->r = xml_reader_new(p, &client_limits, &client_ops, c);
	return c;
}

void client_free(struct client *c)
{
	xml_reader_free(c->r);
	buf_free(&c->log);
	free(c);
}

void client_saw(struct client *c, const char *lines)
{
	char *log = buf_take(&c->log);

	ck_assert_str_eq(log, lines);
	free(log);
}

char *repeat(const char *head, const char *unit, size_t n, const char *tail)
{
	struct buf b = BUF_INIT;

	buf_append(&b, head, strlen(head));
	while (n-- > 0)
		buf_append(&b, unit, strlen(unit));
	buf_append(&b, tail, strlen(tail));
	return buf_take(&b);
}
