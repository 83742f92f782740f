/* SPDX-License-Identifier: MIT */
/*
 * Passwords that were right a short time ago: kept as HMAC-SHA-256 with a random key of this run of
 * the process. Wrong ones are never kept. Bounded; what is put in first goes first.
 */
#ifndef AUTH_PASS_CACHE_H
#define AUTH_PASS_CACHE_H

#include <stdint.h>
#include "base/str.h"

struct pass_cache;

struct pass_cache *pass_cache_new(size_t max); /* accounts */
struct pass_cache *pass_cache_free(struct pass_cache *c);
/* bound: what the proof is worth nothing without (the stored key that the password was checked
 * against, so that it ends with that key); may be empty. */
bool pass_cache_has(struct pass_cache *c, struct str account, struct str password,
		    struct str bound);
void pass_cache_put(struct pass_cache *c, struct str account, struct str password, struct str bound,
		    uint64_t ttl_ms);
void pass_cache_forget(struct pass_cache *c, struct str account);
size_t pass_cache_size(const struct pass_cache *c);

#endif
