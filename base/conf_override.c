/* SPDX-License-Identifier: MIT */
/* Overrides: options set on the command line. */
#include "base/options_internal.h"

struct target {
	struct str section, title, name;
};

/* The section is what precedes the last dot: domains have dots, options have none. */
static struct target split_left(const struct option_section *sections, struct str left)
{
	struct target t = {STR(""), STR_NONE, left};
	ptrdiff_t colon;
	bool titled;

	for (size_t i = left.len; i > 0; i--) {
		if (left.ptr[i - 1] == '.') {
			t.section = str_n(left.ptr, i - 1);
			t.name = str_n(left.ptr + i, left.len - i);
			break;
		}
	}
	colon = str_find(t.section, ':', 0);
	if (colon >= 0) {
		size_t at = (size_t)colon;

		t.title = str_n(t.section.ptr + at + 1, t.section.len - at - 1);
		t.section = str_n(t.section.ptr, at);
	} else if (t.section.len && !conf_has_section(sections, t.section, &titled) &&
		   conf_process_of(sections, t.section).len) {
		t.title = t.section;
		t.section = STR(INSTANCE);
	}
	return t;
}

static bool is_place(const struct option_section *sections, const struct target *t)
{
	bool titled = false;

	if (str_eqz(t->section, INSTANCE))
		return conf_process_of(sections, t->title).len > 0;
	if (t->section.len && !conf_has_section(sections, t->section, &titled))
		return false;
	return titled == (t->title.len > 0);
}

static void set_values(struct setting *s, struct str left, struct str value, struct buf *errors)
{
	const struct option *o = s->option;
	struct buf why = BUF_INIT;
	struct str part;

	if (o->type == OPT_LIST && !value.len)
		return;
	while (str_split(&value, o->type == OPT_LIST ? ',' : '\0', &part)) {
		part = str_trim(part);
		if (!why.len)
			option_check(o, part, s->n, &why);
		conf_add_value(s, part);
	}
	if (why.len)
		buf_printf(errors, "override \"%.*s\": %.*s\n", STR_ARG(left),
			   STR_ARG(buf_str(&why)));
	buf_free(&why);
}

void conf_override(struct conf *c, const char *text, struct buf *errors)
{
	struct str all = str_z(text), left, value;
	ptrdiff_t equals = str_find(all, '=', 0);
	const struct option *o;
	struct target t;

	if (equals < 0) {
		buf_printf(errors, "override \"%s\": no equal sign\n", text);
		return;
	}
	left = str_trim(str_n(text, (size_t)equals));
	value = str_trim(str_n(text + equals + 1, all.len - (size_t)equals - 1));
	t = split_left(c->sections, left);
	if (!is_place(c->sections, &t)) {
		buf_printf(errors, "override \"%.*s\": no such section\n", STR_ARG(left));
		return;
	}
	o = conf_valid_option(c->sections, t.section, t.title, t.name);
	if (!o && conf_is_foreign(c->sections, t.section, t.title))
		return;
	if (!o) {
		buf_printf(errors, "override \"%.*s\": no such option", STR_ARG(left));
		conf_suggest(c->sections, t.section, t.title, t.name, errors);
		buf_putc(errors, '\n');
		return;
	}
	if (t.title.len && !str_eqz(t.section, INSTANCE))
		conf_add_title(c, t.section, t.title);
	set_values(conf_add_setting(c, t.section, t.title, o, true), left, value, errors);
}
