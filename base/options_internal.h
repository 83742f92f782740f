/* SPDX-License-Identifier: MIT */
/* What the files behind options.h share: typed values, and settings as they were written. */
#ifndef BASE_OPTIONS_INTERNAL_H
#define BASE_OPTIONS_INTERNAL_H

#include "base/options.h"

/* One assignment. An instance's has section "instance" and the instance as title. */
struct setting {
	struct setting *next;
	char *section;
	char *title; /* NULL: the section has none */
	const struct option *option;
	char **values; /* n and a NULL */
	size_t n;
	bool override;
};

struct conf_title {
	struct conf_title *next;
	char *section, *title;
};

struct conf {
	const struct option_section *sections;
	struct setting *settings; /* newest first */
	struct conf_title *titles;
	struct conf_titles {
		char *section;
		const char **list;
	} *lists; /* what conf_titles gave out */
	size_t n_lists;
};

#define INSTANCE "instance"

/* The option name in any table of the section, NULL: none. */
const struct option *conf_find_option(const struct option_section *sections, struct str section,
				      struct str name);
/* The same as a section's text may use it: a process's section and an instance also take the
 * options of the top level. */
const struct option *conf_valid_option(const struct option_section *sections, struct str section,
				       struct str title, struct str name);
bool conf_has_section(const struct option_section *sections, struct str name, bool *ret_titled);
/* The text belongs to a process whose options are not known here. */
bool conf_is_foreign(const struct option_section *sections, struct str section, struct str title);
/* "c2s-2" or "c2s" -> "c2s"; empty when it is an instance of nothing. */
struct str conf_process_of(const struct option_section *sections, struct str instance);
/* Appends " (nearest: …)" when a valid name is near. */
void conf_suggest(const struct option_section *sections, struct str section, struct str title,
		  struct str name, struct buf *b);
struct setting *conf_add_setting(struct conf *c, struct str section, struct str title,
				 const struct option *o, bool override);
void conf_add_value(struct setting *s, struct str value);
void conf_add_title(struct conf *c, struct str section, struct str title);

/* "[section.]option=value", where section is "c2s", "c2s-2" (as "instance:c2s-2") or
 * "host:example.com", and a list's entries are separated by commas. */
void conf_override(struct conf *c, const char *text, struct buf *errors);

/* Checks value number n of an option (the first is 0); appends what is wrong to why. */
bool option_check(const struct option *o, struct str value, size_t n, struct buf *why);
/* With a time in the largest unit of which it is a whole number. */
void option_put_number(struct buf *b, const struct option *o, int64_t v);
/* Sets the field from checked values; what it held is not released. */
void option_set(const struct option *o, void *target, char *const *values, size_t n);
bool option_same_list(char *const *a, char *const *b); /* NULL-terminated, or NULL */
void option_set_default(const struct option *o, void *target);
/* The name of the type as documentation shows it. */
const char *option_type_name(enum option_type type);

#endif
