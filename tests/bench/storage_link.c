/* SPDX-License-Identifier: MIT */
/* Appends through the storage protocol: a router, a storage, and this program as an sm. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "link/store_client.h"
#include "tests/bench/storage_bench.h"

enum { TAKE_MS = 10000, TICK_MS = 1, WARM_US = 500000 };

struct bench;
struct slot {
	struct bench *bench;
	uint64_t sent; /* us */
};

struct bench {
	struct loop *loop;
	struct link *link;
	struct channels *channels;
	pid_t router, storage;
	char conf[96];
	char accounts[ACCOUNTS][24];
	uint32_t epochs[SHARDS];
	bool taken, there, over;
	int64_t number, committed;
	struct slot slots[FLIGHT];
	/* With a bound load: */
	double per_tick, owed;
	uint64_t *times;
	size_t ntimes, cap;
	struct loop_timer *tick;
};

static pid_t start(struct bench *b, const char *program)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	null = open("/dev/null", O_WRONLY);
	if (!getenv("VERBOSE"))
		dup2(null, 2);
	execl(program, program, "-c", b->conf, (char *)NULL);
	_exit(127);
}

static void configure(struct bench *b, const struct place *p)
{
	FILE *f;

	snprintf(b->conf, sizeof(b->conf), "%s/conf", p->dir);
	f = fopen(b->conf, "w");
	if (!f)
		exit(1);
	fprintf(f, "domain = localhost\nrun_dir = \"%s\"\ndata_dir = \"%s\"\n", p->dir, p->dir);
	if (p->conninfo)
		fprintf(f, "storage { engine = postgresql connect = \"%s\" }\n", p->conninfo);
	fclose(f);
}

static void seen(void *arg, const struct member *m)
{
	(void)m;
	((struct bench *)arg)->there = true;
}

static void nothing(void *arg)
{
	(void)arg;
}

static void connect_all(struct bench *b, const struct place *p)
{
	static const struct link_ops ops = {0};
	char *router = xasprintf("unix:%s/router.sock", p->dir);
	const char *routers[] = {router, NULL};
	struct link_config lc = {.name = "sm-1",
				 .process = "sm",
				 .version = "bench",
				 .routers = routers,
				 .max_frame = 1 << 20,
				 .heartbeat_ms = 5000};
	struct loop_timer *t;

	b->loop = loop_new();
	b->link = link_new(b->loop, &lc, &ops, NULL, b);
	b->channels = channels_new(b->link);
	t = loop_timer_new(b->loop, nothing, NULL);
	loop_timer_start(t, 10, 10);
	while (!b->there) {
		loop_run_once(b->loop);
		link_serving(b->link, "storage", seen, b);
	}
	loop_timer_free(t);
	free(router);
}

static void on_leases(void *arg, int err, uint16_t kind, const void *m)
{
	const struct msg_leases *l = m;
	struct bench *b = arg;

	if (err || kind != MSG_LEASES || l->nshards != SHARDS) {
		fprintf(stderr, "the leases were not given: %d\n", err);
		exit(1);
	}
	for (size_t i = 0; i < l->nshards; i++)
		b->epochs[l->shards[i].shard] = l->shards[i].epoch;
	b->taken = true;
}

static void take(struct bench *b)
{
	struct msg_shard_epoch all[SHARDS];
	struct frame head = {.kind = MSG_LEASE_TAKE,
			     .to = link_place(b->link, "storage", 0),
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};
	struct msg_lease_take m = {.route = STR("sm"),
				   .owner = STR("sm-1"),
				   .owner_id = link_id(b->link),
				   .shards = all,
				   .nshards = SHARDS};

	for (uint16_t i = 0; i < SHARDS; i++)
		all[i] = (struct msg_shard_epoch){i, 0};
	link_request(b->link, &head, &m, TAKE_MS, on_leases, b);
	while (!b->taken)
		loop_run_once(b->loop);
}

/* --- appends ----------------------------------------------------------------------------------- */

static void append(struct slot *s, store_write_fn *done)
{
	struct bench *b = s->bench;
	int64_t n = ++b->number;
	struct str account = str_z(b->accounts[n % ACCOUNTS]);
	uint16_t shard = link_shard(account);
	struct msg_value v[COLS_LOG] = {
		value_text(account),
		value_int((int64_t)b->epochs[shard] << 40 | n),
		value_int(clock_wall_us()),
		value_text(STR("b@y/r")),
		value_int(7),
		value_int(n),
		value_int(0),
		value_int(0),
		value_text(str_n(stanza(), STANZA_BYTES)),
	};
	struct msg_write_op op = {
		.op = STORE_LOG_APPEND, .table = TABLE_LOG, .values = v, .nvalues = COLS_LOG};

	s->sent = clock_mono_us();
	store_write(b->channels, shard, b->epochs[shard], 1, &op, 1, done, s);
}

static void counted(enum store_status status, struct str text)
{
	if (status == STORE_COMMITTED)
		return;
	fprintf(stderr, "an append failed: %.*s\n", STR_ARG(text));
	exit(1);
}

static void again(void *arg, enum store_status status, struct str text)
{
	struct slot *s = arg;

	counted(status, text);
	s->bench->committed++;
	append(s, again);
}

static double full_load(struct bench *b, double seconds)
{
	uint64_t begin = clock_mono_us(), now;
	int64_t from = 0;
	bool warm = false;

	for (int i = 0; i < FLIGHT; i++) {
		b->slots[i].bench = b;
		append(&b->slots[i], again);
	}
	do {
		loop_run_once(b->loop);
		now = clock_mono_us();
		if (!warm && now - begin > WARM_US) {
			warm = true;
			begin = now;
			from = b->committed;
		}
	} while (!warm || (double)(now - begin) < seconds * 1e6);
	return (double)(b->committed - from) * 1e6 / (double)(now - begin);
}

static void timed(void *arg, enum store_status status, struct str text)
{
	struct slot *s = arg;
	struct bench *b = s->bench;

	counted(status, text);
	if (b->ntimes < b->cap)
		b->times[b->ntimes++] = clock_mono_us() - s->sent;
	free(s);
}

static void on_tick(void *arg)
{
	struct bench *b = arg;

	for (b->owed += b->per_tick; b->owed >= 1; b->owed--) {
		struct slot *s = xcalloc(1, sizeof(*s));

		s->bench = b;
		append(s, timed);
	}
}

/* The connection of the full load is at its end: its appends are answered meanwhile. */
static void tenth_load(struct bench *b, double rate, double seconds)
{
	b->cap = (size_t)(rate * seconds);
	b->times = xcalloc(b->cap + 1, sizeof(*b->times));
	b->per_tick = rate * TICK_MS / 1000;
	b->tick = loop_timer_new(b->loop, on_tick, b);
	loop_timer_start(b->tick, TICK_MS, TICK_MS);
	while (b->ntimes < b->cap)
		loop_run_once(b->loop);
	loop_timer_free(b->tick);
}

static void bench_start(struct bench *b, const struct place *p)
{
	*b = (struct bench){0};
	for (int i = 0; i < ACCOUNTS; i++)
		snprintf(b->accounts[i], sizeof(b->accounts[i]), "a%d@x", i);
	configure(b, p);
	b->router = start(b, "router/mercutio-router");
	b->storage = start(b, "storage/mercutio-storage");
	connect_all(b, p);
	take(b);
}

static void bench_end(struct bench *b)
{
	channels_free(b->channels);
	link_free(b->link);
	loop_free(b->loop);
	kill(b->storage, SIGTERM);
	waitpid(b->storage, NULL, 0);
	kill(b->router, SIGTERM);
	waitpid(b->router, NULL, 0);
	free(b->times);
}

void link_appends(struct place *p, double seconds, struct link_result *ret)
{
	struct bench b;

	bench_start(&b, p);
	ret->rate = full_load(&b, seconds);
	bench_end(&b);
	bench_start(&b, p);
	ret->low_rate = ret->rate / 10;
	tenth_load(&b, ret->low_rate, seconds);
	sort_times(b.times, b.ntimes);
	ret->median = percentile(b.times, b.ntimes, 0.5);
	ret->p99 = percentile(b.times, b.ntimes, 0.99);
	bench_end(&b);
}
