/* SPDX-License-Identifier: MIT */
/* mercutioctl stats: the counters of processes, one a line. */
#include <stdlib.h>
#include "tools/ctl.h"

static void print_value(const char *path, const json_t *v);

static void print_member(const char *path, const char *name, const json_t *v)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s.%s", path, name);
	buf_putc(&b, '\0');
	print_value(buf_ptr(&b), v);
	buf_free(&b);
}

static void print_value(const char *path, const json_t *v)
{
	const char *key;
	json_t *member;
	char *text;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach ((json_t *)v, key, member) {
			print_member(path, key, member);
		}
		return;
	}
	if (json_is_array(v)) {
		json_array_foreach (v, i, member) {
			char number[24];

			snprintf(number, sizeof(number), "%zu", i + 1);
			print_member(path, number, member);
		}
		return;
	}
	text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
	printf("%s %s\n", path, text ? text : "?");
	free(text);
}

static int stats(struct ctl *c, int argc, char **argv)
{
	const char *name = argc ? argv[0] : NULL;
	struct msg_control m = {.command = STR("stats")};
	struct ctl_answers *all = ctl_control(c, name, &m);
	json_t *object = json_object();
	int status;

	for (size_t i = 0; i < all->n; i++) {
		if (!all->list[i].value)
			continue;
		if (c->json)
			json_object_set(object, all->list[i].instance, all->list[i].value);
		else
			print_value(all->list[i].instance, all->list[i].value);
	}
	if (c->json)
		ctl_print_json(json_incref(object));
	json_decref(object);
	status = ctl_answers_check(all, name);
	ctl_answers_free(all);
	return status;
}

const struct ctl_command ctl_stats_commands[] = {
	{"stats", "[PROCESS|INSTANCE]", 0, 1, CTL_LINK, stats, "counters, as INSTANCE.NAME VALUE"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
