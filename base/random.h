/* SPDX-License-Identifier: MIT */
/* Unguessable bytes and the exact small codings: hex, base64, SHA, HMAC, the placement hash. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>
#include "base/buf.h"

void random_bytes(void *ret, size_t n); /* from the system; aborts when there is none */
/* The same, a few hundred fetched at once; for what is no key. */
void random_draw(void *ret, size_t n);
uint64_t random_u64(void);              /* never 0 */
/* n random bytes as 2n hexadecimal characters and NUL into ret. */
void random_hex(char *ret, size_t n);

void hex_encode(char *ret, const void *p, size_t n); /* 2n characters and NUL */
void base64_encode(struct buf *b, const void *p, size_t n);
/* Appends what the text stands for; strict RFC 4648 section 4. -EINVAL leaves b as it was. */
int base64_decode(struct buf *b, struct str text);

void sha1(const void *p, size_t n, uint8_t ret[20]);
void sha256(const void *p, size_t n, uint8_t ret[32]);
void hmac_sha256(const void *key, size_t nkey, const void *p, size_t n, uint8_t ret[32]);

/* The same value for the same bytes in every process, version and machine: FNV-1a, 64 bits,
 * finished by the mixer of SplitMix64. Used for keys of placement and for hash tables. */
uint64_t hash64(const void *p, size_t n);
uint64_t hash64_pair(uint64_t a, uint64_t b);
bool equal_const_time(const void *a, const void *b, size_t n);

#endif
