/* SPDX-License-Identifier: MIT */
/* A growable run of bytes: append at the end, consume at the front. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/str.h"

/* Invariant: data[off .. off+len) is the content; a struct of zeros is an empty buffer
 * that owns no memory. Pointers into it die at the next append. */
struct buf {
	char *data;
	size_t off, len, cap;
};

#define BUF_INIT ((struct buf){NULL, 0, 0, 0})

void buf_free(struct buf *b);  /* releases the memory; b is empty and usable again */
void buf_clear(struct buf *b); /* forgets the content, keeps the memory */
void buf_wipe(struct buf *b);  /* overwrites the memory, then buf_free */
char *buf_grow(struct buf *b, size_t n); /* of buf_reserve(), when there is no room */
void buf_added(struct buf *b, size_t n);
void buf_consume(struct buf *b, size_t n); /* drops n <= len bytes at the front */
void buf_u64(struct buf *b, uint64_t n); /* in decimal: what printf does, at a twentieth of its cost */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Returns memory beyond what the content needs, when at least keep bytes are spare. */
void buf_trim(struct buf *b, size_t keep);
/* The content as a malloc'ed, NUL-terminated string that the caller frees; b becomes empty. */
char *buf_take(struct buf *b);

/* At least n writable bytes at the returned end; buf_added tells how many were written. */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	if (b->data && b->cap - b->off - b->len >= n)
		return b->data + b->off + b->len;
	return buf_grow(b, n);
}

static inline void buf_append(struct buf *b, const void *p, size_t n)
{
	if (!n)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->len += n;
}

static inline char *buf_ptr(const struct buf *b)
{
	return b->data ? b->data + b->off : NULL;
}

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){buf_ptr(b), b->len};
}

static inline void buf_str_append(struct buf *b, struct str s)
{
	buf_append(b, s.ptr, s.len);
}

static inline void buf_putc(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->len++;
}

#define buf_lit(b, literal) buf_append((b), "" literal, sizeof(literal) - 1)

#endif
