/* SPDX-License-Identifier: MIT */
/* Keys by XEP-0185: nothing has to be remembered to check one, so any s2s that knows the secret
 * can. */
#include "s2s/dialback.h"

#include "base/random.h"

void dialback_key(struct str secret, struct str receiving, struct str originating, struct str id,
		  char ret[DIALBACK_KEY])
{
	uint8_t digest[32];
	char key[DIALBACK_KEY];
	struct buf b = BUF_INIT;

	sha256(secret.ptr, secret.len, digest);
	hex_encode(key, digest, sizeof digest);
	buf_str_append(&b, receiving);
	buf_putc(&b, ' ');
	buf_str_append(&b, originating);
	buf_putc(&b, ' ');
	buf_str_append(&b, id);
	hmac_sha256(key, sizeof key - 1, buf_ptr(&b), b.len, digest);
	hex_encode(ret, digest, sizeof digest);
	buf_free(&b);
}
