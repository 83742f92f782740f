/* SPDX-License-Identifier: MIT */
/* Keys that processes share: read; where there is none, made and read again. */
#include "link/secrets.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "base/random.h"

enum { READ_TIMEOUT = 30000, RETRY_FIRST = 100, RETRY_MOST = 5000 }; /* ms */

struct secret_get {
	struct link *link;
	struct channels *channels;
	enum table table;
	char *name;
	secret_fn *fn;
	void *arg;
	struct store_read *read;
	struct channel_item *write;
	struct loop_timer *retry;
	unsigned failures;
};

static void secret_free(struct secret_get *g)
{
	loop_timer_free(g->retry);
	free(g->name);
	free(g);
}

static void retry_later(struct secret_get *g)
{
	uint64_t ms = (uint64_t)RETRY_FIRST << (g->failures < 6 ? g->failures : 6);

	g->failures++;
	loop_timer_start(g->retry, ms < RETRY_MOST ? ms : RETRY_MOST, 0);
}

static void secret_read(void *arg);

static void on_written(void *arg, enum store_status status, struct str text)
{
	struct secret_get *g = arg;

	g->write = NULL;
	/* Ours or another's who came first: what is stored counts. */
	if (status == STORE_COMMITTED || status == STORE_CONDITION)
		secret_read(g);
	else
		retry_later(g);
}

static void secret_make(struct secret_get *g)
{
	uint8_t key[SEAL_KEY];
	struct msg_value values[COLS_SECRET];
	struct msg_write_op op = {
		.op = STORE_PUT,
		.table = (uint16_t)g->table,
		.values = values,
		.nvalues = COLS_SECRET,
		.condition = 1, /* only if absent */
	};

	random_bytes(key, sizeof key);
	values[COL_SECRET_NAME] = value_text(str_z(g->name));
	values[COL_SECRET_VALUE] = value_blob(str_n((const char *)key, sizeof key));
	g->write = store_write(g->channels, SHARD_NONE, 0, 0, &op, 1, on_written, g);
	wipe(key, sizeof key);
}

static void secret_found(struct secret_get *g, struct str value)
{
	secret_fn *fn = g->fn;
	void *arg = g->arg;
	uint8_t key[SEAL_KEY];

	memcpy(key, value.ptr, sizeof key);
	secret_free(g);
	fn(arg, key);
	wipe(key, sizeof key);
}

static void on_read(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct secret_get *g = arg;
	const struct msg_row *row;

	g->read = NULL;
	if (err < 0 || n != 1) {
		retry_later(g);
		return;
	}
	if (results[0].nrows == 0) {
		secret_make(g);
		return;
	}
	row = &results[0].rows[0];
	if (row->nvalues < COLS_SECRET || row->values[COL_SECRET_VALUE].s.len != SEAL_KEY)
		retry_later(g); /* spoilt in the database; whoever mends it need not restart us */
	else
		secret_found(g, row->values[COL_SECRET_VALUE].s);
}

static void secret_read(void *arg)
{
	struct secret_get *g = arg;
	struct msg_value name = value_text(str_z(g->name));
	struct msg_read_op op = {
		.op = STORE_GET,
		.table = (uint16_t)g->table,
		.key = &name,
		.nkey = 1,
		.limit = 1,
	};

	g->read = store_read(g->link, &op, 1, READ_TIMEOUT, on_read, g);
}

struct secret_get *secret_get_from(struct link *k, struct channels *c, enum table table,
				   const char *name, secret_fn *fn, void *arg)
{
	struct secret_get *g = xcalloc(1, sizeof *g);

	g->link = k;
	g->channels = c;
	g->table = table;
	g->name = xstrdup(name);
	g->fn = fn;
	g->arg = arg;
	g->retry = loop_timer_new(link_loop(k), secret_read, g);
	secret_read(g);
	return g;
}

void secret_get_cancel(struct secret_get *g)
{
	if (!g)
		return;
	store_read_cancel(g->read);
	if (g->write)
		channel_forget(g->write);
	secret_free(g);
}

struct secret_get *secret_get(struct link *k, struct channels *c, const char *name, secret_fn *fn,
			      void *arg)
{
	return secret_get_from(k, c, TABLE_SECRET, name, fn, arg);
}
