/* SPDX-License-Identifier: MIT */
/*
 * Retention: what the log need not keep any longer is removed, in the background.
 *
 * A pass goes through all accounts in small steps with pauses between them, as reads and batches
 * like all others, so that appends share its commits and wait for nothing. It measures an account
 * from its newest entry to the oldest (count, bytes), then removes from the oldest on what is over
 * a limit. An entry that has not been delivered is removed by its own limit alone; a young one by
 * none, for its append may be repeated.
 */
#ifndef STORAGE_RETENTION_H
#define STORAGE_RETENTION_H

#include "base/options.h"
#include "storage/engine.h"

/* Times up to that: 100 years. */
#define RETENTION_TIME_MAX (INT64_C(36500) * 86400 * 1000)

/* 0: no such limit. */
struct limits {
	int64_t age;	 /* ms */
	int64_t count;	 /* entries of an account */
	int64_t size;	 /* bytes of an account's stanzas */
	int64_t offline; /* ms; of an entry that has not been delivered */
};

/* --- retention_limits.c: which limits an account has ------------------------------------------ */

struct retention_limits {
	struct limits all;
	struct domain_limits {
		char *domain;
		struct limits limits;
	} * domains;
	size_t ndomains;
	struct account_limits {
		char *account;
		struct limits limits; /* -1: as its domain */
	} * accounts;		      /* in the order of names; read anew by each pass */
	size_t naccounts, cap;
};
extern const struct option_section retention_sections[]; /* retention "example.net" { … } */

/* Limits of all and of domains from the configuration; those of accounts stay. */
void retention_limits_fill(struct retention_limits *l, const struct limits *all,
			   const struct conf *c);
void retention_limits_domain(struct retention_limits *l, const char *domain,
			     const struct limits *limits);
void retention_limits_forget(struct retention_limits *l); /* the accounts' */
void retention_limits_row(struct retention_limits *l, const struct msg_row *row);
struct limits retention_limits_of(const struct retention_limits *l, const char *account);
struct limits retention_limits_own(const struct msg_row *row); /* -1: as its domain */
/* With these of its own, instead of those that were read. */
struct limits retention_limits_with(const struct retention_limits *l, const char *account,
				    const struct limits *own);
/* Whether there is anything to remove at all. */
bool retention_limits_any(const struct retention_limits *l);
/* Entries older than that are past every limit there is, ms; 0: nothing ever is. */
int64_t retention_limits_longest(const struct retention_limits *l);
void retention_limits_free(struct retention_limits *l); /* what it holds */

/* --- retention.c ------------------------------------------------------------------------------ */

struct retention_stats {
	uint64_t passes, removed, undelivered, partitions;
	bool busy;
	/* Of the pass under way, or the last one: */
	uint64_t pass_removed, pass_undelivered, pass_accounts, pass_partitions;
	const char *trouble; /* NULL: it came to its end; lives until the next pass */
	bool elsewhere;	     /* another storage does it */
};

struct retention;
typedef void retention_fn(void *arg); /* a pass is over */
/* limits are the caller's, and may change between passes. */
struct retention *retention_new(struct engine *e, struct retention_limits *limits, retention_fn *fn,
				void *arg);
void retention_run(struct retention *r); /* begins a pass, when none is under way */
/* Ends it after the step under way; fn is called then, unless there was none. */
void retention_stop(struct retention *r);
const struct retention_stats *retention_stats(const struct retention *r);
struct retention *retention_free(struct retention *r); /* none is under way */

#endif
