/* SPDX-License-Identifier: MIT */
/* XEP-0133 sections 4.11, 4.12, 4.29 to 4.31: lists of the domain, administrators, the end of all.
 */
#include <errno.h>
#include <stdlib.h>
#include "sm/admin.h"

enum { READ_MS = 10000 };

/* --- lists ----------------------------------------------------------------------------------- */

static const struct {
	const char *node, *setting, *var;
} lists[] = {
	{ADMIN("edit-blacklist"), "blacklist", "blacklistjids"},
	{ADMIN("add-to-blacklist-in"), "blacklist-in", "blacklistjids"},
	{ADMIN("add-to-blacklist-out"), "blacklist-out", "blacklistjids"},
	{ADMIN("edit-whitelist"), "whitelist", "whitelistjids"},
	{ADMIN("add-to-whitelist"), "whitelist", "whitelistjids"},
	{ADMIN("add-to-whitelist-in"), "whitelist-in", "whitelistjids"},
	{ADMIN("add-to-whitelist-out"), "whitelist-out", "whitelistjids"},
};

static size_t list_of(const struct command_run *r)
{
	size_t i = 0;

	while (strcmp(lists[i].node, command_of(r)->node) != 0)
		i++;
	return i;
}

static void show_list(struct command_run *r, unsigned stage)
{
	size_t i = list_of(r);

	(void)stage;
	command_fill_lines(
		r, lists[i].var,
		service_value(sm_service(admin_sm(r)), admin_domain(r), lists[i].setting));
	command_show(r);
}

static void add_line(struct buf *b, struct str line)
{
	if (b->len)
		buf_putc(b, '\n');
	buf_str_append(b, line);
}

static void edit_list(struct command_run *r)
{
	size_t i = list_of(r);
	struct buf lines = BUF_INIT;
	const struct str *jids;
	size_t n = command_values(r, lists[i].var, &jids);

	for (size_t k = 0; k < n; k++) {
		struct jid j;

		if (jid_split(jids[k], &j) == 0 && str_eq(j.full, admin_domain(r))) {
			buf_free(&lines);
			command_fail(r, STANZA_E_NOT_ACCEPTABLE,
				     "the domain itself cannot be listed");
			return;
		}
		add_line(&lines, jids[k]);
	}
	admin_set(r, admin_domain(r), lists[i].setting, buf_str(&lines), false);
	buf_free(&lines);
}

/* --- administrators --------------------------------------------------------------------------- */

static char *const *fixed_admins(const struct command_run *r)
{
	return service_fixed_admins(sm_service(admin_sm(r)));
}

static void show_admins(struct command_run *r, unsigned stage)
{
	(void)stage;
	for (char *const *a = fixed_admins(r); *a; a++)
		command_fill(r, "adminjids", str_z(*a));
	command_fill_lines(r, "adminjids",
			   service_value(sm_service(admin_sm(r)), STR(""), "admins"));
	command_show(r);
}

static bool among(struct str jid, const struct str *jids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(jid, jids[i]))
			return true;
	return false;
}

static void store_admins(struct command_run *r)
{
	struct service *s = sm_service(admin_sm(r));
	struct buf lines = BUF_INIT;
	const struct str *jids;
	size_t n = command_values(r, "adminjids", &jids);

	for (size_t i = 0; i < n; i++)
		if (!service_is_fixed_admin(s, jids[i]))
			add_line(&lines, jids[i]);
	for (char *const *a = fixed_admins(r); *a; a++)
		if (!among(str_z(*a), jids, n))
			command_note(r, "warn", "%s is named in the configuration file and stays.",
				     *a);
	admin_set(r, STR(""), "admins", buf_str(&lines), false);
	buf_free(&lines);
}

struct looking { /* whether those of ours exist: else whoever registers such a name would be one */
	struct command_run *r;
	struct store_read *read;
	size_t n;
};

static void looking_free(void *arg)
{
	struct looking *l = arg;

	store_read_cancel(l->read);
	free(l);
}

static void looked(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct looking *l = arg;
	struct command_run *r = l->r;
	bool all = err == 0 && n == l->n;

	l->read = NULL;
	for (size_t i = 0; all && i < n; i++)
		all = results[i].nrows > 0;
	command_keep_none(r);
	looking_free(l);
	if (err)
		command_fail(r, STANZA_E_INTERNAL_SERVER_ERROR, "storage does not answer");
	else if (all)
		store_admins(r);
	else
		command_fail(r, STANZA_E_ITEM_NOT_FOUND,
			     "an account of this server does not exist");
}

static void edit_admin(struct command_run *r)
{
	struct service *s = sm_service(admin_sm(r));
	const struct str *jids;
	size_t n = command_values(r, "adminjids", &jids);
	struct msg_read_op *ops = pool_calloc(command_pool(r), (n + 1) * sizeof *ops);
	struct msg_value *keys = pool_calloc(command_pool(r), (n + 1) * sizeof *keys);
	struct looking *l;
	size_t nops = 0;

	for (size_t i = 0; i < n; i++) {
		struct jid j;

		if (jid_split(jids[i], &j) < 0 || !j.local.len || j.resource.len) {
			command_bad_payload(r, "Administrators are bare JIDs of accounts.");
			return;
		}
		if (!sm_local_domain(admin_sm(r), j.domain) || service_is_admin(s, j.bare))
			continue;
		keys[nops] = value_text(j.bare);
		ops[nops] = (struct msg_read_op){
			.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &keys[nops], .nkey = 1};
		nops++;
	}
	if (!nops) {
		store_admins(r);
		return;
	}
	l = xcalloc(1, sizeof *l);
	l->r = r;
	l->n = nops;
	command_keep(r, l, looking_free);
	l->read = store_read(sm_link(admin_sm(r)), ops, nops, READ_MS, looked, l);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void ask_free(void *arg)
{
	gather_cancel(arg);
}

static void stop_now(struct command_run *r)
{
	bool restart = strcmp(command_of(r)->node, ADMIN("restart")) == 0;
	struct str delay = command_value(r, "delay");
	unsigned long long seconds = 0;

	(void)str_u64(delay, &seconds); /* one of those on offer */
	sm_stop_service(admin_sm(r), restart, seconds * 1000);
	command_note(r, "info", "The service %s in %llu seconds.", restart ? "restarts" : "ends",
		     seconds);
	command_done(r);
}

static void announced(void *arg, struct str missing)
{
	struct command_run *r = arg;

	command_keep_none(r);
	admin_note_missing(r, missing);
	stop_now(r);
}

static void stop(struct command_run *r)
{
	struct buf text = BUF_INIT;
	struct msg_announcement m = {.domain = STR_NONE}; /* of all domains */

	command_lines(r, "announcement", &text);
	m.body = buf_str(&text);
	if (text.len > (size_t)admin_config(r)->text_max)
		command_fail(r, STANZA_E_NOT_ACCEPTABLE, "that is too long");
	else if (text.len)
		command_keep(r, gather_sms(admin_sm(r), MSG_ANNOUNCEMENT, &m, NULL, announced, r),
			     ask_free);
	else
		stop_now(r);
	buf_free(&text);
}

static void restart(struct command_run *r)
{
	/* XEP-0133 section 5: "The specific command is not supported". */
	if (process_is_watched())
		stop(r);
	else
		command_fail(r, STANZA_E_FEATURE_NOT_IMPLEMENTED,
			     "nothing here would start the processes again");
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct command_field blacklist_fields[] = {
	{"blacklistjids", COMMAND_JIDS, "The blacklist", false, NULL, NULL}, {.var = NULL}};
static const struct command_field whitelist_fields[] = {
	{"whitelistjids", COMMAND_JIDS, "The whitelist", false, NULL, NULL}, {.var = NULL}};
static const struct command_field admin_fields[] = {
	{"adminjids", COMMAND_JIDS, "The admin list", false, NULL, NULL}, {.var = NULL}};
static const struct command_option delays[] = {
	{"at once", "0"},     {"30 seconds", "30"}, {"60 seconds", "60"},
	{"90 seconds", "90"}, {"2 minutes", "120"}, {"3 minutes", "180"},
	{"4 minutes", "240"}, {"5 minutes", "300"}, {NULL, NULL},
};
static const struct command_field restart_fields[] = {
	{"delay", COMMAND_LIST, "Time delay before restarting", false, delays, "30"},
	{"announcement", COMMAND_TEXTS, "Announcement", false, NULL, NULL},
	{.var = NULL}};
static const struct command_field shutdown_fields[] = {
	{"delay", COMMAND_LIST, "Time delay before shutting down", false, delays, "30"},
	{"announcement", COMMAND_TEXTS, "Announcement", false, NULL, NULL},
	{.var = NULL}};

static const struct command_form blacklist_form[] = {
	{"Editing the Blacklist",
	 "Fill out this form to edit the list of entities with whom communications are disallowed.",
	 blacklist_fields},
	{.title = NULL}};
static const struct command_form whitelist_form[] = {
	{"Editing the Whitelist",
	 "Fill out this form to edit the list of entities with whom communications are allowed.",
	 whitelist_fields},
	{.title = NULL}};
static const struct command_form admin_form[] = {
	{"Editing the Admin List",
	 "Fill out this form to edit the list of entities who have administrative privileges.",
	 admin_fields},
	{.title = NULL}};
static const struct command_form restart_form[] = {
	{"Restarting the Service", "Fill out this form to restart the service.", restart_fields},
	{.title = NULL}};
static const struct command_form shutdown_form[] = {{"Shutting Down the Service",
						     "Fill out this form to shut down the service.",
						     shutdown_fields},
						    {.title = NULL}};

#define LIST(node, name, form)                                                                     \
	{                                                                                          \
		ADMIN(node), name, COMMAND_FOR_ADMINS, form##_form, show_list, edit_list           \
	}

const struct command admin_service_commands[] = {
	LIST("edit-blacklist", "Edit Blacklist", blacklist),
	LIST("add-to-blacklist-in", "Edit Blacklist, Inbound", blacklist),
	LIST("add-to-blacklist-out", "Edit Blacklist, Outbound", blacklist),
	LIST("edit-whitelist", "Edit Whitelist", whitelist),
	LIST("add-to-whitelist", "Edit Whitelist", whitelist), /* its name in section 4.12's text */
	LIST("add-to-whitelist-in", "Edit Whitelist, Inbound", whitelist),
	LIST("add-to-whitelist-out", "Edit Whitelist, Outbound", whitelist),
	{ADMIN("edit-admin"), "Edit Admin List", COMMAND_FOR_ADMINS, admin_form, show_admins,
	 edit_admin},
	{ADMIN("restart"), "Restart Service", COMMAND_FOR_ADMINS, restart_form, NULL, restart},
	{ADMIN("shutdown"), "Shut Down Service", COMMAND_FOR_ADMINS, shutdown_form, NULL, stop},
	{.node = NULL},
};
