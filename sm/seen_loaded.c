/* SPDX-License-Identifier: MIT */
/*
 * Keys that were read with an account: they never change, so they lie packed, in the order of their
 * origins and, within one, from the newest number down: some 4 bytes each, and 12 for an origin.
 */
#include <stdlib.h>
#include <utlist.h>
#include "base/varint.h"
#include "sm/sm_internal.h"

struct seen_loaded {
	struct seen_loaded *prev, *next; /* in sm, by age */
	struct user *user;
	uint64_t top; /* a log number: those of each origin are told by distances, the first from it */
	uint32_t since, norigins, len; /* since: loop_now, its lower bits */
	/* The origins, ascending, each with where its keys begin behind them: the highest number,
	 * then for each key the distance of its number from the one before, part, and log number. */
	char bytes[];
};

enum { AT_BYTES = 4, ORIGIN_BYTES = 8 + AT_BYTES };

/* --- packing ----------------------------------------------------------------------------------- */

/* A small distance in either direction is a small number. */
static uint64_t fold(uint64_t distance)
{
	return distance >> 63 ? ~(distance << 1) : distance << 1;
}

static uint64_t unfold(uint64_t v)
{
	return v & 1 ? ~(v >> 1) : v >> 1;
}

static int descending(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int in_order(const void *pa, const void *pb)
{
	const struct seen_key *a = pa, *b = pb;
	int d = descending(b->key.origin, a->key.origin);

	if (!d)
		d = descending(a->key.number, b->key.number);
	if (!d)
		d = descending(a->key.part, b->key.part);
	return d ? d : descending(a->log, b->log);
}

/* Packs the keys of the first's origin; returns how many. */
static size_t pack_origin(struct buf *b, const struct seen_key *k, size_t n, uint64_t top)
{
	uint64_t number = k->key.number, log = top;
	size_t i = 0;

	varint_append(b, number);
	for (; i < n && k[i].key.origin == k->key.origin; i++) {
		varint_append(b, number - k[i].key.number);
		varint_append(b, k[i].key.part);
		varint_append(b, fold(log - k[i].log));
		number = k[i].key.number;
		log = k[i].log;
	}
	return i;
}

void seen_load(struct user *u, struct seen_key *keys, size_t n)
{
	struct buf origins = BUF_INIT, packed = BUF_INIT;
	struct sm *sm = u->sm;
	struct seen_loaded *x;
	uint64_t top = n ? keys[0].log : 0;

	seen_unload(u);
	if (!n)
		return;
	qsort(keys, n, sizeof *keys, in_order);
	for (size_t i = 0; i < n;) {
		uint32_t at = (uint32_t)packed.len;

		buf_append(&origins, &keys[i].key.origin, sizeof keys[i].key.origin);
		buf_append(&origins, &at, sizeof at);
		i += pack_origin(&packed, keys + i, n - i, top);
	}
	x = xmalloc(sizeof *x + origins.len + packed.len);
	*x = (struct seen_loaded){.user = u,
				  .top = top,
				  .since = (uint32_t)loop_now(sm->loop),
				  .norigins = (uint32_t)(origins.len / ORIGIN_BYTES),
				  .len = (uint32_t)packed.len};
	memcpy(x->bytes, buf_ptr(&origins), origins.len);
	memcpy(x->bytes + origins.len, buf_ptr(&packed), packed.len);
	buf_free(&origins);
	buf_free(&packed);
	DL_APPEND(sm->loaded, x);
	sm->nloaded++;
	u->loaded = x;
}

/* --- looking up -------------------------------------------------------------------------------- */

struct reader {
	const char *p, *end;
	struct seen_key now;
};

static uint64_t take(struct reader *r)
{
	uint64_t v;

	if (!varint_read(&r->p, r->end, &v))
		bug("packed keys are cut short");
	return v;
}

static uint64_t origin_at(const struct seen_loaded *x, uint32_t i)
{
	uint64_t origin;

	memcpy(&origin, x->bytes + (size_t)i * ORIGIN_BYTES, sizeof origin);
	return origin;
}

static uint32_t begin_of(const struct seen_loaded *x, uint32_t i)
{
	uint32_t at;

	if (i == x->norigins)
		return x->len;
	memcpy(&at, x->bytes + (size_t)(i + 1) * ORIGIN_BYTES - AT_BYTES, sizeof at);
	return at;
}

/* False: it has none of that origin. */
static bool reader_begin(struct reader *r, const struct seen_loaded *x, uint64_t origin)
{
	uint32_t lo = 0, hi = x ? x->norigins : 0;
	const char *keys;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (origin_at(x, mid) < origin)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!x || lo == x->norigins || origin_at(x, lo) != origin)
		return false;
	keys = x->bytes + (size_t)x->norigins * ORIGIN_BYTES;
	r->p = keys + begin_of(x, lo);
	r->end = keys + begin_of(x, lo + 1);
	r->now = (struct seen_key){{.origin = origin, .number = take(r)}, x->top};
	return true;
}

/* False: there is none any more. */
static bool reader_next(struct reader *r)
{
	if (r->p == r->end)
		return false;
	r->now.key.number -= take(r);
	r->now.key.part = (uint16_t)take(r);
	r->now.log -= unfold(take(r));
	return true;
}

bool seen_loaded_find(const struct user *u, const struct msg_stanza_key *key, uint64_t *ret_log)
{
	struct reader r;

	if (!reader_begin(&r, u->loaded, key->origin))
		return false;
	while (reader_next(&r) && r.now.key.number >= key->number)
		if (key_same(&r.now.key, key)) {
			*ret_log = r.now.log;
			return true;
		}
	return false;
}

uint64_t seen_loaded_after(const struct user *u, const struct msg_stanza_key *key)
{
	struct reader r;
	uint64_t best = 0;

	if (!reader_begin(&r, u->loaded, key->origin))
		return 0;
	while (reader_next(&r) && r.now.key.number > key->number)
		if (!best || r.now.log < best)
			best = r.now.log;
	return best;
}

/* --- forgetting -------------------------------------------------------------------------------- */

void seen_unload(struct user *u)
{
	struct seen_loaded *x = u->loaded;

	if (!x)
		return;
	DL_DELETE(u->sm->loaded, x);
	u->sm->nloaded--;
	u->loaded = NULL;
	free(x);
}

void seen_loaded_tick(struct sm *sm)
{
	uint32_t now = (uint32_t)loop_now(sm->loop);

	while (sm->loaded && now - sm->loaded->since > SEEN_MS)
		seen_unload(sm->loaded->user);
	alloc_shrunk(&sm->loaded_peak, sm->nloaded);
}
