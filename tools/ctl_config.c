/* SPDX-License-Identifier: MIT */
/* mercutioctl config: the file checked, and all options as a sample and as documentation. */
#include <stdlib.h>
#include "link/hosts.h"
#include "tools/ctl.h"

struct report {
	const char *file;
	struct buf *errors;
};

static void unserved(void *arg, const char *title, const char *why)
{
	const struct report *r = arg;

	buf_printf(r->errors, "%s: host \"%s\": %s\n", r->file, title, why);
}

static int check(struct ctl *c, int argc, char **argv)
{
	struct buf errors = BUF_INIT;
	struct report r = {c->file, &errors};
	bool good;

	hosts_unserved(c->conf, &c->common, unserved, &r);
	process_check_all(all_processes, c->file, c->conf, &errors);
	fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
	good = !errors.len;
	buf_free(&errors);
	if (!good)
		return CTL_FAILED;
	printf("%s: good\n", c->file);
	return CTL_GOOD;
}

/* All tables in the file's order; the same section may have several. */
static int each_table(struct buf *b, void (*put)(const struct option_section *s, struct buf *b))
{
	struct option_section *s = process_sections(all_processes);

	for (const struct option_section *at = s; at->name; at++) {
		if (!at->foreign && at->options && at->options->name)
			put(at, b);
	}
	free(s);
	fwrite(buf_ptr(b), 1, b->len, stdout);
	buf_free(b);
	return CTL_GOOD;
}

static void put_sample(const struct option_section *s, struct buf *b)
{
	options_sample(s->name, s->titled, s->options, b);
}

static void put_doc(const struct option_section *s, struct buf *b)
{
	options_mdoc(s->name, s->options, b);
}

static int defaults(struct ctl *c, int argc, char **argv)
{
	struct buf b = BUF_INIT;

	return each_table(&b, put_sample);
}

static int doc(struct ctl *c, int argc, char **argv)
{
	struct buf b = BUF_INIT;

	return each_table(&b, put_doc);
}

const struct ctl_command ctl_config_commands[] = {
	{"config check", "", 0, 0, CTL_CONFIG, check,
	 "tells every mistake of the configuration with its line"},
	{"config defaults", "", 0, 0, 0, defaults, "all options with their defaults, as a sample"},
	{"config doc", "", 0, 0, 0, doc, "all options as manual page text"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
