/* SPDX-License-Identifier: MIT */
/* XEP-0133 sections 4.23 to 4.28: announcements, message of the day, welcome message. */
#include <errno.h>
#include <stdlib.h>
#include "sm/admin.h"

struct job {
	struct command_run *r;
	struct gather *gather;
	uint64_t sessions;
};

static void job_free(void *arg)
{
	struct job *j = arg;

	gather_cancel(j->gather);
	free(j);
}

static void count_sessions(void *arg, const void *msg)
{
	struct job *j = arg;
	const struct msg_announced_to *m = msg;

	j->sessions += m->sessions;
}

static void announced(void *arg, struct str missing)
{
	struct job *j = arg;

	j->gather = NULL;
	command_note(j->r, "info", "Sent to %llu sessions.", (unsigned long long)j->sessions);
	admin_note_missing(j->r, missing);
	command_done(j->r);
}

static void announce(struct command_run *r)
{
	struct job *j = xcalloc(1, sizeof *j);
	struct buf text = BUF_INIT;
	struct msg_announcement m = {.domain = admin_domain(r)};

	j->r = r;
	command_keep(r, j, job_free);
	command_lines(r, "announcement", &text);
	m.body = buf_str(&text);
	if (text.len > (size_t)admin_config(r)->text_max)
		command_fail(r, STANZA_E_NOT_ACCEPTABLE, "that is too long");
	else
		j->gather =
			gather_sms(admin_sm(r), MSG_ANNOUNCEMENT, &m, count_sessions, announced, j);
	buf_free(&text);
}

/* --- texts that stay -------------------------------------------------------------------------- */

static struct str present(const struct command_run *r, const char *name)
{
	return service_value(sm_service(admin_sm(r)), admin_domain(r), name);
}

static void set_text(struct command_run *r, const char *name, bool keep_time)
{
	struct buf text = BUF_INIT;

	command_lines(r, name, &text);
	admin_set(r, admin_domain(r), name, buf_str(&text), keep_time);
	buf_free(&text);
}

static void delete_text(struct command_run *r, const char *name)
{
	if (!present(r, name).ptr)
		command_note(r, "info", "There was none.");
	admin_set(r, admin_domain(r), name, STR_NONE, false);
}

static void set_motd(struct command_run *r)
{
	set_text(r, "motd", false);
}

/* Corrected, it is the same message still: who has seen it does not see it again. */
static void edit_motd(struct command_run *r)
{
	set_text(r, "motd", true);
}

static void delete_motd(struct command_run *r)
{
	delete_text(r, "motd");
}

static void set_welcome(struct command_run *r)
{
	set_text(r, "welcome", false);
}

static void delete_welcome(struct command_run *r)
{
	delete_text(r, "welcome");
}

static void show_motd(struct command_run *r, unsigned stage)
{
	(void)stage;
	command_fill_lines(r, "motd", present(r, "motd"));
	command_show(r);
}

static void show_welcome(struct command_run *r, unsigned stage)
{
	(void)stage;
	command_fill_lines(r, "welcome", present(r, "welcome"));
	command_show(r);
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct command_field announce_fields[] = {
	{"announcement", COMMAND_TEXTS, "Announcement", true, NULL, NULL}, {.var = NULL}};
static const struct command_field motd_fields[] = {
	{"motd", COMMAND_TEXTS, "Message of the Day", true, NULL, NULL}, {.var = NULL}};
static const struct command_field welcome_fields[] = {
	{"welcome", COMMAND_TEXTS, "Welcome Message", true, NULL, NULL}, {.var = NULL}};

static const struct command_form announce_form[] = {
	{"Making an Announcement",
	 "Fill out this form to make an announcement to all active users of this service.",
	 announce_fields},
	{.title = NULL}};
static const struct command_form set_motd_form[] = {
	{"Setting the Message of the Day", "Fill out this form to set the message of the day.",
	 motd_fields},
	{.title = NULL}};
static const struct command_form edit_motd_form[] = {
	{"Editing the Message of the Day", "Fill out this form to edit the message of the day.",
	 motd_fields},
	{.title = NULL}};
static const struct command_form welcome_form[] = {
	{"Setting Welcome Message",
	 "Fill out this form to set the welcome message for this service.", welcome_fields},
	{.title = NULL}};

const struct command admin_message_commands[] = {
	{ADMIN("announce"), "Send Announcement to Online Users", COMMAND_FOR_ADMINS, announce_form,
	 NULL, announce},
	{ADMIN("set-motd"), "Set Message of the Day", COMMAND_FOR_ADMINS, set_motd_form, NULL,
	 set_motd},
	{ADMIN("edit-motd"), "Edit Message of the Day", COMMAND_FOR_ADMINS, edit_motd_form,
	 show_motd, edit_motd},
	{ADMIN("delete-motd"), "Delete Message of the Day", COMMAND_FOR_ADMINS, NULL, NULL,
	 delete_motd},
	{ADMIN("set-welcome"), "Set Welcome Message", COMMAND_FOR_ADMINS, welcome_form,
	 show_welcome, set_welcome},
	{ADMIN("delete-welcome"), "Delete Welcome Message", COMMAND_FOR_ADMINS, NULL, NULL,
	 delete_welcome},
	{.node = NULL},
};
