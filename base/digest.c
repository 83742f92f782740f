/* SPDX-License-Identifier: MIT */
/* Hash functions and HMAC, with OpenSSL's algorithms looked up once: EVP_sha256() and the like are
 * looked up by name at each use, which costs more than the hash of a short text. */
#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>
#include "base/digest.h"
#include "base/log.h"

enum { BLOCK = 64 }; /* of SHA-1 and SHA-256 both: bytes hashed at a time */

static const struct {
	const char *name;
	size_t size;
} kinds[DIGESTS] = {
	[DIGEST_SHA1] = {"SHA1", 20},
	[DIGEST_SHA256] = {"SHA256", 32},
};

static EVP_MD *mds[DIGESTS];

static void fetch_all(void)
{
	for (int d = 0; d < DIGESTS; d++) {
		mds[d] = EVP_MD_fetch(NULL, kinds[d].name, NULL);
		if (!mds[d])
			bug("OpenSSL has no %s", kinds[d].name);
	}
}

const EVP_MD *digest_md(enum digest d)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_all);
	return mds[d];
}

size_t digest_size(enum digest d)
{
	return kinds[d].size;
}

void digest(enum digest d, const void *p, size_t n, uint8_t *ret)
{
	if (EVP_Digest(p, n, ret, NULL, digest_md(d), NULL) != 1)
		bug("%s failed", kinds[d].name);
}

/* RFC 2104 section 2. OpenSSL's own HMAC takes three contexts for each use, which cost several times
 * what the hashing of a short text does. */
void hmac(enum digest d, const void *key, size_t nkey, const void *p, size_t n, uint8_t *ret)
{
	const EVP_MD *md = digest_md(d);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t pad[BLOCK] = {0};

	if (nkey > BLOCK)
		digest(d, key, nkey, pad);
	else if (nkey)
		memcpy(pad, key, nkey);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36;
	if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1 || EVP_DigestUpdate(ctx, pad, BLOCK) != 1 ||
	    EVP_DigestUpdate(ctx, p, n) != 1 || EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		bug("HMAC with %s failed", kinds[d].name);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	if (EVP_DigestInit_ex(ctx, md, NULL) != 1 || EVP_DigestUpdate(ctx, pad, BLOCK) != 1 ||
	    EVP_DigestUpdate(ctx, ret, kinds[d].size) != 1 || EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		bug("HMAC with %s failed", kinds[d].name);
	EVP_MD_CTX_free(ctx);
	OPENSSL_cleanse(pad, sizeof(pad));
}
