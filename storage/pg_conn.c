/* SPDX-License-Identifier: MIT */
/* One connection on the loop, in pipeline mode: statements out, results in, never a wait. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/log.h"
#include "storage/pg_internal.h"

struct pg_conn {
	struct loop *loop;
	PGconn *handle;
	struct loop_io *io;
	int fd; /* a copy of libpq's, which closes its own whenever it finds it dead */
	const struct pg_conn_ops *ops;
	void *arg;
	/* What answers are awaited, in the order sent: a ring. */
	struct pg_cmd *cmds;
	size_t first, ncmds, cap;
	uint64_t busy_since;
	bool broken;					 /* something could not be sent */
	bool taking;					 /* results: freed behind that */
	uint8_t prepared[SQL_KINDS][TABLES][SQL_VARIANTS]; /* 1: asked for, 2: done */
};

enum { PREPARE_ASKED = 1, PREPARE_DONE };

/* --- the ring of commands ----------------------------------------------------------------------
 */

static struct pg_cmd *cmd_add(struct pg_conn *c)
{
	if (c->ncmds == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct pg_cmd *more = xcalloc(cap, sizeof(*more));

		for (size_t i = 0; i < c->ncmds; i++)
			more[i] = c->cmds[(c->first + i) % c->cap];
		free(c->cmds);
		c->cmds = more;
		c->cap = cap;
		c->first = 0;
	}
	if (!c->busy_since)
		c->busy_since = loop_now(c->loop);
	return &c->cmds[(c->first + c->ncmds++) % c->cap];
}

static void cmd_drop(struct pg_conn *c)
{
	struct pg_cmd *cmd = &c->cmds[c->first];

	/* What failed or was passed over is to be prepared again. */
	if (cmd->prepared && *cmd->prepared != PREPARE_DONE)
		*cmd->prepared = 0;
	c->first = (c->first + 1) % c->cap;
	c->ncmds--;
	c->busy_since = c->ncmds ? loop_now(c->loop) : 0;
}

/* Rows of large answers come one by one; asked for when the statement is the first in line. */
static void want_rows(struct pg_conn *c)
{
	if (c->ncmds && c->cmds[c->first].rows)
		PQsetSingleRowMode(c->handle);
}

/* --- the end -----------------------------------------------------------------------------------
 */

struct pg_conn *pg_conn_free(struct pg_conn *c)
{
	if (!c)
		return NULL;
	if (c->io) {
		c->io = loop_io_free(c->io);
		close(c->fd);
	}
	PQfinish(c->handle);
	c->handle = NULL;
	if (c->taking)
		return NULL;
	free(c->cmds);
	free(c);
	return NULL;
}

static void conn_lost(struct pg_conn *c)
{
	const struct pg_conn_ops *ops = c->ops;
	char text[WRITE_TEXT];
	void *arg = c->arg;

	pg_text(text, PQerrorMessage(c->handle));
	pg_conn_free(c);
	ops->lost(arg, text[0] ? text : "the connection was closed");
}

/* --- results -----------------------------------------------------------------------------------
 */

static void take_result(struct pg_conn *c, PGresult *r)
{
	struct pg_cmd cmd = c->cmds[c->first];

	c->cmds[c->first].answered = true;
	switch (PQresultStatus(r)) {
	case PGRES_PIPELINE_SYNC:
		cmd_drop(c);
		want_rows(c);
		c->ops->synced(c->arg);
		break;
	case PGRES_PIPELINE_ABORTED:
		break;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
		if (cmd.kind == CMD_PREPARE)
			*cmd.prepared = PREPARE_DONE;
		else if (cmd.kind == CMD_RUN)
			c->ops->result(c->arg, &cmd, r);
		break;
	default:
		c->ops->failed(c->arg, cmd.kind == CMD_SYNC ? NULL : &cmd, r);
	}
}

/* False: it is gone. */
static bool take_results(struct pg_conn *c)
{
	PGresult *r;

	c->taking = true;
	while (c->handle && c->ncmds && !PQisBusy(c->handle)) {
		r = PQgetResult(c->handle);
		if (r) {
			take_result(c, r);
			PQclear(r);
			continue;
		}
		/* The end of a statement's results; a sync has none. */
		if (PQstatus(c->handle) != CONNECTION_OK || !c->cmds[c->first].answered)
			break;
		if (c->cmds[c->first].kind != CMD_SYNC) {
			cmd_drop(c);
			want_rows(c);
		}
	}
	c->taking = false;
	if (!c->handle) {
		pg_conn_free(c);
		return false;
	}
	if (PQstatus(c->handle) == CONNECTION_OK)
		return true;
	conn_lost(c);
	return false;
}

static void conn_flush(struct pg_conn *c)
{
	int n = c->broken ? 0 : PQflush(c->handle);

	/* A failure to send: reading finds the reason, which the server may have told. The loop
	 * comes back to it, since nothing ends from in here. */
	if (c->broken || PQstatus(c->handle) != CONNECTION_OK)
		n = 1;
	loop_io_set(c->io, LOOP_READ | (n > 0 ? LOOP_WRITE : 0u));
}

static void on_io(void *arg, unsigned events)
{
	struct pg_conn *c = arg;

	if (!PQconsumeInput(c->handle)) {
		conn_lost(c);
		return;
	}
	if (!take_results(c))
		return;
	if (c->broken)
		conn_lost(c);
	else
		conn_flush(c);
}

/* --- sending -----------------------------------------------------------------------------------
 */

struct pg_conn *pg_conn_new(struct loop *l, PGconn *take_handle, const struct pg_conn_ops *ops,
			    void *arg)
{
	struct pg_conn *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->handle = take_handle;
	c->ops = ops;
	c->arg = arg;
	c->fd = dup(PQsocket(take_handle));
	if (c->fd < 0)
		bug("dup: %s", strerror(errno));
	c->io = loop_io_new(l, c->fd, on_io, c);
	if (PQsetnonblocking(take_handle, 1) < 0 || !PQenterPipelineMode(take_handle))
		c->broken = true;
	loop_io_set(c->io, LOOP_READ);
	return c;
}

static void run_add(struct pg_conn *c, bool rows, void *arg, size_t op)
{
	*cmd_add(c) = (struct pg_cmd){.kind = CMD_RUN, .rows = rows, .arg = arg, .op = op};
	if (c->ncmds == 1)
		want_rows(c);
}

void pg_conn_run(struct pg_conn *c, enum sql_kind kind, size_t table, unsigned variant,
		 const struct pg_params *p, void *arg, size_t op)
{
	uint8_t *prepared = &c->prepared[kind][table][variant];
	struct buf sql = BUF_INIT;
	char name[40];

	snprintf(name, sizeof(name), "m%d_%zu_%u", (int)kind, table, variant);
	if (!*prepared) {
		sql_text(&sql, SQL_POSTGRESQL, kind, &tables[table], variant);
		buf_putc(&sql, 0);
		if (!PQsendPrepare(c->handle, name, buf_ptr(&sql), p->n, p->types))
			c->broken = true;
		buf_free(&sql);
		*prepared = PREPARE_ASKED;
		*cmd_add(c) = (struct pg_cmd){.kind = CMD_PREPARE, .prepared = prepared};
	}
	if (!PQsendQueryPrepared(c->handle, name, p->n, p->values, p->lengths, p->formats, 1))
		c->broken = true;
	run_add(c, kind == SQL_LIST || kind == SQL_RANGE, arg, op);
}

void pg_conn_sql(struct pg_conn *c, const char *sql, const struct pg_params *p, void *arg,
		 size_t op)
{
	static const struct pg_params none;

	if (!p)
		p = &none;
	if (!PQsendQueryParams(c->handle, sql, p->n, p->types, p->values, p->lengths, p->formats,
			       1))
		c->broken = true;
	run_add(c, false, arg, op);
}

void pg_conn_sync(struct pg_conn *c)
{
	if (!PQpipelineSync(c->handle))
		c->broken = true;
	*cmd_add(c) = (struct pg_cmd){.kind = CMD_SYNC};
	conn_flush(c);
}

uint64_t pg_conn_busy_since(const struct pg_conn *c)
{
	return c->busy_since;
}
