/* SPDX-License-Identifier: MIT */
/* The checked configuration: what was set where, and which setting wins. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/options_internal.h"

static const struct option *in_table(const struct option *table, struct str name)
{
	for (; table->name; table++) {
		if (str_eqz(name, table->name))
			return table;
	}
	return NULL;
}

const struct option *conf_find_option(const struct option_section *sections, struct str section,
				      struct str name)
{
	for (; sections->name; sections++) {
		const struct option *o;

		if (!str_eqz(section, sections->name))
			continue;
		o = in_table(sections->options, name);
		if (o)
			return o;
	}
	return NULL;
}

bool conf_has_section(const struct option_section *sections, struct str name, bool *ret_titled)
{
	for (; sections->name; sections++) {
		if (str_eqz(name, sections->name)) {
			*ret_titled = sections->titled;
			return true;
		}
	}
	return false;
}

struct str conf_process_of(const struct option_section *sections, struct str instance)
{
	struct str best = STR("");

	for (; sections->name; sections++) {
		struct str name = str_z(sections->name);

		if (sections->titled || name.len <= best.len || !str_starts(instance, name))
			continue;
		if (instance.len == name.len || instance.ptr[name.len] == '-')
			best = name;
	}
	return best;
}

/* The tables that a section's text draws on: its own, and the top level's unless it is titled. */
static void scope(const struct option_section *sections, struct str section, struct str title,
		  struct str *ret_own, bool *ret_top)
{
	bool titled = false;

	*ret_own = section;
	if (str_eqz(section, INSTANCE))
		*ret_own = conf_process_of(sections, title);
	else
		conf_has_section(sections, section, &titled);
	*ret_top = !titled;
}

bool conf_is_foreign(const struct option_section *sections, struct str section, struct str title)
{
	struct str own;
	bool top;

	scope(sections, section, title, &own, &top);
	for (; sections->name; sections++) {
		if (sections->foreign && str_eqz(own, sections->name))
			return true;
	}
	return false;
}

const struct option *conf_valid_option(const struct option_section *sections, struct str section,
				       struct str title, struct str name)
{
	const struct option *o;
	struct str own;
	bool top;

	scope(sections, section, title, &own, &top);
	o = conf_find_option(sections, own, name);
	if (!o && top)
		o = conf_find_option(sections, STR(""), name);
	return o;
}

/* Insertions, deletions and replacements that make one name of the other. */
static size_t distance(struct str a, struct str b)
{
	size_t row[65], diagonal, above;

	if (a.len > 64 || b.len > 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);

			above = row[j];
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[b.len];
}

struct nearest {
	struct str name;
	const char *best;
	size_t d;
};

static void consider(struct nearest *n, const char *candidate)
{
	size_t d = distance(n->name, str_z(candidate));

	if (d < n->d) {
		n->d = d;
		n->best = candidate;
	}
}

void conf_suggest(const struct option_section *sections, struct str section, struct str title,
		  struct str name, struct buf *b)
{
	struct nearest n = {.name = name, .d = name.len / 2 + 1};
	struct str own;
	bool top;

	scope(sections, section, title, &own, &top);
	for (; sections->name; sections++) {
		if (str_eqz(own, sections->name) || (top && !*sections->name)) {
			for (const struct option *o = sections->options; o->name; o++)
				consider(&n, o->name);
		}
		if (!section.len && *sections->name)
			consider(&n, sections->name);
	}
	if (!section.len)
		consider(&n, INSTANCE);
	if (n.best)
		buf_printf(b, " (nearest: \"%s\")", n.best);
}

struct setting *conf_add_setting(struct conf *c, struct str section, struct str title,
				 const struct option *o, bool override)
{
	struct setting *s = xcalloc(1, sizeof(*s));

	s->section = str_dup(section);
	s->title = title.ptr ? str_dup(title) : NULL;
	s->option = o;
	s->values = xcalloc(1, sizeof(*s->values));
	s->override = override;
	s->next = c->settings;
	c->settings = s;
	return s;
}

void conf_add_value(struct setting *s, struct str value)
{
	s->values = xrealloc(s->values, (s->n + 2) * sizeof(*s->values));
	s->values[s->n++] = str_dup(value);
	s->values[s->n] = NULL;
}

void conf_add_title(struct conf *c, struct str section, struct str title)
{
	struct conf_title **at = &c->titles, *t;

	for (; *at; at = &(*at)->next) {
		if (str_eqz(section, (*at)->section) && str_eqz(title, (*at)->title))
			return;
	}
	t = xcalloc(1, sizeof(*t));
	t->section = str_dup(section);
	t->title = str_dup(title);
	*at = t;
}

struct conf *conf_free(struct conf *c)
{
	if (!c)
		return NULL;
	while (c->settings) {
		struct setting *s = c->settings;

		c->settings = s->next;
		for (size_t i = 0; i < s->n; i++) {
			wipe(s->values[i], strlen(s->values[i]));
			free(s->values[i]);
		}
		free(s->values);
		free(s->section);
		free(s->title);
		free(s);
	}
	while (c->titles) {
		struct conf_title *t = c->titles;

		c->titles = t->next;
		free(t->section);
		free(t->title);
		free(t);
	}
	for (size_t i = 0; i < c->n_lists; i++) {
		free(c->lists[i].section);
		free(c->lists[i].list);
	}
	free(c->lists);
	free(c);
	return NULL;
}

static const struct setting *find(const struct conf *c, const char *section, const char *title,
				  const char *name, bool override)
{
	for (const struct setting *s = c->settings; s; s = s->next) {
		if (s->override == override && strcmp(s->section, section) == 0 &&
		    strcmp(s->option->name, name) == 0 &&
		    (title ? s->title && strcmp(s->title, title) == 0 : !s->title))
			return s;
	}
	return NULL;
}

static void fill_one(const struct option *o, const struct setting *s, void *target)
{
	if (s)
		option_set(o, target, s->values, s->n);
	else
		option_set_default(o, target);
}

void conf_fill(const struct conf *c, const char *section, const char *instance,
	       const struct option *table, void *target)
{
	char *process = xstrdup(section);

	if (!*process && instance) {
		free(process);
		process = str_dup(conf_process_of(c->sections, str_z(instance)));
	}
	for (; table->name; table++) {
		const struct setting *s = NULL;

		/* Any override wins over anything in the file. */
		for (int override = 1; override >= 0 && !s; override--) {
			if (instance)
				s = find(c, INSTANCE, instance, table->name, override);
			if (!s && *process)
				s = find(c, process, NULL, table->name, override);
			if (!s)
				s = find(c, "", NULL, table->name, override);
		}
		fill_one(table, s, target);
	}
	free(process);
}

static const struct setting *find_titled(const struct conf *c, const char *section,
					 const char *title, const char *name)
{
	const struct setting *s = find(c, section, title, name, true);

	return s ? s : find(c, section, title, name, false);
}

void conf_fill_titled(const struct conf *c, const char *section, const char *title,
		      const struct option *table, void *target)
{
	for (; table->name; table++) {
		fill_one(table, find_titled(c, section, title, table->name), target);
	}
}

/* What counts in c for the same option of the same section. */
static const struct setting *twin(const struct conf *c, const struct setting *s)
{
	return find_titled(c, s->section, s->title, s->option->name);
}

/* Of a titled section, and what counts where the file says it twice. */
static bool holds_titled(const struct conf *c, const struct setting *s)
{
	return s->title && strcmp(s->section, INSTANCE) != 0 && twin(c, s) == s;
}

static void note_difference(const struct setting *s, struct buf *changed, struct buf *ignored)
{
	struct buf *names = s->option->flags & OPT_RELOAD ? changed : ignored;

	buf_printf(names, "%s%s:%s.%s", names->len ? " " : "", s->section, s->title,
		   s->option->name);
}

void conf_compare_titled(const struct conf *older, const struct conf *newer, struct buf *changed,
			 struct buf *ignored)
{
	const struct setting *s, *other;

	for (s = newer->settings; s; s = s->next) {
		if (!holds_titled(newer, s))
			continue;
		other = twin(older, s);
		if (!other || !option_same_list(s->values, other->values))
			note_difference(s, changed, ignored);
	}
	for (s = older->settings; s; s = s->next)
		if (holds_titled(older, s) && !twin(newer, s))
			note_difference(s, changed, ignored);
}

const char *const *conf_titles(const struct conf *c, const char *section)
{
	/* The list is made when it is asked for and kept: it is to live as long as c. */
	struct conf *owner = (struct conf *)c;
	const char **list;
	size_t n = 0;

	for (size_t i = 0; i < c->n_lists; i++) {
		if (strcmp(c->lists[i].section, section) == 0)
			return c->lists[i].list;
	}
	list = xcalloc(1, sizeof(*list));
	for (const struct conf_title *t = c->titles; t; t = t->next) {
		if (strcmp(t->section, section) != 0)
			continue;
		list = xrealloc(list, (n + 2) * sizeof(*list));
		list[n++] = t->title;
		list[n] = NULL;
	}
	owner->lists = xrealloc(owner->lists, (owner->n_lists + 1) * sizeof(*owner->lists));
	owner->lists[owner->n_lists++] = (struct conf_titles){xstrdup(section), list};
	return list;
}
