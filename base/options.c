/* SPDX-License-Identifier: MIT */
/* Options as typed fields: reading values, setting, comparing, releasing. */
#include <inttypes.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/log.h"
#include "base/options_internal.h"
#include "base/uri.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* The first is meant when a number stands alone. */
static const struct unit time_units[] = {{"s", 1000},     {"ms", 1},          {"m", 60000},
					 {"h", 3600000},  {"d", 86400000},    {NULL, 0}};
static const struct unit size_units[] = {{"", 1},         {"k", 1024},        {"K", 1024},
					 {"m", 1048576},  {"M", 1048576},     {"g", 1073741824},
					 {"G", 1073741824}, {NULL, 0}};

static const char *const true_words[] = {"true", "yes", "on", NULL};
static const char *const false_words[] = {"false", "no", "off", NULL};

static int word_index(const char *const *words, struct str s)
{
	for (int i = 0; words && words[i]; i++) {
		if (str_eqz(s, words[i]))
			return i;
	}
	return -1;
}

static bool read_quantity(struct str s, const struct unit *units, int64_t *ret)
{
	const struct unit *u = units;
	size_t digits = 0;
	long long v;
	struct str name;

	while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
		digits++;
	name = str_n(s.ptr + digits, s.len - digits);
	if (!str_i64(str_n(s.ptr, digits), &v))
		return false;
	if (name.len) {
		while (u->name && !str_eqz(name, u->name))
			u++;
	}
	if (!u->name || v > INT64_MAX / u->factor)
		return false;
	*ret = v * u->factor;
	return true;
}

static bool read_number(const struct option *o, struct str s, int64_t *ret)
{
	long long v;

	if (o->type == OPT_TIME)
		return read_quantity(s, time_units, ret);
	if (o->type == OPT_SIZE)
		return read_quantity(s, size_units, ret);
	if (!str_i64(s, &v))
		return false;
	*ret = v;
	return true;
}

static const struct {
	const char *name, *must_be;
} types[] = {
	[OPT_STR] = {"string", ""},
	[OPT_LIST] = {"list", ""},
	[OPT_INT] = {"number", "a whole number"},
	[OPT_BOOL] = {"boolean", "true, yes, on, false, no or off"},
	[OPT_TIME] = {"time", "a time, as 500ms, 10s, 5m, 2h or 3d"},
	[OPT_SIZE] = {"size", "a size, as 4096, 64k, 10M or 1G"},
	[OPT_ENUM] = {"choice", ""},
};

const char *option_type_name(enum option_type type)
{
	return types[type].name;
}

static void show(const struct option *o, struct str value, struct buf *why)
{
	if (o->flags & OPT_SECRET)
		buf_lit(why, "the value");
	else
		buf_printf(why, "\"%.*s\"", STR_ARG(value));
}

void option_put_number(struct buf *b, const struct option *o, int64_t v)
{
	struct unit best = {"", 1};

	if (o->type == OPT_TIME && v)
		best.name = "ms";
	for (const struct unit *u = time_units; *best.name && u->name; u++)
		if (v % u->factor == 0 && u->factor > best.factor)
			best = *u;
	buf_printf(b, "%" PRId64 "%s", v / best.factor, best.name);
}

static bool check_number(const struct option *o, struct str value, struct buf *why)
{
	int64_t v;

	if (!read_number(o, value, &v)) {
		show(o, value, why);
		buf_printf(why, " is not %s", types[o->type].must_be);
		return false;
	}
	if ((o->min || o->max) && (v < o->min || (o->max >= o->min && v > o->max))) {
		bool both = o->max >= o->min && o->max < INT64_MAX;

		show(o, value, why);
		buf_printf(why, " is %s ", both ? "not between" : "less than");
		option_put_number(why, o, o->min);
		if (both) {
			buf_lit(why, " and ");
			option_put_number(why, o, o->max);
		}
		return false;
	}
	return true;
}

static bool check_enum(const struct option *o, struct str value, struct buf *why)
{
	if (word_index(o->choices, value) >= 0)
		return true;
	show(o, value, why);
	buf_lit(why, " is none of");
	for (int i = 0; o->choices && o->choices[i]; i++)
		buf_printf(why, "%s %s", i ? "," : "", o->choices[i]);
	return false;
}

/* n entries came before it; one mistake is told once. */
static bool check_entry(const struct option *o, struct str value, size_t n, struct buf *why)
{
	if (o->max && n >= (size_t)o->max) {
		if (n == (size_t)o->max)
			buf_printf(why, "more than %" PRId64 " entries", o->max);
		return false;
	}
	if (!(o->flags & OPT_URI) || uri_valid(value))
		return true;
	show(o, value, why);
	buf_lit(why, " is not a URI, as mailto:abuse@example.net, xmpp:help@example.net or "
		     "https://example.net/help");
	return false;
}

bool option_check(const struct option *o, struct str value, size_t n, struct buf *why)
{
	switch (o->type) {
	case OPT_STR:
		break;
	case OPT_LIST:
		return check_entry(o, value, n, why);
	case OPT_INT:
	case OPT_TIME:
	case OPT_SIZE:
		return check_number(o, value, why);
	case OPT_BOOL:
		if (word_index(true_words, value) >= 0 || word_index(false_words, value) >= 0)
			break;
		show(o, value, why);
		buf_printf(why, " is not %s", types[o->type].must_be);
		return false;
	case OPT_ENUM:
		return check_enum(o, value, why);
	}
	return true;
}

static void *field(const struct option *o, const void *target)
{
	return (char *)target + o->offset;
}

static char **copy_list(char *const *values, size_t n)
{
	char **list = xcalloc(n + 1, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = xstrdup(values[i]);
	return list;
}

void option_set(const struct option *o, void *target, char *const *values, size_t n)
{
	struct str first = n ? str_z(values[0]) : STR("");
	void *f = field(o, target);

	switch (o->type) {
	case OPT_STR:
		*(char **)f = str_dup(first);
		break;
	case OPT_LIST:
		*(char ***)f = copy_list(values, n);
		break;
	case OPT_INT:
	case OPT_TIME:
	case OPT_SIZE:
		if (!read_number(o, first, f))
			*(int64_t *)f = 0;
		break;
	case OPT_BOOL:
		*(bool *)f = word_index(true_words, first) >= 0;
		break;
	case OPT_ENUM: {
		int i = word_index(o->choices, first);

		*(int *)f = i < 0 ? 0 : i;
		break;
	}
	}
}

static struct str unquote(struct str s)
{
	s = str_trim(s);
	if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') && s.ptr[s.len - 1] == s.ptr[0])
		s = str_n(s.ptr + 1, s.len - 2);
	return s;
}

/* A default is written as in the file: {"a", "b"}, "a", a. */
static size_t split_default(const struct option *o, char ***ret_values)
{
	struct str rest = str_trim(str_z(o->def)), part;
	char **values = xcalloc(1, sizeof(*values));
	struct buf why = BUF_INIT;
	size_t n = 0;

	if (o->type == OPT_LIST && rest.len >= 2 && rest.ptr[0] == '{')
		rest = str_trim(str_n(rest.ptr + 1, rest.len - 2));
	if (o->type == OPT_LIST && !rest.len)
		rest = STR_NONE;
	while (str_split(&rest, o->type == OPT_LIST ? ',' : '\n', &part)) {
		part = unquote(part);
		if (!option_check(o, part, n, &why))
			bug("default of option \"%s\": %.*s", o->name, STR_ARG(buf_str(&why)));
		values = xrealloc(values, (n + 2) * sizeof(*values));
		values[n++] = str_dup(part);
		values[n] = NULL;
	}
	*ret_values = values;
	return n;
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void option_set_default(const struct option *o, void *target)
{
	char **values = NULL;
	size_t n = 0;

	if (o->def)
		n = split_default(o, &values);
	option_set(o, target, values, n);
	free_list(values);
}

static void free_field(const struct option *o, void *target)
{
	char *f = field(o, target);

	if (o->type == OPT_STR) {
		char *text = *(char **)f;

		if (text && o->flags & OPT_SECRET)
			wipe(text, strlen(text));
		free(text);
		*(char **)f = NULL;
	} else if (o->type == OPT_LIST) {
		free_list(*(char ***)f);
		*(char ***)f = NULL;
	}
}

void options_free(const struct option *table, void *target)
{
	for (; table->name; table++)
		free_field(table, target);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool option_same_list(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *b && strcmp(*a, *b) == 0)
		a++, b++;
	return !*a && !*b;
}

static bool same_field(const struct option *o, const void *a, const void *b)
{
	const void *fa = field(o, a), *fb = field(o, b);

	switch (o->type) {
	case OPT_STR:
		return same_text(*(char *const *)fa, *(char *const *)fb);
	case OPT_LIST:
		return option_same_list(*(char **const *)fa, *(char **const *)fb);
	case OPT_INT:
	case OPT_TIME:
	case OPT_SIZE:
		return *(const int64_t *)fa == *(const int64_t *)fb;
	case OPT_BOOL:
		return *(const bool *)fa == *(const bool *)fb;
	case OPT_ENUM:
		return *(const int *)fa == *(const int *)fb;
	}
	return true;
}

static void copy_field(const struct option *o, void *target, const void *newer)
{
	void *to = field(o, target), *from = field(o, newer);
	char *const *list;
	size_t n = 0;

	free_field(o, target);
	switch (o->type) {
	case OPT_STR:
		*(char **)to = *(char **)from ? xstrdup(*(char **)from) : NULL;
		break;
	case OPT_LIST:
		for (list = *(char ***)from; list && list[n];)
			n++;
		*(char ***)to = copy_list(list, n);
		break;
	case OPT_INT:
	case OPT_TIME:
	case OPT_SIZE:
		*(int64_t *)to = *(const int64_t *)from;
		break;
	case OPT_BOOL:
		*(bool *)to = *(const bool *)from;
		break;
	case OPT_ENUM:
		*(int *)to = *(const int *)from;
		break;
	}
}

void options_reload(const struct option *table, void *target, const void *newer,
		    struct buf *changed, struct buf *ignored)
{
	for (; table->name; table++) {
		struct buf *names = table->flags & OPT_RELOAD ? changed : ignored;

		if (same_field(table, target, newer))
			continue;
		if (table->flags & OPT_RELOAD)
			copy_field(table, target, newer);
		buf_printf(names, "%s%s", names->len ? " " : "", table->name);
	}
}
