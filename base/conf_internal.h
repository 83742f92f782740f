/* SPDX-License-Identifier: MIT */
/* A parse with libconfuse, for the files that make it up. */
#ifndef BASE_CONF_INTERNAL_H
#define BASE_CONF_INTERNAL_H

#include <confuse.h>
#include "base/options_internal.h"

#define MOST_FILES 100
#define MOST_UNKNOWN 1000 /* options of processes that are not known here are among them */
/* An option that only a text's true end at the top level reaches. */
#define END_MARK "__end_of_file__"

struct unknown {
	char *section, *name;
};

struct parser {
	struct conf *c;
	const struct option_section *sections;
	struct buf errors;
	struct unknown unknown[MOST_UNKNOWN];
	size_t n_unknown;
	bool again; /* a name was declared: what was read is void */
	/* Parsed files; freeing one resets the lexer under all others. */
	cfg_t *files[2 * MOST_FILES];
	size_t n_files;
	unsigned depth;
	cfg_opt_t *opts;
	bool dry;   /* parsing only to see where the text ends */
	bool ended; /* at the top level, as it should */
	int secret_line; /* of the newest secret value; its neighbours are not quoted */
};

struct conf_callbacks {
	cfg_callback_t value;
	cfg_validate_callback_t section;
	cfg_func_t include;
	cfg_callback_t end;
};

/* The top level with all sections, for p->sections and the names in p->unknown. */
cfg_opt_t *conf_opts_new(struct parser *p, const struct conf_callbacks *cb);
void conf_opts_free(cfg_opt_t *opts);

#endif
