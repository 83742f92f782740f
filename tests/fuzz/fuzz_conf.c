/* SPDX-License-Identifier: MIT */
/* Configuration files of any content: either every mistake is told in a line of its own, or what is
 * filled keeps to the table; and the override syntax likewise. */
#include <stdint.h>
#include <stdlib.h>
#include "base/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct filled {
	char *name, *secret;
	char **list;
	int64_t number, time, size;
	bool flag;
	int choice;
};

static const char *const choices[] = {"replace", "refuse", "rename", NULL};
static const struct option table[] = {
	{"name", OPT_STR, offsetof(struct filled, name), "none", 0, 0, NULL, 0, "A text."},
	{"list", OPT_LIST, offsetof(struct filled, list), "{a, b}", 0, 4, NULL, 0, "A list."},
	{"number", OPT_INT, offsetof(struct filled, number), "5", 1, 9, NULL, OPT_RELOAD, "A number."},
	{"time", OPT_TIME, offsetof(struct filled, time), "10s", 1000, 60000, NULL, 0, "A time."},
	{"size", OPT_SIZE, offsetof(struct filled, size), "64k", 1024, 1 << 20, NULL, 0, "A size."},
	{"flag", OPT_BOOL, offsetof(struct filled, flag), "false", 0, 0, NULL, 0, "A switch."},
	{"choice", OPT_ENUM, offsetof(struct filled, choice), "refuse", 0, 0, choices, 0, "A choice."},
	{"hidden", OPT_STR, offsetof(struct filled, secret), NULL, 0, 0, NULL, OPT_SECRET, "A secret."},
	{NULL},
};
static const struct option_section sections[] = {
	{"", false, table}, {"c2s", false, table}, {"host", true, table}, {NULL}};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct conf *c, const char *section, const char *instance)
{
	struct filled f = {0};

	conf_fill(c, section, instance, table, &f);
	must(f.name != NULL && f.list != NULL);
	must(f.number >= 1 && f.number <= 9);
	must(f.time >= 1000 && f.time <= 60000);
	must(f.size >= 1024 && f.size <= 1 << 20);
	must(f.choice >= 0 && f.choice <= 2);
	for (int n = 0; f.list[n]; n++)
		must(n < 4);
	options_free(table, &f);
}

/* Every mistake is one line that ends. */
static void check_errors(const struct buf *errors)
{
	must(errors->len > 0);
	must(buf_ptr(errors)[errors->len - 1] == '\n');
}

static void parse(const char *text, const char *const *overrides)
{
	struct buf errors = BUF_INIT;
	struct conf *c = conf_parse("f.conf", text, sections, overrides, &errors);

	if (c) {
		check(c, "", NULL);
		check(c, "c2s", "c2s-2");
	} else {
		check_errors(&errors);
	}
	conf_free(c);
	buf_free(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char *overrides[] = {text, NULL};

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	/* A file that reads other files is no matter of this test. */
	if (!strstr(text, "include")) {
		parse(text, NULL);
		parse("number = 3\n", overrides);
	}
	free(text);
	return 0;
}
