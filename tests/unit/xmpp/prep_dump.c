/* SPDX-License-Identifier: MIT */
/*
 * Prints what prep.c makes of Unicode, for prep_oracle.py.
 *
 *	prep_dump properties        ranges of code points, "FIRST LAST PROPERTY", hexadecimal
 *	prep_dump enforce           reads lines "PROFILE HEX", answers "HEX" or "-" to each
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "xmpp/prep.h"

static const char *const property_names[] = {
	[PREP_PVALID] = "PVALID",	  [PREP_FREE_PVAL] = "FREE_PVAL",
	[PREP_CONTEXTJ] = "CONTEXTJ",	  [PREP_CONTEXTO] = "CONTEXTO",
	[PREP_DISALLOWED] = "DISALLOWED", [PREP_UNASSIGNED] = "UNASSIGNED",
};

static void print_properties(void)
{
	uint32_t first = 0;

	for (uint32_t cp = 1; cp <= 0x110000; cp++) {
		if (cp < 0x110000 && prep_property(cp) == prep_property(first))
			continue;
		printf("%x %x %s\n", (unsigned)first, (unsigned)cp - 1,
		       property_names[prep_property(first)]);
		first = cp;
	}
}

static size_t from_hex(const char *hex, char *ret)
{
	size_t n = 0;
	unsigned byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		ret[n++] = (char)byte;
	return n;
}

static void enforce_line(enum prep_profile profile, const char *hex)
{
	char *text = xmalloc(strlen(hex) / 2 + 1);
	size_t n = from_hex(hex, text);
	struct buf b = BUF_INIT;

	if (prep_enforce(profile, str_n(text, n), &b) < 0)
		putchar('-');
	for (size_t i = 0; i < b.len; i++)
		printf("%02x", (unsigned char)buf_ptr(&b)[i]);
	putchar('\n');
	buf_free(&b);
	free(text);
}

static int enforce_lines(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (n < 3 || line[0] < '0' || line[0] > '3' || line[1] != ' ')
			return EXIT_FAILURE;
		enforce_line((enum prep_profile)(line[0] - '0'), line + 2);
	}
	free(line);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "enforce") == 0)
		return enforce_lines();
	if (argc == 2 && strcmp(argv[1], "properties") == 0) {
		print_properties();
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "usage: prep_dump properties|enforce\n");
	return EXIT_FAILURE;
}
