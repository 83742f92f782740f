/* SPDX-License-Identifier: MIT */
/*
 * A few threads of one's own for calls that block: what hangs in them holds nobody else up, neither
 * the loop's workers nor another pool. Threads are made when they are needed.
 */
#ifndef AUTH_WORKERS_H
#define AUTH_WORKERS_H

#include <stddef.h>
#include "base/loop.h"

struct workers;
struct work;

struct work_ops {
	void (*work)(void *arg);    /* on a thread: touches nothing but arg */
	void (*done)(void *arg);    /* on the loop, behind work, unless cancelled */
	void (*release)(void *arg); /* always, last, on any thread */
};

struct workers *workers_new(struct loop *l, size_t threads, size_t max_waiting);
/* Waits for nobody: what runs ends by itself and is released. NULL. */
struct workers *workers_free(struct workers *w);
/* NULL: as many wait as may; arg is still the caller's. */
struct work *workers_start(struct workers *w, const struct work_ops *ops, void *arg);
void work_cancel(struct work *k); /* accepts NULL; not from its done on */
size_t workers_waiting(const struct workers *w);

#endif
