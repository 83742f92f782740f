/* SPDX-License-Identifier: MIT */
/* mercutioctl storage retention: what of an account's log is kept, and the account's own limits. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "storage/retention.h"
#include "tools/ctl.h"

struct asked {
	struct msg_retention_is is;
	bool good;
};

static void on_answer(void *arg, int err, uint16_t kind, const void *m)
{
	struct asked *a = arg;
	char *why;

	a->good = err == 0 && kind == MSG_RETENTION_IS;
	if (a->good) {
		a->is = *(const struct msg_retention_is *)m;
		return;
	}
	why = ctl_reason(err, m);
	ctl_error("%s", why);
	free(why);
}

static bool ask(struct ctl *c, const struct msg_retention *m, struct asked *a)
{
	struct frame head = ctl_head(MSG_RETENTION, ctl_serving(c, "storage"));

	a->good = false;
	if (!head.to) {
		ctl_error("no storage process is there");
		return false;
	}
	ctl_ask(c, &head, m, on_answer, a);
	ctl_finish(c);
	return a->good;
}

static const struct option *limit_options(const struct ctl *c)
{
	const struct option_section *s = c->sections;

	while (s->name && strcmp(s->name, "retention") != 0)
		s++;
	return s->options;
}

/* NAME=VALUE, as in the configuration; VALUE "domain": no limit of its own. */
static bool read_limit(const struct ctl *c, const char *arg, struct msg_retention *m)
{
	const struct option *table = limit_options(c);
	int64_t *const fields[] = {&m->age, &m->entries, &m->bytes, &m->offline};
	char *text = xasprintf("retention:x.%s", arg);
	const char *overrides[] = {text, NULL}, *value = strchr(arg, '=');
	struct buf errors = BUF_INIT;
	struct limits l = {0};
	struct conf *conf = NULL;
	const char *why;
	size_t at = 0;

	while (table[at].name && (!value || strlen(table[at].name) != (size_t)(value - arg) ||
				  strncmp(table[at].name, arg, (size_t)(value - arg)) != 0))
		at++;
	if (!table[at].name) {
		ctl_error("%s: age, count, size or offline, \"=\" and a value are expected", arg);
	} else if (strcmp(value + 1, "domain") == 0) {
		*fields[at] = -1;
	} else if (!(conf = conf_parse("", "", c->sections, overrides, &errors))) {
		buf_putc(&errors, 0);
		/* Behind what it says of where the option stands. */
		why = strstr(buf_ptr(&errors), "\": ");
		ctl_error("%s: %.*s", arg, why ? (int)strcspn(why + 3, "\n") : 0,
			  why ? why + 3 : "");
		table = NULL;
	} else {
		conf_fill_titled(conf, "retention", "x", table, &l);
		*fields[at] = *(int64_t *)((char *)&l + table[at].offset);
	}
	conf_free(conf);
	buf_free(&errors);
	free(text);
	return table && table[at].name;
}

static void print_one(struct ctl_text *t, const char *name, int64_t own, int64_t all, bool time)
{
	char *text = time && all ? ctl_duration(all / 1000) : xasprintf("%lld", (long long)all);

	ctl_text_cell(t, "%s", name);
	ctl_text_cell(t, "%s", all ? text : "no limit");
	ctl_text_cell(t, "%s", own < 0 ? "as its domain" : "its own");
	free(text);
}

static void print(struct ctl *c, const struct msg_retention_is *is)
{
	struct ctl_text *t;

	if (c->json) {
		ctl_print_json(json_pack("{s:I, s:I, s:I, s:I}", "age_ms", (json_int_t)is->all_age,
					 "count", (json_int_t)is->all_entries, "size",
					 (json_int_t)is->all_bytes, "offline_ms",
					 (json_int_t)is->all_offline));
		return;
	}
	t = ctl_text_new(3);
	print_one(t, "age", is->age, is->all_age, true);
	print_one(t, "count", is->entries, is->all_entries, false);
	print_one(t, "size", is->bytes, is->all_bytes, false);
	print_one(t, "offline", is->offline, is->all_offline, true);
	ctl_text_print(t, stdout);
}

static int retention(struct ctl *c, int argc, char **argv)
{
	struct pool *p = pool_new();
	struct buf why = BUF_INIT;
	struct msg_retention m = {.account = ctl_account(c, p, str_z(argv[0]), &why)};
	struct asked a = {.good = m.account.len > 0};

	if (!a.good)
		ctl_error("%s: %.*s", argv[0], STR_ARG(buf_str(&why)));
	a.good = a.good && ask(c, &m, &a);
	m.age = a.is.age;
	m.entries = a.is.entries;
	m.bytes = a.is.bytes;
	m.offline = a.is.offline;
	for (int i = 1; i < argc && a.good; i++)
		a.good = read_limit(c, argv[i], &m);
	m.set = argc > 1;
	if (a.good && m.set)
		ask(c, &m, &a);
	if (a.good)
		print(c, &a.is);
	buf_free(&why);
	pool_free(p);
	return a.good ? CTL_GOOD : CTL_FAILED;
}

const struct ctl_command ctl_retention_commands[] = {
	{"storage retention", "ACCOUNT [age|count|size|offline=VALUE]...", 1, 5, CTL_LINK, retention,
	 "what of the account's log is kept; sets limits of its own (VALUE domain: none)"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
