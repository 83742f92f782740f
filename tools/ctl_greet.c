/* SPDX-License-Identifier: MIT */
/* mercutioctl announce, motd, welcome, user disable and the like: commands of administration by
 * name. */
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "tools/ctl_admin.h"

enum { TEXT_MAX = 262144 };

/* For every domain; text may be empty. */
static int for_all(struct ctl *c, const char *node, const char *var, struct str text)
{
	int status = CTL_GOOD;

	for (char **d = c->common.domains; *d; d++) {
		struct msg_admin_field f = {str_z(var), text};
		int one = ctl_admin_run(c, str_z(*d), node, &f, var ? 1 : 0);

		if (one != CTL_GOOD)
			status = one;
	}
	return status;
}

/* The words, or standard input for "-". */
static bool read_text(int argc, char **argv, struct buf *ret)
{
	bool input = argc == 1 && strcmp(argv[0], "-") == 0;

	for (int i = 0; i < argc && !input; i++)
		buf_printf(ret, "%s%s", i ? " " : "", argv[i]);
	while (input && !feof(stdin) && !ferror(stdin) && ret->len <= TEXT_MAX) {
		char *at = buf_reserve(ret, 4096);

		buf_added(ret, fread(at, 1, 4096, stdin));
	}
	while (ret->len && buf_ptr(ret)[ret->len - 1] == '\n')
		ret->len--;
	if (ret->len && ret->len <= TEXT_MAX)
		return true;
	ctl_error(ret->len ? "the text is too long" : "there is no text");
	return false;
}

static int say(struct ctl *c, const char *node, const char *var, int argc, char **argv)
{
	struct buf text = BUF_INIT;
	int status =
		read_text(argc, argv, &text) ? for_all(c, node, var, buf_str(&text)) : CTL_FAILED;

	buf_free(&text);
	return status;
}

static int announce(struct ctl *c, int argc, char **argv)
{
	return say(c, "announce", "announcement", argc, argv);
}

static int motd_set(struct ctl *c, int argc, char **argv)
{
	return say(c, "set-motd", "motd", argc, argv);
}

static int motd_edit(struct ctl *c, int argc, char **argv)
{
	return say(c, "edit-motd", "motd", argc, argv);
}

static int motd_delete(struct ctl *c, int argc, char **argv)
{
	return for_all(c, "delete-motd", NULL, STR_NONE);
}

static int welcome_set(struct ctl *c, int argc, char **argv)
{
	return say(c, "set-welcome", "welcome", argc, argv);
}

static int welcome_delete(struct ctl *c, int argc, char **argv)
{
	return for_all(c, "delete-welcome", NULL, STR_NONE);
}

static int with_accounts(struct ctl *c, const char *node, const char *var, int argc, char **argv)
{
	struct msg_admin_field *f = xcalloc((size_t)argc + 1, sizeof(*f));
	int status;

	for (int i = 0; i < argc; i++)
		f[i] = (struct msg_admin_field){str_z(var), str_z(argv[i])};
	status = ctl_admin_run(c, STR_NONE, node, f, (size_t)argc);
	free(f);
	return status;
}

static int user_disable(struct ctl *c, int argc, char **argv)
{
	return with_accounts(c, "disable-user", "accountjids", argc, argv);
}

static int user_enable(struct ctl *c, int argc, char **argv)
{
	return with_accounts(c, "reenable-user", "accountjids", argc, argv);
}

static int user_roster(struct ctl *c, int argc, char **argv)
{
	return with_accounts(c, "get-user-roster", "accountjids", argc, argv);
}

static int user_stats(struct ctl *c, int argc, char **argv)
{
	return with_accounts(c, "user-stats", "accountjid", argc, argv);
}

const struct ctl_command ctl_greet_commands[] = {
	{"announce", "TEXT|-", 1, -1, CTL_LINK, announce, "sends a message to all who are online"},
	{"motd set", "TEXT|-", 1, -1, CTL_LINK, motd_set,
	 "sets the message of the day, which everybody is shown once"},
	{"motd edit", "TEXT|-", 1, -1, CTL_LINK, motd_edit,
	 "corrects it; who has seen it does not see it again"},
	{"motd delete", "", 0, 0, CTL_LINK, motd_delete, "removes it"},
	{"welcome set", "TEXT|-", 1, -1, CTL_LINK, welcome_set,
	 "sets the message that new accounts get at their first login"},
	{"welcome delete", "", 0, 0, CTL_LINK, welcome_delete, "removes it"},
	{"user disable", "JID...", 1, -1, CTL_LINK, user_disable,
	 "ends its sessions and lets it log in no more; all data are kept"},
	{"user enable", "JID...", 1, -1, CTL_LINK, user_enable, "lets it log in again"},
	{"user roster", "JID...", 1, -1, CTL_LINK, user_roster, "its contacts"},
	{"user stats", "JID", 1, 1, CTL_LINK, user_stats,
	 "its resources and addresses, the size of its roster, how busy it is"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
