/* SPDX-License-Identifier: MIT */
/* Hash functions and HMAC over them (RFC 2104). */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <openssl/evp.h>
#include <stdint.h>

enum digest { DIGEST_SHA1, DIGEST_SHA256, DIGESTS };
enum { DIGEST_MAX = 32 }; /* bytes of the longest */

size_t digest_size(enum digest d);
/* For calls that take one; never freed. Any thread may ask. */
const EVP_MD *digest_md(enum digest d);

/* ret: digest_size() bytes. */
void digest(enum digest d, const void *p, size_t n, uint8_t *ret);
void hmac(enum digest d, const void *key, size_t nkey, const void *p, size_t n, uint8_t *ret);

#endif
