/* SPDX-License-Identifier: MIT */
/* Sealing with AES-256-GCM, and the tickets that are sealed. */
#include "link/ticket.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "link/codec.h"

/* Sealed: version, salt, nonce, cipher text, tag. Each seal has a key of its own, HMAC(key, salt):
 * with a random nonce of 96 bits alone one key must not be used for more than 2^32 seals (NIST SP
 * 800-38D section 8.3), which session records reach. */
enum { VERSION = 1, SALT = 16, NONCE = 12, TAG = 16, HEAD = 1 + SALT + NONCE };

/* Looked up once: EVP_aes_256_gcm() is looked up by name at each use. */
static EVP_CIPHER *aes_256_gcm;

static void fetch(void)
{
	aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (!aes_256_gcm)
		bug("OpenSSL has no AES-256-GCM");
}

static EVP_CIPHER_CTX *cipher(const uint8_t key[SEAL_KEY], const char *head, struct str context,
			      bool encrypt)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t own[SEAL_KEY];
	int n;

	pthread_once(&once, fetch);
	hmac_sha256(key, SEAL_KEY, head + 1, SALT, own);
	if (!ctx ||
	    !EVP_CipherInit_ex(ctx, aes_256_gcm, NULL, own, (const uint8_t *)head + 1 + SALT,
			       encrypt) ||
	    !EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)head, 1) ||
	    (context.len &&
	     !EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)context.ptr, (int)context.len)))
		bug("AES-256-GCM does not work");
	wipe(own, sizeof own);
	return ctx;
}

void seal(const uint8_t key[SEAL_KEY], struct str context, struct str plain, struct buf *b)
{
	char *head = buf_reserve(b, HEAD + plain.len + TAG);
	uint8_t *out = (uint8_t *)head + HEAD;
	EVP_CIPHER_CTX *ctx;
	int n = 0, end = 0;

	head[0] = VERSION;
	random_draw(head + 1, SALT + NONCE);
	ctx = cipher(key, head, context, true);
	if ((plain.len &&
	     !EVP_CipherUpdate(ctx, out, &n, (const uint8_t *)plain.ptr, (int)plain.len)) ||
	    !EVP_CipherFinal_ex(ctx, out + n, &end) ||
	    !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + plain.len))
		bug("AES-256-GCM does not encrypt");
	EVP_CIPHER_CTX_free(ctx);
	buf_added(b, HEAD + plain.len + TAG);
}

int unseal(const uint8_t key[SEAL_KEY], struct str context, struct str sealed, struct buf *b)
{
	EVP_CIPHER_CTX *ctx;
	const uint8_t *in;
	size_t len;
	int n = 0, end = 0, good;
	char *out;

	if (sealed.len < HEAD + TAG || sealed.ptr[0] != VERSION || sealed.len > INT32_MAX)
		return -EBADMSG;
	len = sealed.len - HEAD - TAG;
	in = (const uint8_t *)sealed.ptr + HEAD;
	out = buf_reserve(b, len + 1);
	ctx = cipher(key, sealed.ptr, context, false);
	good = (!len || EVP_CipherUpdate(ctx, (uint8_t *)out, &n, in, (int)len)) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(in + len)) &&
	       EVP_CipherFinal_ex(ctx, (uint8_t *)out + n, &end) > 0;
	EVP_CIPHER_CTX_free(ctx);
	if (!good) {
		wipe(out, len);
		return -EBADMSG;
	}
	buf_added(b, len);
	return 0;
}

/* c2s, expiry, nonce, account. */
enum { TICKET_HEAD = 8 + 8 + TICKET_NONCE };

/* A process that knows nothing of temporary accounts cannot open their tickets. */
static const char *const contexts[] = {"ticket", "temporary ticket"};

void ticket_write(const uint8_t key[SEAL_KEY], const struct ticket *t, struct buf *b)
{
	struct buf plain = BUF_INIT;
	char *p = buf_reserve(&plain, TICKET_HEAD);

	p = put_u64(p, t->c2s);
	p = put_u64(p, (uint64_t)t->expires_us);
	memcpy(p, t->nonce, TICKET_NONCE);
	buf_added(&plain, TICKET_HEAD);
	buf_str_append(&plain, t->account);
	seal(key, str_z(contexts[t->temporary]), buf_str(&plain), b);
	buf_wipe(&plain);
}

int ticket_read(const uint8_t key[SEAL_KEY], struct str sealed, struct buf *scratch,
		struct ticket *ret)
{
	size_t before = scratch->len;
	struct ticket t;
	struct reader r;
	int err = -EBADMSG;

	for (int i = 0; i < 2 && err < 0; i++) {
		t.temporary = i;
		err = unseal(key, str_z(contexts[i]), sealed, scratch);
	}
	if (err < 0)
		return err;
	r = (struct reader){buf_ptr(scratch) + before, scratch->len - before, false};
	if (r.left <= TICKET_HEAD)
		return -EBADMSG;
	t.c2s = get_u64(&r);
	t.expires_us = (int64_t)get_u64(&r);
	memcpy(t.nonce, get_bytes(&r, TICKET_NONCE), TICKET_NONCE);
	t.account = str_n(r.p, r.left);
	if (t.expires_us <= clock_wall_us())
		return -ETIME;
	*ret = t;
	return 0;
}
