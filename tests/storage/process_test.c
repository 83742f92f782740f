/* SPDX-License-Identifier: MIT */
/* mercutio-storage behind a router, seen by a process that owns shards: order, fences, failures. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "link/shards.h"
#include "link/store_client.h"
#include "tests/storage/pg_server.h"
#include "tests/storage/rig.h"

enum { ENTRIES = 500, LARGE = 3000 };

struct server {
	char dir[64], conf[96];
	pid_t router, storage, second; /* second: another storage, PostgreSQL alone */
};

static bool pg; /* the engine is PostgreSQL */

/* Another process, "sm-1" or "sm-2". */
struct client {
	struct loop *loop;
	struct link *link;
	struct channels *channels;
	uint32_t epoch;
	bool taken, timed_out;
	/* Appends of ENTRIES numbers, and what became of them. */
	size_t answered, committed, in_order;
	enum store_status last;
	bool done;
};

static pid_t start_as(const struct server *s, const char *program, const char *instance)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
	null = open("/dev/null", O_WRONLY);
	if (!getenv("VERBOSE"))
		dup2(null, 2);
	execl(program, program, "-c", s->conf, instance ? "-i" : NULL, instance, (char *)NULL);
	_exit(127);
}

static pid_t start(const struct server *s, const char *program)
{
	return start_as(s, program, NULL);
}

static void end(pid_t pid, int signum)
{
	kill(pid, signum);
	waitpid(pid, NULL, 0);
}

static void server_start(struct server *s)
{
	FILE *f;
	char *conninfo;

	*s = (struct server){0};
	snprintf(s->dir, sizeof(s->dir), "/tmp/mercutio-storage-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	snprintf(s->conf, sizeof(s->conf), "%s/conf", s->dir);
	f = fopen(s->conf, "w");
	fprintf(f, "domain = localhost\nrun_dir = \"%s\"\ndata_dir = \"%s/data\"\n", s->dir,
		s->dir);
	if (pg) {
		conninfo = pg_server_schema();
		fprintf(f, "heartbeat = 1s\nstorage { engine = postgresql connect = \"%s\" }\n",
			conninfo);
		free(conninfo);
	}
	fclose(f);
	s->router = start(s, "router/mercutio-router");
	s->storage = start(s, "storage/mercutio-storage");
}

/* With a line more; the storage of server_start has not begun with anything. */
static void server_configure(struct server *s, const char *line)
{
	FILE *f = fopen(s->conf, "a");

	fprintf(f, "%s\n", line);
	fclose(f);
	end(s->storage, SIGKILL);
	s->storage = start(s, "storage/mercutio-storage");
}

static void server_stop(struct server *s)
{
	char data[80];

	end(s->storage, SIGTERM);
	if (s->second)
		end(s->second, SIGTERM);
	end(s->router, SIGTERM);
	snprintf(data, sizeof(data), "%s/data", s->dir);
	rig_remove(data);
	rig_remove(s->dir);
}

static void on_timeout(void *arg)
{
	((struct client *)arg)->timed_out = true;
}

/* Runs the loop until *flag, or ms. */
static bool client_wait(struct client *c, const bool *flag, uint64_t ms)
{
	struct loop_timer *t = loop_timer_new(c->loop, on_timeout, c);

	c->timed_out = false;
	loop_timer_start(t, ms, 0);
	while (!*flag && !c->timed_out)
		loop_run_once(c->loop);
	loop_timer_free(t);
	return *flag;
}

static void count_storage(void *arg, const struct member *m)
{
	*(bool *)arg = true;
}

static void client_start(struct client *c, const struct server *s, const char *name,
			 const char *process)
{
	static const struct link_ops ops = {0};
	char *router = xasprintf("unix:%s/router.sock", s->dir);
	const char *routers[] = {router, NULL};
	struct link_config lc = {
		.name = name,
		.process = process,
		.version = "test",
		.routers = routers,
		.max_frame = 1 << 20,
		.heartbeat_ms = 5000,
	};
	bool there = false;

	*c = (struct client){.loop = loop_new()};
	c->link = link_new(c->loop, &lc, &ops, NULL, c);
	c->channels = channels_new(c->link);
	for (int i = 0; i < 1000 && !there; i++) {
		bool never = false;

		link_serving(c->link, "storage", count_storage, &there);
		if (!there)
			client_wait(c, &never, 10);
	}
	ck_assert(there);
	free(router);
}

static void client_stop(struct client *c)
{
	channels_free(c->channels);
	link_free(c->link);
	loop_free(c->loop);
}

static void on_leases(void *arg, int err, uint16_t kind, const void *m)
{
	const struct msg_leases *l = m;
	struct client *c = arg;

	ck_assert_int_eq(err, 0);
	ck_assert_uint_eq(kind, MSG_LEASES);
	c->epoch = l->nshards ? l->shards[0].epoch : 0;
	c->taken = true;
}

static void client_take(struct client *c, const char *account, uint32_t believed)
{
	struct msg_shard_epoch e = {shard_of(account), believed};
	struct frame head = {
		.kind = MSG_LEASE_TAKE,
		.to = link_place(c->link, "storage", 0),
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};
	struct msg_lease_take m = {
		.route = STR("sm"),
		.owner = str_z(link_name(c->link)),
		.owner_id = link_id(c->link),
		.shards = &e,
		.nshards = 1,
	};

	c->taken = false;
	link_request(c->link, &head, &m, 5000, on_leases, c);
	ck_assert(client_wait(c, &c->taken, 6000));
}

static void on_appended(void *arg, enum store_status status, struct str text)
{
	struct client *c = arg;

	c->answered++;
	c->last = status;
	c->committed += status == STORE_COMMITTED;
	c->done = c->answered == ENTRIES;
}

/* Entries from..to of an account, each of LARGE bytes. */
static void client_append(struct client *c, const char *account, int from, int to)
{
	static char text[LARGE];

	memset(text, 'x', sizeof(text));
	for (int n = from; n <= to; n++) {
		struct msg_value v[COLS_LOG] = {
			V_TEXT(account), V_INT(n), V_INT(n),
			V_TEXT("b@x"),	 V_INT(1), V_INT(n),
			V_INT(0),	 V_INT(0), value_text(str_n(text, sizeof(text))),
		};
		struct msg_write_op op = op_make(STORE_LOG_APPEND, TABLE_LOG, v, COLS_LOG);

		store_write(c->channels, shard_of(account), c->epoch, 1, &op, 1, on_appended, c);
	}
}

struct reading {
	bool done;
	int err;
	int64_t count;
	size_t rows;
	bool ordered, more;
};

static void on_read(void *arg, int err, const struct msg_rows *r, size_t n)
{
	struct reading *x = arg;

	x->err = err;
	x->done = true;
	if (err)
		return;
	ck_assert_uint_eq(n, 2);
	x->count = r[0].rows[0].values[0].i;
	x->rows = r[1].nrows;
	x->more = r[1].more;
	x->ordered = true;
	for (size_t i = 1; i < r[1].nrows; i++)
		if (r[1].rows[i].values[COL_LOG_NUMBER].i !=
		    r[1].rows[i - 1].values[COL_LOG_NUMBER].i + 1)
			x->ordered = false;
}

/* The number of entries, and the first of them. */
static struct reading client_read(struct client *c, const char *account)
{
	struct msg_value a = V_TEXT(account);
	struct msg_read_op ops[] = {read_make(STORE_COUNT, TABLE_LOG, &a, 1),
				    read_make(STORE_LOG_READ, TABLE_LOG, &a, 1)};
	struct reading x = {0};

	store_read(c->link, ops, 2, 20000, on_read, &x);
	ck_assert(client_wait(c, &x.done, 25000));
	return x;
}

START_TEST(appends_and_reads)
{
	struct server s;
	struct client c;
	struct reading x;

	server_start(&s);
	client_start(&c, &s, "sm-1", "sm");
	client_take(&c, "a@x", 0);
	client_append(&c, "a@x", 1, ENTRIES);
	ck_assert(client_wait(&c, &c.done, 20000));
	ck_assert_uint_eq(c.committed, ENTRIES);
	x = client_read(&c, "a@x");
	ck_assert_int_eq(x.err, 0);
	ck_assert_int_eq(x.count, ENTRIES);
	/* 500 times 3,000 bytes are more than a frame. */
	ck_assert(x.more && x.rows > 200);
	client_stop(&c);
	server_stop(&s);
}
END_TEST

/* kill -9 while appends are under way: each of them is there once, nothing fails. */
START_TEST(storage_dies)
{
	struct server s;
	struct client c;

	server_start(&s);
	client_start(&c, &s, "sm-1", "sm");
	client_take(&c, "a@x", 0);
	client_append(&c, "a@x", 1, ENTRIES);
	while (c.answered < 20 + 40 * (size_t)_i)
		loop_run_once(c.loop);
	end(s.storage, SIGKILL);
	s.storage = start(&s, "storage/mercutio-storage");
	ck_assert(client_wait(&c, &c.done, 20000));
	ck_assert_uint_eq(c.committed, ENTRIES);
	ck_assert_int_eq(client_read(&c, "a@x").count, ENTRIES);
	client_stop(&c);
	server_stop(&s);
}
END_TEST

static void storage_limit(const struct server *s, rlim_t bytes)
{
	struct rlimit l = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

	ck_assert_int_eq(prlimit(s->storage, RLIMIT_FSIZE, &l, NULL), 0);
}

/* While the disk is full nothing is answered and reads go on; then all commits, in order. */
START_TEST(disk_full)
{
	struct server s;
	struct client c;
	bool never = false;
	struct reading x;

	server_start(&s);
	client_start(&c, &s, "sm-1", "sm");
	client_take(&c, "a@x", 0);
	storage_limit(&s, 600000);
	client_append(&c, "a@x", 1, ENTRIES);
	client_wait(&c, &never, 1000);
	ck_assert_uint_lt(c.answered, ENTRIES);
	ck_assert_uint_eq(c.committed, c.answered);
	x = client_read(&c, "a@x");
	ck_assert_int_eq(x.err, 0);
	ck_assert_int_ge(x.count, (int64_t)c.committed);
	ck_assert(x.ordered);
	storage_limit(&s, RLIM_INFINITY);
	ck_assert(client_wait(&c, &c.done, 20000));
	ck_assert_uint_eq(c.committed, ENTRIES);
	ck_assert_int_eq(client_read(&c, "a@x").count, ENTRIES);
	client_stop(&c);
	server_stop(&s);
}
END_TEST

/* More at once than may wait: the rest goes back to its sender, in order, and comes again. */
START_TEST(more_than_may_wait)
{
	struct server s;
	struct client c;
	uint64_t end;

	server_start(&s);
	server_configure(&s, "storage { waiting_bytes = 1M }");
	client_start(&c, &s, "sm-1", "sm");
	client_take(&c, "a@x", 0);
	ck_assert_uint_ne(shard_of("a@x"), shard_of("b@x"));
	client_take(&c, "b@x", 0);
	kill(s.storage, SIGSTOP);
	client_append(&c, "a@x", 1, ENTRIES);
	client_append(&c, "b@x", 1, ENTRIES);
	for (int i = 0; i < 20; i++)
		loop_run_once(c.loop);
	kill(s.storage, SIGCONT);
	end = clock_mono_ms() + 40000;
	while (c.answered < 2 * ENTRIES && clock_mono_ms() < end)
		loop_run_once(c.loop);
	ck_assert_uint_eq(c.committed, 2 * ENTRIES);
	ck_assert_int_eq(client_read(&c, "a@x").count, ENTRIES);
	ck_assert_int_eq(client_read(&c, "b@x").count, ENTRIES);
	client_stop(&c);
	server_stop(&s);
}
END_TEST

/* Another owner took the shard: what the first one still sends is refused. */
START_TEST(two_owners)
{
	struct server s;
	struct client a, b;

	server_start(&s);
	client_start(&a, &s, "sm-1", "sm");
	client_start(&b, &s, "sm-2", "sm");
	client_take(&a, "a@x", 0);
	client_append(&a, "a@x", 1, 1);
	while (a.answered < 1)
		loop_run_once(a.loop);
	ck_assert_int_eq(a.last, STORE_COMMITTED);
	client_take(&b, "a@x", a.epoch);
	ck_assert_uint_eq(b.epoch, a.epoch + 1);
	client_append(&a, "a@x", 2, 2);
	while (a.answered < 2)
		loop_run_once(a.loop);
	ck_assert_int_eq(a.last, STORE_REFUSED);
	client_append(&b, "a@x", 3, 3);
	while (b.answered < 1)
		loop_run_once(b.loop);
	ck_assert_int_eq(b.last, STORE_COMMITTED);
	ck_assert_int_eq(client_read(&b, "a@x").count, 2);
	client_stop(&a);
	client_stop(&b);
	server_stop(&s);
}
END_TEST

static void count_one(void *arg, const struct member *m)
{
	++*(int *)arg;
}

/* Two storages, one of them in use: it dies, or stops for a while. Its owner turns to the other, all
 * is there once, and what the one that stopped still has comes too late. */
START_TEST(owner_turns)
{
	struct server s;
	struct client c;
	bool never = false;
	int both = 0;

	server_start(&s);
	s.second = start_as(&s, "storage/mercutio-storage", "storage-2");
	client_start(&c, &s, "sm-1", "sm");
	for (int i = 0; i < 500 && both < 2; i++) {
		client_wait(&c, &never, 10);
		both = 0;
		link_serving(c.link, "storage", count_one, &both);
	}
	ck_assert_int_eq(both, 2);
	client_take(&c, "a@x", 0);
	client_append(&c, "a@x", 1, ENTRIES);
	while (c.answered < 20 + 30 * (size_t)(_i / 4))
		loop_run_once(c.loop);
	/* Which one it is depends on their names: one of two cases has nothing to do. */
	kill(_i & 1 ? s.storage : s.second, _i & 2 ? SIGSTOP : SIGKILL);
	ck_assert(client_wait(&c, &c.done, 30000));
	ck_assert_uint_eq(c.committed, ENTRIES);
	kill(_i & 1 ? s.storage : s.second, SIGCONT);
	client_wait(&c, &never, _i & 2 ? 1000 : 1);
	ck_assert_int_eq(client_read(&c, "a@x").count, ENTRIES);
	client_stop(&c);
	server_stop(&s);
}
END_TEST

/* What a process may not know it is not told. */
START_TEST(strangers)
{
	struct server s;
	struct client c;

	server_start(&s);
	client_start(&c, &s, "c2s-1", "c2s");
	ck_assert_int_eq(client_read(&c, "a@x").err, -EREMOTEIO);
	client_stop(&c);
	server_stop(&s);
}
END_TEST

static void use_pg(void)
{
	pg = true;
}

static TCase *pg_tests(void)
{
	TCase *tc = tcase_create("postgresql");

	tcase_set_timeout(tc, 90);
	tcase_add_checked_fixture(tc, use_pg, NULL);
	tcase_add_test(tc, appends_and_reads);
	tcase_add_loop_test(tc, storage_dies, 0, 4);
	tcase_add_test(tc, two_owners);
	tcase_add_test(tc, strangers);
	tcase_add_loop_test(tc, owner_turns, 0, 8);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("storage process");
	TCase *tc = tcase_create("process");
	bool installed = pg_server_installed();
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, appends_and_reads);
	tcase_add_loop_test(tc, storage_dies, 0, 4);
	tcase_add_test(tc, disk_full);
	tcase_add_test(tc, more_than_may_wait);
	tcase_add_test(tc, two_owners);
	tcase_add_test(tc, strangers);
	suite_add_tcase(s, tc);
	if (installed) {
		pg_server_start();
		suite_add_tcase(s, pg_tests());
	}
	sr = srunner_create(s);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	if (installed)
		pg_server_stop();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
