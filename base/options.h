/* SPDX-License-Identifier: MIT */
/*
 * The configuration file and the tables of options that describe it.
 *
 * One file for all processes of a host (libconfuse syntax):
 *
 *     domain = example.com                    # options of every process
 *     host "example.net" { certificate = … }  # a titled section of a domain of its own
 *     c2s { max_stanza_size = 256k }          # options of a process
 *     instance "c2s-2" { listen = {"*:5223"} } # the same options, for one instance alone
 *
 * Precedence: instance over process section over top level over the table's default. An
 * unknown or malformed option is an error with file, line and the nearest valid name.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/buf.h"

enum option_type {
	OPT_STR,      /* char *, "" when it has no value, never NULL */
	OPT_LIST,     /* char **, NULL-terminated, never NULL itself */
	OPT_INT,      /* int64_t */
	OPT_BOOL,     /* bool: true, yes, on; false, no, off */
	OPT_TIME,     /* int64_t milliseconds: 500ms, 10s (also without unit), 5m, 2h, 3d */
	OPT_SIZE,     /* int64_t bytes: 4096, 64k, 10M, 1G */
	OPT_ENUM      /* int: index into choices */
};

/* Takes effect at reload; never shown; entries of the list are URIs. */
enum { OPT_RELOAD = 1, OPT_SECRET = 2, OPT_URI = 4 };

struct option {
	const char *name; /* NULL ends a table */
	enum option_type type;
	size_t offset;              /* of the field in the struct that is filled */
	const char *def;            /* as it would be written in the file; NULL: empty, 0 */
	int64_t min, max;           /* numbers, both 0: any, max < min: no most;
	                             * OPT_LIST: most entries = max */
	const char *const *choices; /* OPT_ENUM, NULL-terminated */
	unsigned flags;
	const char *help; /* one sentence; manual and `config doc` are made from it */
};

/* The options of one kind of section: "" (top level), "host" (titled), or a process's name.
 * Several tables may name the same section (modules add to their process's). */
struct option_section {
	const char *name;
	bool titled;
	const struct option *options;
	/* Another process's, whose options are not known here: they are passed over, whatever
	 * they are. options is then an empty table. */
	bool foreign;
};

struct conf; /* a parsed and checked file */

/* Reads and checks file against sections (NULL-name terminated); every mistake is appended to
 * errors as one line "FILE:LINE: …" (the nearest name suggested where one is unknown). Returns
 * NULL when there is any. Overrides are "[section.]option=value" strings, NULL-terminated or
 * NULL, and win over the file: section "c2s", "c2s-2" (an instance) or "host:example.com" (a
 * titled one); the entries of a list are separated by commas. */
struct conf *conf_load(const char *file, const struct option_section *sections,
		       const char *const *overrides, struct buf *errors);
/* The same from memory, for tests and fuzzing; name stands for the file in messages. */
struct conf *conf_parse(const char *name, const char *text, const struct option_section *sections,
			const char *const *overrides, struct buf *errors);
struct conf *conf_free(struct conf *c);
/* Fills target (zeroed by the caller) from the table, for an instance ("c2s-2", may be NULL) of a
 * section ("c2s", or "" for top level). What it points to is malloc'ed and freed by
 * options_free. */
void conf_fill(const struct conf *c, const char *section, const char *instance,
	       const struct option *table, void *target);
/* The titles of a titled section, in order ("host": the domains); NULL-terminated, lives with c. */
const char *const *conf_titles(const struct conf *c, const char *section);
/* Fills from section NAME "TITLE" { … }, defaults where it or an option is missing. */
void conf_fill_titled(const struct conf *c, const char *section, const char *title,
		      const struct option *table, void *target);
/* What differs between two files in titled sections, as "host:example.net.key"; what one of them does not
 * say counts. Appends to changed what is OPT_RELOAD, to ignored the rest (each separated by a blank). */
void conf_compare_titled(const struct conf *older, const struct conf *newer, struct buf *changed,
			 struct buf *ignored);
void options_free(const struct option *table, void *target);
/* Copies from a newer struct what is OPT_RELOAD and differs; appends to changed the names taken
 * over, and to ignored the names that differ but need a restart (each separated by a blank). */
void options_reload(const struct option *table, void *target, const void *newer,
		    struct buf *changed, struct buf *ignored);
/* The table as text: a commented sample ("config defaults") and mdoc items ("config doc"). */
void options_sample(const char *section, bool titled, const struct option *table, struct buf *b);
void options_mdoc(const char *section, const struct option *table, struct buf *b);

#endif
