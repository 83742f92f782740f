/* SPDX-License-Identifier: MIT */
/* An archive of a million messages in one account: pages of it, and what a filter costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/bench/storage_bench.h"
#include "tests/storage/rig.h"

enum { PAGE = 50, AT_ONCE = 500, TRIES = 200, SLOW_TRIES = 5 };

static void fill(struct rig *r, int64_t entries, int64_t now)
{
	static struct msg_value values[AT_ONCE][COLS_LOG];
	static struct msg_write_op ops[AT_ONCE];

	for (int64_t n = 0; n < entries; n += AT_ONCE) {
		for (int i = 0; i < AT_ONCE; i++) {
			int64_t number = n + i + 1;
			struct msg_value v[COLS_LOG] = {
				V_TEXT("a@x"),
				V_INT(INT64_C(1) << 40 | number),
				V_INT(now - (entries - number) * 1000000),
				V_TEXT(number % 1000 ? "b@y/r" : "rare@y/r"),
				V_INT(7),
				V_INT(number),
				V_INT(0),
				V_INT(0),
				value_text(str_n(stanza(), STANZA_BYTES)),
			};

			memcpy(values[i], v, sizeof(v));
			ops[i] = op_make(STORE_LOG_APPEND, TABLE_LOG, values[i], COLS_LOG);
		}
		if (rig_write(r, ops, AT_ONCE) != STORE_COMMITTED) {
			fprintf(stderr, "the archive could not be filled\n");
			exit(1);
		}
	}
}

static void page(struct rig *r, const char *what, struct msg_read_op op, int tries)
{
	uint64_t *times = xcalloc((size_t)tries, sizeof(*times));

	for (int i = 0; i < tries; i++) {
		uint64_t begin = clock_mono_us();

		free(rig_read(r, "sm", &op, 1));
		times[i] = clock_mono_us() - begin;
	}
	sort_times(times, (size_t)tries);
	printf("%s: %s: median %llu us, 99th percentile %llu us\n", r->engine->ops->name, what,
	       (unsigned long long)percentile(times, (size_t)tries, 0.5),
	       (unsigned long long)percentile(times, (size_t)tries, 0.99));
	free(times);
}

void archive_pages(struct place *p, int64_t entries)
{
	struct msg_value account = V_TEXT("a@x");
	struct msg_read_op op = read_make(STORE_LOG_READ, TABLE_LOG, &account, 1), other;
	int64_t now = clock_wall_us();
	struct rig r;

	rig_open(&r, p->engine);
	rig_lease(&r, "sm", OWNER);
	fill(&r, entries, now);
	op.limit = PAGE;
	other = op;
	other.from = (uint64_t)(INT64_C(1) << 40 | (entries / 2));
	page(&r, "a page of 50 from the middle", other, TRIES);
	other = op;
	other.reverse = true;
	page(&r, "the newest page of 50", other, TRIES);
	other.op = STORE_LOG_COUNT;
	other.limit = 0;
	page(&r, "the count of all", other, SLOW_TRIES);
	other = op;
	other.start = now - entries / 2 * 1000000;
	page(&r, "a page of 50 by its time, from the middle", other, SLOW_TRIES);
	other = op;
	other.reverse = true;
	other.with = STR("rare@y");
	page(&r, "the newest page of 50 with one who wrote every thousandth", other, SLOW_TRIES);
	rig_close(&r);
}
