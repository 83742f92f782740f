/* SPDX-License-Identifier: MIT */
/* The writer of the PostgreSQL engine; for the files that it names alone. */
#ifndef STORAGE_PG_WRITER_H
#define STORAGE_PG_WRITER_H

#include "storage/pace.h"
#include "storage/pg_internal.h"

/* Of a job. */
enum {
	MARK_ALONE = 1, /* something spoke against it in a group */
	MARK_KNOWN = 2	/* its appends may be there already */
};

enum phase {
	W_IDLE,
	W_GROUP,  /* batches that commit with the sync */
	W_ALONE,  /* one batch whose results decide */
	W_LEASE,  /* the leases of a job are locked and read */
	W_END,	  /* commit or rollback of the two above */
	W_UNBLOCK /* whoever holds a lock for ever is ended */
};

enum verdict {
	V_OK,
	V_REFUSED,
	V_STALE,
	V_CLASH,
	V_CONDITION,
	V_FAILED,
	V_STUCK, /* the database does not get done with its statement */
	/* No batch's fault: */
	V_KNOWN,  /* an append was there already: to be compared with it */
	V_RETRY,  /* a deadlock */
	V_LOCKED, /* a lock was not to be had in time */
	V_LOST,	  /* this connection is of no use any more */
	V_TROUBLE /* the database takes nothing now */
};

struct pg_writer {
	struct pg *pg;
	struct engine *engine;
	struct pg_conn *conn; /* NULL: none now */
	/* Jobs that wait, and those of the transaction under way. */
	struct engine_job *jobs, **jobs_end, *run;
	size_t njobs, nrun;
	enum phase phase;
	enum verdict verdict; /* of the transaction under way, by its first error */
	char text[WRITE_TEXT];
	struct engine_write *culprit; /* NULL: no batch's statement */
	size_t op;
	bool known;	 /* the conditional batch has been done before */
	bool committing; /* W_END: not a rollback */
	unsigned tries;
	struct pg_fences *fences;
	struct lease_book *book;
	/* What a lease job raised. */
	int64_t raised_shards[SHARDS], raised_epochs[SHARDS];
	size_t nraised;
	struct loop_task task;
	struct pace pace;
	uint64_t purge_due;  /* clock_mono_us when old request ids are removed again */
	int64_t month_from, month_to;
	uint64_t started_us;
	char trouble[WRITE_TEXT];
};

/* pg_write.c */
void writer_go(void *writer);			/* starts the next transaction, when it can */
void run_end(struct pg_writer *w, bool commit); /* ends that of W_ALONE or W_LEASE */
void writer_back(struct pg_writer *w, unsigned marks);	/* what is under way waits again, first */
void writer_done(struct pg_writer *w);			/* it has its answers */
void writer_fail(struct pg_writer *w, const char *why); /* all fail by the database's state */
/* Those that wait behind a batch that failed in their shard; again: they are to come again, in order. */
void writer_shard_fail(struct pg_writer *w, const struct engine_write *b, bool again);
/* pg_send.c */
/* The ops of all batches under way. Appends together have w as their command's arg. */
void run_send(struct pg_writer *w);
/* pg_settle.c */
extern const struct pg_conn_ops writer_conn_ops;
void writer_reconnect(struct pg_writer *w); /* for the reason in w->text */
/* pg_lease.c */
void lease_start(struct pg_writer *w);
void lease_rows(struct pg_writer *w, const PGresult *r);
void lease_synced(struct pg_writer *w);

#endif
