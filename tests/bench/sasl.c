/* SPDX-License-Identifier: MIT */
/* SASL as a client does it: PLAIN, SCRAM-SHA-1 and SCRAM-SHA-256 without channel binding. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "tests/bench/client.h"

#define NS "urn:ietf:params:xml:ns:xmpp-sasl"
enum { TEXT = 512 };

static void send_encoded(struct client *c, const char *head, const char *data, size_t len,
			 const char *tail)
{
	char *text = xmalloc(len * 2 + 8);

	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)data, (int)len);
	client_send(c, "%s%s%s", head, text, tail);
	free(text);
}

/* Returns the length, -1: no base64 or too long; NUL-terminated. */
static int decode(const char *text, size_t len, unsigned char *ret, size_t size)
{
	int n = len / 4 * 3 < size ? EVP_DecodeBlock(ret, (const unsigned char *)text, (int)len) : -1;

	for (size_t i = len; n > 0 && i > 0 && text[i - 1] == '='; i--)
		n--;
	if (n >= 0)
		ret[n] = 0;
	return n;
}

static void password_of(const struct client *c, char ret[TEXT])
{
	snprintf(ret, TEXT, "pw%s%d", bench.prefix, c->user);
}

void sasl_start(struct client *c)
{
	char head[TEXT], text[TEXT], password[TEXT];
	unsigned char random[18];
	int n;

	snprintf(head, sizeof(head), "<auth xmlns='" NS "' mechanism='%s'>", bench.mechanism);
	password_of(c, password);
	if (strcmp(bench.mechanism, "PLAIN") == 0) {
		n = snprintf(text, sizeof(text), "%c%s%d%c%s", 0, bench.prefix, c->user, 0, password);
		send_encoded(c, head, text, (size_t)n, "</auth>");
		return;
	}
	RAND_bytes(random, sizeof(random));
	EVP_EncodeBlock((unsigned char *)c->nonce, random, sizeof(random));
	n = snprintf(text, sizeof(text), "n,,n=%s%d,r=%s", bench.prefix, c->user, c->nonce);
	free(c->first_bare);
	c->first_bare = strdup(text + 3);
	send_encoded(c, head, text, (size_t)n, "</auth>");
}

struct scram {
	char nonce[TEXT / 2], salt64[TEXT / 4];
	unsigned char salt[TEXT / 4];
	int salt_len, iterations;
};

static bool scram_read(const struct client *c, const char *challenge, struct scram *ret)
{
	unsigned iterations;

	if (sscanf(challenge, "r=%255[^,],s=%127[^,],i=%u", ret->nonce, ret->salt64, &iterations) != 3)
		return false;
	ret->iterations = (int)iterations;
	ret->salt_len = decode(ret->salt64, strlen(ret->salt64), ret->salt, sizeof(ret->salt));
	return ret->salt_len > 0 && strncmp(ret->nonce, c->nonce, strlen(c->nonce)) == 0;
}

static void hmac(const EVP_MD *md, const unsigned char *key, const char *text, unsigned char *ret)
{
	HMAC(md, key, EVP_MD_get_size(md), (const unsigned char *)text, strlen(text), ret, NULL);
}

bool sasl_challenge(struct client *c, const char *text)
{
	const EVP_MD *md = strstr(bench.mechanism, "256") ? EVP_sha256() : EVP_sha1();
	int len = EVP_MD_get_size(md);
	unsigned char challenge[2 * TEXT], salted[64], key[64], stored[64], signature[64], proof[64];
	char password[TEXT], bare[TEXT], all[4 * TEXT], final[2 * TEXT], proof64[100];
	struct scram s;

	if (decode(text, strlen(text), challenge, sizeof(challenge)) < 0 || !c->first_bare ||
	    !scram_read(c, (char *)challenge, &s))
		return false;
	password_of(c, password);
	PKCS5_PBKDF2_HMAC(password, -1, s.salt, s.salt_len, s.iterations, md, len, salted);
	hmac(md, salted, "Client Key", key);
	EVP_Digest(key, (size_t)len, stored, NULL, md, NULL);
	snprintf(bare, sizeof(bare), "c=biws,r=%s", s.nonce);
	snprintf(all, sizeof(all), "%s,%s,%s", c->first_bare, (char *)challenge, bare);
	hmac(md, stored, all, signature);
	for (int i = 0; i < len; i++)
		proof[i] = key[i] ^ signature[i];
	hmac(md, salted, "Server Key", key);
	hmac(md, key, all, signature);
	EVP_EncodeBlock((unsigned char *)c->signature, signature, len);
	EVP_EncodeBlock((unsigned char *)proof64, proof, len);
	snprintf(final, sizeof(final), "%s,p=%s", bare, proof64);
	send_encoded(c, "<response xmlns='" NS "'>", final, strlen(final), "</response>");
	return true;
}

bool sasl_success(struct client *c, const char *text)
{
	unsigned char data[TEXT];

	if (strcmp(bench.mechanism, "PLAIN") == 0)
		return true;
	return decode(text, strlen(text), data, sizeof(data)) > 2 &&
	       memcmp(data, "v=", 2) == 0 && strcmp((char *)data + 2, c->signature) == 0;
}
