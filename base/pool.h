/* SPDX-License-Identifier: MIT */
/* Memory with one common end: a stanza's or a request's life. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdarg.h>
#include "base/str.h"

struct pool;

struct pool *pool_new(void);
struct pool *pool_free(struct pool *p); /* runs the clean-ups, newest first; accepts NULL; returns NULL */
void pool_reset(struct pool *p);        /* as if freed and made anew, keeping one block */
void *pool_alloc(struct pool *p, size_t size); /* aligned for any type; not zeroed */
void *pool_calloc(struct pool *p, size_t size);
struct str pool_str(struct pool *p, struct str s); /* a copy, NUL behind it */
char *pool_strdup(struct pool *p, const char *z);
struct str pool_printf(struct pool *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pool_cleanup(struct pool *p, void (*fn)(void *arg), void *arg);
size_t pool_size(const struct pool *p); /* bytes handed out since new or reset */

#endif
