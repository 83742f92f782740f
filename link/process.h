/* SPDX-License-Identifier: MIT */
/*
 * The process skeleton: options, log, signals, privileges, the link, reconnection, reload, drain
 * and exit exist here, once. A main() is a const struct process and a call.
 *
 *     mercutio-sm [-c FILE] [-i INSTANCE] [-o [section.]option=value]… [-t] [-V]
 *
 * -t checks the configuration and exits. SIGTERM and SIGINT drain and exit 0, SIGHUP reloads. When an
 * administrator has stopped or restarted the service, the exit status is PROCESS_STOPPED or
 * PROCESS_RESTART: whoever watches processes leaves it so, or starts it again.
 * The instance defaults to the process's name and "-1". When READY_FD is set in the environment (a
 * number), a newline is written there once the process works (after its ready call), and
 * sd_notify's READY=1 is sent when NOTIFY_SOCKET is set.
 */
#ifndef LINK_PROCESS_H
#define LINK_PROCESS_H

#include <jansson.h>
#include "base/log.h"
#include "base/options.h"
#include "link/link.h"

enum batch_scheduling { BATCH_NONE, BATCH_SOME, BATCH_ALL };

/* Options of the top level, known to every process. */
struct common_config {
	char **domains;     /* prepared; never empty */
	char **admins;      /* bare JIDs, prepared */
	char **routers;     /* addresses of the routers' links */
	char *secret_file;  /* of the link; its content is the shared secret */
	bool secret_always; /* between processes of one user too */
	char *link_cert, *link_key, *link_ca;
	int64_t max_frame, heartbeat;
	char *run_dir, *data_dir;
	char *certificate, *key; /* default for all domains */
	int log_level, log_target, log_format;
	char *user; /* to become, when started as root */
	bool unlimited;
	int batch_scheduling; /* enum batch_scheduling */
};
extern const struct option common_options[];
struct host_config { /* host "example.net" { … } */
	char *certificate, *key;
	char *credentials; /* where its accounts come from; "": as auth's option says */
};
extern const struct option host_options[];

struct app {
	struct loop *loop;
	struct link *link;        /* made before init, connects after it */
	const struct process *process;
	const char *instance;
	struct common_config *common;
	void *config;             /* the process's own struct, filled */
	struct conf *conf;        /* for titled sections; replaced at reload */
	void *state;              /* what init returned */
};

/* A command that mercutioctl sends to this process. Answers at once: returns a JSON value (taken),
 * or NULL with *ret_error (malloc'ed). Commands that must wait use messages of their own. */
struct control_command {
	const char *name; /* NULL ends a table */
	const char *help; /* "ARG… what it does" */
	json_t *(*run)(void *state, const struct msg_control *m, char **ret_error);
};

/* Something that is done instead of serving, with the configuration, as the user, without a link:
 * mercutio-storage [-c FILE] [-o …] TASK [ARG…]. app has loop, common, config and conf. */
struct process_task {
	const char *name; /* NULL ends a table */
	int (*run)(struct app *app, int argc, char **argv); /* arguments behind the name; exit status */
};

struct process {
	const char *name, *summary; /* "sm", one line for the manual */
	const struct option *options;
	size_t config_size;
	/* Further sections that only this process reads (modules'): NULL-name terminated, or NULL. */
	const struct option_section *sections;
	const struct msg_bind *binds; /* routes, NULL-route terminated */
	const char *const *peers;     /* processes it may send to and hear from; NULL-terminated */
	const struct link_handler *handlers;
	const struct control_command *commands;
	/* What the tables cannot tell: appends what is wrong with the options, a line each beginning
	 * with file. Also called by mercutioctl config check, outside the process. May be NULL. */
	void (*check)(const char *file, const struct conf *conf, const struct common_config *common,
		      const void *config, struct buf *errors);
	/* In this order. init reports what the environment refuses by fatal(). */
	void *(*init)(struct app *app);
	void (*ready)(void *state);  /* the membership is known; called again after no router was left */
	void (*event)(void *state, enum link_event e, const struct member *m); /* may be NULL */
	/* Configuration read again: app->config was updated where OPT_RELOAD. Options that are in neither struct
	 * are appended to changed and ignored, as by options_reload. May be NULL. */
	void (*reload)(void *state, struct buf *changed, struct buf *ignored);
	/* Stop taking, finish, then call process_drained. NULL: nothing to finish. */
	void (*drain)(void *state);
	json_t *(*stats)(void *state); /* an object of numbers; may be NULL */
	/* What is wrong right now that an operator should know of: texts in plain words, an array, for
	 * mercutioctl status. May be NULL. */
	json_t *(*problems)(void *state);
	void *(*deinit)(void *state);  /* NULL */
	const struct process_task *tasks; /* or NULL */
	bool batch;     /* whether it is of the some of option batch_scheduling */
	bool is_router; /* links to no router: init gives app->link its local one (link/local.h) */
};

enum { PROCESS_STOPPED = 77, PROCESS_RESTART = 78 };
/* Is somebody watching this process who starts it again (the launcher, systemd)? */
bool process_is_watched(void);

/* Before anything is opened: standard input, output and error are there, if only as /dev/null. */
void process_streams(void);
int process_main(const struct process *p, int argc, char **argv);
/* From inside drain: it may take this long, before the process exits anyway (30 s if not said). */
void process_drain_time(struct app *app, uint64_t ms);
/* The answer to drain; the process exits when the link's queues are written. */
void process_drained(struct app *app);
/* Sections of the configuration file that all processes understand: the top level, host and
 * instance, and those of the processes given (NULL-terminated); malloc'ed array, freed by free. */
struct option_section *process_sections(const struct process *const *all);
/* What the processes, and the instances that have a section, would not start with in a file that was
 * loaded for all of them. */
void process_check_all(const struct process *const *all, const char *file, const struct conf *conf,
		       struct buf *errors);
/* Prepares the addresses among the common options; false: mistakes were appended, each a line that names
 * the file. */
bool process_prepare(const char *file, struct common_config *c, struct buf *errors);
/* The content of the secret file without white space around it; NULL when none is named; fatal where
 * it cannot be read. The caller wipes and frees it. */
char *process_read_secret(const char *file);

#endif
