/* SPDX-License-Identifier: MIT */
/* The derived property of a code point (RFC 8264 section 8), from libunistring's tables. */
#include "xmpp/prep.h"

#include <unictype.h>
#include <uninorm.h>

struct range {
	uint32_t first, last;
	enum prep_property property;
};

/* RFC 8264 section 9.6, which takes RFC 5892 section 2.6; BackwardCompatible (9.7) is empty. */
static const struct range exceptions[] = {
	{0x00b7, 0x00b7, PREP_CONTEXTO},   {0x00df, 0x00df, PREP_PVALID},
	{0x0375, 0x0375, PREP_CONTEXTO},   {0x03c2, 0x03c2, PREP_PVALID},
	{0x05f3, 0x05f4, PREP_CONTEXTO},   {0x0640, 0x0640, PREP_DISALLOWED},
	{0x0660, 0x0669, PREP_CONTEXTO},   {0x06f0, 0x06f9, PREP_CONTEXTO},
	{0x06fd, 0x06fe, PREP_PVALID},	   {0x07fa, 0x07fa, PREP_DISALLOWED},
	{0x0f0b, 0x0f0b, PREP_PVALID},	   {0x3007, 0x3007, PREP_PVALID},
	{0x302e, 0x302f, PREP_DISALLOWED}, {0x3031, 0x3035, PREP_DISALLOWED},
	{0x303b, 0x303b, PREP_DISALLOWED}, {0x30fb, 0x30fb, PREP_CONTEXTO},
};

/* Hangul_Syllable_Type L, V or T (section 9.9); a closed set since Unicode 5.2. */
static const struct range old_hangul_jamo[] = {
	{0x1100, 0x11ff, PREP_DISALLOWED},
	{0xa960, 0xa97c, PREP_DISALLOWED},
	{0xd7b0, 0xd7c6, PREP_DISALLOWED},
	{0xd7cb, 0xd7fb, PREP_DISALLOWED},
};

#define MASK(c)		  UC_CATEGORY_MASK_##c
#define LETTER_DIGITS	  (MASK(Ll) | MASK(Lu) | MASK(Lo) | MASK(Nd) | MASK(Lm) | MASK(Mn) | MASK(Mc))
#define OTHER_LETTERS	  (MASK(Lt) | MASK(Nl) | MASK(No) | MASK(Me))
#define SPACES		  MASK(Zs)
#define SYMBOLS		  (MASK(Sm) | MASK(Sc) | MASK(Sk) | MASK(So))
#define PUNCTUATION	  (MASK(Pc) | MASK(Pd) | MASK(Ps) | MASK(Pe) | MASK(Pi) | MASK(Pf) | MASK(Po))
#define FREE_FORM_CLASSES (OTHER_LETTERS | SPACES | SYMBOLS | PUNCTUATION)

static const struct range *find(const struct range *table, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n && table[i].first <= cp; i++) {
		if (cp <= table[i].last)
			return &table[i];
	}
	return NULL;
}

static bool is_noncharacter(uint32_t cp)
{
	return (cp & 0xfffe) == 0xfffe || (cp >= 0xfdd0 && cp <= 0xfdef);
}

/* Section 9.17: toNFKC(cp) != cp. Without a decomposition that cannot be; asking saves the
 * costly normalisation of nearly every letter. */
static bool has_compat(uint32_t cp)
{
	uint32_t form[UC_DECOMPOSITION_MAX_LENGTH];
	size_t n = sizeof(form) / sizeof(form[0]);

	if (uc_canonical_decomposition(cp, form) < 0) {
		int tag;

		return uc_decomposition(cp, &tag, form) >= 0;
	}
	if (!u32_normalize(UNINORM_NFKC, &cp, 1, form, &n))
		return true;
	return n != 1 || form[0] != cp;
}

/* The order is that of section 8. */
enum prep_property prep_property(uint32_t cp)
{
	const struct range *r;
	uint32_t category;

	if (cp >= 0x21 && cp <= 0x7e)
		return PREP_PVALID;
	if (cp > 0x10ffff)
		return PREP_DISALLOWED;
	r = find(exceptions, sizeof(exceptions) / sizeof(exceptions[0]), cp);
	if (r)
		return r->property;
	category = uc_general_category(cp).bitmask;
	if ((category & MASK(Cn)) && !is_noncharacter(cp))
		return PREP_UNASSIGNED;
	if (uc_is_property_join_control(cp))
		return PREP_CONTEXTJ;
	r = find(old_hangul_jamo, sizeof(old_hangul_jamo) / sizeof(old_hangul_jamo[0]), cp);
	if (r)
		return r->property;
	if (uc_is_property_default_ignorable_code_point(cp) || is_noncharacter(cp))
		return PREP_DISALLOWED;
	if (category & (MASK(Cc) | MASK(Cs)))
		return PREP_DISALLOWED;
	if (has_compat(cp))
		return PREP_FREE_PVAL;
	if (category & LETTER_DIGITS)
		return PREP_PVALID;
	if (category & FREE_FORM_CLASSES)
		return PREP_FREE_PVAL;
	return PREP_DISALLOWED;
}
