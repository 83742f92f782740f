/* SPDX-License-Identifier: MIT */
/* The pool: blocks that grow, large pieces on their own, clean-ups run at the end. */
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/log.h"
#include "base/pool.h"

#define FIRST_BLOCK 1024
#define LARGEST_BLOCK 32768

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#endif

#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#define GAP 16 /* poisoned bytes behind each piece: an overrun inside the pool is seen */
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)0)
#define GAP 0
#endif

struct block {
	struct block *next;
	size_t cap, used;
	alignas(max_align_t) char data[];
};

struct cleanup {
	struct cleanup *next;
	void (*fn)(void *arg);
	void *arg;
};

struct pool {
	struct block *blocks; /* the first is the one that is filled */
	struct cleanup *cleanups;
	size_t size;
};

static struct block *block_new(size_t cap)
{
	struct block *b = xmalloc(sizeof(*b) + cap);

	b->next = NULL;
	b->cap = cap;
	b->used = 0;
	ASAN_POISON_MEMORY_REGION(b->data, cap);
	return b;
}

static void block_free(struct block *b)
{
	ASAN_UNPOISON_MEMORY_REGION(b->data, b->cap);
	free(b);
}

struct pool *pool_new(void)
{
	return xcalloc(1, sizeof(struct pool));
}

static void run_cleanups(struct pool *p)
{
	/* A clean-up may register another. */
	while (p->cleanups) {
		struct cleanup *c = p->cleanups;

		p->cleanups = c->next;
		c->fn(c->arg);
	}
}

struct pool *pool_free(struct pool *p)
{
	if (!p)
		return NULL;
	run_cleanups(p);
	while (p->blocks) {
		struct block *b = p->blocks;

		p->blocks = b->next;
		block_free(b);
	}
	free(p);
	return NULL;
}

void pool_reset(struct pool *p)
{
	struct block *keep = NULL;

	run_cleanups(p);
	while (p->blocks) {
		struct block *b = p->blocks;

		p->blocks = b->next;
		/* The largest of the ordinary ones; a huge piece's block goes back. */
		if (b->cap <= LARGEST_BLOCK && (!keep || b->cap > keep->cap)) {
			if (keep)
				block_free(keep);
			keep = b;
		} else {
			block_free(b);
		}
	}
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
		ASAN_POISON_MEMORY_REGION(keep->data, keep->cap);
	}
	p->blocks = keep;
	p->size = 0;
}

static void *pool_grow(struct pool *p, size_t need)
{
	size_t cap = p->blocks && p->blocks->cap >= FIRST_BLOCK ? p->blocks->cap * 2 : FIRST_BLOCK;
	struct block *b;

	if (cap > LARGEST_BLOCK)
		cap = LARGEST_BLOCK;
	if (need > cap / 4 && p->blocks) {
		/* On its own, behind the block that is being filled. */
		b = block_new(need);
		b->next = p->blocks->next;
		p->blocks->next = b;
	} else {
		b = block_new(need > cap ? need : cap);
		b->next = p->blocks;
		p->blocks = b;
	}
	b->used = need;
	return b->data;
}

void *pool_alloc(struct pool *p, size_t size)
{
	size_t need;
	void *piece;

	if (size > SIZE_MAX / 2)
		bug("%zu bytes asked of a pool", size);
	need = (size + GAP + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!need)
		need = alignof(max_align_t);
	p->size += size;
	if (p->blocks && p->blocks->cap - p->blocks->used >= need) {
		piece = p->blocks->data + p->blocks->used;
		p->blocks->used += need;
	} else {
		piece = pool_grow(p, need);
	}
	ASAN_UNPOISON_MEMORY_REGION(piece, size);
	return piece;
}

void *pool_calloc(struct pool *p, size_t size)
{
	void *piece = pool_alloc(p, size);

	if (size)
		memset(piece, 0, size);
	return piece;
}

struct str pool_str(struct pool *p, struct str s)
{
	char *copy = pool_alloc(p, s.len + 1);

	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return str_n(copy, s.len);
}

char *pool_strdup(struct pool *p, const char *z)
{
	return (char *)pool_str(p, str_z(z)).ptr;
}

struct str pool_printf(struct pool *p, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		bug("cannot format \"%s\"", fmt);
	text = pool_alloc(p, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return str_n(text, (size_t)n);
}

void pool_cleanup(struct pool *p, void (*fn)(void *arg), void *arg)
{
	struct cleanup *c = pool_alloc(p, sizeof(*c));

	p->size -= sizeof(*c);
	c->fn = fn;
	c->arg = arg;
	c->next = p->cleanups;
	p->cleanups = c;
}

size_t pool_size(const struct pool *p)
{
	return p->size;
}
