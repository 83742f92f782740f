/* SPDX-License-Identifier: MIT */
/* Sealing with AES-256-GCM, and the tickets that are sealed. */
#include "link/ticket.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "link/codec.h"

/* Sealed: version, salt, nonce, cipher text, tag. The key is HMAC(key, salt): with a random nonce of 96
 * bits alone one key must not be used for more than 2^32 seals (NIST SP 800-38D section 8.3), which
 * session records reach. */
enum { VERSION = 1, SALT = 16, NONCE = 12, TAG = 16, HEAD = 1 + SALT + NONCE };
enum { SEALS_A_SALT = 1 << 24 };

/* To derive a key and to expand it costs ten times what a short text costs: both ways keep theirs. */
struct derived {
	EVP_CIPHER_CTX *ctx; /* knows the key */
	uint8_t salt[SALT];
	bool known;
};

struct seal_key {
	EVP_CIPHER *cipher;
	struct derived out, in;
	uint32_t left; /* seals that may yet be made with out's salt */
	uint8_t key[SEAL_KEY];
};

struct seal_key *seal_key_new(const uint8_t key[SEAL_KEY])
{
	struct seal_key *k = xcalloc(1, sizeof *k);

	memcpy(k->key, key, SEAL_KEY);
	k->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	k->out.ctx = EVP_CIPHER_CTX_new();
	k->in.ctx = EVP_CIPHER_CTX_new();
	if (!k->cipher || !k->out.ctx || !k->in.ctx)
		bug("OpenSSL has no AES-256-GCM");
	return k;
}

struct seal_key *seal_key_free(struct seal_key *k)
{
	if (!k)
		return NULL;
	EVP_CIPHER_CTX_free(k->out.ctx);
	EVP_CIPHER_CTX_free(k->in.ctx);
	EVP_CIPHER_free(k->cipher);
	wipe(k, sizeof *k);
	free(k);
	return NULL;
}

static void derive(const struct seal_key *k, struct derived *d, const char salt[SALT], bool encrypt)
{
	uint8_t own[SEAL_KEY];

	if (d->known && memcmp(d->salt, salt, SALT) == 0)
		return;
	hmac_sha256(k->key, SEAL_KEY, salt, SALT, own);
	if (!EVP_CipherInit_ex(d->ctx, k->cipher, NULL, own, NULL, encrypt))
		bug("AES-256-GCM does not work");
	wipe(own, sizeof own);
	memcpy(d->salt, salt, SALT);
	d->known = true;
}

/* What is authenticated and not encrypted. */
static void begin(struct derived *d, const char *head, struct str context, bool encrypt)
{
	int n;

	if (!EVP_CipherInit_ex(d->ctx, NULL, NULL, NULL, (const uint8_t *)head + 1 + SALT, encrypt) ||
	    !EVP_CipherUpdate(d->ctx, NULL, &n, (const uint8_t *)head, 1) ||
	    (context.len && !EVP_CipherUpdate(d->ctx, NULL, &n, (const uint8_t *)context.ptr,
					      (int)context.len)))
		bug("AES-256-GCM does not work");
}

void seal(struct seal_key *k, struct str context, struct str plain, struct buf *b)
{
	char *head = buf_reserve(b, HEAD + plain.len + TAG);
	uint8_t *out = (uint8_t *)head + HEAD;
	EVP_CIPHER_CTX *ctx = k->out.ctx;
	int n = 0, end = 0;

	head[0] = VERSION;
	random_draw(head + 1, SALT + NONCE);
	if (k->left)
		memcpy(head + 1, k->out.salt, SALT);
	else
		k->left = SEALS_A_SALT;
	k->left--;
	derive(k, &k->out, head + 1, true);
	begin(&k->out, head, context, true);
	if ((plain.len &&
	     !EVP_CipherUpdate(ctx, out, &n, (const uint8_t *)plain.ptr, (int)plain.len)) ||
	    !EVP_CipherFinal_ex(ctx, out + n, &end) ||
	    !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + plain.len))
		bug("AES-256-GCM does not encrypt");
	buf_added(b, HEAD + plain.len + TAG);
}

int unseal(struct seal_key *k, struct str context, struct str sealed, struct buf *b)
{
	EVP_CIPHER_CTX *ctx = k->in.ctx;
	const uint8_t *in;
	size_t len;
	int n = 0, end = 0, good;
	char *out;

	if (sealed.len < HEAD + TAG || sealed.ptr[0] != VERSION || sealed.len > INT32_MAX)
		return -EBADMSG;
	len = sealed.len - HEAD - TAG;
	in = (const uint8_t *)sealed.ptr + HEAD;
	out = buf_reserve(b, len + 1);
	derive(k, &k->in, sealed.ptr + 1, false);
	begin(&k->in, sealed.ptr, context, false);
	good = (!len || EVP_CipherUpdate(ctx, (uint8_t *)out, &n, in, (int)len)) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(in + len)) &&
	       EVP_CipherFinal_ex(ctx, (uint8_t *)out + n, &end) > 0;
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

void ticket_write(struct seal_key *k, const struct ticket *t, struct buf *b)
{
	struct buf plain = BUF_INIT;
	char *p = buf_reserve(&plain, TICKET_HEAD);

	p = put_u64(p, t->c2s);
	p = put_u64(p, (uint64_t)t->expires_us);
	memcpy(p, t->nonce, TICKET_NONCE);
	buf_added(&plain, TICKET_HEAD);
	buf_str_append(&plain, t->account);
	seal(k, str_z(contexts[t->temporary]), buf_str(&plain), b);
	buf_wipe(&plain);
}

int ticket_read(struct seal_key *k, struct str sealed, struct buf *scratch, struct ticket *ret)
{
	size_t before = scratch->len;
	struct ticket t;
	struct reader r;
	int err = -EBADMSG;

	for (int i = 0; i < 2 && err < 0; i++) {
		t.temporary = i;
		err = unseal(k, str_z(contexts[i]), sealed, scratch);
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
