/* SPDX-License-Identifier: MIT */
/* Calls on storage: reads, atomic batches of writes, the log. Tables are storage/tables.def. */
#ifndef LINK_STORE_CLIENT_H
#define LINK_STORE_CLIENT_H

#include "link/channel.h"
#include "link/tables.h"

enum store_read_op {
	STORE_GET,      /* one row by its whole key */
	STORE_LIST,     /* rows by a prefix of the key, in key order */
	STORE_COUNT,    /* the same, one row with one integer */
	STORE_LOG_READ, /* log entries of an account: key = account; from < number < to, and what with,
	                 * start, end and numbers say */
	STORE_LOG_LAST, /* the newest entries of an account, number < to, newest first; rows of six
	                 * columns: number, origin, origin_number, part, flags, time */
	STORE_LOG_COUNT, /* one row with one integer: how many LOG_READ would find; limit: counts no
	                  * further, 0: all of them (it looks at each) */
	STORE_LOG_SIZES, /* as LOG_READ; rows of three columns: number, time, bytes of the stanza */
	STORE_LOG_ACCOUNTS /* names of accounts that have entries, behind `after` (one text) */
};
enum store_write_op {
	STORE_PUT,        /* inserts or replaces a row */
	STORE_DELETE,     /* by key or a prefix of it */
	STORE_LOG_APPEND, /* values: columns of TABLE_LOG */
	STORE_LOG_DELETE  /* account, or account and number */
};
enum store_status {
	STORE_COMMITTED,
	STORE_REFUSED,   /* the lease is another's: rule 5 */
	STORE_CONDITION, /* a condition of the batch did not hold; nothing was written */
	STORE_CLASH,     /* a log number is known with another key: our mistake, reported */
	STORE_FORBIDDEN, /* that table is not this process's */
	STORE_FAILED     /* text says why; nothing was written */
};

static inline struct msg_value value_null(void)
{
	return (struct msg_value){.type = 0};
}
static inline struct msg_value value_int(int64_t i)
{
	return (struct msg_value){.type = 1, .i = i};
}
static inline struct msg_value value_text(struct str s)
{
	return (struct msg_value){.type = 2, .s = s};
}
static inline struct msg_value value_blob(struct str s)
{
	return (struct msg_value){.type = 3, .s = s};
}

/* Bytes of a row's key: an entry of PostgreSQL's indexes has at most 2704 bytes, and no engine
 * takes what another refuses. Long JIDs together, and any namespace, may exceed it. */
enum { STORE_KEY_MAX = 2600 };

static inline bool store_key_fits(const struct msg_value *key, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += key[i].type == COLUMN_INT ? sizeof(key[i].i) : key[i].s.len;
	return len <= STORE_KEY_MAX;
}

/* --- reads: to any storage, untracked, repeated at another instance until the deadline ------- */

typedef void store_read_fn(void *arg, int err, const struct msg_rows *results, size_t n);
struct store_read;
/* ops are encoded before it returns. err as link_reply_fn; results live for the call. */
struct store_read *store_read(struct link *k, const struct msg_read_op *ops, size_t n,
			      uint32_t timeout_ms, store_read_fn *fn, void *arg);
void store_read_cancel(struct store_read *r);

/* The same, and lists without a limit of their own come whole, however large: what an answer has no room for
 * is read on with further reads (a view of its own each; timeout_ms is for each), before fn is called once. */
struct store_all;
struct store_all *store_read_all(struct link *k, const struct msg_read_op *ops, size_t n,
				 uint32_t timeout_ms, store_read_fn *fn, void *arg);
void store_read_all_cancel(struct store_all *a); /* accepts NULL; never from in fn */

/* --- writes: a batch over the channel of from_shard ------------------------------------------ */

typedef void store_write_fn(void *arg, enum store_status status, struct str text);
/* Values are encoded before it returns. Repeated until it is answered, however long; a deadline is the
 * caller's to keep (it may forget the item). shard SHARD_NONE: a service without shards (auth). */
struct channel_item *store_write(struct channels *c, uint16_t shard, uint32_t epoch,
				 uint32_t write_epoch, const struct msg_write_op *ops, size_t n,
				 store_write_fn *fn, void *arg);

#endif
