/* SPDX-License-Identifier: MIT */
/* Command lines with long options, in any order with other arguments. */
#include "tools/args.h"
#include <string.h>

struct args args_begin(const struct arg *table, int argc, char **argv)
{
	return (struct args){.table = table, .argc = argc, .argv = argv, .at = 1};
}

static int find(const struct args *a, const char *text, size_t len)
{
	for (int i = 0; a->table[i].name; i++) {
		if (text[0] == '-' && text[1] == '-'
			    ? strlen(a->table[i].name) == len - 2 &&
				      memcmp(a->table[i].name, text + 2, len - 2) == 0
			    : len == 2 && a->table[i].letter == text[1])
			return i;
	}
	return ARGS_BAD;
}

static int take(struct args *a, char *text)
{
	bool is_long = text[1] == '-';
	char *equals = is_long ? strchr(text, '=') : NULL;
	size_t len = is_long ? (equals ? (size_t)(equals - text) : strlen(text)) : 2;
	int i = find(a, text, len);

	a->value = text;
	if (i < 0)
		return ARGS_BAD;
	if (!a->table[i].value)
		return text[len] ? ARGS_BAD : i;
	if (equals) {
		a->value = equals + 1;
	} else if (!is_long && text[2]) {
		a->value = text + 2;
	} else if (a->at < a->argc) {
		a->value = a->argv[a->at++];
	} else {
		return ARGS_BAD;
	}
	return i;
}

int args_next(struct args *a)
{
	while (a->at < a->argc) {
		char *text = a->argv[a->at++];

		if (a->literal || text[0] != '-' || !text[1]) {
			a->argv[++a->words] = text;
			continue;
		}
		if (strcmp(text, "--") == 0) {
			a->literal = true;
			continue;
		}
		return take(a, text);
	}
	return ARGS_END;
}
