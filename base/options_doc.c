/* SPDX-License-Identifier: MIT */
/* Option tables as text: a sample file and manual page items. */
#include <inttypes.h>
#include "base/options_internal.h"

static void put_choices(const struct option *o, const char *sep, struct buf *b)
{
	for (int i = 0; o->choices && o->choices[i]; i++)
		buf_printf(b, "%s%s", i ? sep : "", o->choices[i]);
}

static const char *default_text(const struct option *o)
{
	static const char *const none[] = {
		[OPT_STR] = "\"\"", [OPT_LIST] = "{}",  [OPT_INT] = "0",  [OPT_BOOL] = "false",
		[OPT_TIME] = "0s",  [OPT_SIZE] = "0",
	};

	if (o->def)
		return o->def;
	if (o->type == OPT_ENUM)
		return o->choices && o->choices[0] ? o->choices[0] : "";
	return none[o->type];
}

/* Text that libconfuse would not read as one word wears quotes. */
static bool wants_quotes(const struct option *o, const char *text)
{
	if (o->type != OPT_STR && o->type != OPT_LIST)
		return false;
	return *text != '"' && *text != '{' && (!*text || strpbrk(text, " #'\t={}()+,") != NULL);
}

static void put_default(const struct option *o, struct buf *b)
{
	const char *text = default_text(o);
	bool list = o->type == OPT_LIST && *text != '{';

	if (o->type == OPT_LIST && list && strchr(text, ',')) {
		struct str rest = str_z(text), part;
		bool first = true;

		buf_putc(b, '{');
		while (str_split(&rest, ',', &part)) {
			part = str_trim(part);
			buf_printf(b, "%s\"%.*s\"", first ? "" : ", ", STR_ARG(part));
			first = false;
		}
		buf_putc(b, '}');
	} else if (wants_quotes(o, text)) {
		buf_printf(b, "\"%s\"", text);
	} else {
		buf_append(b, text, strlen(text));
	}
}

static bool has_range(const struct option *o)
{
	return (o->min || o->max) &&
	       (o->type == OPT_INT || o->type == OPT_TIME || o->type == OPT_SIZE);
}

static void put_range(const struct option *o, struct buf *b)
{
	bool open = o->max < o->min || o->max == INT64_MAX;

	buf_printf(b, "%s", open ? "at least " : "");
	option_put_number(b, o, o->min);
	if (!open) {
		buf_lit(b, " to ");
		option_put_number(b, o, o->max);
	}
}

/* A section that needs a title is a comment as a whole: which title, nobody can say here. */
void options_sample(const char *section, bool titled, const struct option *table, struct buf *b)
{
	const char *indent = *section ? "\t" : "", *lead = titled ? "#" : "";

	if (*section)
		buf_printf(b, "%s%s%s {\n", lead, section, titled ? " \"NAME\"" : "");
	for (; table->name; table++) {
		buf_printf(b, "%s# %s\n", indent, table->help ? table->help : table->name);
		if (table->type == OPT_ENUM) {
			buf_printf(b, "%s# One of: ", indent);
			put_choices(table, ", ", b);
			buf_putc(b, '\n');
		}
		if (has_range(table)) {
			buf_printf(b, "%s# Range: ", indent);
			put_range(table, b);
			buf_putc(b, '\n');
		}
		buf_printf(b, "%s#%s = ", indent, table->name);
		put_default(table, b);
		buf_lit(b, "\n\n");
	}
	/* No empty line before the brace. */
	if (*section) {
		if (b->len >= 2 && buf_ptr(b)[b->len - 2] == '\n')
			b->len--;
		buf_printf(b, "%s}\n", lead);
	}
}

/* A full stop or quote at the start of a line is a request to roff, a backslash an escape. */
static void put_roff(struct buf *b, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_lit(b, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			buf_lit(b, "\\e");
		else if (*text == '"')
			buf_lit(b, "\\(dq");
		else
			buf_putc(b, *text);
	}
}

void options_mdoc(const char *section, const struct option *table, struct buf *b)
{
	for (; table->name; table++) {
		struct buf def = BUF_INIT;

		buf_printf(b, ".It Ic %s No = Ar %s\n", table->name, option_type_name(table->type));
		if (table->help) {
			put_roff(b, table->help);
			buf_putc(b, '\n');
		}
		if (table->type == OPT_ENUM) {
			buf_lit(b, "One of ");
			put_choices(table, ", ", b);
			buf_lit(b, ".\n");
		}
		if (has_range(table)) {
			buf_lit(b, "Range: ");
			put_range(table, b);
			buf_lit(b, ".\n");
		}
		if (table->type == OPT_LIST && table->max)
			buf_printf(b, "At most %" PRId64 " entries.\n", table->max);
		put_default(table, &def);
		buf_putc(&def, '\0');
		buf_lit(b, "Default: ");
		put_roff(b, buf_ptr(&def));
		buf_lit(b, ".\n");
		buf_free(&def);
		if (table->flags & OPT_RELOAD)
			buf_lit(b, "Takes effect at reload.\n");
	}
}
