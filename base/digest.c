/* SPDX-License-Identifier: MIT */
/* Hash functions and HMAC, with OpenSSL's algorithms looked up once: EVP_sha256() and the like are
 * looked up by name at each use, which costs more than the hash of a short text. */
#include <pthread.h>
#include <string.h>
#include "base/alloc.h"
#include "base/digest.h"
#include "base/log.h"

enum { BLOCK = 64 }; /* bytes, of both */

static const struct {
	const char *name;
	size_t size;
} kinds[DIGESTS] = {
	[DIGEST_SHA1] = {"SHA1", 20},
	[DIGEST_SHA256] = {"SHA256", 32},
};

static EVP_MD *fetched[DIGESTS];

static void fetch_all(void)
{
	for (int d = 0; d < DIGESTS; d++) {
		fetched[d] = EVP_MD_fetch(NULL, kinds[d].name, NULL);
		if (!fetched[d])
			bug("OpenSSL has no %s", kinds[d].name);
	}
}

const EVP_MD *digest_md(enum digest d)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_all);
	return fetched[d];
}

size_t digest_size(enum digest d)
{
	return kinds[d].size;
}

/* The hash of two pieces, one behind the other. */
static void hash(EVP_MD_CTX *ctx, enum digest d, const void *a, size_t na, const void *b, size_t nb,
		 uint8_t *ret)
{
	if (!ctx || EVP_DigestInit_ex(ctx, digest_md(d), NULL) != 1 ||
	    (na && EVP_DigestUpdate(ctx, a, na) != 1) ||
	    (nb && EVP_DigestUpdate(ctx, b, nb) != 1) || EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		bug("%s failed", kinds[d].name);
}

void digest(enum digest d, const void *p, size_t n, uint8_t *ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	hash(ctx, d, p, n, NULL, 0, ret);
	EVP_MD_CTX_free(ctx);
}

void hmac(enum digest d, const void *key, size_t nkey, const void *p, size_t n, uint8_t *ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t pad[BLOCK] = {0};

	if (nkey > BLOCK)
		hash(ctx, d, key, nkey, NULL, 0, pad);
	else if (nkey)
		memcpy(pad, key, nkey);
	for (int i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36;
	hash(ctx, d, pad, BLOCK, p, n, ret);
	for (int i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	hash(ctx, d, pad, BLOCK, ret, kinds[d].size, ret);
	EVP_MD_CTX_free(ctx);
	wipe(pad, sizeof(pad));
}
