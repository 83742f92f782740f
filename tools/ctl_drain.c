/* SPDX-License-Identifier: MIT */
/* mercutioctl drain: an instance hands over, finishes and exits. */
#include "tools/ctl.h"

static int drain(struct ctl *c, int argc, char **argv)
{
	struct msg_control m = {.command = STR("drain")};
	struct ctl_answers *all = ctl_control(c, argv[0], &m);
	int status = ctl_answers_check(all, argv[0]);

	for (size_t i = 0; i < all->n; i++) {
		if (all->list[i].value)
			printf("%s is stopping\n", all->list[i].instance);
	}
	ctl_answers_free(all);
	return status;
}

const struct ctl_command ctl_drain_commands[] = {
	{"drain", "PROCESS|INSTANCE", 1, 1, CTL_LINK, drain,
	 "hands over what it owns, finishes its work and exits"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
