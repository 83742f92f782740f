/* SPDX-License-Identifier: MIT */
/* The storage process: its options, its one context, and the frames that it serves. */
#ifndef STORAGE_STORAGE_INTERNAL_H
#define STORAGE_STORAGE_INTERNAL_H

#include "link/channel.h"
#include "storage/engine.h"
#include "storage/retention.h"
#include "storage/storage_process.h"

enum durability { DURABILITY_DURABLE, DURABILITY_RELAXED };

struct storage_config {
	int engine;
	int durability;
	char *path;
	char *connect;
	int64_t connections, connect_timeout, statement_timeout;
	int64_t commit_max, commit_delay;
	int64_t readers, read_rows;
	int64_t waiting_max, waiting_bytes;
	int64_t cache;
	int64_t keep_requests;
	struct limits retention;
	int64_t retention_every;
	bool migrate;
};
extern const struct option storage_options[];

struct storage {
	struct app *app;
	struct storage_config *config;
	struct link *link;
	struct channels *channels;
	struct engine *engine;
	char *path;
	struct failed_run *failed; /* by sender and shard */
	size_t pending;		   /* requests under way */
	size_t pending_bytes;	   /* of these */
	bool draining;
	/* Trouble is told when it begins and when it ends. */
	bool failing, read_failing;
	uint64_t failing_since, failed_at;
	char read_reason[WRITE_TEXT];
	uint64_t bounced;
	struct retention_limits limits;
	struct retention *retention;
	struct engine_backup *backup; /* under way */
	struct loop_timer *retention_due;
};

/* --- serve.c --------------------------------------------------------------------------------- */

extern const struct link_handler storage_handlers[];
void serve_member_lost(struct storage *s, uint64_t instance);
void serve_free(struct storage *s);

/* --- backup.c -------------------------------------------------------------------------------- */

void backup_handle(void *arg, const struct frame *f, const void *m);

/* --- serve_retention.c ----------------------------------------------------------------------- */

void retention_handle(void *arg, const struct frame *f, const void *msg);

/* --- storage.c ------------------------------------------------------------------------------- */

/* The SQLite file; makes data_dir when it lies there. malloc'ed. */
char *storage_path(const struct app *app, const struct storage_config *c);
/* To be called after each answer: tells trouble, ends a drain. */
void storage_answered(struct storage *s);

#endif
