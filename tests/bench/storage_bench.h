/* SPDX-License-Identifier: MIT */
/* What the parts of the storage benchmark share. */
#ifndef TESTS_BENCH_STORAGE_BENCH_H
#define TESTS_BENCH_STORAGE_BENCH_H

#include <stdbool.h>
#include <stdint.h>

enum { STANZA_BYTES = 300, BATCH = 100, ACCOUNTS = 64, FLIGHT = 64 };

struct place {
	const char *engine;   /* sqlite, postgresql */
	const char *conninfo; /* PostgreSQL: a schema of its own */
	char dir[64];	      /* of its own */
};
void place_make(struct place *p, const char *engine);
void place_remove(struct place *p);

/* A text of STANZA_BYTES. */
const char *stanza(void);
uint64_t percentile(uint64_t *sorted, size_t n, double part);
void sort_times(uint64_t *list, size_t n);

/* storage_direct.c: appends a second that the database does, in batches of BATCH, one program, no
 * more than the inserts. */
double direct_appends(struct place *p, double seconds);

/* storage_link.c: through the storage protocol; FLIGHT under way. */
struct link_result {
	double rate;
	double low_rate; /* the load at which the times were taken */
	uint64_t median, p99; /* us, of one append */
};
void link_appends(struct place *p, double seconds, struct link_result *ret);

/* storage_archive.c: pages of an archive. */
void archive_pages(struct place *p, int64_t entries);

#endif
