/* SPDX-License-Identifier: MIT */
/* mercutioctl reload: processes read the configuration again. */
#include "tools/ctl.h"

static void print_names(const char *instance, const char *what, const json_t *names)
{
	size_t i;
	json_t *name;

	if (!json_array_size(names))
		return;
	printf("%s: %s:", instance, what);
	json_array_foreach (names, i, name) {
		printf(" %s", json_string_value(name));
	}
	putchar('\n');
}

static int reload(struct ctl *c, int argc, char **argv)
{
	const char *name = argc ? argv[0] : NULL;
	struct msg_control m = {.command = STR("reload")};
	struct ctl_answers *all = ctl_control(c, name, &m);
	int status = ctl_answers_check(all, name);

	for (size_t i = 0; i < all->n; i++) {
		const struct ctl_answer *a = &all->list[i];

		print_names(a->instance, "changed", json_object_get(a->value, "changed"));
		print_names(a->instance, "needs a restart",
			    json_object_get(a->value, "needs_restart"));
	}
	ctl_answers_free(all);
	return status;
}

const struct ctl_command ctl_reload_commands[] = {
	{"reload", "[PROCESS|INSTANCE]", 0, 1, CTL_LINK, reload,
	 "applies what can be changed while running; says what needs a restart"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
