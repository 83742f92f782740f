/* SPDX-License-Identifier: MIT */
/* PostgreSQL's disk is full: writes wait and are tried again, reads go on, nothing is lost. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "tests/storage/appender.h"
#include "tests/storage/pg_server.h"

void fill_pg_full(TCase *tc);

enum { LIMIT = 3 << 20, TEXT = 6000, TOO_MANY = 10000 };

static char *noise(size_t n)
{
	char *text = xmalloc(n + 1);

	/* What cannot be made smaller. */
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('!' + random_u64() % 90);
	text[n] = 0;
	return text;
}

START_TEST(disk_full)
{
	struct msg_read_op count = COUNT(TABLE_LOG, V_TEXT("a@x"));
	struct engine_stats stats;
	struct appender a;
	char *text, *counted;
	struct rig r;

	pg_server = (struct pg_server){.small_wal = true};
	pg_server_start();
	rig_open(&r, "postgresql");
	rig_lease(&r, "sm", OWNER);
	text = noise(TEXT);
	/* With segments of 1 MB its own log fits. */
	pg_server_limit_files(LIMIT);
	appender_start(&a, &r, r.engine, INT64_MAX);
	a.text = text;
	while (!a.bounced && a.committed < TOO_MANY)
		loop_run_once(r.loop);
	engine_stats(r.engine, &stats);
	ck_assert(stats.failing);
	ck_assert_msg(strstr(stats.trouble, "could not extend file") != NULL, "%s", stats.trouble);
	/* Reads go on; and find what was confirmed. */
	counted = rig_read(&r, "sm", &count, 1);
	ck_assert_int_ge(strtoll(counted, NULL, 10), a.committed);
	pg_server_limit_files(RLIM_INFINITY);
	appender_until(&a, a.committed + 500);
	engine_stats(r.engine, &stats);
	ck_assert(!stats.failing);
	appender_end(&a);
	ck_assert_uint_eq(a.refused, 0);
	free(counted);
	free(text);
	rig_close(&r);
	pg_server_stop();
}
END_TEST

void fill_pg_full(TCase *tc)
{
	tcase_add_test(tc, disk_full);
}
