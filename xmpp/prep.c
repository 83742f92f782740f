/* SPDX-License-Identifier: MIT */
/*
 * Enforcement of the profiles of RFC 8265 and RFC 8266.
 *
 * The rules run in the order of RFC 8264 section 7: the mappings first, the string class last, so
 * that what is checked is what will be compared and stored.
 */
#include "xmpp/prep.h"

#include <errno.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include "base/alloc.h"
#include "base/log.h"
#include "xmpp/prep_internal.h"

struct text {
	uint32_t *s;
	size_t n;
};

struct profile {
	bool free_form; /* the string class is FreeformClass, else IdentifierClass */
	bool map_width, map_spaces, trim_spaces, lower_case, compat, bidi;
};

static const struct profile profiles[] = {
	[PREP_USERNAME_CASE_MAPPED] = {.map_width = true, .lower_case = true, .bidi = true},
	[PREP_USERNAME_CASE_PRESERVED] = {.map_width = true, .bidi = true},
	[PREP_OPAQUE_STRING] = {.free_form = true, .map_spaces = true},
	[PREP_NICKNAME] = {.free_form = true,
			   .map_spaces = true,
			   .trim_spaces = true,
			   .compat = true},
};

/* The only way these functions of libunistring fail on valid input. */
static void must(const void *p)
{
	if (!p)
		bug("libunistring: out of memory");
}

static void replace(struct text *t, uint32_t *take_s, size_t n)
{
	must(take_s);
	free(t->s);
	t->s = take_s;
	t->n = n;
}

static void map_width(struct text *t)
{
	uint32_t form[UC_DECOMPOSITION_MAX_LENGTH];
	int tag;

	for (size_t i = 0; i < t->n; i++) {
		/* U+3000 and the forms of U+FF01 to U+FFEE are all there are. */
		if (t->s[i] < 0x3000)
			continue;
		if (uc_decomposition(t->s[i], &tag, form) == 1 &&
		    (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
			t->s[i] = form[0];
	}
}

static void map_spaces(struct text *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->s[i] >= 0x80 && uc_is_general_category(t->s[i], UC_SPACE_SEPARATOR))
			t->s[i] = ' ';
	}
}

/* RFC 8266 section 2.1: none at the ends, one at a time between. */
static void trim_spaces(struct text *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->s[i] == ' ' && (n == 0 || t->s[n - 1] == ' '))
			continue;
		t->s[n++] = t->s[i];
	}
	if (n > 0 && t->s[n - 1] == ' ')
		n--;
	t->n = n;
}

static void lower_case(struct text *t)
{
	size_t n = 0;
	uint32_t *s = u32_tolower(t->s, t->n, NULL, NULL, NULL, &n);

	replace(t, s, n);
}

static void normalize(struct text *t, bool compat)
{
	size_t n = 0;
	uint32_t *s = u32_normalize(compat ? UNINORM_NFKC : UNINORM_NFC, t->s, t->n, NULL, &n);

	replace(t, s, n);
}

/* Mappings and directionality once over. */
static bool apply(const struct profile *profile, struct text *t)
{
	if (profile->map_width)
		map_width(t);
	if (profile->map_spaces)
		map_spaces(t);
	if (profile->trim_spaces)
		trim_spaces(t);
	if (profile->lower_case && t->n)
		lower_case(t);
	if (t->n)
		normalize(t, profile->compat);
	return !profile->bidi || prep_bidi_ok(t->s, t->n);
}

static bool same(const struct text *a, const uint32_t *s, size_t n)
{
	return a->n == n && (n == 0 || memcmp(a->s, s, n * sizeof(*s)) == 0);
}

/* RFC 8264 section 7: until the result is stable; a string that changes still after three more
 * rounds is refused. */
static bool apply_until_stable(const struct profile *profile, struct text *t)
{
	bool ok = apply(profile, t), stable = false;

	for (int round = 0; ok && !stable && round < 3; round++) {
		size_t n = t->n;
		uint32_t *before = xmemdup(t->s, n * sizeof(*t->s));

		ok = apply(profile, t);
		stable = same(t, before, n);
		free(before);
	}
	return ok && stable;
}

static bool in_class(const struct text *t, bool free_form)
{
	unsigned known = 0;

	for (size_t i = 0; i < t->n; i++) {
		enum prep_property property = prep_property(t->s[i]);

		if (property == PREP_PVALID || (property == PREP_FREE_PVAL && free_form))
			continue;
		if (property != PREP_CONTEXTJ && property != PREP_CONTEXTO)
			return false;
		if (!prep_context_ok(t->s, t->n, i, &known))
			return false;
	}
	return true;
}

static void append(struct buf *b, const struct text *t)
{
	size_t n = 0;
	uint8_t *s = u32_to_u8(t->s, t->n, NULL, &n);

	must(s);
	buf_append(b, s, n);
	free(s);
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

/* For ASCII all rules come down to the controls, the blank and the case. */
static int enforce_ascii(const struct profile *profile, struct str text, struct buf *b)
{
	size_t before = b->len;
	char *out;

	while (profile->trim_spaces && text.len && text.ptr[text.len - 1] == ' ')
		text.len--;
	out = buf_reserve(b, text.len);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < (profile->free_form ? 0x20 : 0x21) || c == 0x7f) {
			b->len = before;
			return -EINVAL;
		}
		if (profile->trim_spaces && c == ' ' && (b->len == before || out[-1] == ' '))
			continue;
		if (profile->lower_case && c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		*out++ = (char)c;
		b->len++;
	}
	return b->len > before ? 0 : -EINVAL;
}

int prep_enforce(enum prep_profile which, struct str text, struct buf *b)
{
	const struct profile *profile = &profiles[which];
	struct text t = {0};
	int r = -EINVAL;

	if (is_ascii(text))
		return enforce_ascii(profile, text, b);
	if (!str_utf8_valid(text))
		return -EINVAL;
	t.s = u8_to_u32((const uint8_t *)text.ptr, text.len, NULL, &t.n);
	must(t.s);
	if (apply_until_stable(profile, &t) && t.n > 0 && in_class(&t, profile->free_form)) {
		append(b, &t);
		r = 0;
	}
	free(t.s);
	return r;
}
