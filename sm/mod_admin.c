/* SPDX-License-Identifier: MIT */
/* Service administration (XEP-0133), for those whom option `admins` and the edited list name. */
#include <errno.h>
#include <stdlib.h>
#include "sm/admin.h"

const struct option mod_admin_options[] = {
	{"admin_idle_time", OPT_TIME, offsetof(struct admin_config, idle_time), "10m", 1000,
	 86400000, NULL, OPT_RELOAD,
	 "Silence after which administration counts a session as idle; one that says away or xa "
	 "is."},
	{"admin_list_max", OPT_INT, offsetof(struct admin_config, list_max), "1000", 1, 100000,
	 NULL, OPT_RELOAD, "Most entries of a list that administration shows."},
	{"admin_text_max", OPT_SIZE, offsetof(struct admin_config, text_max), "64k", 256, 262144,
	 NULL, OPT_RELOAD,
	 "Largest message of the day, welcome message, announcement or list of JIDs that "
	 "administrators can set in-band."},
	{NULL},
};
extern const struct module mod_admin;

struct sm *admin_sm(const struct command_run *r)
{
	return command_app(r);
}

const struct admin_config *admin_config(const struct command_run *r)
{
	return module_config(admin_sm(r), &mod_admin);
}

struct str admin_domain(const struct command_run *r)
{
	struct jid j;

	return jid_split(command_to(r), &j) < 0 ? STR_NONE : j.domain;
}

void admin_note_missing(struct command_run *r, struct str missing)
{
	if (missing.len)
		command_note(r, "warn", "Without %.*s, from which no answer came in time.",
			     STR_ARG(missing));
}

static const struct {
	int err;
	enum stanza_error error;
	const char *text;
} errors[] = {
	{EEXIST, STANZA_E_CONFLICT, "the account exists already"},
	{ENOENT, STANZA_E_ITEM_NOT_FOUND, "there is no such account or session"},
	{EINVAL, STANZA_E_NOT_ACCEPTABLE, "name or password is not acceptable"},
	{EPERM, STANZA_E_NOT_ALLOWED, "that is not allowed"},
	{EOPNOTSUPP, STANZA_E_NOT_ALLOWED, "the accounts of that domain are kept elsewhere"},
	{EAGAIN, STANZA_E_RESOURCE_CONSTRAINT, "too busy, try again later"},
	{ETIMEDOUT, STANZA_E_INTERNAL_SERVER_ERROR, "no answer came in time"},
	{EHOSTUNREACH, STANZA_E_INTERNAL_SERVER_ERROR, "no process that could do it is there"},
};

enum stanza_error admin_error(int err)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].err == abs(err))
			return errors[i].error;
	return STANZA_E_INTERNAL_SERVER_ERROR;
}

const char *admin_error_text(int err)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].err == abs(err))
			return errors[i].text;
	return "storage has refused it";
}

struct str admin_account(const struct command_run *r, struct str jid)
{
	struct jid j;

	if (jid_split(jid, &j) < 0 || !j.local.len || !sm_local_domain(admin_sm(r), j.domain))
		return STR_NONE;
	return j.bare;
}

/* --- settings -------------------------------------------------------------------------------- */

static void set_cancel(void *arg)
{
	service_set_cancel(arg);
}

static void set_done(void *arg, int err, struct str missing)
{
	struct command_run *r = arg;

	command_keep_none(r);
	if (err) {
		command_fail(r, STANZA_E_INTERNAL_SERVER_ERROR, admin_error_text(err));
		return;
	}
	if (missing.len)
		command_note(r, "warn", "It is stored; %.*s did not answer and will read it later.",
			     STR_ARG(missing));
	command_done(r);
}

void admin_set(struct command_run *r, struct str domain, const char *name, struct str value,
	       bool keep_time)
{
	struct service *s = sm_service(admin_sm(r));

	if (value.len > (size_t)admin_config(r)->text_max) {
		command_fail(r, STANZA_E_NOT_ACCEPTABLE, "that is too long");
		return;
	}
	command_keep(r, service_set(s, domain, name, value, keep_time, set_done, r), set_cancel);
}

/* Whoever gets the name next is no administrator. */
static void removed(struct user *u, struct txn *t)
{
	struct service *s = sm_service(user_sm(u));
	struct str rest = service_value(s, STR(""), "admins"), line;
	struct buf others = BUF_INIT;
	bool was = false;

	(void)t;
	while (str_split(&rest, '\n', &line)) {
		if (str_eq(line, user_jid(u)))
			was = true;
		else
			buf_printf(&others, "%s%.*s", others.len ? "\n" : "", STR_ARG(line));
	}
	if (was)
		(void)service_set(s, STR(""), "admins", buf_str(&others), false, NULL, NULL);
	buf_free(&others);
}

static const struct command *const commands[] = {admin_account_commands,
						 admin_user_commands,
						 admin_figure_commands,
						 admin_message_commands,
						 admin_service_commands,
						 admin_session_commands,
						 NULL};
static const char *const xeps[] = {"0133 1.3.1", NULL};

const struct module mod_admin = {
	.name = "admin",
	.summary = "service administration",
	.xeps = xeps,
	.options = mod_admin_options,
	.config_size = sizeof(struct admin_config),
	.commands = commands,
	.hooks = {.user_remove = removed},
};
