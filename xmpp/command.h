/* SPDX-License-Identifier: MIT */
/*
 * Ad-hoc commands (XEP-0050): commands as tables, their sessions, forms, actions and errors. Knows
 * no process: who may execute what, and how an answer reaches the requester, is the application's.
 *
 * A command shows its forms one after the other, then runs. Both steps may take their time: the
 * functions of a command get a struct command_run, which they answer exactly once, now or later,
 * with command_show, command_done or command_fail. Until then the run and its pool live.
 */
#ifndef XMPP_COMMAND_H
#define XMPP_COMMAND_H

#include <stdint.h>
#include "base/buf.h"
#include "xmpp/error.h"
#include "xmpp/node.h"

struct commands;    /* the sessions of one application */
struct command_run; /* a request in work */

enum command_type { /* of a field, XEP-0004 section 3.3 */
		    COMMAND_TEXT,
		    COMMAND_TEXTS,
		    COMMAND_PRIVATE,
		    COMMAND_JID,
		    COMMAND_JIDS,
		    COMMAND_LIST,
		    COMMAND_LISTS,
		    COMMAND_BOOL
};
struct command_option {
	const char *label, *value; /* value NULL ends a list */
};
struct command_field {
	const char *var; /* NULL ends a form */
	enum command_type type;
	const char *label;
	bool required;
	const struct command_option *options; /* may be NULL; what is submitted is one of them */
	const char *value;		      /* filled in; may be NULL */
};
struct command_form {
	const char *title; /* NULL ends a list */
	const char *instructions;
	const struct command_field *fields;
};
struct command {
	const char *node;		  /* NULL ends a table */
	const char *name;		  /* label */
	unsigned who;			  /* the application's */
	const struct command_form *forms; /* in order; NULL: it runs at once */
	/* Before form number `stage` is shown: command_fill, command_choice, then command_show.
	 * NULL: nothing to fill in. */
	void (*prepare)(struct command_run *r, unsigned stage);
	/* All forms were submitted, with what is required in them. Ends with command_done or
	 * command_fail. */
	void (*run)(struct command_run *r);
};

enum { COMMAND_STAGES = 8 }; /* most forms of a command */

/* --- the application ------------------------------------------------------------------------- */

struct command_answer {
	bool failed;
	enum stanza_error error;
	const char *condition; /* of XEP-0050 beside it; may be NULL */
	const char *text;      /* may be NULL */
	struct str xml;	       /* <command/>, when not failed */
};
typedef void command_answer_fn(void *arg, const struct command_answer *a);

struct command_config {
	size_t each, all;  /* sessions: of one requester (its oldest goes for a new one), of all */
	uint64_t lifetime; /* ms without a word from the requester */
};
struct commands *commands_new(void *app);
/* Runs that are not answered are dropped; what they keep is freed. */
struct commands *commands_free(struct commands *c);
size_t commands_sessions(const struct commands *c);

/* A request <command/> for cmd, which the requester may execute. fn comes exactly once. from: full
 * JID of the requester, to: who was asked, bare. */
struct command_request {
	const struct command *cmd;
	const struct node *element;
	struct str from, to;
	uint64_t now; /* ms, monotonic */
	command_answer_fn *fn;
	void *arg;
	void (*drop)(void *arg); /* instead of fn, when commands_free comes first */
};
void commands_request(struct commands *c, const struct command_config *config,
		      const struct command_request *q);
/* The same without a session, for whoever knows the forms: element is <command/> with one submitted
 * form that has the fields of all. Without a form the answer is the first form, when there is one.
 */
void commands_direct(struct commands *c, const struct command_request *q);

/* --- commands -------------------------------------------------------------------------------- */

void *command_app(const struct command_run *r);
const struct command *command_of(const struct command_run *r);
struct pool *command_pool(struct command_run *r);
struct str command_from(const struct command_run *r);
struct str command_to(const struct command_run *r);
/* For whatever the command keeps until it answers; freed with fn when the run ends unanswered too.
 */
void command_keep(struct command_run *r, void *take_state, void (*free_fn)(void *state));
void *command_kept(const struct command_run *r);
void command_keep_none(struct command_run *r); /* it has freed itself */

/* What was submitted, in any form up to now. ptr NULL: nothing; an empty value counts as nothing.
 */
struct str command_value(const struct command_run *r, const char *var);
/* All of a field of several values, in p of the run; JIDs prepared, each once. */
size_t command_values(struct command_run *r, const char *var, const struct str **ret_values);
/* The lines of a field of several lines, joined by line feeds, into b. */
void command_lines(struct command_run *r, const char *var, struct buf *b);

/* The form that will be shown: a value of a field, an option of it. Copied. */
void command_fill(struct command_run *r, const char *var, struct str value);
void command_fill_lines(struct command_run *r, const char *var, struct str text);
void command_choice(struct command_run *r, const char *var, struct str label, struct str value);
void command_show(struct command_run *r);

/* The result: a value of a field (values of one field in a row), XML inside of the form, notes of
 * type info, warn or error. Copied. */
void command_result(struct command_run *r, const char *var, const char *type, const char *label,
		    struct str value);
void command_result_xml(struct command_run *r, struct str xml);
void command_note(struct command_run *r, const char *type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void command_done(struct command_run *r);
void command_fail(struct command_run *r, enum stanza_error e, const char *text);
/* The submitted form cannot be accepted: bad-request with bad-payload. */
void command_bad_payload(struct command_run *r, const char *text);

/* --- discovery: contents of a <query/> ------------------------------------------------------- */

void command_list_info(struct buf *b);				  /* of the node of all commands */
void command_node_info(const struct command *cmd, struct buf *b); /* of a command's node */

#endif
