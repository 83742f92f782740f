/* SPDX-License-Identifier: MIT */
/* mercutioctl status and wait: who is there, and what is missing, in plain words. */
#include <stdlib.h>
#include "base/alloc.h"
#include "tools/ctl.h"

/* What the server cannot do without, in the order in which it is missed. */
static const struct need {
	const char *route, *missing;
} needs[] = {
	{"storage", "no storage process is linked: nothing can be read or written"},
	{"auth", "no auth process is linked: nobody can log in"},
	{"sm", "no sm process is linked: no session can be opened"},
	{"c2s", "no c2s process is linked: clients cannot connect"},
};
enum { NEEDS = sizeof(needs) / sizeof(needs[0]) };

static void add_problem(json_t *problems, char *take_text)
{
	json_array_append_new(problems, json_string(take_text));
	free(take_text);
}

static int shards_without_owner(struct ctl *c)
{
	uint32_t epoch;
	int n = 0;

	for (int s = 0; s < SHARDS; s++)
		n += link_owner(c->link, "sm", (uint16_t)s, &epoch) == 0;
	return n;
}

/* What keeps clients from logging in. */
static json_t *find_problems(struct ctl *c)
{
	json_t *problems = json_array();
	int free_shards = shards_without_owner(c);

	for (size_t i = 0; i < NEEDS; i++) {
		if (!ctl_serving(c, needs[i].route))
			add_problem(problems, xstrdup(needs[i].missing));
	}
	if (free_shards && ctl_serving(c, "sm"))
		add_problem(problems,
			    xasprintf("%d of %d parts of the accounts have no sm process yet",
				      free_shards, SHARDS));
	return problems;
}

/* Links of a process that are not up, what it says of itself, and those processes that did not answer. */
static void add_trouble(const struct ctl_answer *a, json_t *problems)
{
	json_t *link, *text;
	size_t i;

	if (a->error) {
		add_problem(problems, xasprintf("%s: %s", a->instance, a->error));
		return;
	}
	if (json_is_true(json_object_get(a->value, "draining")))
		add_problem(problems, xasprintf("%s is stopping", a->instance));
	json_array_foreach (json_object_get(a->value, "links"), i, link) {
		if (!json_is_true(json_object_get(link, "up")))
			add_problem(problems,
				    xasprintf("%s has no link to %s", a->instance,
					      json_string_value(json_object_get(link, "router"))));
	}
	json_array_foreach (json_object_get(a->value, "problems"), i, text) {
		add_problem(problems, xasprintf("%s: %s", a->instance, json_string_value(text)));
	}
}

static json_int_t sum(const json_t *links, const char *field)
{
	json_int_t all = 0;
	size_t i;
	json_t *link;

	json_array_foreach (links, i, link) {
		const json_t *v = json_object_get(link, field);

		all += json_is_boolean(v) ? json_is_true(v) : json_integer_value(v);
	}
	return all;
}

static void print_table(const struct ctl_answers *all)
{
	static const char *const titles[] = {"INSTANCE", "PROCESS", "VERSION", "HOST",	"PID",
					     "UP FOR",	 "LINKS",   "QUEUED",  "FRAMES"};
	struct ctl_text *t = ctl_text_new(sizeof(titles) / sizeof(titles[0]));

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		ctl_text_cell(t, "%s", titles[i]);
	for (size_t i = 0; i < all->n; i++) {
		const struct ctl_answer *a = &all->list[i];
		const json_t *links = json_object_get(a->value, "links");
		char *up = ctl_duration(json_integer_value(json_object_get(a->value, "uptime")));

		ctl_text_cell(t, "%s", a->instance);
		ctl_text_cell(t, "%s", a->process);
		ctl_text_cell(t, "%s", a->version);
		ctl_text_cell(t, "%s", a->host);
		ctl_text_cell(t, "%u", a->pid);
		ctl_text_cell(t, "%s", a->value ? up : "?");
		ctl_text_cell(t, "%lld", (long long)sum(links, "up"));
		ctl_text_cell(t, "%lld", (long long)sum(links, "queued"));
		ctl_text_cell(t, "%lld",
			      (long long)(sum(links, "frames_in") + sum(links, "frames_out")));
		free(up);
	}
	ctl_text_print(t, stdout);
}

static void print_json(const struct ctl_answers *all, json_t *problems)
{
	json_t *instances = json_array();

	for (size_t i = 0; i < all->n; i++) {
		const struct ctl_answer *a = &all->list[i];
		json_t *o = a->value ? json_incref(a->value) : json_object();

		json_object_set_new(o, "instance", json_string(a->instance));
		json_object_set_new(o, "process", json_string(a->process));
		json_object_set_new(o, "version", json_string(a->version));
		json_object_set_new(o, "host", json_string(a->host));
		json_object_set_new(o, "pid", json_integer(a->pid));
		if (a->error)
			json_object_set_new(o, "error", json_string(a->error));
		json_array_append_new(instances, o);
	}
	ctl_print_json(json_pack("{s:o, s:O}", "instances", instances, "problems", problems));
}

static int status(struct ctl *c, int argc, char **argv)
{
	struct msg_control m = {.command = STR("status")};
	struct ctl_answers *all = ctl_control(c, NULL, &m);
	json_t *problems = find_problems(c), *text;
	size_t i, n;

	for (i = 0; i < all->n; i++)
		add_trouble(&all->list[i], problems);
	n = json_array_size(problems);
	if (c->json) {
		print_json(all, problems);
	} else {
		print_table(all);
		json_array_foreach (problems, i, text) {
			printf("! %s\n", json_string_value(text));
		}
	}
	json_decref(problems);
	ctl_answers_free(all);
	return n ? ctl_error("not all is well: %zu problem%s", n, n == 1 ? "" : "s") : CTL_GOOD;
}

/* --- wait ------------------------------------------------------------------------------------ */

static bool all_well(struct ctl *c, void *arg)
{
	for (size_t i = 0; i < NEEDS; i++) {
		if (!ctl_serving(c, needs[i].route))
			return false;
	}
	return shards_without_owner(c) == 0;
}

static int wait_until(struct ctl *c, int argc, char **argv)
{
	json_t *problems;

	if (ctl_wait(c, c->timeout_ms, all_well, NULL))
		return CTL_GOOD;
	problems = find_problems(c);
	ctl_error("%s", json_string_value(json_array_get(problems, 0)));
	json_decref(problems);
	return CTL_FAILED;
}

const struct ctl_command ctl_status_commands[] = {
	{"status", "", 0, 0, CTL_LINK, status, "processes and their links; what is missing"},
	{"wait", "", 0, 0, CTL_LINK | CTL_PATIENT, wait_until,
	 "waits until clients can log in, as long as --timeout says"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
