/* SPDX-License-Identifier: MIT */
/* What a user's name may do inside a DN or a filter: nothing but be a name. */
#include "auth/template.h"

void template_escape_none(struct buf *b, struct str value)
{
	buf_str_append(b, value);
}

static void put_hex(struct buf *b, char c)
{
	buf_printf(b, "\\%02x", (unsigned)(unsigned char)c);
}

/* RFC 4514 section 2.4: always escaped by its code; a blank or # only matters at an end, but may be
 * escaped anywhere. */
void template_escape_dn(struct buf *b, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '\0' || strchr("\"+,;<>\\= #", c))
			put_hex(b, c);
		else
			buf_putc(b, c);
	}
}

/* RFC 4515 section 3. */
void template_escape_filter(struct buf *b, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '\0' || strchr("*()\\", c))
			put_hex(b, c);
		else
			buf_putc(b, c);
	}
}

bool template_valid(const char *text)
{
	for (const char *at = strchr(text, '%'); at; at = strchr(at + 2, '%')) {
		if (!at[1] || !strchr("ud%", at[1]))
			return false;
	}
	return true;
}

bool template_names_user(const char *text)
{
	for (const char *at = strchr(text, '%'); at && at[1]; at = strchr(at + 2, '%')) {
		if (at[1] == 'u')
			return true;
	}
	return false;
}

void template_expand(const char *text, struct str user, struct str domain,
		     template_escape_fn *escape, struct buf *b)
{
	for (; *text; text++) {
		if (*text != '%' || !text[1]) {
			buf_putc(b, *text);
			continue;
		}
		text++;
		if (*text == 'u')
			escape(b, user);
		else if (*text == 'd')
			escape(b, domain);
		else
			buf_putc(b, *text);
	}
}
