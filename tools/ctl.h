/* SPDX-License-Identifier: MIT */
/* mercutioctl from the inside: its table of commands, and what they share. */
#ifndef TOOLS_CTL_H
#define TOOLS_CTL_H

#include <jansson.h>
#include <stdio.h>
#include "link/process.h"
#include "xmpp/jid.h"

enum { CTL_GOOD = 0, CTL_FAILED = 1, CTL_USAGE = 2 }; /* exit statuses */

enum {
	CTL_CONFIG = 1,	 /* reads the configuration */
	CTL_LINK = 2,	 /* and connects to the routers */
	CTL_PATIENT = 4, /* waits for a router that is not there yet, up to the timeout */
	/* Options that it knows, also in ctl.given. */
	CTL_REPLACE = 8,     /* --replace: what is there already */
	CTL_MERGE = 16,	     /* --merge: with what is there already */
	CTL_SKIP = 32,	     /* --skip: what is there already */
	CTL_ALL = 64,	     /* --all */
	CTL_DOMAIN = 128,    /* --domain DOMAIN */
	CTL_NO_ARCHIVE = 256, /* --no-archive */
	CTL_DRY_RUN = 512,   /* --dry-run: tells what would be done */
	CTL_FROM = 1024,     /* --from ENGINE */
	CTL_TO = 2048	     /* --to ENGINE */
};

struct ctl {
	const char *file; /* configuration */
	const char **overrides; /* of it, as the processes' -o; NULL-terminated, or NULL */
	size_t noverrides;
	bool json, replace;
	unsigned given; /* options of the command: CTL_REPLACE and those behind it */
	const char *domain, *from, *to; /* values of such, NULL when not given */
	bool timeout_given;
	uint32_t timeout_ms; /* of each request */
	struct option_section *sections;
	struct conf *conf;
	struct common_config common; /* of the top level; routers resolved, domains prepared */
	struct loop *loop;
	struct link *link;
	struct loop_timer *timer; /* of ctl_wait */
	bool timed_out;
	size_t pending; /* requests not answered */
	size_t routers_failed;
	char *why_failed; /* the last router that could not be linked */
};

struct ctl_command {
	const char *name; /* one or two words; NULL ends a table */
	const char *args; /* as usage shows them */
	int min, max;	  /* how many there may be; max -1: any number */
	unsigned needs;
	int (*run)(struct ctl *c, int argc, char **argv); /* arguments alone; an exit status */
	const char *help;
};
extern const struct ctl_command *const ctl_tables[]; /* NULL-terminated */
extern const struct ctl_command ctl_admin_commands[], ctl_greet_commands[];
extern const struct ctl_command ctl_cert_commands[], ctl_config_commands[], ctl_drain_commands[],
	ctl_log_commands[], ctl_reload_commands[], ctl_route_commands[], ctl_s2s_commands[], ctl_session_commands[],
	ctl_retention_commands[], ctl_stats_commands[], ctl_status_commands[], ctl_storage_commands[], ctl_trace_commands[],
	ctl_user_commands[], ctl_user_file_commands[];
extern const struct process *const all_processes[]; /* NULL-terminated; the launcher among them */

int ctl_main(int argc, char **argv);
/* The command that the words begin with; *ret_used: how many of them name it. NULL: none. */
const struct ctl_command *ctl_find(int argc, char **argv, int *ret_used);

/* One line on standard error. Returns CTL_FAILED. */
int ctl_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- the link: ctl_link.c ----------------------------------------------------------------------
 */

bool ctl_load(struct ctl *c);		       /* false: the mistakes were told */
bool ctl_connect(struct ctl *c, bool patient); /* the same */
void ctl_disconnect(struct ctl *c);
/* Runs the loop until done says so. False: the time is over (0: no limit). */
typedef bool ctl_done_fn(struct ctl *c, void *arg);
bool ctl_wait(struct ctl *c, uint32_t ms, ctl_done_fn *done, void *arg);
/* A request of the kind in head; fn as of link_request. ctl_finish returns when all have been
 * answered. */
void ctl_ask(struct ctl *c, const struct frame *head, const void *m, link_reply_fn *fn, void *arg);
void ctl_finish(struct ctl *c);
/* A head to an instance, speaking of no shard. */
struct frame ctl_head(uint16_t kind, uint64_t to);
/* Why a request failed, for a person; malloc'ed. */
char *ctl_reason(int err, const void *m);
/* Some instance that serves the route, another one each time; 0: none. */
uint64_t ctl_serving(struct ctl *c, const char *route);
/* Waits for the shard's owner and asks it; repeated where the owner changes meanwhile. NULL when it
 * answered well, else why it did not (malloc'ed). */
char *ctl_ask_owner(struct ctl *c, struct str bare, uint16_t kind, const void *m);
/* The same with the answer: good is called with it and arg; *ret_code (may be NULL) becomes the
 * errno of a refusal, or 0. */
char *ctl_ask_owner_for(struct ctl *c, struct str bare, uint16_t kind, const void *m,
			void (*good)(void *arg, const void *answer), void *arg, uint16_t *ret_code);

/* --- commands to processes: ctl_control.c ---------------------------------------------------- */

struct ctl_answer {
	char *instance, *process, *version, *host;
	uint32_t pid;
	uint64_t id;
	json_t *value; /* NULL: error says why */
	char *error;
};
struct ctl_answers {
	struct ctl_answer *list; /* by instance */
	size_t n;
};
/* Asks each instance that name means: an instance, a process, or NULL for all. */
struct ctl_answers *ctl_control(struct ctl *c, const char *name, const struct msg_control *m);
struct ctl_answers *ctl_answers_free(struct ctl_answers *a);
/* Complains about name when there was none, and about each answer that is an error. Exit status. */
int ctl_answers_check(const struct ctl_answers *a, const char *name);

/* --- people: ctl_text.c ---------------------------------------------------------------------- */

/* What strangers say (names in rosters and certificates, errors of other servers) may neither end a line nor
 * control a terminal: such characters become question marks. */
void ctl_clean(char *s);
void ctl_put(FILE *to, struct str s);
/* Rows of cells, printed in columns as wide as they must be. */
struct ctl_text;
struct ctl_text *ctl_text_new(size_t columns);
void ctl_text_cell(struct ctl_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct ctl_text *ctl_text_print(struct ctl_text *t, FILE *to); /* and frees it */
/* "3d 4h", "5m 12s". */
char *ctl_duration(int64_t seconds);
void ctl_print_json(json_t *take_value);
/* The bare JID of an account of ours, prepared. Empty: it is none, which was told. */
struct str ctl_account(struct ctl *c, struct pool *p, struct str text, struct buf *why);
/* From the terminal without echo (asked twice), else the first line of standard input. False: none,
 * which was told. The caller wipes it. */
bool ctl_password(struct buf *ret);

#endif
