/* SPDX-License-Identifier: MIT */
/*
 * What storage costs: durable appends through the storage protocol against the database driven
 * directly, and pages of a large archive. On demand, from the build folder:
 *
 *     tests/bench/storage append sqlite|postgresql [SECONDS [RUNS]]
 *     tests/bench/storage archive sqlite|postgresql [ENTRIES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "tests/bench/storage_bench.h"
#include "tests/storage/pg_server.h"
#include "tests/storage/rig.h"

const char *stanza(void)
{
	static char text[STANZA_BYTES + 1];

	if (!text[0])
		memset(text, 'x', STANZA_BYTES);
	return text;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void sort_times(uint64_t *list, size_t n)
{
	qsort(list, n, sizeof(*list), by_size);
}

uint64_t percentile(uint64_t *sorted, size_t n, double part)
{
	size_t at = (size_t)((double)n * part);

	return n ? sorted[at < n ? at : n - 1] : 0;
}

void place_make(struct place *p, const char *engine)
{
	*p = (struct place){.engine = engine};
	snprintf(p->dir, sizeof(p->dir), "/tmp/mercutio-bench-XXXXXX");
	if (!mkdtemp(p->dir))
		exit(1);
	if (strcmp(engine, "postgresql") == 0)
		p->conninfo = pg_server_schema();
}

void place_remove(struct place *p)
{
	rig_remove(p->dir);
	free((char *)p->conninfo);
}

static void bench_append(const char *engine, double seconds, int runs)
{
	for (int i = 0; i < runs; i++) {
		struct link_result l;
		struct place p;
		double direct;

		place_make(&p, engine);
		direct = direct_appends(&p, seconds);
		link_appends(&p, seconds, &l);
		printf("%s: direct %.0f/s, through the protocol %.0f/s = %.0f%%;"
		       " at %.0f/s: median %llu us, 99th percentile %llu us\n",
		       engine, direct, l.rate, 100 * l.rate / direct, l.low_rate,
		       (unsigned long long)l.median, (unsigned long long)l.p99);
		fflush(stdout);
		place_remove(&p);
	}
}

/* The rig of the tests runs in a test. */
static struct place archive_place;
static int64_t archive_entries;

START_TEST(archive)
{
	archive_pages(&archive_place, archive_entries);
}
END_TEST

static void bench_archive(const char *engine, int64_t entries)
{
	Suite *s = suite_create("archive");
	TCase *tc = tcase_create("archive");
	SRunner *sr;

	place_make(&archive_place, engine);
	archive_entries = entries;
	tcase_add_test(tc, archive);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_MINIMAL);
	srunner_free(sr);
	place_remove(&archive_place);
}

static int usage(void)
{
	fprintf(stderr, "usage: storage append|archive sqlite|postgresql"
			" [SECONDS [RUNS] | ENTRIES]\n");
	return 2;
}

int main(int argc, char **argv)
{
	bool pg = argc > 2 && strcmp(argv[2], "postgresql") == 0;

	if (argc < 3 || (!pg && strcmp(argv[2], "sqlite") != 0))
		return usage();
	if (pg)
		pg_server_start();
	if (strcmp(argv[1], "append") == 0) {
		bench_append(argv[2], argc > 3 ? atof(argv[3]) : 3, argc > 4 ? atoi(argv[4]) : 3);
	} else if (strcmp(argv[1], "archive") == 0) {
		bench_archive(argv[2], argc > 3 ? atoll(argv[3]) : 1000000);
	} else {
		usage();
	}
	if (pg)
		pg_server_stop();
	return 0;
}
