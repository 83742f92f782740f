/* SPDX-License-Identifier: MIT */
/* Random bytes, hex, base64, digests and the placement hash. */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/random.h>
#include "base/digest.h"
#include "base/log.h"
#include "base/random.h"

void random_bytes(void *ret, size_t n)
{
	char *p = ret;

	while (n) {
		ssize_t r = getrandom(p, n, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			bug("the system gives no random bytes (errno %d)", errno);
		p += r;
		n -= (size_t)r;
	}
}

/* Ids are drawn for every message: a system call for each costs sm 3 to 4 % of its time. What is
 * handed out is forgotten. A child of fork() that does not exec must not draw any. */
void random_draw(void *ret, size_t n)
{
	static _Thread_local struct {
		unsigned char bytes[512];
		size_t left;
	} stock;
	unsigned char *from;

	if (n > sizeof(stock.bytes)) {
		random_bytes(ret, n);
		return;
	}
	if (n > stock.left) {
		random_bytes(stock.bytes, sizeof(stock.bytes));
		stock.left = sizeof(stock.bytes);
	}
	from = stock.bytes + (stock.left -= n);
	memcpy(ret, from, n);
	memset(from, 0, n);
}

uint64_t random_u64(void)
{
	uint64_t v;

	do
		random_draw(&v, sizeof(v));
	while (!v);
	return v;
}

void random_hex(char *ret, size_t n)
{
	unsigned char bytes[32];

	for (size_t i = 0; i < n; i += sizeof(bytes)) {
		size_t k = n - i < sizeof(bytes) ? n - i : sizeof(bytes);

		random_draw(bytes, k);
		hex_encode(ret + 2 * i, bytes, k);
	}
	ret[2 * n] = '\0';
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

void hex_encode(char *ret, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = p;

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[in[i] >> 4];
		ret[2 * i + 1] = digits[in[i] & 15];
	}
	ret[2 * n] = '\0';
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *b, const void *p, size_t n)
{
	const unsigned char *in = p;
	size_t len = (n + 2) / 3 * 4;
	char *out = buf_reserve(b, len);

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)in[i] << 16;

		if (i + 1 < n)
			v |= (unsigned)in[i + 1] << 8;
		if (i + 2 < n)
			v |= in[i + 2];
		*out++ = base64_digits[v >> 18];
		*out++ = base64_digits[v >> 12 & 63];
		*out++ = i + 1 < n ? base64_digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? base64_digits[v & 63] : '=';
	}
	buf_added(b, len);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base64_decode(struct buf *b, struct str text)
{
	size_t pad = 0, at = 0, len;
	unsigned v = 0;
	char *out;

	if (text.len % 4)
		return -EINVAL;
	while (pad < 2 && pad < text.len && text.ptr[text.len - 1 - pad] == '=')
		pad++;
	text.len -= pad;
	len = text.len * 3 / 4;
	out = buf_reserve(b, len + 1);
	for (size_t i = 0; i < text.len; i++) {
		int d = base64_value(text.ptr[i]);

		if (d < 0)
			return -EINVAL;
		v = v << 6 | (unsigned)d;
		if (i % 4) /* the first digit of four completes no byte */
			out[at++] = (char)(v >> (6 - 2 * (i % 4)) & 255);
	}
	/* RFC 4648 section 3.5: the unused bits of the last digit are zero, or the coding is not
	 * the only one of its bytes. */
	if ((pad == 1 && v & 3) || (pad == 2 && v & 15))
		return -EINVAL;
	buf_added(b, len);
	return 0;
}

void sha1(const void *p, size_t n, uint8_t ret[20])
{
	digest(DIGEST_SHA1, p, n, ret);
}

void sha256(const void *p, size_t n, uint8_t ret[32])
{
	digest(DIGEST_SHA256, p, n, ret);
}

void hmac_sha256(const void *key, size_t nkey, const void *p, size_t n, uint8_t ret[32])
{
	hmac(DIGEST_SHA256, key, nkey, p, n, ret);
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t hash64(const void *p, size_t n)
{
	const unsigned char *in = p;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ in[i]) * UINT64_C(0x100000001b3);
	return mix(h);
}

uint64_t hash64_pair(uint64_t a, uint64_t b)
{
	/* Not symmetric, and not zero for equal halves. */
	return mix(a + UINT64_C(0x9e3779b97f4a7c15) * (b | 1) + mix(b + UINT64_C(0x9e3779b97f4a7c15)));
}

bool equal_const_time(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
