/* SPDX-License-Identifier: MIT */
/* The insides of ad-hoc commands. */
#ifndef XMPP_COMMAND_INTERNAL_H
#define XMPP_COMMAND_INTERNAL_H

#include <uthash.h>
#include "xmpp/command.h"

enum { SESSION_RANDOM = 16, SESSION_TAG = 8, SESSION_ID = 2 * (SESSION_RANDOM + SESSION_TAG) };

struct command_session {
	UT_hash_handle hh;
	struct command_session *prev, *next; /* by last use, oldest first */
	char id[SESSION_ID + 1];
	const struct command *cmd;
	char *from, *to;
	unsigned stage, stages;	     /* form that is shown; of so many */
	char *forms[COMMAND_STAGES]; /* submitted, XML */
	uint64_t used;
	bool busy; /* a run works for it */
};

struct commands {
	void *app;
	struct command_session *sessions, *first;
	struct command_run *runs;
	uint8_t key[32]; /* of the tags of our ids */
};

struct filled { /* a value or an option of a field */
	struct filled *next;
	const char *var;
	struct str label, value;
	bool option;
};

struct command_run {
	struct command_run *prev, *next;
	struct commands *c;
	const struct command *cmd;
	struct pool *pool;
	struct command_session *session; /* NULL: direct */
	unsigned stage, stages;
	bool direct;
	char id[SESSION_ID + 1];
	struct str from, to;
	const struct node *forms[COMMAND_STAGES]; /* submitted */
	command_answer_fn *fn;
	void *arg;
	void (*drop)(void *arg);
	void *kept;
	void (*kept_free)(void *state);
	struct filled *filled, **filled_tail;
	struct buf notes, fields;
	const char *last_var; /* whose field is open in fields */
};

/* command.c */
void command_session_free(struct commands *c, struct command_session *s);

/* command_run.c */
struct command_run *command_run_new(struct commands *c, const struct command_request *q,
				    struct command_session *s);
void command_run_free(struct command_run *r);
void command_cancelled(struct command_run *r); /* its last answer */

/* command_form.c */
void command_write_form(const struct command_run *r, struct buf *b);
void command_write_result(struct command_run *r, struct buf *b);
/* NULL, or what is wrong with a submitted form, for a person. */
const char *command_check_form(struct pool *p, const struct command_form *form,
			       const struct node *x);
void command_fields_end(struct command_run *r);
const struct command_field *command_field_of(const struct command *cmd, const char *var);

#endif
