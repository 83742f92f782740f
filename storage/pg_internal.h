/* SPDX-License-Identifier: MIT */
/* The parts of the PostgreSQL engine: statements, connections, schema, writing, reading. */
#ifndef STORAGE_PG_INTERNAL_H
#define STORAGE_PG_INTERNAL_H

#include <libpq-fe.h>
#include "storage/engine.h"
#include "storage/lease.h"
#include "storage/sql.h"

struct pg;

/* --- pg_params.c: parameters of a statement, and rows, in binary form ------------------------- */

enum { PG_GRACE_MS = 3000 }; /* beyond statement_timeout, after which a connection is dead */
enum { PG_HOLD_MS = 3000 };  /* what waits is held without a connection for so long */
enum { PG_PARAMS = 40 };
struct pg_params {
	int n;
	Oid types[PG_PARAMS];
	const char *values[PG_PARAMS];
	int lengths[PG_PARAMS], formats[PG_PARAMS];
	int64_t ints[PG_PARAMS];
	void *owned[PG_PARAMS]; /* arrays */
};
void params_free(struct pg_params *p); /* zeros are an empty list */
void param_int(struct pg_params *p, int64_t i);
void param_int4(struct pg_params *p, int32_t i);
void param_text(struct pg_params *p, struct str s); /* borrowed */
/* The value of a column; missing: null. */
void param_value(struct pg_params *p, enum column_type type, const struct msg_value *v);
/* A column of n rows, as an array; NULL: null. */
void param_values(struct pg_params *p, enum column_type type, const struct msg_value *const *list,
		  size_t n);
void param_ints(struct pg_params *p, bool wide, const int64_t *list,
		size_t n); /* int8[] or int4[] */
/* Columns of a row; texts are borrowed from the result. */
void row_values(const PGresult *r, int row, const enum column_type *types, struct msg_value *ret,
		size_t n);
int64_t row_int(const PGresult *r, int row, int column); /* of int8 or int4 */

/* --- pg_setup.c: blocks with time limits; on worker threads, or before the loop runs ---------- */

enum pg_role { PG_WRITER, PG_READER };
enum pg_outcome {
	PG_OK,
	PG_AWAY,   /* not to be reached, starting, full: later it may be */
	PG_REFUSED /* by what is configured or stored: a reason for the operator */
};
struct pg_setup {
	const char *conninfo;
	enum pg_role role;
	int64_t connect_ms, statement_ms;
	bool no_migration;  /* an older schema is refused */
	int32_t writer_key; /* names this engine among all that are at the database */
	PGconn *handle;	    /* made by pg_setup_run */
	enum pg_outcome outcome;
	bool crowded;	       /* all connections are taken */
	char text[WRITE_TEXT]; /* why not */
};
/* How many engines are at work in this database; -1: failed. */
int64_t pg_setup_writers(PGconn *c, char text[WRITE_TEXT]);
/* A connection that is ready to work; the writer's schema is up to date and the writer that this
 * engine had before is gone, with all that it was about to commit. */
void pg_setup_run(struct pg_setup *s);
/* A connection with nothing set or checked; false: none, for the reason in text. */
bool pg_setup_plain(struct pg_setup *s);
/* The log's partitions of this month and the following, on a connection of its own. */
void pg_setup_partitions(struct pg_setup *s);
/* Runs SQL (several statements) and waits; ms 0: for ever. NULL when it failed, with *text. */
PGresult *pg_exec(PGconn *c, const char *sql, int64_t ms, char text[WRITE_TEXT]);
/* One integer; -1: failed. */
int64_t pg_number(PGconn *c, const char *sql, int64_t ms, char text[WRITE_TEXT]);
void pg_text(char text[WRITE_TEXT], const char *message); /* its first line */

/* --- pg_migrate.c ------------------------------------------------------------------------------
 */

/* Brings the schema to version, by what each table, column and index declares as its `since`, in
 * one transaction; of two processes at once one does it and the other waits. A newer schema is
 * refused when it says that programs of this version cannot use it. */
enum pg_outcome pg_migrate(PGconn *c, const struct table_def *defs, size_t ndefs, unsigned version,
			   char text[WRITE_TEXT]);
/* The same as the mode says. */
enum pg_outcome pg_schema(PGconn *c, const struct table_def *defs, size_t ndefs, unsigned version,
			  enum schema_mode mode, struct buf *plan, char text[WRITE_TEXT]);
/* pg_offline.c: as of struct engine_ops. */
int pg_schema_of(const struct engine_config *c, enum schema_mode mode, struct buf *plan,
		 unsigned *ret_version, struct buf *error);
/* Makes the partition of the month that holds that time, and those of the two that follow. */
bool pg_partitions(PGconn *c, int64_t wall_us, char text[WRITE_TEXT]);
/* The month that holds a time: its first microsecond and the one behind its last. */
void pg_month(int64_t wall_us, int *ret_year, int *ret_month, int64_t *ret_from, int64_t *ret_to);

/* --- pg_conn.c: a connection on the loop, in pipeline mode -------------------------------------
 */

struct pg_conn;
struct pg_cmd {
	enum { CMD_PREPARE, CMD_RUN, CMD_SYNC } kind;
	uint8_t *prepared;   /* CMD_PREPARE: set when it succeeds */
	bool answered, rows; /* rows: one after the other */
	void *arg;	     /* what the caller gave */
	size_t op;
};
struct pg_conn_ops {
	/* A result of a statement; several with one row each, when asked for. */
	void (*result)(void *arg, const struct pg_cmd *cmd, const PGresult *r);
	/* It failed, and everything up to the sync with it. cmd: NULL: the commit itself. */
	void (*failed)(void *arg, const struct pg_cmd *cmd, const PGresult *r);
	void (*synced)(void *arg);
	/* Closed already; what was not synced may be done or not. */
	void (*lost)(void *arg, const char *why);
};
struct pg_conn *pg_conn_new(struct loop *l, PGconn *take_handle, const struct pg_conn_ops *ops,
			    void *arg);
struct pg_conn *pg_conn_free(struct pg_conn *c);
/* Adds a statement to the pipeline. A failure to do so is told by lost, from pg_conn_sync. */
void pg_conn_run(struct pg_conn *c, enum sql_kind kind, size_t table, unsigned variant,
		 const struct pg_params *p, void *arg, size_t op);
void pg_conn_sql(struct pg_conn *c, const char *sql, const struct pg_params *p, void *arg,
		 size_t op);
void pg_conn_sync(struct pg_conn *c);		      /* ends the transaction and sends all */
uint64_t pg_conn_busy_since(const struct pg_conn *c); /* loop_now; 0: nothing is awaited */

/* --- pg_fence.c: which leases a group of batches needs -----------------------------------------
 */

struct pg_fences *fences_new(void);
struct pg_fences *fences_free(struct pg_fences *f);
void fences_clear(struct pg_fences *f); /* for the next group */
void fences_add(struct pg_fences *f, struct engine_write *w);
void fences_send(struct pg_fences *f, struct pg_conn *c);
/* Calls fn for a batch of each lease that the comparison named in its error's detail; first: the op
 * of its command. */
void fences_blame(const struct pg_fences *f, const PGresult *error, size_t first,
		  void (*fn)(void *arg, struct engine_write *w, size_t op), void *arg);
void fences_committed(struct pg_fences *f);
/* The classid of the advisory locks on a route's shards. */
int32_t fence_key(const char *route);

/* --- pg_write.c --------------------------------------------------------------------------------
 */

struct pg_writer *pg_writer_new(struct pg *pg, struct engine *e);
struct pg_writer *pg_writer_free(struct pg_writer *w);
void pg_writer_add(struct pg_writer *w, struct engine_job *j);
void pg_writer_attach(struct pg_writer *w, PGconn *take_handle);
/* Looks at time limits; away: how long there was no connection, in ms, and why. */
void pg_writer_tick(struct pg_writer *w, uint64_t away, const char *why);
bool pg_writer_idle(const struct pg_writer *w); /* nothing waits */

/* --- pg_read.c ---------------------------------------------------------------------------------
 */

struct pg_reads; /* the reads that wait for a reader */
struct pg_reads *reads_new(struct engine *e);
struct pg_reads *reads_free(struct pg_reads *q);
void reads_add(struct pg_reads *q, struct engine_read *r);
/* away: how long there was no reader at all. */
void reads_tick(struct pg_reads *q, uint64_t away, const char *why);
bool reads_idle(const struct pg_reads *q); /* nothing waits */

struct pg_reader; /* a connection for reads; ends with pg_slot_lost */
struct pg_reader *reader_new(struct pg *pg, struct pg_reads *q, struct engine *e, size_t slot,
			     PGconn *take_handle);
struct pg_reader *reader_free(struct pg_reader *r);
bool reader_busy(const struct pg_reader *r);
void reader_tick(struct pg_reader *r); /* ends it when there was no answer for too long */

/* --- pg_sweep.c --------------------------------------------------------------------------------
 */

struct pg_sweep; /* engine_sweep */
struct pg_sweep *pg_sweep_new(struct loop *l, const struct pg_setup *how);
struct pg_sweep *pg_sweep_free(struct pg_sweep *p); /* not while it works */
void pg_sweep_start(struct pg_sweep *p, struct engine_sweep *s);
void pg_sweep_end(struct pg_sweep *p);
bool pg_sweep_working(const struct pg_sweep *p);

/* --- engine_pgsql.c ----------------------------------------------------------------------------
 */

/* The connection of a slot is gone; slot 0 is the writer's. A reader is freed by it. */
void pg_slot_lost(struct pg *pg, size_t slot, const char *why);
void pg_watch(struct pg *pg); /* something waits: time limits are to be looked at */

#endif
