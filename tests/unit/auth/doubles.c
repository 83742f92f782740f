/* SPDX-License-Identifier: MIT */
/* A loop, a link and a storage for tests of mercutio-auth. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/random.h"
#include "link/message.h"
#include "tests/unit/auth/doubles.h"

/* --- the loop -------------------------------------------------------------------------------- */

struct loop_timer {
	loop_fn *fn;
	void *arg;
	uint64_t due; /* 0: stopped */
	struct loop_timer *prev, *next;
};

struct job {
	loop_fn *work, *done;
	void *arg;
	struct job *prev, *next;
};

static struct loop_timer *timers;
static struct loop_timeout *timeouts;
static struct job *jobs;

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	(void)l;
	t->fn = fn;
	t->arg = arg;
	DL_APPEND(timers, t);
	return t;
}

void loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms)
{
	(void)repeat_ms;
	t->due = clock_mono_ms() + ms;
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
	if (t) {
		DL_DELETE(timers, t);
		free(t);
	}
	return NULL;
}

void loop_timer_stop(struct loop_timer *t)
{
	t->due = 0;
}

/* Descriptors are real ones: what threads write to. */
struct loop_io {
	int fd;
	unsigned events;
	loop_io_fn *fn;
	void *arg;
	struct loop_io *prev, *next;
};

static struct loop_io *ios;

struct loop_io *loop_io_new(struct loop *l, int fd, loop_io_fn *fn, void *arg)
{
	struct loop_io *io = xcalloc(1, sizeof(*io));

	(void)l;
	*io = (struct loop_io){.fd = fd, .fn = fn, .arg = arg};
	DL_APPEND(ios, io);
	return io;
}

void loop_io_set(struct loop_io *io, unsigned events)
{
	io->events = events;
}

struct loop_io *loop_io_free(struct loop_io *io)
{
	if (io) {
		DL_DELETE(ios, io);
		free(io);
	}
	return NULL;
}

bool double_wait(void)
{
	struct pollfd fds[16];
	struct loop_io *io, *ready[16];
	nfds_t n = 0;

	DL_FOREACH(ios, io) {
		fds[n] = (struct pollfd){.fd = io->fd,
					 .events = (io->events & LOOP_READ ? POLLIN : 0) |
						   (io->events & LOOP_WRITE ? POLLOUT : 0)};
		ready[n++] = io;
	}
	if (poll(fds, n, 30000) <= 0)
		return false;
	for (nfds_t i = 0; i < n; i++) {
		if (fds[i].revents) { /* one: its callback may free the others */
			ready[i]->fn(ready[i]->arg, (fds[i].revents & ~POLLOUT ? LOOP_READ : 0) |
							    (fds[i].revents & POLLOUT ? LOOP_WRITE : 0));
			break;
		}
	}
	double_run();
	return true;
}

void loop_timeout_start(struct loop *l, struct loop_timeout *t, unsigned seconds)
{
	loop_timeout_stop(l, t);
	t->due = clock_mono_ms() + seconds * 1000;
	DL_APPEND(timeouts, t);
}

void loop_timeout_stop(struct loop *l, struct loop_timeout *t)
{
	(void)l;
	if (t->due)
		DL_DELETE(timeouts, t);
	t->due = 0;
}

void loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	(void)l;
	*j = (struct job){.work = work, .done = done, .arg = arg};
	DL_APPEND(jobs, j);
}

static bool fire(void)
{
	uint64_t now = clock_mono_ms();
	struct loop_timer *t;
	struct loop_timeout *o;

	DL_FOREACH(timers, t) {
		if (t->due && t->due <= now) {
			t->due = 0;
			t->fn(t->arg);
			return true;
		}
	}
	DL_FOREACH(timeouts, o) {
		if (o->due <= now) {
			loop_timeout_stop(NULL, o);
			o->fn(o->arg);
			return true;
		}
	}
	return false;
}

static bool work_one(void)
{
	struct job *j = jobs;

	if (!j)
		return false;
	DL_DELETE(jobs, j);
	j->work(j->arg);
	double_store.works++;
	j->done(j->arg);
	free(j);
	return true;
}

/* --- the link -------------------------------------------------------------------------------- */

static struct double_reply *replies;
static size_t nreplies;
static struct pool *pool;

struct double_store double_store;

/* Encoded and decoded again: a copy that lives as long as the pool. */
static void *copy(uint16_t kind, const void *m)
{
	struct buf b = BUF_INIT;
	void *ret = pool_calloc(pool, msg_size(kind));

	msg_encode(kind, m, &b);
	if (msg_decode(kind, pool, pool_str(pool, buf_str(&b)), ret) < 0)
		bug("message %u does not survive", kind);
	buf_free(&b);
	return ret;
}

void link_reply(struct link *k, const struct frame *request, uint16_t kind, const void *m)
{
	(void)k;
	replies = xrealloc(replies, (nreplies + 1) * sizeof(*replies));
	replies[nreplies++] = (struct double_reply){kind, request->tag, copy(kind, m)};
}

void link_fail(struct link *k, const struct frame *request, int err, const char *text)
{
	link_reply(k, request, MSG_FAILED,
		   &(struct msg_failed){.code = (uint16_t)-err, .text = str_z(text)});
}

uint64_t link_id(const struct link *k)
{
	(void)k;
	return DOUBLE_SELF;
}

const struct member *link_member(const struct link *k, uint64_t id)
{
	static struct member sm = {.id = DOUBLE_SM, .name = "sm-1", .process = "sm"};

	(void)k;
	return id == DOUBLE_SM ? &sm : NULL;
}

uint64_t link_place(const struct link *k, const char *route, uint64_t key)
{
	(void)k;
	(void)route;
	(void)key;
	return double_store.placed ? double_store.placed : DOUBLE_SELF;
}

size_t double_replies(void)
{
	return nreplies;
}

const struct double_reply *double_reply(size_t i)
{
	return &replies[i];
}

struct frame double_frame(uint16_t kind)
{
	static uint32_t tag;

	return (struct frame){.kind = kind, .tag = ++tag, .from = DOUBLE_C2S, .to = DOUBLE_SELF};
}

/* --- storage --------------------------------------------------------------------------------- */

struct stored {
	enum table table;
	struct msg_row row;
	struct stored *prev, *next;
};

struct store_read {
	struct msg_read *m;
	store_read_fn *fn;
	void *arg;
	uint64_t due;
	struct store_read *prev, *next;
};

struct channel_item {
	struct msg_write *m;
	store_write_fn *fn;
	void *arg;
	struct channel_item *prev, *next;
};

static struct stored *stored;
static struct store_read *reads;
static struct channel_item *writes;

static const size_t nkeys[TABLES] = {
	[TABLE_ACCOUNT] = 1, [TABLE_CREDENTIAL] = 2, [TABLE_SECRET] = 1,
	[TABLE_DISABLED] = 1};

struct channels *channels_new(struct link *k)
{
	(void)k;
	return NULL;
}

struct channels *channels_free(struct channels *c)
{
	return c;
}

void channel_forget(struct channel_item *i)
{
	i->fn = NULL;
}

struct store_read *store_read(struct link *k, const struct msg_read_op *ops, size_t n,
			      uint32_t timeout_ms, store_read_fn *fn, void *arg)
{
	struct store_read *r = xcalloc(1, sizeof(*r));

	(void)k;
	r->m = copy(MSG_READ, &(struct msg_read){.ops = (struct msg_read_op *)ops, .nops = n});
	r->fn = fn;
	r->arg = arg;
	r->due = clock_mono_ms() + timeout_ms;
	DL_APPEND(reads, r);
	return r;
}

void store_read_cancel(struct store_read *r)
{
	DL_DELETE(reads, r);
	free(r);
}

struct channel_item *store_write(struct channels *c, uint16_t shard, uint32_t epoch,
				 uint32_t write_epoch, const struct msg_write_op *ops, size_t n,
				 store_write_fn *fn, void *arg)
{
	struct channel_item *i = xcalloc(1, sizeof(*i));

	(void)c;
	if (shard != SHARD_NONE || epoch || write_epoch)
		bug("auth has no shards");
	i->m = copy(MSG_WRITE, &(struct msg_write){.ops = (struct msg_write_op *)ops, .nops = n});
	i->fn = fn;
	i->arg = arg;
	DL_APPEND(writes, i);
	return i;
}

/* Compares the first n columns. */
static int compare(const struct msg_value *a, const struct msg_value *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = str_cmp(a[i].s, b[i].s);

		if (r)
			return r;
	}
	return 0;
}

static struct stored *find(enum table table, const struct msg_value *key, size_t n)
{
	struct stored *s;

	DL_FOREACH(stored, s) {
		if (s->table == table && compare(s->row.values, key, n) == 0)
			return s;
	}
	return NULL;
}

static int by_key(struct stored *a, struct stored *b)
{
	if (a->table != b->table)
		return (int)a->table - (int)b->table;
	return compare(a->row.values, b->row.values, nkeys[a->table]);
}

static void drop(struct stored *s)
{
	DL_DELETE(stored, s);
	free(s);
}

void double_put(enum table table, const struct msg_value *values, size_t n)
{
	struct stored *s = find(table, values, nkeys[table]);

	if (s)
		drop(s);
	s = xcalloc(1, sizeof(*s));
	s->table = table;
	s->row.nvalues = n;
	s->row.values = pool_alloc(pool, n * sizeof(*values));
	memcpy(s->row.values, values, n * sizeof(*values));
	for (size_t i = 0; i < n; i++)
		s->row.values[i].s = pool_str(pool, values[i].s);
	DL_INSERT_INORDER(stored, s, by_key);
}

static struct msg_rows read_op(const struct msg_read_op *op)
{
	struct msg_rows rows = {.rows = pool_calloc(pool, 4096 * sizeof(struct msg_row))};
	struct stored *s;

	DL_FOREACH(stored, s) {
		if (s->table != op->table || compare(s->row.values, op->key, op->nkey) != 0)
			continue;
		if (op->nafter && compare(s->row.values, op->after, op->nafter) <= 0)
			continue;
		if (rows.nrows == (op->limit ? op->limit : 4096)) {
			rows.more = true;
			break;
		}
		rows.rows[rows.nrows++] = s->row;
	}
	return rows;
}

static bool read_one(void)
{
	struct store_read r, *first = reads;
	struct msg_rows results[64];

	DL_FOREACH(reads, first) {
		if (!double_store.silent || first->due <= clock_mono_ms())
			break;
	}
	if (!first)
		return false;
	r = *first;
	store_read_cancel(first);
	if (double_store.silent) {
		r.fn(r.arg, -ETIMEDOUT, NULL, 0);
		return true;
	}
	double_store.reads++;
	for (size_t i = 0; i < r.m->nops; i++)
		results[i] = read_op(&r.m->ops[i]);
	r.fn(r.arg, 0, results, r.m->nops);
	return true;
}

static bool conditions_hold(const struct msg_write *m)
{
	for (size_t i = 0; i < m->nops; i++) {
		const struct msg_write_op *op = &m->ops[i];
		bool there = false;

		if (!op->condition)
			continue;
		there = find(op->table, op->values, nkeys[op->table]) != NULL;
		for (size_t j = 0; j < i; j++) /* of this batch */
			there |= m->ops[j].op == STORE_PUT && m->ops[j].table == op->table &&
				 compare(m->ops[j].values, op->values, nkeys[op->table]) == 0;
		if (there != (op->condition == 2))
			return false;
	}
	return true;
}

static enum store_status write_all(const struct msg_write *m)
{
	struct stored *s;

	if (double_store.refuses)
		return STORE_FAILED;
	if (!conditions_hold(m))
		return STORE_CONDITION;
	for (size_t i = 0; i < m->nops; i++) {
		const struct msg_write_op *op = &m->ops[i];

		if (op->op == STORE_PUT)
			double_put(op->table, op->values, op->nvalues);
		while (op->op == STORE_DELETE && (s = find(op->table, op->values, op->nvalues)))
			drop(s);
	}
	return STORE_COMMITTED;
}

static bool write_one(void)
{
	struct channel_item *i = writes;

	if (!i)
		return false;
	DL_DELETE(writes, i);
	double_store.writes++;
	if (i->fn)
		i->fn(i->arg, write_all(i->m), STR("as the test said"));
	free(i);
	return true;
}

size_t double_rows(enum table table)
{
	size_t n = 0;
	struct stored *s;

	DL_FOREACH(stored, s)
		n += s->table == table;
	return n;
}

const struct msg_row *double_row(enum table table, const char *account, size_t i)
{
	struct msg_value key = value_text(str_z(account));
	struct stored *s = find(table, &key, 1);

	while (s && i--)
		s = s->next;
	return s && s->table == table && compare(s->row.values, &key, 1) == 0 ? &s->row : NULL;
}

void double_remove(const char *account)
{
	struct msg_value key = value_text(str_z(account));
	struct stored *s;

	while ((s = find(TABLE_ACCOUNT, &key, 1)) || (s = find(TABLE_CREDENTIAL, &key, 1)))
		drop(s);
}

void double_account(const char *account, const char *password, uint32_t iterations)
{
	struct msg_value row[COLS_CREDENTIAL] = {value_text(str_z(account)), value_int(1)};

	double_put(TABLE_ACCOUNT, row, COLS_ACCOUNT);
	for (int h = 0; h < SCRAM_HASHES; h++) {
		struct scram_keys keys = {.hash = (enum scram_hash)h,
					  .salt_len = SCRAM_SALT,
					  .iterations = iterations};

		random_bytes(keys.salt, SCRAM_SALT);
		scram_derive(str_z(password), &keys);
		credential_row(str_z(account), &keys, row);
		double_put(TABLE_CREDENTIAL, row, COLS_CREDENTIAL);
	}
}

/* --- secrets --------------------------------------------------------------------------------- */

struct secret_get {
	secret_fn *fn;
	void *arg;
	uint8_t key[SEAL_KEY];
	struct secret_get *prev, *next;
};

static struct secret_get *gets;

struct secret_get *secret_get(struct link *k, struct channels *c, const char *name, secret_fn *fn,
			      void *arg)
{
	struct secret_get *g = xcalloc(1, sizeof(*g));

	(void)k;
	(void)c;
	g->fn = fn;
	g->arg = arg;
	memset(g->key, name[0], sizeof(g->key));
	DL_APPEND(gets, g);
	return g;
}

void secret_get_cancel(struct secret_get *g)
{
	if (g) {
		DL_DELETE(gets, g);
		free(g);
	}
}

void double_secrets(void)
{
	while (gets) {
		struct secret_get *g = gets;

		DL_DELETE(gets, g);
		g->fn(g->arg, g->key);
		free(g);
	}
}

int double_ticket(struct str sealed, struct buf *scratch, struct ticket *ret)
{
	uint8_t secret[SEAL_KEY];
	struct seal_key *key;
	int err;

	memset(secret, "ticket"[0], sizeof(secret)); /* as secret_get() here */
	key = seal_key_new(secret);
	err = ticket_read(key, sealed, scratch, ret);
	seal_key_free(key);
	return err;
}

/* --- all of it ------------------------------------------------------------------------------- */

static void swallow(void *arg, struct str line)
{
	(void)arg;
	(void)line;
}

void double_run(void)
{
	if (!double_store.no_secrets)
		double_secrets();
	while (read_one() || write_one() || work_one() || fire())
		;
}

void double_advance(uint64_t ms)
{
	clock_advance(ms * 1000);
	double_run();
}

void double_reset(void)
{
	while (stored)
		drop(stored);
	free(replies);
	replies = NULL;
	nreplies = 0;
	pool = pool_free(pool);
	pool = pool_new();
	double_store = (struct double_store){0};
	clock_fake(1000000, 1700000000000000);
	log_capture(swallow, NULL);
}

struct auth *double_auth(struct auth_config *config, struct common_config *common)
{
	static const struct {
		char *mechanisms[7], *domains[3], *reserved[2], *anonymous[2];
	} lists = {{"EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1",
		    "PLAIN", NULL},
		   {"example.org", "example.net", NULL},
		   {"admin", NULL},
		   {"example.net", NULL}};
	struct auth *a;

	*common = (struct common_config){.domains = (char **)lists.domains};
	*config = (struct auth_config){.mechanisms = (char **)lists.mechanisms,
				       .downgrade_protection = true,
				       .tls_unique = true,
				       .scram_iterations = 4096,
				       .storage_timeout = 5000,
				       .fail_delay = 1000,
				       .lockout_count = 5,
				       .lockout_address_count = 8,
				       .lockout_time = 60000,
				       .workers = 2,
				       .credentials = (char *)"internal",
				       .password_cache = 60000,
				       .password_cache_size = 100,
				       .login_queue = 4,
				       .import_queue = 1000,
				       .max_exchanges = 8,
				       .register_rate = 2,
				       .register_period = 60000,
				       .reserved_names = (char **)lists.reserved,
				       .anonymous_domains = (char **)lists.anonymous,
				       .anonymous_rate = 2,
				       .anonymous_period = 60000};
	a = auth_new(NULL, NULL, common, config);
	auth_ready(a);
	double_run();
	return a;
}
