/* SPDX-License-Identifier: MIT */
/* Commands of service administration from mercutioctl: the same tables, without a session. */
#include <stdlib.h>
#include "sm/sm_internal.h"

struct asking_ctl {
	struct sm *sm;
	struct frame f;
	struct pool *pool;
};

static void done(void *arg, const struct command_answer *a)
{
	struct asking_ctl *q = arg;
	struct msg_admin_done m = {.error = a->failed ? (uint8_t)(1 + a->error) : 0,
				   .text = str_z(a->text ? a->text : ""),
				   .command = a->xml};

	if (a->failed && !m.text.len)
		m.text = str_z(stanza_error_name(a->error));
	link_reply(q->sm->link, &q->f, MSG_ADMIN_DONE, &m);
	pool_free(q->pool);
	free(q);
}

static void drop(void *arg)
{
	struct asking_ctl *q = arg;

	pool_free(q->pool);
	free(q);
}

static void fail(struct sm *sm, const struct frame *f, enum stanza_error e, const char *text)
{
	struct msg_admin_done m = {.error = (uint8_t)(1 + e), .text = str_z(text)};

	link_reply(sm->link, f, MSG_ADMIN_DONE, &m);
}

static const struct command *find(struct sm *sm, struct str node)
{
	char *full = xasprintf(NS_ADMIN "#%.*s", STR_ARG(node));
	const struct command *c = sm_command_find(sm, str_z(full));

	free(full);
	return c ? c : sm_command_find(sm, node);
}

/* The values of one field stand together, wherever the operator wrote them. */
static void write_field(struct xml_writer *w, const struct msg_admin_run *m, size_t first)
{
	struct str var = m->fields[first].var;

	for (size_t i = 0; i < first; i++)
		if (str_eq(m->fields[i].var, var))
			return;
	xw_start(w, "field", NULL);
	xw_attr(w, "var", var);
	for (size_t i = first; i < m->nfields; i++)
		if (str_eq(m->fields[i].var, var))
			xw_leaf(w, "value", NULL, m->fields[i].value);
	xw_end(w);
}

/* <command/> with the submitted form. */
static const struct node *element(struct pool *p, const struct msg_admin_run *m)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;
	struct node *n = NULL;

	xw_init(&w, &b);
	xw_start(&w, "command", NS_COMMANDS);
	if (m->nfields)
		form_start(&w, "submit", NULL, NULL);
	for (size_t i = 0; i < m->nfields; i++)
		write_field(&w, m, i);
	if (m->nfields)
		form_end(&w);
	xw_end(&w);
	if (node_parse(p, pool_str(p, buf_str(&b)), NS_CLIENT, &n) < 0)
		bug("a form that we wrote cannot be parsed");
	buf_wipe(&b);
	return n;
}

void on_admin_run(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_admin_run *m = msg;
	struct command_request r = {.cmd = find(sm, m->node),
				    .to = m->domain.len ? m->domain : str_z(sm->domains[0]),
				    .now = loop_now(sm->loop),
				    .fn = done,
				    .drop = drop};
	struct asking_ctl *q;

	if (!r.cmd) {
		fail(sm, f, STANZA_E_ITEM_NOT_FOUND, "there is no such command");
		return;
	}
	if (!sm_local_domain(sm, r.to)) {
		fail(sm, f, STANZA_E_ITEM_NOT_FOUND, "that is no domain of this server");
		return;
	}
	q = xcalloc(1, sizeof *q);
	q->sm = sm;
	q->f = frame_keep(f);
	q->pool = pool_new();
	r.element = element(q->pool, m);
	r.arg = q;
	commands_direct(sm->commands, &r);
}
