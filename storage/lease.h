/* SPDX-License-Identifier: MIT */
/*
 * Who holds which shard, in memory: every engine with a single writer decides by it.
 *
 * Not locked: belongs to the thread that writes. What it tells is true as long as each change was
 * committed; after a failed transaction it is cleared and read again.
 */
#ifndef STORAGE_LEASE_H
#define STORAGE_LEASE_H

#include "storage/engine.h"

struct lease {
	uint64_t owner_id;
	uint32_t epoch; /* 0: never held */
};

struct lease_book;
struct lease_book *leases_new(void);
struct lease_book *leases_free(struct lease_book *b);
void leases_clear(struct lease_book *b);
void leases_set(struct lease_book *b, const char *route, uint16_t shard, struct lease value);

/* Called for each lease that a take raised; a negative errno ends the take. */
typedef int lease_store_fn(void *arg, uint16_t shard, uint32_t epoch);
/* Decides l: fills held (malloc'ed), nheld and write_epoch. Returns what store returned. */
int leases_run(struct lease_book *b, struct engine_lease *l, lease_store_fn *store, void *arg);
/* COMMITTED when the writer holds the shard with that epoch, and the shards of all accounts that
 * the batch touches; else REFUSED with the index of the op. */
enum store_status leases_fence(const struct lease_book *b, const struct engine_write *w,
			       size_t *ret_op);

#endif
