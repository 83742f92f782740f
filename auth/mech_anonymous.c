/* SPDX-License-Identifier: MIT */
/* ANONYMOUS (RFC 4505, XEP-0175): a temporary account with a name that nobody can guess. */
#include <stdio.h>
#include "auth/mech_internal.h"
#include "base/random.h"

enum { MAX_TRACE = 255, UUID = 36 };

/* RFC 4505 section 2: trace information is an address or a token, at most 255 characters of UTF-8.
 * What it says is used for nothing. */
static bool is_trace(struct str in)
{
	size_t characters = 0;

	if (!str_utf8_valid(in))
		return false;
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.ptr[i];

		if (c < 0x20 || c == 0x7f) /* the profile "trace" prohibits control characters */
			return false;
		characters += (c & 0xc0) != 0x80;
	}
	return characters <= MAX_TRACE;
}

/* XEP-0175 recommends a UUID: version 4 of RFC 4122, 122 random bits. */
static void make_name(char ret[UUID + 1])
{
	uint8_t b[16];

	random_bytes(b, sizeof b);
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	(void)snprintf(ret, UUID + 1,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		       b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		       b[13], b[14], b[15]);
}

enum mech_status mech_anonymous_step(struct mech *m, struct str in, struct buf *out)
{
	char name[UUID + 1];

	(void)out;
	if (!is_trace(in))
		return mech_fail(m, SASL_E_MALFORMED_REQUEST, "malformed trace information");
	make_name(name);
	return mech_identify(m, str_z(name), STR_NONE) ? MECH_SUCCESS : MECH_FAILURE;
}
