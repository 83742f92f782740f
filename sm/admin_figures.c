/* SPDX-License-Identifier: MIT */
/* XEP-0133 sections 4.13 to 4.22: how many accounts there are of each kind, and which. */
#include <errno.h>
#include <stdlib.h>
#include "sm/admin.h"

enum { READ_MS = 10000, WHICH_ONLINE = 0, WHICH_ACTIVE, WHICH_IDLE, PAGE = 500 };
enum kind { REGISTERED, DISABLED, ONLINE, ACTIVE, IDLE };

static const struct {
	const char *command, *number_var, *number_label, *list_var, *list_label;
} kinds[] = {
	[REGISTERED] = {"registered", "registeredusersnum", "The number of registered users",
			"registereduserjids", "The list of all users"},
	[DISABLED] = {"disabled", "disabledusersnum", "The number of disabled users",
		      "disableduserjids", "The list of all disabled users"},
	[ONLINE] = {"online", "onlineusersnum", "The number of online users", "onlineuserjids",
		    "The list of all online users"},
	[ACTIVE] = {"active", "activeusersnum", "The number of active users", "activeuserjids",
		    "The list of active users"},
	/* The example in section 4.22 has activeuserjids: by the registry of section 8.2 there is
	 * no other field for it. */
	[IDLE] = {"idle", "idleusersnum", "The number of idle users", "activeuserjids",
		  "The list of idle users"},
};

struct job {
	struct command_run *r;
	enum kind kind;
	bool list;
	size_t most; /* names wanted */
	struct gather *gather;
	struct store_read *read;
	char *after; /* last account of the page before */
	uint64_t count;
	char **names;
	size_t nnames;
};

static void job_free(void *arg)
{
	struct job *j = arg;

	gather_cancel(j->gather);
	store_read_cancel(j->read);
	for (size_t i = 0; i < j->nnames; i++)
		free(j->names[i]);
	free(j->names);
	free(j->after);
	free(j);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void finish(struct job *j, struct str missing)
{
	char number[32];
	size_t shown = j->nnames < j->most ? j->nnames : j->most;

	admin_note_missing(j->r, missing);
	if (!j->list) {
		(void)snprintf(number, sizeof number, "%llu", (unsigned long long)j->count);
		command_result(j->r, kinds[j->kind].number_var, "text-single",
			       kinds[j->kind].number_label, str_z(number));
		command_done(j->r);
		return;
	}
	if (j->nnames)
		qsort(j->names, j->nnames, sizeof *j->names, by_name);
	else
		command_result(j->r, kinds[j->kind].list_var, "jid-multi",
			       kinds[j->kind].list_label, STR_NONE);
	for (size_t i = 0; i < shown; i++)
		command_result(j->r, kinds[j->kind].list_var, "jid-multi",
			       kinds[j->kind].list_label, str_z(j->names[i]));
	if (shown < j->count)
		command_note(j->r, "info", "The first %zu of %llu are shown.", shown,
			     (unsigned long long)j->count);
	command_done(j->r);
}

static void add_name(struct job *j, struct str name)
{
	if ((j->nnames & (j->nnames - 1)) == 0)
		j->names = xrealloc(j->names, (j->nnames ? j->nnames * 2 : 1) * sizeof *j->names);
	j->names[j->nnames++] = str_dup(name);
}

/* --- with sessions: of all sm ----------------------------------------------------------------- */

static void take_users(void *arg, const void *msg)
{
	struct job *j = arg;
	const struct msg_users_told *m = msg;

	j->count += m->count;
	for (size_t i = 0; i < m->njids; i++)
		add_name(j, m->jids[i]);
}

static void took_all(void *arg, struct str missing)
{
	struct job *j = arg;

	j->gather = NULL;
	finish(j, missing);
}

static void gather_users(struct job *j)
{
	struct msg_users m = {.domain = admin_domain(j->r),
			      .which = (uint8_t)(j->kind - ONLINE + WHICH_ONLINE),
			      .idle = (uint64_t)admin_config(j->r)->idle_time,
			      .most = j->list ? (uint32_t)j->most : 0};

	j->gather = gather_sms(admin_sm(j->r), MSG_USERS, &m, take_users, took_all, j);
}

/* --- all there are: of storage ---------------------------------------------------------------- */

static void read_page(struct job *j);

static bool of_domain(const struct job *j, struct str account)
{
	struct jid jid;

	return jid_split(account, &jid) == 0 && str_eq(jid.domain, admin_domain(j->r));
}

static void got_page(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct job *j = arg;
	const struct msg_rows *rows = results;

	j->read = NULL;
	if (err < 0 || n != 1) {
		command_fail(j->r, STANZA_E_INTERNAL_SERVER_ERROR, "storage does not answer");
		return;
	}
	for (size_t i = 0; i < rows->nrows; i++) {
		struct str account = rows->rows[i].values[0].s;

		if (!of_domain(j, account))
			continue;
		j->count++;
		if (j->list && j->nnames < j->most)
			add_name(j, account);
	}
	if (!rows->more || !rows->nrows) {
		finish(j, STR_NONE);
		return;
	}
	free(j->after);
	j->after = str_dup(rows->rows[rows->nrows - 1].values[0].s);
	read_page(j);
}

/* The key is the whole JID: the accounts of several domains lie among each other. */
static void read_page(struct job *j)
{
	struct msg_value after = value_text(str_z(j->after ? j->after : ""));
	struct msg_read_op op = {.op = STORE_LIST,
				 .table = j->kind == DISABLED ? TABLE_DISABLED : TABLE_ACCOUNT,
				 .limit = PAGE,
				 .after = &after,
				 .nafter = j->after ? 1 : 0};

	j->read = store_read(sm_link(admin_sm(j->r)), &op, 1, READ_MS, got_page, j);
}

static void got_count(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct job *j = arg;

	j->read = NULL;
	if (err < 0 || n != 1 || !results[0].nrows) {
		command_fail(j->r, STANZA_E_INTERNAL_SERVER_ERROR, "storage does not answer");
		return;
	}
	j->count = (uint64_t)results[0].rows[0].values[0].i;
	finish(j, STR_NONE);
}

static void read_count(struct job *j)
{
	struct msg_read_op op = {.op = STORE_COUNT,
				 .table = j->kind == DISABLED ? TABLE_DISABLED : TABLE_ACCOUNT};

	j->read = store_read(sm_link(admin_sm(j->r)), &op, 1, READ_MS, got_count, j);
}

/* --- the commands ---------------------------------------------------------------------------- */

static struct job *job_new(struct command_run *r, bool list)
{
	struct job *j = xcalloc(1, sizeof *j);
	const char *name = command_of(r)->node + strlen(ADMIN("get-"));

	j->r = r;
	j->list = list;
	while (strncmp(name, kinds[j->kind].command, strlen(kinds[j->kind].command)) != 0)
		j->kind++;
	command_keep(r, j, job_free);
	return j;
}

static void number(struct command_run *r)
{
	struct job *j = job_new(r, false);

	if (j->kind >= ONLINE)
		gather_users(j);
	else if (!sm_domains(admin_sm(r))[1])
		read_count(j); /* of the only domain */
	else
		read_page(j);
}

static void list(struct command_run *r)
{
	struct job *j = job_new(r, true);
	struct str most = command_value(r, "max_items");
	unsigned long long n = (unsigned long long)admin_config(r)->list_max;
	unsigned long long wanted;

	if (most.len && !str_eqz(most, "none")) {
		if (!str_u64(most, &wanted) || !wanted) {
			command_bad_payload(r, "max_items is no number.");
			return;
		}
		n = wanted < n ? wanted : n;
	}
	j->most = n;
	if (j->kind >= ONLINE)
		gather_users(j);
	else
		read_page(j);
}

static const struct command_option most_options[] = {
	{"25", "25"},	{"50", "50"},	{"75", "75"},	  {"100", "100"},
	{"150", "150"}, {"200", "200"}, {"None", "none"}, {NULL, NULL},
};
static const struct command_field list_fields[] = {
	{"max_items", COMMAND_LIST, "Maximum number of items to show", false, most_options, NULL},
	{.var = NULL},
};

#define LIST_FORM(kind, name)                                                                      \
	static const struct command_form kind##_form[] = {                                         \
		{name, "Fill out this form to request the " #kind " users of this service.",       \
		 list_fields},                                                                     \
		{.title = NULL}}
LIST_FORM(registered, "Requesting List of Registered Users");
LIST_FORM(disabled, "Requesting List of Disabled Users");
LIST_FORM(online, "Requesting List of Online Users");
LIST_FORM(active, "Requesting List of Active Users");
LIST_FORM(idle, "Requesting List of Idle Users");

#define NUMBER(kind, name)                                                                         \
	{                                                                                          \
		ADMIN("get-" kind "-users-num"), "Get Number of " name " Users",                   \
			COMMAND_FOR_ADMINS, NULL, NULL, number                                     \
	}
#define LIST(node, kind, name)                                                                     \
	{                                                                                          \
		ADMIN(node), "Get List of " name " Users", COMMAND_FOR_ADMINS, kind##_form, NULL,  \
			list                                                                       \
	}

const struct command admin_figure_commands[] = {
	NUMBER("registered", "Registered"),
	NUMBER("disabled", "Disabled"),
	NUMBER("online", "Online"),
	NUMBER("active", "Active"),
	NUMBER("idle", "Idle"),
	LIST("get-registered-users-list", registered, "Registered"),
	LIST("get-disabled-users-list", disabled, "Disabled"),
	LIST("get-online-users-list", online, "Online"),
	LIST("get-active-users", active, "Active"), /* so in sections 4.21 and 4.22 */
	LIST("get-idle-users", idle, "Idle"),
	{.node = NULL},
};
