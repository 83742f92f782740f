/* SPDX-License-Identifier: MIT */
/* SASLprep of passwords, in a file of its own: only who derives keys links libgsasl. */
#include <errno.h>
#include <gsasl.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "xmpp/prep.h"

static bool is_printable_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
			return false;
	}
	return true;
}

int prep_saslprep(struct str text, struct buf *b)
{
	char *in, *out = NULL;
	int r = -EINVAL;

	/* RFC 5802 section 5.1 has no use for an empty password. */
	if (str_empty(text) || str_find(text, '\0', 0) >= 0)
		return -EINVAL;
	if (is_printable_ascii(text)) {
		buf_str_append(b, text);
		return 0;
	}
	if (!str_utf8_valid(text))
		return -EINVAL;
	in = str_dup(text);
	/* The library has its flag inverted: with 0 characters newer than Unicode 3.2 pass, with
	 * GSASL_ALLOW_UNASSIGNED they do not. Clients let people choose them. */
	if (gsasl_saslprep(in, 0, &out, NULL) == GSASL_OK && out[0]) {
		buf_append(b, out, strlen(out));
		r = 0;
	}
	if (out) {
		wipe(out, strlen(out));
		gsasl_free(out);
	}
	wipe(in, text.len);
	free(in);
	return r;
}
