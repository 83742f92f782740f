/* SPDX-License-Identifier: MIT */
/* storage with SQLite: store, appends to the log, 32 of them in a commit. Counted is group_run(),
 * in the thread that it runs in. */
#include <stdio.h>
#include "tests/bench/hotpaths.h"
#include "tests/storage/rig.h"

enum { TOGETHER = 32 };

static long messages;

static void group(struct rig *r, int64_t first)
{
	struct written x[TOGETHER];
	struct msg_write_op ops[TOGETHER];
	struct msg_value values[TOGETHER][COLS_LOG];
	char accounts[TOGETHER][24];

	for (int i = 0; i < TOGETHER; i++) {
		int64_t n = first + i;
		struct msg_value v[] = {V_TEXT(accounts[i]),
					V_INT(n),
					V_INT(1000000 + n),
					V_TEXT(FROM),
					V_INT(1),
					V_INT(n),
					V_INT(0),
					V_INT(0),
					V_TEXT(CHAT(TO))};

		(void)snprintf(accounts[i], sizeof accounts[i], "a%d@capulet.example", i);
		v[0] = V_TEXT(accounts[i]);
		memcpy(values[i], v, sizeof v);
		ops[i] = op_make(STORE_LOG_APPEND, TABLE_LOG, values[i], sizeof v / sizeof *v);
		written_init(&x[i], &ops[i], 1);
		engine_write(r->engine, &x[i].w);
	}
	for (int i = 0; i < TOGETHER; i++) {
		rig_wait(r, &x[i].done);
		ck_assert_uint_eq(x[i].w.status, STORE_COMMITTED);
	}
}

START_TEST(path)
{
	struct rig r;

	rig_open(&r, "sqlite");
	rig_lease(&r, "sm", OWNER);
	for (long n = 0; n < messages; n += TOGETHER)
		group(&r, n + 1);
	rig_close(&r);
}
END_TEST

static void run(long n)
{
	messages = n;
	hotpath_in_test(path);
}

const struct hotpath hotpaths[] = {{"store", run}, {NULL, NULL}};
