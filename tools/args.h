/* SPDX-License-Identifier: MIT */
/* Command lines with long options (getopt_long's header and base/options.h claim the same name). */
#ifndef TOOLS_ARGS_H
#define TOOLS_ARGS_H

#include <stdbool.h>

struct arg {
	const char *name; /* "config" for --config; NULL ends a table */
	char letter;	  /* 'c' for -c, 0: none */
	bool value;	  /* takes one, as --config FILE or --config=FILE */
};

struct args {
	const struct arg *table;
	int argc;
	char **argv; /* what is no option is moved to the front, behind argv[0] */
	int at, words;
	bool literal;	   /* behind -- */
	const char *value; /* of the option returned last */
};

enum { ARGS_END = -1, ARGS_BAD = -2 };

struct args args_begin(const struct arg *table, int argc, char **argv);
/* The index of the next option, ARGS_END, or ARGS_BAD (value is then the argument). After the end
 * argv[1] to argv[words] are the arguments that are no options. */
int args_next(struct args *a);

#endif
