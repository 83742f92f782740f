/* SPDX-License-Identifier: MIT */
/* What the generated codec is made of: little-endian numbers, counted strings, bounded reading. */
#ifndef LINK_CODEC_H
#define LINK_CODEC_H

#include <endian.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/pool.h"

/* --- writing: room was reserved by the caller, who knows the length ------------------------- */

static inline char *put_u8(char *p, uint8_t v)
{
	*p = (char)v;
	return p + 1;
}

static inline char *put_u16(char *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static inline char *put_u32(char *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static inline char *put_u64(char *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static inline char *put_str(char *p, struct str s)
{
	p = put_u32(p, (uint32_t)s.len);
	if (s.len)
		memcpy(p, s.ptr, s.len);
	return p + s.len;
}

/* --- reading -------------------------------------------------------------------------------- */

/* What is left of a body or of one struct in it. An end between two fields reads as zeros (an
 * older minor version wrote it); an end inside a field is bad, and all further reads are zeros. */
struct reader {
	const char *p;
	size_t left;
	bool bad;
};

static inline const char *get_bytes(struct reader *r, size_t n)
{
	const char *p = r->p;

	if (r->left < n) {
		r->bad |= r->left > 0;
		r->left = 0;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static inline uint8_t get_u8(struct reader *r)
{
	const char *p = get_bytes(r, 1);

	return p ? (uint8_t)*p : 0;
}

static inline uint16_t get_u16(struct reader *r)
{
	const char *p = get_bytes(r, 2);
	uint16_t v;

	if (!p)
		return 0;
	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t get_u32(struct reader *r)
{
	const char *p = get_bytes(r, 4);
	uint32_t v;

	if (!p)
		return 0;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t get_u64(struct reader *r)
{
	const char *p = get_bytes(r, 8);
	uint64_t v;

	if (!p)
		return 0;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* Borrowed from the body. */
static inline struct str get_str(struct reader *r)
{
	size_t n = get_u32(r);
	struct str s = {r->p, n};

	if (n == 0)
		return STR_NONE;
	if (r->left < n) {
		r->bad = true;
		r->left = 0;
		return STR_NONE;
	}
	r->p += n;
	r->left -= n;
	return s;
}

/* The number of a list's elements, each of which takes min bytes or more. */
static inline size_t get_count(struct reader *r, size_t min)
{
	size_t n = get_u32(r);

	if (n > r->left / min) {
		r->bad = true;
		r->left = 0;
		return 0;
	}
	return n;
}

/* A struct carries its length, so that fields can be added to it later. */
static inline struct reader get_struct(struct reader *r)
{
	struct str s = get_str(r);

	return (struct reader){s.ptr, s.len, false};
}

uint16_t *get_u16_list(struct reader *r, struct pool *p, size_t *ret_n);
uint32_t *get_u32_list(struct reader *r, struct pool *p, size_t *ret_n);
uint64_t *get_u64_list(struct reader *r, struct pool *p, size_t *ret_n);
struct str *get_str_list(struct reader *r, struct pool *p, size_t *ret_n);

/* --- printing for traces -------------------------------------------------------------------- */

enum {
	PRINT_STR = 160, /* bytes of a string that are shown */
	PRINT_LIST = 8   /* elements of a list that are shown */
};

void print_name(struct buf *b, const char *name); /* with a blank before it where one is needed */
void print_str(struct buf *b, const char *name, struct str s);
void print_number(struct buf *b, const char *name, uint64_t v);
void print_signed(struct buf *b, const char *name, int64_t v);
/* Between elements; false when enough were shown (the rest's number was then printed). */
bool print_next(struct buf *b, size_t i, size_t n);

/* Whether the text speaks of that JID: the bytes occur and are no part of a longer address; what
 * follows a slash does not count against it, so a bare JID finds the full ones. */
bool str_mentions(struct str s, struct str jid);

#endif
