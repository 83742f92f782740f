/* SPDX-License-Identifier: MIT */
/* XEP-0133 sections 4.1 to 4.7: accounts made, deleted, disabled, enabled; passwords; sessions
 * ended. */
#include <errno.h>
#include <stdlib.h>
#include "sm/admin.h"

/* --- several accounts, one after the other ---------------------------------------------------- */

struct job {
	struct command_run *r;
	struct ask *ask;
	const struct str *jids;
	size_t n, at, failed;
	int first_error, auth_error;
	bool full; /* a JID may have a resource */
	/* What is said to auth (0: nothing), then to the owner. */
	uint16_t auth_kind, owner_kind;
	bool disabled;
};

static void job_free(void *arg)
{
	struct job *j = arg;

	ask_cancel(j->ask);
	free(j);
}

static void job_next(struct job *j);

/* XEP-0133 section 5 wants an error stanza; where some could be done, those that could not are
 * named. */
static void job_end(struct job *j)
{
	if (j->failed == j->n)
		command_fail(j->r, admin_error(j->first_error), admin_error_text(j->first_error));
	else
		command_done(j->r);
}

static void job_note(struct job *j, int err)
{
	if (err) {
		if (!j->failed++)
			j->first_error = err;
		command_note(j->r, "error", "%.*s: %s", STR_ARG(j->jids[j->at]),
			     admin_error_text(err));
	}
	j->at++;
}

static void job_one_done(struct job *j, int err)
{
	job_note(j, err);
	job_next(j);
}

static void owner_done(void *arg, int err, const void *m)
{
	struct job *j = arg;

	(void)m;
	j->ask = NULL;
	job_one_done(j, err ? err : j->auth_error);
}

static void ask_the_owner(struct job *j)
{
	struct str jid = j->jids[j->at], account = admin_account(j->r, jid);
	struct msg_user_remove remove = {.account = account};
	struct msg_user_disabled disabled = {.account = account, .disabled = j->disabled};
	struct msg_session_kick kick = {.jid = jid, .text = STR("ended by an administrator")};
	const void *m = &kick;

	if (j->owner_kind == MSG_USER_REMOVE)
		m = &remove;
	else if (j->owner_kind == MSG_USER_DISABLED)
		m = &disabled;
	j->ask = ask_owner(admin_sm(j->r), account, j->owner_kind, m, owner_done, j);
}

static void auth_done(void *arg, int err, const void *m)
{
	struct job *j = arg;

	(void)m;
	j->ask = NULL;
	j->auth_error = err;
	/* Data that a removal has left are removed also when the account itself is gone. */
	if (!err || (err == -ENOENT && j->owner_kind == MSG_USER_REMOVE))
		ask_the_owner(j);
	else
		job_one_done(j, err);
}

static void ask_the_auth(struct job *j)
{
	struct str account = admin_account(j->r, j->jids[j->at]);
	struct msg_account_del del = {.account = account};
	struct msg_account_disable disable = {.account = account, .disabled = j->disabled};
	const void *m = j->auth_kind == MSG_ACCOUNT_DEL ? (const void *)&del : &disable;

	j->ask = ask_auth(admin_sm(j->r), account, j->auth_kind, m, auth_done, j);
}

static bool is_ours(const struct job *j, struct str jid)
{
	struct str account = admin_account(j->r, jid);

	return account.len && (j->full || str_eq(account, jid));
}

static void job_next(struct job *j)
{
	while (j->at < j->n && !is_ours(j, j->jids[j->at]))
		job_note(j, -ENOENT);
	j->auth_error = 0;
	if (j->at == j->n)
		job_end(j);
	else if (j->auth_kind)
		ask_the_auth(j);
	else
		ask_the_owner(j);
}

static void job_start(struct command_run *r, const char *var, uint16_t auth_kind,
		      uint16_t owner_kind, bool disabled)
{
	struct job *j = xcalloc(1, sizeof *j);

	j->r = r;
	j->auth_kind = auth_kind;
	j->owner_kind = owner_kind;
	j->disabled = disabled;
	j->full = owner_kind == MSG_SESSION_KICK;
	j->n = command_values(r, var, &j->jids);
	command_keep(r, j, job_free);
	job_next(j);
}

static void delete_user(struct command_run *r)
{
	job_start(r, "accountjids", MSG_ACCOUNT_DEL, MSG_USER_REMOVE, false);
}

static void disable_user(struct command_run *r)
{
	job_start(r, "accountjids", MSG_ACCOUNT_DISABLE, MSG_USER_DISABLED, true);
}

static void reenable_user(struct command_run *r)
{
	job_start(r, "accountjids", MSG_ACCOUNT_DISABLE, MSG_USER_DISABLED, false);
}

void admin_end_sessions(struct command_run *r, const char *var)
{
	job_start(r, var, 0, MSG_SESSION_KICK, false);
}

static void end_user_session(struct command_run *r)
{
	admin_end_sessions(r, "accountjids");
}

/* --- passwords ------------------------------------------------------------------------------- */

/* The account's first vCard (XEP-0054) out of the form; empty when it says nothing of the kind. */
static void write_vcard(struct command_run *r, struct buf *b)
{
	struct str email = command_value(r, "email"), given = command_value(r, "given_name"),
		   surname = command_value(r, "surname");
	struct buf name = BUF_INIT;
	struct xml_writer w;

	if (!email.len && !given.len && !surname.len)
		return;
	buf_printf(&name, "%.*s%s%.*s", STR_ARG(given), given.len && surname.len ? " " : "",
		   STR_ARG(surname));
	xw_init(&w, b);
	xw_start(&w, "vCard", NS_VCARD);
	xw_leaf(&w, "FN", NULL, buf_str(&name));
	xw_start(&w, "N", NULL);
	xw_leaf(&w, "FAMILY", NULL, surname);
	xw_leaf(&w, "GIVEN", NULL, given);
	xw_end(&w);
	if (email.len) {
		xw_start(&w, "EMAIL", NULL);
		xw_leaf(&w, "INTERNET", NULL, STR_NONE);
		xw_leaf(&w, "USERID", NULL, email);
		xw_end(&w);
	}
	xw_end(&w);
	buf_free(&name);
}

static void ask_free(void *arg)
{
	ask_cancel(arg);
}

static void vcard_set(void *arg, int err, const void *m)
{
	struct command_run *r = arg;

	(void)m;
	command_keep_none(r);
	if (err)
		command_note(r, "warn", "The account is there; its vCard could not be stored: %s.",
			     admin_error_text(err));
	command_done(r);
}

static void set_vcard(struct command_run *r)
{
	const struct str *jids;
	struct str account = command_values(r, "accountjid", &jids) ? jids[0] : STR_NONE;
	struct buf vcard = BUF_INIT;
	struct msg_user_put put = {.account = account};

	write_vcard(r, &vcard);
	put.xml = buf_str(&vcard);
	if (vcard.len)
		command_keep(r, ask_owner(admin_sm(r), account, MSG_USER_PUT, &put, vcard_set, r),
			     ask_free);
	else
		command_done(r);
	buf_free(&vcard);
}

static void password_set(void *arg, int err, const void *m)
{
	struct command_run *r = arg;
	const struct msg_account_result *result = m;

	command_keep_none(r);
	if (!err)
		err = result->ncodes == 1 ? -(int)result->codes[0] : -EIO;
	if (err)
		command_fail(r, admin_error(err), admin_error_text(err));
	else if (strcmp(command_of(r)->node, ADMIN("add-user")) == 0)
		set_vcard(r);
	else
		command_done(r);
}

enum { MODE_CREATE, MODE_CHANGE };

static void set_password(struct command_run *r, uint8_t mode)
{
	const struct str *jids;
	size_t n = command_values(r, "accountjid", &jids);
	struct msg_new_account account = {.account = n ? admin_account(r, jids[0]) : STR_NONE,
					  .password = command_value(r, "password")};
	struct msg_account_add add = {.accounts = &account, .naccounts = 1, .mode = mode};

	if (!account.account.len || !str_eq(account.account, jids[0])) {
		command_fail(r, STANZA_E_ITEM_NOT_FOUND, "that is no account of this server");
		return;
	}
	command_keep(r,
		     ask_auth(admin_sm(r), account.account, MSG_ACCOUNT_ADD, &add, password_set, r),
		     ask_free);
}

static void add_user(struct command_run *r)
{
	struct str password = command_value(r, "password");

	/* The form does not require one; without it the account would be nobody's. */
	if (!password.len)
		command_bad_payload(r, "The password is missing.");
	else if (!str_eq(password, command_value(r, "password-verify")))
		command_bad_payload(r, "The two passwords differ.");
	else
		set_password(r, MODE_CREATE);
}

static void change_user_password(struct command_run *r)
{
	set_password(r, MODE_CHANGE);
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct command_field add_fields[] = {
	{"accountjid", COMMAND_JID, "The Jabber ID for the account to be added", true, NULL, NULL},
	{"password", COMMAND_PRIVATE, "The password for this account", false, NULL, NULL},
	{"password-verify", COMMAND_PRIVATE, "Retype password", false, NULL, NULL},
	{"email", COMMAND_TEXT, "Email address", false, NULL, NULL},
	{"given_name", COMMAND_TEXT, "Given name", false, NULL, NULL},
	{"surname", COMMAND_TEXT, "Family name", false, NULL, NULL},
	{.var = NULL},
};
static const struct command_field delete_fields[] = {
	{"accountjids", COMMAND_JIDS, "The Jabber ID(s) to delete", true, NULL, NULL},
	{.var = NULL},
};
static const struct command_field disable_fields[] = {
	{"accountjids", COMMAND_JIDS, "The Jabber ID(s) to disable", true, NULL, NULL},
	{.var = NULL},
};
static const struct command_field reenable_fields[] = {
	{"accountjids", COMMAND_JIDS, "The Jabber ID(s) to re-enable", true, NULL, NULL},
	{.var = NULL},
};
static const struct command_field end_fields[] = {
	{"accountjids", COMMAND_JIDS, "The Jabber ID(s) for which to end sessions", true, NULL,
	 NULL},
	{.var = NULL},
};
static const struct command_field password_fields[] = {
	{"accountjid", COMMAND_JID, "The Jabber ID for this account", true, NULL, NULL},
	{"password", COMMAND_PRIVATE, "The password for this account", true, NULL, NULL},
	{.var = NULL},
};

static const struct command_form add_form[] = {
	{"Adding a User", "Fill out this form to add a user.", add_fields}, {.title = NULL}};
static const struct command_form delete_form[] = {
	{"Deleting a User", "Fill out this form to delete a user.", delete_fields},
	{.title = NULL}};
static const struct command_form disable_form[] = {
	{"Disabling a User", "Fill out this form to disable a user.", disable_fields},
	{.title = NULL}};
static const struct command_form reenable_form[] = {
	{"Re-Enable a User", "Fill out this form to re-enable a user.", reenable_fields},
	{.title = NULL}};
static const struct command_form end_form[] = {
	{"Ending a User Session", "Fill out this form to end a user's session.", end_fields},
	{.title = NULL}};
static const struct command_form password_form[] = {
	{"Changing a User Password", "Fill out this form to change a user's password.",
	 password_fields},
	{.title = NULL}};

const struct command admin_account_commands[] = {
	{ADMIN("add-user"), "Add User", COMMAND_FOR_ADMINS, add_form, NULL, add_user},
	{ADMIN("delete-user"), "Delete User", COMMAND_FOR_ADMINS, delete_form, NULL, delete_user},
	{ADMIN("disable-user"), "Disable User", COMMAND_FOR_ADMINS, disable_form, NULL,
	 disable_user},
	{ADMIN("reenable-user"), "Re-Enable User", COMMAND_FOR_ADMINS, reenable_form, NULL,
	 reenable_user},
	{ADMIN("end-user-session"), "End User Session", COMMAND_FOR_ADMINS, end_form, NULL,
	 end_user_session},
	{ADMIN("change-user-password"), "Change User Password", COMMAND_FOR_ADMINS, password_form,
	 NULL, change_user_password},
	{.node = NULL},
};
