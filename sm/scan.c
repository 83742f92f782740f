/* SPDX-License-Identifier: MIT */
/* Reads tables for shards that were just opened. */
#include "sm/scan.h"

enum { PAGE = 100, PAGE_PAUSE_MS = 20, RETRY_MS = 1000, READ_TIMEOUT_MS = 10000, KEY_MOST = 4 };

struct scan {
	struct sm *sm;
	scan_row_fn *row;
	scan_done_fn *done;
	uint16_t table;
	bool running;
	bool wanted[SHARDS]; /* asked for since this pass began */
	bool shards[SHARDS]; /* of this pass */
	struct store_read *read;
	struct loop_timer *timer;
	char *account; /* of the last row seen; NULL: none */
	struct msg_value key[KEY_MOST];
};

static bool begin(struct scan *s)
{
	bool any = false;

	for (unsigned i = 0; i < SHARDS; i++) {
		s->shards[i] = s->wanted[i];
		s->wanted[i] = false;
		any |= s->shards[i];
	}
	free(s->account);
	s->account = NULL;
	s->running = any;
	return any;
}

/* Where the next page begins. All key columns but the first are numbers. */
static void remember(struct scan *s, const struct msg_value *v)
{
	free(s->account);
	s->account = str_dup(v[0].s);
	for (size_t i = 1; i < tables[s->table].nkeys; i++)
		s->key[i] = value_int(v[i].i);
}

static void got_page(void *arg, int err, const struct msg_rows *results, size_t n);

static void next_page(void *arg)
{
	struct scan *s = arg;
	struct msg_read_op op = {.op = STORE_LIST, .table = s->table, .limit = PAGE};

	if (!s->running && !begin(s))
		return;
	if (s->account) {
		s->key[0] = value_text(str_z(s->account));
		op.after = s->key;
		op.nafter = tables[s->table].nkeys;
	}
	s->read = store_read(s->sm->link, &op, 1, READ_TIMEOUT_MS, got_page, s);
}

static void look_at(struct scan *s, const struct msg_value *v)
{
	uint16_t shard = link_shard(v[0].s);

	if (s->shards[shard])
		s->row(s->sm, shard, v);
}

static void got_page(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct scan *s = arg;

	s->read = NULL;
	if (err || !n) { /* the same page again */
		log_warn("table not read", LF_S("table", tables[s->table].name), LF_ERR(err));
		loop_timer_start(s->timer, RETRY_MS, 0);
		return;
	}
	for (size_t i = 0; i < results[0].nrows; i++)
		look_at(s, results[0].rows[i].values);
	if (results[0].nrows && results[0].more) {
		remember(s, results[0].rows[results[0].nrows - 1].values);
		loop_timer_start(s->timer, PAGE_PAUSE_MS, 0);
		return;
	}
	if (begin(s)) /* shards that were opened meanwhile */
		next_page(s);
	if (s->done)
		s->done(s->sm);
}

struct scan *scan_new(struct sm *sm, uint16_t table, scan_row_fn *row, scan_done_fn *done)
{
	struct scan *s = xcalloc(1, sizeof *s);

	if (tables[table].nkeys > KEY_MOST)
		bug("the key of table %s has too many columns", tables[table].name);
	s->sm = sm;
	s->table = table;
	s->row = row;
	s->done = done;
	s->timer = loop_timer_new(sm->loop, next_page, s);
	return s;
}

struct scan *scan_free(struct scan *s)
{
	if (!s)
		return NULL;
	store_read_cancel(s->read);
	loop_timer_free(s->timer);
	free(s->account);
	free(s);
	return NULL;
}

void scan_shard(struct scan *s, uint16_t shard)
{
	s->wanted[shard] = true;
	if (!s->running) /* many are opened together */
		loop_timer_start(s->timer, PAGE_PAUSE_MS, 0);
}

bool scan_pending(const struct scan *s, uint16_t shard)
{
	return s->wanted[shard] || s->shards[shard];
}

bool scan_busy(const struct scan *s)
{
	for (uint16_t i = 0; i < SHARDS; i++)
		if (scan_pending(s, i))
			return true;
	return false;
}

void scan_forget(struct scan *s, uint16_t shard)
{
	s->wanted[shard] = s->shards[shard] = false;
}
