/* SPDX-License-Identifier: MIT */
/* A command of our own: the sessions of an account are shown, and those chosen are ended. */
#include <errno.h>
#include <stdlib.h>
#include "sm/admin.h"

static struct str account_of(struct command_run *r)
{
	const struct str *jids;

	return command_values(r, "accountjid", &jids) ? admin_account(r, jids[0]) : STR_NONE;
}

/* --- the second form: what there is to choose from ---------------------------------------------
 */

struct listing {
	struct command_run *r;
	struct gather *gather;
	size_t n;
};

static void listing_free(void *arg)
{
	struct listing *l = arg;

	gather_cancel(l->gather);
	free(l);
}

static void take_sessions(void *arg, const void *msg)
{
	struct listing *l = arg;
	const struct msg_session_listed *m = msg;

	for (size_t i = 0; i < m->nsessions; i++) {
		const struct msg_session_line *s = &m->sessions[i];
		struct buf label = BUF_INIT;
		struct jid j;
		char since[32];

		if (jid_split(s->jid, &j) < 0)
			continue;
		clock_format(s->since, since);
		buf_printf(&label, "%.*s, from %.*s since %s", STR_ARG(j.resource),
			   STR_ARG(s->address), since);
		command_choice(l->r, "sessions", buf_str(&label), s->jid);
		buf_free(&label);
		l->n++;
	}
}

static void listed(void *arg, struct str missing)
{
	struct listing *l = arg;
	struct command_run *r = l->r;

	l->gather = NULL;
	if (!l->n) {
		command_fail(r, STANZA_E_ITEM_NOT_FOUND, admin_error_text(ENOENT));
		return;
	}
	admin_note_missing(r, missing);
	command_show(r);
}

static void prepare(struct command_run *r, unsigned stage)
{
	struct msg_session_list m = {.account = stage ? account_of(r) : STR_NONE};
	struct listing *l;

	if (stage == 0) {
		command_show(r);
		return;
	}
	if (!m.account.len) {
		command_fail(r, STANZA_E_ITEM_NOT_FOUND, admin_error_text(ENOENT));
		return;
	}
	l = xcalloc(1, sizeof *l);
	l->r = r;
	command_keep(r, l, listing_free);
	l->gather = gather_sms(admin_sm(r), MSG_SESSION_LIST, &m, take_sessions, listed, l);
}

static void run(struct command_run *r)
{
	struct str account = account_of(r);
	const struct str *sessions;
	size_t n = command_values(r, "sessions", &sessions);

	for (size_t i = 0; i < n; i++) {
		if (!account.len || !str_eq(admin_account(r, sessions[i]), account)) {
			command_bad_payload(r, "That is no session of the account.");
			return;
		}
	}
	admin_end_sessions(r, "sessions");
}

static const struct command_field account_fields[] = {
	{"accountjid", COMMAND_JID, "The Jabber ID of the account", true, NULL, NULL},
	{.var = NULL}};
static const struct command_field session_fields[] = {
	{"sessions", COMMAND_LISTS, "The sessions to end", true, NULL, NULL}, {.var = NULL}};
static const struct command_form forms[] = {
	{"Sessions of a User", "Whose sessions?", account_fields},
	{"Sessions of a User", "Choose those that shall end.", session_fields},
	{.title = NULL}};

const struct command admin_session_commands[] = {
	{"urn:mercutio:admin#sessions", "Choose and End Sessions", COMMAND_FOR_ADMINS, forms,
	 prepare, run},
	{.node = NULL},
};
