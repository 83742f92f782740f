/* SPDX-License-Identifier: MIT */
/*
 * Rows of a table of accounts, looked through for shards that were just opened, without loading the
 * accounts: the whole table is read once for all of them, a page at a time with pauses. For tables
 * that have rows of few accounts.
 */
#ifndef SM_SCAN_H
#define SM_SCAN_H

#include "sm/sm_internal.h"

struct scan;
/* A row of an account of a shard that was opened; it may be about to be released by now. */
typedef void scan_row_fn(struct sm *sm, uint16_t shard, const struct msg_value *row);
/* All rows for the shards that were asked for were seen, or some of them: see scan_pending. */
typedef void scan_done_fn(struct sm *sm);

struct scan *scan_new(struct sm *sm, uint16_t table, scan_row_fn *row, scan_done_fn *done);
struct scan *scan_free(struct scan *s); /* accepts NULL */
void scan_shard(struct scan *s, uint16_t shard);
bool scan_pending(const struct scan *s, uint16_t shard);
bool scan_busy(const struct scan *s); /* something is still to be read */
void scan_forget(struct scan *s, uint16_t shard); /* it is another's */

#endif
