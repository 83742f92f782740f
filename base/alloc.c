/* SPDX-License-Identifier: MIT */
/* Allocation that aborts instead of failing. */
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include "base/alloc.h"

static _Noreturn void out_of_memory(void)
{
	/* Not the logger: it allocates. */
	static const char text[] = "out of memory\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	abort();
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *ptr, size_t size)
{
	void *p = realloc(ptr, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

char *xstrdup(const char *s)
{
	return xmemdup(s, strlen(s) + 1);
}

char *xstrndup(const char *s, size_t len)
{
	char *p;

	/* A length of -1 must not become a block of no bytes. */
	if (len == SIZE_MAX)
		out_of_memory();
	p = xmalloc(len + 1);
	if (len)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void *xmemdup(const void *p, size_t len)
{
	void *copy = xmalloc(len);

	if (len)
		memcpy(copy, p, len);
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return text;
}

void wipe(void *p, size_t len)
{
	if (len)
		OPENSSL_cleanse(p, len);
}

#ifdef __GLIBC__
#define GIVE_BACK() ((void)malloc_trim(0))
#else
#define GIVE_BACK() ((void)0)
#endif

enum { FEW_TO_SHRINK = 128 }; /* are not worth the walk through the heap */

void alloc_shrunk(size_t *peak, size_t n)
{
	if (*peak <= n)
		*peak = n + 1;
	if (*peak < FEW_TO_SHRINK || n >= *peak / 2)
		return;
	*peak = n;
	GIVE_BACK();
}
