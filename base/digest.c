/* SPDX-License-Identifier: MIT */
/* Hash functions and HMAC, with OpenSSL's algorithms looked up once: EVP_sha256() and the like are
 * looked up by name at each use, which costs more than the hash of a short text. */
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include "base/digest.h"
#include "base/log.h"

static const struct {
	const char *name;
	size_t size;
} kinds[DIGESTS] = {
	[DIGEST_SHA1] = {"SHA1", 20},
	[DIGEST_SHA256] = {"SHA256", 32},
};

static EVP_MD *mds[DIGESTS];
static EVP_MAC_CTX *macs[DIGESTS]; /* without a key: copied for each use */

static void fetch_all(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	for (int d = 0; d < DIGESTS; d++) {
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)kinds[d].name, 0),
			OSSL_PARAM_construct_end()};

		mds[d] = EVP_MD_fetch(NULL, kinds[d].name, NULL);
		macs[d] = mac ? EVP_MAC_CTX_new(mac) : NULL;
		if (!mds[d] || !macs[d] || EVP_MAC_CTX_set_params(macs[d], params) != 1)
			bug("OpenSSL has no %s, or no HMAC with it", kinds[d].name);
	}
	EVP_MAC_free(mac);
}

static void look_up(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_all);
}

const EVP_MD *digest_md(enum digest d)
{
	look_up();
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

void hmac(enum digest d, const void *key, size_t nkey, const void *p, size_t n, uint8_t *ret)
{
	EVP_MAC_CTX *ctx;

	look_up();
	ctx = EVP_MAC_CTX_dup(macs[d]);
	if (!ctx || EVP_MAC_init(ctx, nkey ? key : "", nkey, NULL) != 1 ||
	    (n && EVP_MAC_update(ctx, p, n) != 1) || EVP_MAC_final(ctx, ret, NULL, kinds[d].size) != 1)
		bug("HMAC with %s failed", kinds[d].name);
	EVP_MAC_CTX_free(ctx);
}
