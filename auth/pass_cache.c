/* SPDX-License-Identifier: MIT */
/* The cache of proofs that passwords were right. */
#include <stdlib.h>
#include <uthash.h>
#include "auth/pass_cache.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"

enum { MAC = 32 };

struct proof {
	uint64_t until_ms;
	uint8_t mac[MAC];
	UT_hash_handle hh; /* uthash keeps the order of insertion: oldest first */
	size_t len;
	char account[];
};

struct pass_cache {
	uint8_t key[MAC];
	struct proof *proofs;
	size_t max;
};

struct pass_cache *pass_cache_new(size_t max)
{
	struct pass_cache *c = xcalloc(1, sizeof(*c));

	random_bytes(c->key, sizeof(c->key));
	c->max = max;
	return c;
}

static void drop(struct pass_cache *c, struct proof *p)
{
	HASH_DEL(c->proofs, p);
	wipe(p, sizeof(*p));
	free(p);
}

struct pass_cache *pass_cache_free(struct pass_cache *c)
{
	if (!c)
		return NULL;
	while (c->proofs)
		drop(c, c->proofs);
	wipe(c, sizeof(*c));
	free(c);
	return NULL;
}

static struct proof *find(struct pass_cache *c, struct str account)
{
	struct proof *p;

	HASH_FIND (hh, c->proofs, account.ptr, account.len, p)
		;
	if (p && clock_mono_ms() >= p->until_ms) {
		drop(c, p);
		p = NULL;
	}
	return p;
}

/* Each part with its length before it: no two triples have the same text. */
static void mac_of(const struct pass_cache *c, struct str account, struct str password,
		   struct str bound, uint8_t ret[MAC])
{
	struct str parts[] = {account, password, bound};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_printf(&b, "%zu:", parts[i].len);
		buf_str_append(&b, parts[i]);
	}
	hmac_sha256(c->key, sizeof(c->key), buf_ptr(&b), b.len, ret);
	buf_wipe(&b);
}

bool pass_cache_has(struct pass_cache *c, struct str account, struct str password, struct str bound)
{
	struct proof *p = find(c, account);
	uint8_t mac[MAC];

	if (!p)
		return false;
	mac_of(c, account, password, bound, mac);
	return equal_const_time(mac, p->mac, sizeof(mac));
}

void pass_cache_put(struct pass_cache *c, struct str account, struct str password, struct str bound,
		    uint64_t ttl_ms)
{
	struct proof *p;

	if (!ttl_ms || !c->max)
		return;
	pass_cache_forget(c, account);
	if (HASH_COUNT(c->proofs) >= c->max)
		drop(c, c->proofs);
	p = xcalloc(1, sizeof(*p) + account.len);
	p->until_ms = clock_mono_ms() + ttl_ms;
	p->len = account.len;
	memcpy(p->account, account.ptr, account.len);
	mac_of(c, account, password, bound, p->mac);
	HASH_ADD_KEYPTR(hh, c->proofs, p->account, p->len, p);
}

void pass_cache_forget(struct pass_cache *c, struct str account)
{
	struct proof *p = find(c, account);

	if (p)
		drop(c, p);
}

size_t pass_cache_size(const struct pass_cache *c)
{
	return HASH_COUNT(c->proofs);
}
