/* SPDX-License-Identifier: MIT */
/* Waiting calls on an engine, and what they find as text. */
#include "tests/storage/rig.h"
#include "tests/storage/pg_server.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"

void rig_open(struct rig *r, const char *engine)
{
	struct buf error = BUF_INIT;

	*r = (struct rig){.loop = loop_new()};
	snprintf(r->dir, sizeof(r->dir), "/tmp/mercutio-storage-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/data.db", r->dir);
	r->config = (struct engine_config){
		.loop = r->loop,
		.path = r->path,
		.commit_max = 500,
		.readers = 2,
		.read_rows = 1000,
		.read_bytes = 1 << 20,
		.keep_requests = 3600 * 1000,
		.cache = 8 << 20,
		.connections = 3,
		.connect_timeout = 5000,
		.statement_timeout = 10000,
	};
	if (strcmp(engine, "postgresql") == 0)
		r->config.connect = r->conninfo = pg_server_schema();
	ck_assert_msg(engine_open(engine_named(engine), &r->config, &error, &r->engine) == 0,
		      "%.*s", STR_ARG(buf_str(&error)));
	buf_free(&error);
}

void rig_remove(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

void rig_close(struct rig *r)
{
	r->engine = engine_close(r->engine);
	r->loop = loop_free(r->loop);
	rig_remove(r->dir);
	free(r->conninfo);
}

void rig_reopen(struct rig *r)
{
	const struct engine_ops *ops = r->engine->ops;
	struct buf error = BUF_INIT;

	engine_close(r->engine);
	ck_assert_int_eq(engine_open(ops, &r->config, &error, &r->engine), 0);
	buf_free(&error);
}

struct engine *rig_second(struct rig *r)
{
	struct buf error = BUF_INIT;
	struct engine *e = NULL;

	ck_assert_msg(engine_open(engine_named("postgresql"), &r->config, &error, &e) == 0, "%.*s",
		      STR_ARG(buf_str(&error)));
	buf_free(&error);
	return e;
}

void rig_wait(struct rig *r, const bool *flag)
{
	while (!*flag)
		loop_run_once(r->loop);
}

static void flag_on(void *arg)
{
	*(bool *)arg = true;
}

void rig_run_for(struct rig *r, uint64_t ms)
{
	bool over = false;
	struct loop_timer *t = loop_timer_new(r->loop, flag_on, &over);

	loop_timer_start(t, ms, 0);
	rig_wait(r, &over);
	loop_timer_free(t);
}

struct msg_write_op op_make(enum store_write_op op, size_t table, struct msg_value *v, size_t n)
{
	return (struct msg_write_op){.op = op, .table = (uint16_t)table, .values = v, .nvalues = n};
}

struct msg_read_op read_make(enum store_read_op op, size_t table, struct msg_value *v, size_t n)
{
	return (struct msg_read_op){.op = op, .table = (uint16_t)table, .key = v, .nkey = n};
}

uint16_t shard_of(const char *account)
{
	return link_shard(str_z(account));
}

/* --- writes ---------------------------------------------------------------------------------- */

static void on_written(struct engine_write *w)
{
	((struct written *)w)->done = true;
}

void written_init(struct written *x, const struct msg_write_op *ops, size_t n)
{
	const struct table_def *t = n && ops[0].table < TABLES ? &tables[ops[0].table] : NULL;
	struct str account = n && ops[0].nvalues ? ops[0].values[0].s : STR_NONE;

	*x = (struct written){0};
	x->w.process = t && table_writable_by(t, "auth") ? "auth" : "sm";
	x->w.sender = OWNER;
	x->w.shard = SHARD_NONE;
	x->w.request = random_u64();
	x->w.ops = ops;
	x->w.nops = n;
	x->w.done = on_written;
	if (t && t->sharded) {
		x->w.shard = link_shard(account);
		x->w.epoch = 1;
		x->w.write_epoch = 1;
	}
}

enum store_status rig_submit(struct rig *r, struct written *x)
{
	x->done = false;
	engine_write(r->engine, &x->w);
	ck_assert(!x->done);
	rig_wait(r, &x->done);
	return x->w.status;
}

enum store_status rig_write(struct rig *r, const struct msg_write_op *ops, size_t n)
{
	struct written x;

	written_init(&x, ops, n);
	return rig_submit(r, &x);
}

static void on_leased(struct engine_lease *l)
{
	ck_assert_int_eq(l->err, 0);
	ck_assert_uint_eq(l->nheld, SHARDS);
	*(bool *)l->arg = true;
}

void rig_lease(struct rig *r, const char *route, uint64_t owner)
{
	struct msg_shard_epoch all[SHARDS];
	bool done = false;
	struct engine_lease l = {
		.take = true,
		.route = route,
		.owner = "sm-1",
		.owner_id = owner,
		.shards = all,
		.nshards = SHARDS,
		.done = on_leased,
		.arg = &done,
	};

	for (uint16_t i = 0; i < SHARDS; i++)
		all[i] = (struct msg_shard_epoch){i, 0};
	engine_lease(r->engine, &l);
	rig_wait(r, &done);
}

/* --- reads ----------------------------------------------------------------------------------- */

static void print_row(struct buf *b, const struct msg_row *row)
{
	for (size_t i = 0; i < row->nvalues; i++) {
		const struct msg_value *v = &row->values[i];

		if (i)
			buf_putc(b, ' ');
		if (v->type == 0)
			buf_putc(b, '-');
		else if (v->type == COLUMN_INT)
			buf_printf(b, "%lld", (long long)v->i);
		else
			buf_str_append(b, v->s);
	}
	buf_putc(b, '\n');
}

struct found {
	struct engine_read r;
	struct buf text;
	bool done;
};

static void on_found(struct engine_read *er)
{
	struct found *f = (struct found *)er;

	f->done = true;
	if (er->err) {
		buf_printf(&f->text, "error %d", er->err);
		return;
	}
	for (size_t i = 0; i < er->nops; i++) {
		if (i)
			buf_lit(&f->text, "--\n");
		for (size_t n = 0; n < er->results[i].nrows; n++)
			print_row(&f->text, &er->results[i].rows[n]);
		if (er->results[i].more)
			buf_lit(&f->text, "more\n");
	}
}

char *rig_read(struct rig *r, const char *process, const struct msg_read_op *ops, size_t n)
{
	struct found f = {.r = {.process = process, .ops = ops, .nops = n, .done = on_found}};

	engine_read(r->engine, &f.r);
	rig_wait(r, &f.done);
	return buf_take(&f.text);
}
