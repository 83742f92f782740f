/* SPDX-License-Identifier: MIT */
/* The launcher from the inside: children, their order, their logs. */
#ifndef TOOLS_LAUNCHER_H
#define TOOLS_LAUNCHER_H

#include <pwd.h>
#include <sys/types.h>
#include "link/process.h"

struct launcher_config { /* section "mercutio" */
	char **instances;
	char *bin_dir, *log_dir, *pids;
	int64_t backoff, backoff_max, patience;
};
/* No process of the link; its name and options stand in the same table. */
extern const struct process launcher_process;

struct child;
typedef void child_ended_fn(struct child *c, int status); /* as waitpid's */

/* --- one child: child.c ---------------------------------------------------------------------- */

struct child_spec {
	const char *name;
	const char *const *argv;   /* [0] is the program's path */
	int input;		   /* standard input; -1: none */
	const char *log_dir;	   /* "" or NULL: prefixed lines on our standard error */
	const struct passwd *user; /* to become; NULL: stay who we are */
	void (*ready)(void *arg);  /* the child wrote to READY_FD; NULL: it is given none */
	void *arg;
	const int *sockets; /* that listen, handed over as sd_listen_fds(3) says */
	size_t nsockets;
	const char *socket_names; /* of each, with : between */
};
/* Dies with this process, whatever ends it. A negative errno where it could not even be forked; a
 * program that cannot be run is a child that ends with 127. */
int child_start(struct loop *l, const struct child_spec *s, struct child **ret);
pid_t child_pid(const struct child *c);
/* After it was reaped: what it said last is passed on. Accepts NULL; returns NULL. */
struct child *child_free(struct child *c);
/* The last line of a log in log_dir, for saying why an instance failed; malloc'ed, may be NULL. */
char *child_last_line(const char *log_dir, const char *name);

/* --- from the options alone: launcher_options.c ---------------------------------------------- */

/* The program mercutio-PROCESS of an instance: in bin_dir, beside this program, or as the build
 * tree has it; malloc'ed, NULL: not found. */
char *launcher_program(const char *bin_dir, const char *instance);
char *launcher_ctl(const char *bin_dir);
/* "sm-1" -> "sm"; malloc'ed, NULL: no such name. */
char *launcher_process_of(const char *instance);

/* Milliseconds to wait before the next start, given how many times in succession it has failed. */
uint64_t launcher_delay(const struct launcher_config *c, unsigned failures);

enum { LAUNCHER_SOCKETS = 64 }; /* of one instance */

struct launcher_args {
	const char *file; /* configuration */
	const char *const
		*options; /* "-o", "section.option=value", …: passed on; NULL-terminated */
	const char *const *overrides; /* the same without the "-o" */
	const char *log_dir;	      /* instead of the configured one; may be NULL */
	int accounts;		      /* file of accounts to be added before "ready"; -1: none */
};

/* --- listening sockets: launcher_sockets.c ---------------------------------------------------- */

struct sockets;	 /* all that are held */
struct handover; /* those of one instance */
struct sockets *sockets_new(struct loop *l);
struct sockets *sockets_free(struct sockets *all); /* after the handovers */
/* The sockets of an instance as the configuration file is now; takes the old ones (may be NULL). None when
 * the process does not listen, or an address cannot be had: it tries by itself then, and says why. */
struct handover *handover_renew(struct handover *take_old, struct sockets *all, const char *process,
				const char *instance, const struct launcher_args *args);
void handover_give(const struct handover *o, struct child_spec *s); /* borrowed; o may be NULL */
void handover_drop(struct handover *o); /* closed, where no other instance has them; o may be NULL */
struct handover *handover_free(struct handover *o);

/* Runs until it is told to end. Exit status. */
int launcher_run(const struct launcher_args *args);

#endif
