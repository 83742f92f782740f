/* SPDX-License-Identifier: MIT */
/* Our option tables as libconfuse wants them. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/conf_internal.h"

struct opts {
	const struct conf_callbacks *cb;
	cfg_opt_t *list;
	size_t n;
};

static cfg_opt_t *find_opt(struct opts *to, const char *name)
{
	for (size_t i = 0; i < to->n; i++) {
		if (strcmp(to->list[i].name, name) == 0)
			return &to->list[i];
	}
	return NULL;
}

static void add_opt(struct opts *to, cfg_opt_t opt)
{
	to->list = xrealloc(to->list, (to->n + 2) * sizeof(*to->list));
	to->list[to->n++] = opt;
	to->list[to->n] = (cfg_opt_t)CFG_END();
}

static void add_option(struct opts *to, const char *name, bool list)
{
	cfg_opt_t *old = find_opt(to, name);
	cfg_opt_t scalar = CFG_STR_CB(name, NULL, CFGF_NODEFAULT, to->cb->value);
	cfg_opt_t many = CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, to->cb->value);

	if (!old)
		add_opt(to, list ? many : scalar);
	else if (list)
		*old = many;
}

/* What may stand in a section: its tables' options and names already found to be unknown.
 * section NULL: those of every process, for an instance. */
static void add_tables(struct parser *p, struct opts *to, const char *section)
{
	for (const struct option_section *s = p->sections; s->name; s++) {
		if (section ? strcmp(s->name, section) != 0 : s->titled)
			continue;
		for (const struct option *o = s->options; o->name; o++)
			add_option(to, o->name, o->type == OPT_LIST);
	}
}

static cfg_opt_t *section_opts(struct parser *p, const struct conf_callbacks *cb, const char *name,
			       bool titled)
{
	struct opts to = {.cb = cb};

	if (strcmp(name, INSTANCE) == 0) {
		add_tables(p, &to, NULL);
	} else {
		add_tables(p, &to, name);
		if (!titled)
			add_tables(p, &to, "");
	}
	for (size_t i = 0; i < p->n_unknown; i++) {
		if (strcmp(p->unknown[i].section, name) == 0)
			add_option(&to, p->unknown[i].name, true);
	}
	if (!to.list)
		add_opt(&to, (cfg_opt_t)CFG_END());
	return to.list;
}

static void add_section(struct parser *p, struct opts *to, const char *name, bool titled)
{
	cfg_flag_t flags = CFGF_NODEFAULT | (titled ? CFGF_MULTI | CFGF_TITLE : 0);

	if (!find_opt(to, name)) {
		cfg_opt_t opt = CFG_SEC(name, section_opts(p, to->cb, name, titled), flags);

		opt.validcb = to->cb->section;
		add_opt(to, opt);
	}
}

cfg_opt_t *conf_opts_new(struct parser *p, const struct conf_callbacks *cb)
{
	struct opts to = {.cb = cb};
	cfg_opt_t end = CFG_STR_CB(END_MARK, NULL, CFGF_NODEFAULT, cb->end);

	add_opt(&to, (cfg_opt_t)CFG_FUNC("include", cb->include));
	if (p->dry)
		add_opt(&to, end);
	add_tables(p, &to, "");
	for (const struct option_section *s = p->sections; s->name; s++) {
		if (*s->name)
			add_section(p, &to, s->name, s->titled);
	}
	add_section(p, &to, INSTANCE, true);
	for (size_t i = 0; i < p->n_unknown; i++) {
		if (!*p->unknown[i].section)
			add_option(&to, p->unknown[i].name, true);
	}
	return to.list;
}

void conf_opts_free(cfg_opt_t *opts)
{
	for (cfg_opt_t *o = opts; o->name; o++)
		free(o->subopts);
	free(opts);
}
