/* SPDX-License-Identifier: MIT */
/* The process skeleton from the inside, for the files that make it up. */
#ifndef LINK_PROCESS_INTERNAL_H
#define LINK_PROCESS_INTERNAL_H

#include "link/process.h"

enum { DRAIN_MAX_MS = 30000, FLUSH_MAX_MS = 5000 };

struct running {
	struct app app;
	struct common_config common;
	const char *file;
	const char *const *overrides;
	struct option_section *sections;
	const struct process_task *task; /* NULL: it serves */
	char **task_args;		 /* NULL-terminated */
	struct loop_signal *term, *intr, *hup;
	struct loop_timer *drain_timer, *flush_timer;
	struct loop_timer *stop_timer; /* told to stop: waits for those that need us */
	uint64_t stop_until;
	uint64_t *before; /* members that go before us */
	size_t nbefore;
	int status; /* of the exit */
	uint64_t flush_until;
	int64_t started_us;
	bool check, told_ready, draining, drained;
};

/* --- options ----------------------------------------------------------------------------------- */

/* Reads the file and fills common and the process's own struct. Mistakes are appended to errors, one
 * a line; false then. */
bool process_load(struct running *r, struct buf *errors);
/* Takes over what is reloadable. The names are appended; -EINVAL: mistakes, errors tells, nothing was
 * changed. */
int process_reread(struct running *r, struct buf *changed, struct buf *ignored, struct buf *errors);
void process_options_free(struct running *r);
/* Whether the name is one for an instance of it: another's would take the router from that one. */
bool process_has_instance(const struct process *p, const char *name);
void process_apply_log(const struct running *r);
/* Effective values by name; secrets as "***". New reference. */
json_t *process_options_json(const struct option *table, const void *values);

/* --- the system: each is fatal where the environment refuses --------------------------------------- */

/* SIG_BLOCK, SIG_UNBLOCK: until somebody listens, SIGHUP waits. */
void process_hangup(int how);
void process_limits(void);
void process_scheduling(const struct process *p, const struct common_config *c);
/* Makes the run directory where that needs root, then becomes the user for good. */
void process_become_user(const struct common_config *c);
void process_tell(const char *state); /* sd_notify(3): "READY=1", "STOPPING=1" */
void process_tell_ready_fd(void);

/* --- control ----------------------------------------------------------------------------------- */

extern const struct link_handler process_control_handlers[]; /* arg: struct running */
void process_reload(struct running *r, json_t **ret_result, char **ret_error); /* either may be NULL */
void process_drain(struct running *r);
/* process_stop.c: an administrator stops the whole service. */
void process_on_stop(void *arg, const struct frame *f, const void *m);

#endif
