/* SPDX-License-Identifier: MIT */
/* mercutioctl log: how much processes log. */
#include "tools/ctl.h"

static int log_level_command(struct ctl *c, int argc, char **argv)
{
	const char *name = argc == 2 ? argv[0] : NULL, *text = argv[argc - 1];
	struct str level = str_z(text);
	struct msg_control m = {.command = STR("log-level"), .args = &level, .nargs = 1};
	enum log_level parsed;
	struct ctl_answers *all;
	int status;

	if (!log_level_parse(level, &parsed)) {
		ctl_error("%s is no level: debug, info, warn or error", text);
		return CTL_USAGE;
	}
	all = ctl_control(c, name, &m);
	status = ctl_answers_check(all, name);
	ctl_answers_free(all);
	return status;
}

const struct ctl_command ctl_log_commands[] = {
	{"log level", "[PROCESS|INSTANCE] LEVEL", 1, 2, CTL_LINK, log_level_command,
	 "what is logged until the next reload or restart: debug, info, warn, error"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
