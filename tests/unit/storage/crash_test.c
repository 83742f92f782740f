/* SPDX-License-Identifier: MIT */
/* kill -9 in the middle of appends: what was answered is there, whole batches only. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tests/storage/rig.h"

Suite *crash_suite(void);

enum { IN_FLIGHT = 64 };

/* Appends pairs of entries for ever, in order, and tells each answered number. */
struct appender {
	struct rig *r;
	int out;
	int64_t next;
};
struct pair {
	struct written x;
	struct appender *a;
	struct msg_value values[2][COLS_LOG];
	struct msg_write_op ops[2];
};

static void pair_send(struct pair *p);

static void pair_done(struct engine_write *w)
{
	struct pair *p = w->arg;
	int64_t number = p->values[0][COL_LOG_NUMBER].i;

	if (w->status != STORE_COMMITTED || write(p->a->out, &number, sizeof(number)) < 0)
		_exit(1);
	pair_send(p);
}

static void pair_send(struct pair *p)
{
	int64_t n = p->a->next++;

	for (int i = 0; i < 2; i++) {
		struct msg_value v[COLS_LOG] = {
			V_TEXT(i ? "b@x" : "a@x"),
			V_INT(n),
			V_INT(n),
			V_TEXT("c@y"),
			V_INT(1),
			V_INT(n),
			V_INT(i),
			V_INT(0),
			V_TEXT("<message><body>text</body></message>"),
		};

		memcpy(p->values[i], v, sizeof(v));
		p->ops[i] = op_make(STORE_LOG_APPEND, TABLE_LOG, p->values[i], COLS_LOG);
	}
	written_init(&p->x, p->ops, 2);
	p->x.w.done = pair_done;
	p->x.w.arg = p;
	engine_write(p->a->r->engine, &p->x.w);
}

static void child(struct rig *r, int out)
{
	struct appender a = {.r = r, .out = out, .next = 1};
	struct pair *pairs = xcalloc(IN_FLIGHT, sizeof(*pairs));
	struct buf error = BUF_INIT;

	r->loop = r->config.loop = loop_new();
	if (engine_open(&engine_sqlite, &r->config, &error, &r->engine) < 0)
		_exit(2);
	rig_lease(r, "sm", OWNER);
	for (int i = 0; i < IN_FLIGHT; i++) {
		pairs[i].a = &a;
		pair_send(&pairs[i]);
	}
	for (;;)
		loop_run_once(r->loop);
}

static int64_t count(struct rig *r, const char *account)
{
	struct msg_read_op op = COUNT(TABLE_LOG, V_TEXT(account));
	char *text = rig_read(r, "sm", &op, 1);
	int64_t n = strtoll(text, NULL, 10);

	free(text);
	return n;
}

START_TEST(killed)
{
	int64_t number, answered = 0, last = 0;
	struct buf error = BUF_INIT;
	struct rig r;
	int fd[2], status;
	pid_t pid;

	rig_open(&r, "sqlite");
	r.engine = engine_close(r.engine);
	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	if (pid == 0)
		child(&r, fd[1]);
	close(fd[1]);
	while (answered < 3000 + _i * 777 &&
	       read(fd[0], &number, sizeof(number)) == sizeof(number)) {
		/* In the order in which they were handed over. */
		ck_assert_int_eq(number, last + 1);
		last = number;
		answered++;
	}
	kill(pid, SIGKILL);
	while (read(fd[0], &number, sizeof(number)) == sizeof(number))
		last = number;
	close(fd[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && last >= 3000);
	ck_assert_int_eq(engine_open(&engine_sqlite, &r.config, &error, &r.engine), 0);
	ck_assert_int_ge(count(&r, "a@x"), last);
	ck_assert_int_le(count(&r, "a@x"), last + IN_FLIGHT);
	ck_assert_int_eq(count(&r, "a@x"), count(&r, "b@x"));
	/* And it goes on: the sender repeats what was not answered. */
	ck_assert_int_eq(
		WRITE(&r, op_make(STORE_LOG_APPEND, TABLE_LOG,
				  VALUES(V_TEXT("a@x"), V_INT(last), V_INT(last), V_TEXT("c@y"),
					 V_INT(1), V_INT(last), V_INT(0), V_INT(0), V_TEXT("")))),
		STORE_COMMITTED);
	rig_close(&r);
}
END_TEST

Suite *crash_suite(void)
{
	Suite *s = suite_create("crash");
	TCase *tc = tcase_create("crash");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, killed, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
