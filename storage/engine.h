/* SPDX-License-Identifier: MIT */
/*
 * What a database engine does for the storage process: reads, atomic batches of writes, leases.
 *
 * All of it is asynchronous: the caller makes a job, hands it over and keeps it (and all it points
 * to) until its done function is called on the loop, exactly once and never from inside the call.
 * Writes and leases take effect in the order in which they were handed over; a read sees every
 * write that was done before the read was handed over. docs/storage.md says how to add an engine.
 */
#ifndef STORAGE_ENGINE_H
#define STORAGE_ENGINE_H

#include "base/loop.h"
#include "link/link.h"
#include "link/store_client.h"

struct engine;

/* So many writes share a commit well enough: they do not wait for more. */
enum { ENOUGH_JOBS = 32 };

struct engine_config {
	struct loop *loop;
	const char *path;      /* of the data file; SQLite alone */
	const char *connect;   /* to the server, as libpq takes it; PostgreSQL alone, as are: */
	size_t connections;
	int64_t connect_timeout, statement_timeout; /* ms */
	size_t commit_max;     /* batches that share a commit at the most */
	int64_t commit_delay;  /* ms to wait for more of them */
	size_t readers;	       /* reads at the same time */
	size_t read_rows;      /* rows that one read op finds at the most */
	size_t read_bytes;     /* encoded size of what one read finds at the most */
	int64_t keep_requests; /* ms that the id of a conditional batch is known */
	size_t cache;	       /* bytes of the database's page cache */
	bool no_migration;     /* a schema of another version is refused, not brought to this one */
};

/* What is done about a schema that is not this program's. */
enum schema_mode {
	SCHEMA_MIGRATE,
	SCHEMA_CHECK, /* an older one is refused */
	SCHEMA_PLAN   /* the statements are shown, nothing is changed */
};

/* Several ops, one consistent view. */
struct engine_read {
	const char *process; /* the reader's, "sm": what it may read follows */
	bool own;	     /* the storage process reads for itself: any table */
	const struct msg_read_op *ops;
	size_t nops;
	void (*done)(struct engine_read *r);
	void *arg;
	/* The answer. Results live until done returns. */
	int err; /* 0, -EACCES, -EINVAL, -EMSGSIZE (one row alone is too large), -EIO */
	const char *text;
	struct msg_rows *results; /* nops of them */
	/* The engine's. */
	struct engine_read *next;
	struct pool *pool;
	unsigned tries;
};

enum engine_job_kind { JOB_WRITE, JOB_LEASE };
struct engine_job {
	enum engine_job_kind kind;
	struct engine_job *next;
	unsigned marks; /* the engine's */
};

enum { WRITE_TEXT = 160 };
/* An atomic batch, fenced by the lease of a shard. */
struct engine_write {
	struct engine_job job;
	const char *process; /* the writer's: route of its leases, and what it may write */
	bool own; /* of the storage process itself, without shard: deletes of log entries, its tables */
	uint64_t sender;     /* its instance */
	uint16_t shard;	     /* SHARD_NONE: not fenced, and nothing of accounts */
	uint32_t epoch;
	/* Rises when the owner turns to another storage; an older one is stale. */
	uint32_t write_epoch;
	bool repeated;	  /* it may have been here, or at another storage, before */
	uint64_t request; /* makes the repetition of a conditional batch succeed */
	const struct msg_write_op *ops;
	size_t nops;
	void (*done)(struct engine_write *w);
	void *arg;
	/* The answer. */
	enum store_status status;
	uint16_t op; /* that failed */
	char text[WRITE_TEXT];
	/* FAILED by the state of the database, not by what was asked: the same may succeed later.
	 * All batches that were handed over and not yet done fail with it. */
	bool again;
	/* REFUSED since its owner has turned to another storage: nobody waits for it here. */
	bool stale;
};

/* Takes or checks leases of the shards of a route. */
struct engine_lease {
	struct engine_job job;
	bool take;
	const char *route, *owner; /* owner: instance name */
	uint64_t owner_id;
	const struct msg_shard_epoch
		*shards; /* with the epoch that the taker believes in, 0: none */
	size_t nshards;
	void (*done)(struct engine_lease *l);
	void *arg;
	/* The answer; held is the engine's and lives until done returns. */
	int err; /* 0 or -EIO */
	struct msg_shard_epoch *held;
	size_t nheld;
	uint32_t write_epoch;
};

/* Begins a pass of retention: of all storages at the data one alone does it, until it ends it. On
 * an engine whose log lies in partitions those go that are past as a whole. */
struct engine_sweep {
	int64_t before; /* wall clock, us: what is older may go, whoever's it is; INT64_MIN: nothing */
	int64_t now;
	void (*done)(struct engine_sweep *s);
	void *arg;
	/* The answer. */
	int err; /* 0 or -EIO */
	char text[WRITE_TEXT];
	bool elsewhere; /* another storage is at it */
	size_t dropped; /* partitions */
};

/* A copy of the database in a file of its own, beside all other work. */
struct engine_backup {
	const char *path;     /* absolute */
	bool replace;	      /* a file that is there; the database's own are refused */
	volatile bool cancel; /* set at any time: it fails soon */
	void (*done)(struct engine_backup *b);
	void *arg;
	/* The answer. */
	int err; /* 0, -EEXIST, -EINVAL, -EBUSY (another one is under way), -EOPNOTSUPP, -EIO, … */
	char text[WRITE_TEXT];
	uint64_t bytes;
};

struct engine_stats {
	uint64_t reads, read_ops, rows;
	uint64_t batches, committed, failed; /* handed over; with their status */
	uint64_t write_ops;
	uint64_t commits, commit_batches;    /* transactions and what they committed */
	uint64_t commit_us, commit_us_max;   /* from begin to durable */
	size_t waiting;			     /* jobs handed over and not done */
	bool failing;	     /* the last transaction failed by the state of the database */
	const char *trouble; /* why, while failing; lives until the next call */
};

struct engine_ops {
	const char *name;
	/* Opens, brings the schema up to date. Fails with a negative errno and one line in error.
	 */
	int (*open)(const struct engine_config *c, struct buf *error, struct engine **ret_engine);
	void (*read)(struct engine *e, struct engine_read *r);
	void (*write)(struct engine *e, struct engine_write *w);
	void (*lease)(struct engine *e, struct engine_lease *l);
	/* Both NULL where there is but one storage and no partition. */
	void (*sweep)(struct engine *e, struct engine_sweep *s);
	void (*sweep_end)(struct engine *e);
	/* Before any engine is open; blocks. plan (SCHEMA_PLAN): one statement a line or several;
	 * *ret_version: as it is afterwards. NULL: there is nothing to migrate. */
	int (*schema)(const struct engine_config *c, enum schema_mode mode, struct buf *plan,
		      unsigned *ret_version, struct buf *error);
	void (*backup)(struct engine *e, struct engine_backup *b); /* NULL: by the database's tools */
	struct engine *(*close)(struct engine *e); /* all jobs are done; not from a done function */
};

/* Every engine's struct begins with it. */
struct engine {
	const struct engine_ops *ops;
	struct engine_config config;
	struct engine_stats stats;
	/* Jobs that are done without the engine, for a mistake in what was asked. */
	struct loop_task bad_task;
	struct engine_read *bad_reads;
	struct engine_job *bad_jobs;
	struct loop_task sweep_task;
	struct engine_sweep *sweep; /* that begins at once */
};

extern const struct engine_ops engine_memory, engine_sqlite, engine_pgsql;
const struct engine_ops *engine_named(const char *name); /* NULL: none */

int engine_open(const struct engine_ops *ops, const struct engine_config *c, struct buf *error,
		struct engine **ret_engine);
struct engine *engine_close(struct engine *e);
/* These check what is asked against the declared tables first; engines need not. */
void engine_read(struct engine *e, struct engine_read *r);
void engine_write(struct engine *e, struct engine_write *w);
void engine_lease(struct engine *e, struct engine_lease *l);
void engine_sweep(struct engine *e, struct engine_sweep *s);
void engine_sweep_end(struct engine *e); /* of one that began; may be called once its done is */
void engine_backup(struct engine *e, struct engine_backup *b);
void engine_stats(const struct engine *e, struct engine_stats *ret_stats);

/* For engines: the ends of a job. */
void engine_read_done(struct engine *e, struct engine_read *r);
void engine_job_done(struct engine *e, struct engine_job *j);
void engine_job_fail(struct engine_job *j, const char *text); /* by the database's state */
/* text NULL: what the status says by itself. */
void engine_write_status(struct engine_write *w, enum store_status s, size_t op, const char *text);

#endif
