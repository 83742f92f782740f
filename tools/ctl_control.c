/* SPDX-License-Identifier: MIT */
/* Commands that every process understands, to one, some or all of them. */
#include <stdlib.h>
#include "base/alloc.h"
#include "tools/ctl.h"

struct choice {
	struct ctl_answers *all;
	const char *name;
};

static void choose(void *arg, const struct member *m)
{
	struct choice *ch = arg;
	struct ctl_answers *all = ch->all;

	if (strcmp(m->process, "ctl") == 0)
		return;
	if (ch->name && strcmp(ch->name, m->name) != 0 && strcmp(ch->name, m->process) != 0)
		return;
	all->list = xrealloc(all->list, (all->n + 1) * sizeof(*all->list));
	all->list[all->n++] = (struct ctl_answer){
		.instance = xstrdup(m->name),
		.process = xstrdup(m->process),
		.version = xstrdup(m->version),
		.host = xstrdup(m->host),
		.pid = m->pid,
		.id = m->id,
	};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct ctl_answer *)a)->instance,
		      ((const struct ctl_answer *)b)->instance);
}

static void answered(void *arg, int err, uint16_t kind, const void *m)
{
	struct ctl_answer *a = arg;
	const struct msg_controlled *r = m;
	json_error_t e;

	if (err < 0) {
		a->error = ctl_reason(err, m);
		return;
	}
	if (kind != MSG_CONTROLLED || !r->good) {
		a->error = kind == MSG_CONTROLLED ? str_dup(r->text) : xstrdup("a strange answer");
		return;
	}
	a->value = json_loadb(r->text.ptr ? r->text.ptr : "", r->text.len, JSON_DECODE_ANY, &e);
	if (!a->value)
		a->error = xasprintf("a strange answer: %s", e.text);
}

/* For a terminal; a program that asks for JSON gets what there is. */
static void clean(json_t *v)
{
	const char *name;
	json_t *member;
	char *text;
	size_t i;

	if (json_is_string(v)) {
		text = xstrdup(json_string_value(v));
		ctl_clean(text);
		json_string_set(v, text);
		free(text);
	}
	json_array_foreach (v, i, member) {
		clean(member);
	}
	json_object_foreach (v, name, member) {
		clean(member);
	}
}

struct ctl_answers *ctl_control(struct ctl *c, const char *name, const struct msg_control *m)
{
	struct ctl_answers *all = xcalloc(1, sizeof(*all));
	struct choice ch = {all, name};

	link_members(c->link, choose, &ch);
	if (all->n)
		qsort(all->list, all->n, sizeof(*all->list), by_name);
	for (size_t i = 0; i < all->n; i++) {
		struct frame head = ctl_head(MSG_CONTROL, all->list[i].id);

		ctl_ask(c, &head, m, answered, &all->list[i]);
	}
	ctl_finish(c);
	for (size_t i = 0; i < all->n && !c->json; i++)
		clean(all->list[i].value);
	return all;
}

struct ctl_answers *ctl_answers_free(struct ctl_answers *a)
{
	for (size_t i = 0; a && i < a->n; i++) {
		struct ctl_answer *x = &a->list[i];

		free(x->instance);
		free(x->process);
		free(x->version);
		free(x->host);
		free(x->error);
		json_decref(x->value);
	}
	if (a)
		free(a->list);
	free(a);
	return NULL;
}

int ctl_answers_check(const struct ctl_answers *a, const char *name)
{
	int status = CTL_GOOD;

	if (!a->n)
		return name ? ctl_error("no process or instance named %s is there", name)
			    : ctl_error("no process is there");
	for (size_t i = 0; i < a->n; i++) {
		if (a->list[i].error)
			status = ctl_error("%s: %s", a->list[i].instance, a->list[i].error);
	}
	return status;
}
