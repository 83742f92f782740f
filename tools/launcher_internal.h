/* SPDX-License-Identifier: MIT */
/* What the files of the launcher share. */
#ifndef TOOLS_LAUNCHER_INTERNAL_H
#define TOOLS_LAUNCHER_INTERNAL_H

#include "tools/launcher.h"

struct launcher;

struct instance {
	struct launcher *l;
	const char *name; /* config's */
	char *process, *program;
	const char **argv;
	struct child *child; /* NULL: does not run */
	struct handover *sockets;
	struct loop_timer *restart;
	uint64_t started;
	unsigned failures; /* in succession */
	bool ready;
	bool missed; /* it does not start, and the others go on without it */
	bool over;   /* an administrator has stopped the service */
};

/* What is done when all instances work, one after the other. */
enum stage { STAGE_STARTING, STAGE_WAITING, STAGE_ACCOUNTS, STAGE_READY };

struct launcher {
	const struct launcher_args *args;
	struct launcher_config config;
	struct common_config common;
	struct conf *conf;
	struct option_section *sections;
	const struct passwd *user; /* NULL: nobody else */
	const char *log_dir;
	int log_fd; /* of our own file in it */
	struct loop *loop;
	struct sockets *sockets;
	struct loop_signal *term, *intr, *hup, *chld;
	struct instance *instances;
	size_t n;
	char *ctl; /* path of mercutioctl */
	struct child *helper;
	struct loop_timer *helper_timer, *pids_timer;
	enum stage stage;
	bool stopping, failed;
	bool pids_old; /* the file says what was */
	const char *stopping_process; /* the instances that are ending now */
	struct loop_timer *patience;
};

/* From args: configuration, user, instances (none started), log. Ends the process where that fails. */
void launcher_make(struct launcher *l);
void launcher_unmake(struct launcher *l); /* with the timers and signals that it has been given since */

#endif
