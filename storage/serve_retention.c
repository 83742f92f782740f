/* SPDX-License-Identifier: MIT */
/* mercutioctl storage retention: the limits that one account has of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "storage/storage_internal.h"

struct limits_request {
	struct storage *storage;
	struct frame head;
	char *account;
	struct limits own;
	struct msg_value row[COLS_RETENTION];
	struct msg_read_op read_op;
	struct msg_write_op write_op;
	struct engine_read read;
	struct engine_write write;
};

static void request_end(struct limits_request *q)
{
	struct storage *s = q->storage;

	free(q->account);
	free(q);
	storage_answered(s);
}

static void reply(struct limits_request *q)
{
	const struct limits *own = &q->own;
	struct limits all = retention_limits_with(&q->storage->limits, q->account, own);
	struct msg_retention_is m = {
		.age = own->age,
		.entries = own->count,
		.bytes = own->size,
		.offline = own->offline,
		.all_age = all.age,
		.all_entries = all.count,
		.all_bytes = all.size,
		.all_offline = all.offline,
	};

	link_reply(q->storage->link, &q->head, MSG_RETENTION_IS, &m);
	request_end(q);
}

static void read_done(struct engine_read *r)
{
	struct limits_request *q = r->arg;

	if (r->err) {
		link_fail(q->storage->link, &q->head, r->err, r->text);
		request_end(q);
		return;
	}
	if (r->results[0].nrows)
		q->own = retention_limits_own(&r->results[0].rows[0]);
	reply(q);
}

static void write_done(struct engine_write *w)
{
	struct limits_request *q = w->arg;

	if (w->status != STORE_COMMITTED) {
		link_fail(q->storage->link, &q->head, -EIO, w->text);
		request_end(q);
		return;
	}
	log_info("retention of an account was set", LF_S("account", q->account));
	reply(q);
}

static struct msg_value or_null(int64_t i)
{
	return i < 0 ? value_null() : value_int(i);
}

static void write_start(struct limits_request *q)
{
	const struct limits *l = &q->own;
	bool none = l->age < 0 && l->count < 0 && l->size < 0 && l->offline < 0;
	struct msg_value row[] = {value_text(str_z(q->account)), or_null(l->age),
				  or_null(l->count), or_null(l->size), or_null(l->offline)};

	memcpy(q->row, row, sizeof(row));
	q->write_op = (struct msg_write_op){
		.op = none ? STORE_DELETE : STORE_PUT,
		.table = TABLE_RETENTION,
		.values = q->row,
		.nvalues = none ? 1 : COLS_RETENTION,
	};
	q->write = (struct engine_write){
		.process = "storage",
		.own = true,
		.shard = SHARD_NONE,
		.ops = &q->write_op,
		.nops = 1,
		.done = write_done,
		.arg = q,
	};
	engine_write(q->storage->engine, &q->write);
}

static void read_start(struct limits_request *q)
{
	q->row[0] = value_text(str_z(q->account));
	q->read_op = (struct msg_read_op){
		.op = STORE_GET, .table = TABLE_RETENTION, .key = q->row, .nkey = 1};
	q->read = (struct engine_read){
		.process = "storage",
		.own = true,
		.ops = &q->read_op,
		.nops = 1,
		.done = read_done,
		.arg = q,
	};
	engine_read(q->storage->engine, &q->read);
}

void retention_handle(void *arg, const struct frame *f, const void *msg)
{
	struct storage *s = arg;
	const struct msg_retention *m = msg;
	struct limits_request *q;

	if (s->draining) {
		link_fail(s->link, f, -EBUSY, "the storage process is ending");
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->storage = s;
	q->head = frame_keep(f);
	q->account = str_dup(m->account);
	q->own = (struct limits){-1, -1, -1, -1};
	s->pending++;
	if (m->set) {
		q->own = (struct limits){m->age, m->entries, m->bytes, m->offline};
		write_start(q);
	} else {
		read_start(q);
	}
}
