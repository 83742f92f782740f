/* SPDX-License-Identifier: MIT */
/* Service administration (XEP-0133): its tables of commands, and what they share. */
#ifndef SM_ADMIN_H
#define SM_ADMIN_H

#include "sm/ask.h"
#include "sm/module.h"
#include "sm/service.h"

#define ADMIN(name) NS_ADMIN "#" name

extern const struct command admin_account_commands[], admin_user_commands[],
	admin_figure_commands[], admin_message_commands[], admin_service_commands[],
	admin_session_commands[];

struct admin_config {
	int64_t idle_time; /* ms */
	int64_t list_max, text_max;
};
const struct admin_config *admin_config(const struct command_run *r);
struct sm *admin_sm(const struct command_run *r);
struct str admin_domain(const struct command_run *r); /* that was asked */
/* A note that names those that have not answered; nothing when missing is empty. */
void admin_note_missing(struct command_run *r, struct str missing);
/* An error number of a request, as an error of the stanza, and for a person. */
enum stanza_error admin_error(int err);
const char *admin_error_text(int err);
/* Changes a setting and completes the command. */
void admin_set(struct command_run *r, struct str domain, const char *name, struct str value,
	       bool keep_time);
/* Ends the sessions that the values of a field name, full JIDs or bare ones, and completes the
 * command. */
void admin_end_sessions(struct command_run *r, const char *var);
/* The account that a JID names, bare; ptr NULL: it is none of ours. */
struct str admin_account(const struct command_run *r, struct str jid);

#endif
