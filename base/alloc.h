/* SPDX-License-Identifier: MIT */
/* Memory that is there or the process is not: running out of memory aborts. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

/* For a large array that is written before it is read: a build that zeroes what a function declares
 * (-ftrivial-auto-var-init) need not do it in each call. */
#ifdef __has_attribute
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef UNINITIALIZED
#define UNINITIALIZED
#endif

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size); /* zeroed */
void *xrealloc(void *ptr, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len); /* NUL-terminated copy of len bytes */
void *xmemdup(const void *p, size_t len);
/* malloc'ed formatted string; the caller frees it. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Called when one of many things of a kind has been freed and n are left: gives memory back to the
 * system when less than half is left of the most there were (*peak, at first 0), where the C library
 * keeps what is freed. */
void alloc_shrunk(size_t *peak, size_t n);
/* Overwrites len bytes in a way the compiler may not remove, for secrets. */
void wipe(void *p, size_t len);

#endif
