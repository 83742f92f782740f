/* SPDX-License-Identifier: MIT */
/*
 * PBKDF2 on worker threads: few at a time, logins before new passwords before imports, the queues
 * bounded.
 */
#ifndef AUTH_DERIVE_H
#define AUTH_DERIVE_H

#include "auth/scram.h"
#include "base/loop.h"

/* The first that waits goes first; new passwords are what a user can ask for without end. */
enum derive_class { DERIVE_LOGIN, DERIVE_CHANGE, DERIVE_BULK, DERIVE_CLASSES };
enum { DERIVE_MAX_KEYS = SCRAM_HASHES };

struct derive;
struct derive_job;
/* keys[i] are filled in; they live for the call and are wiped after it. */
typedef void derive_fn(void *arg, const struct scram_keys *keys, size_t n);

/* workers run at once; max wait, for each class of its own. */
struct derive *derive_new(struct loop *l, size_t workers, size_t max_login, size_t max_bulk);
/* Jobs that run end by themselves, without their callbacks. */
struct derive *derive_free(struct derive *d);
/* Derives n keys of one password (copied, wiped). keys tell hash, iterations and salt. NULL: the
 * queue is full. The callback comes once, never from inside this call, unless cancelled. */
struct derive_job *derive_start(struct derive *d, enum derive_class class, struct str password,
				const struct scram_keys *keys, size_t n, derive_fn *fn, void *arg);
void derive_cancel(struct derive_job *j); /* accepts NULL */
size_t derive_waiting(const struct derive *d, enum derive_class class);
size_t derive_running(const struct derive *d);
uint64_t derive_done(const struct derive *d); /* since the start */

#endif
