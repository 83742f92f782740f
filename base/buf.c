/* SPDX-License-Identifier: MIT */
/* The growable buffer. */
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"

#define SMALLEST 64

void buf_free(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT;
}

void buf_clear(struct buf *b)
{
	b->off = b->len = 0;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		wipe(b->data, b->cap);
	buf_free(b);
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t need = b->len + n, cap = b->cap;

	if (need < n)
		bug("buffer of %zu bytes cannot grow by %zu", b->len, n);
	/* Moving to the front costs at most what was consumed; else a queue that is fed and
	 * drained for ever would copy all of itself for each small piece. */
	if (b->data && need <= cap && b->off >= b->len) {
		memmove(b->data, b->data + b->off, b->len);
		b->off = 0;
		return b->data + b->len;
	}
	cap = cap < SMALLEST ? SMALLEST : cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (b->off == 0) {
		b->data = xrealloc(b->data, cap);
	} else {
		char *data = xmalloc(cap = cap == b->cap ? cap * 2 : cap);

		memcpy(data, b->data + b->off, b->len);
		free(b->data);
		b->data = data;
		b->off = 0;
	}
	b->cap = cap;
	return b->data + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	if (n > b->cap - b->off - b->len)
		bug("%zu bytes added to a buffer with less room", n);
	b->len += n;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		bug("%zu bytes consumed of %zu", n, b->len);
	b->off += n;
	b->len -= n;
	if (!b->len)
		b->off = 0;
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	size_t room = 128;
	int n;

	va_copy(again, ap);
	n = vsnprintf(buf_reserve(b, room), room, fmt, ap);
	if (n < 0)
		bug("cannot format \"%s\"", fmt);
	if ((size_t)n >= room)
		vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

void buf_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_append(b, digits + at, sizeof digits - at);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_trim(struct buf *b, size_t keep)
{
	size_t want;

	if (b->cap - b->len < keep || b->cap == b->len)
		return;
	if (!b->len) {
		buf_free(b);
		return;
	}
	if (b->off)
		memmove(b->data, b->data + b->off, b->len);
	b->off = 0;
	want = b->len < SMALLEST ? SMALLEST : b->len;
	if (want < b->cap) {
		b->data = xrealloc(b->data, want);
		b->cap = want;
	}
}

char *buf_take(struct buf *b)
{
	char *text;

	buf_putc(b, '\0');
	if (b->off)
		memmove(b->data, b->data + b->off, b->len);
	text = b->data;
	*b = BUF_INIT;
	return text;
}
