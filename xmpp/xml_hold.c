/* SPDX-License-Identifier: MIT */
/*
 * A long token that comes in small pieces: they wait until it is complete or twice as long.
 *
 * libexpat scans an incomplete token from its beginning with each piece, so that one of 200 KB in
 * pieces of a byte costs the square of that. Its own remedy (2.6.0) holds back what is complete, too.
 */
#include "xmpp/xml_internal.h"

/* Shorter tokens are scanned as they come. */
#define HOLD_FROM 1024

/* The byte that ends a token, outside of quotes. Declarations, comments and processing instructions
 * are refused whole or not, so that they need not be seen at once. */
static char end_of(struct str token)
{
	if (token.ptr[0] == '&')
		return ';';
	return token.ptr[0] == '<' && token.ptr[1] != '!' && token.ptr[1] != '?' ? '>' : '\0';
}

static bool ended(struct xml_parser *w, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = data[i];

		if (w->quote)
			w->quote = c == w->quote ? '\0' : w->quote;
		else if (c == w->token_end)
			return true;
		else if (c == '\'' || c == '"')
			w->quote = c;
	}
	return false;
}

void xml_hold_from(struct xml_parser *w)
{
	uint64_t start = (uint64_t)XML_GetCurrentByteIndex(w->xp);
	struct str token;

	w->hold = 0;
	if (w->fed - start < HOLD_FROM)
		return;
	token = str_n(buf_ptr(&w->gather) + (start - w->gather_start), (size_t)(w->fed - start));
	w->hold = token.len;
	w->token_end = end_of(token);
	w->quote = '\0';
	ended(w, token.ptr, token.len);
}

bool xml_hold(struct xml_parser *w, const char *data, size_t n)
{
	if (w->held.len + n >= w->hold || ended(w, data, n))
		return false;
	buf_append(&w->held, data, n);
	return true;
}
