/* SPDX-License-Identifier: MIT */
/* The contextual rules of RFC 5892 appendix A and the Bidi Rule of RFC 5893 section 2. */
#include "xmpp/prep_internal.h"

#include <string.h>
#include <unictype.h>

static bool has_script(uint32_t cp, const char *name)
{
	const uc_script_t *script = uc_script(cp);

	return script && strcmp(script->name, name) == 0;
}

static bool has_range(const uint32_t *s, size_t n, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] >= first && s[i] <= last)
			return true;
	}
	return false;
}

static bool after_virama(const uint32_t *s, size_t at)
{
	return at > 0 && uc_combining_class(s[at - 1]) == UC_CCC_VR;
}

/* Appendix A.1: (Joining_Type:{L,D})(Joining_Type:T)*ZWNJ(Joining_Type:T)*(Joining_Type:{R,D}) */
static bool breaks_joining(const uint32_t *s, size_t n, size_t at)
{
	size_t before = at, after = at + 1;
	int left, right;

	while (before > 0 && uc_joining_type(s[before - 1]) == UC_JOINING_TYPE_T)
		before--;
	while (after < n && uc_joining_type(s[after]) == UC_JOINING_TYPE_T)
		after++;
	if (before == 0 || after == n)
		return false;
	left = uc_joining_type(s[before - 1]);
	right = uc_joining_type(s[after]);
	return (left == UC_JOINING_TYPE_L || left == UC_JOINING_TYPE_D) &&
	       (right == UC_JOINING_TYPE_R || right == UC_JOINING_TYPE_D);
}

static bool zero_width_non_joiner(const uint32_t *s, size_t n, size_t at)
{
	return after_virama(s, at) || breaks_joining(s, n, at);
}

static bool zero_width_joiner(const uint32_t *s, size_t n, size_t at)
{
	return after_virama(s, at);
}

static bool middle_dot(const uint32_t *s, size_t n, size_t at)
{
	return at > 0 && at + 1 < n && s[at - 1] == 'l' && s[at + 1] == 'l';
}

static bool greek_keraia(const uint32_t *s, size_t n, size_t at)
{
	return at + 1 < n && has_script(s[at + 1], "Greek");
}

static bool hebrew_punctuation(const uint32_t *s, size_t n, size_t at)
{
	return at > 0 && has_script(s[at - 1], "Hebrew");
}

static bool katakana_middle_dot(const uint32_t *s, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++) {
		if (has_script(s[i], "Hiragana") || has_script(s[i], "Katakana") ||
		    has_script(s[i], "Han"))
			return true;
	}
	return false;
}

static bool arabic_digit(const uint32_t *s, size_t n, size_t at)
{
	return !has_range(s, n, 0x06f0, 0x06f9);
}

static bool extended_arabic_digit(const uint32_t *s, size_t n, size_t at)
{
	return !has_range(s, n, 0x0660, 0x0669);
}

static const struct {
	uint32_t first, last;
	bool (*ok)(const uint32_t *s, size_t n, size_t at);
	bool whole; /* the rule reads the whole string and says the same at each place */
} rules[] = {
	{0x200c, 0x200c, zero_width_non_joiner, false},
	{0x200d, 0x200d, zero_width_joiner, false},
	{0x00b7, 0x00b7, middle_dot, false},
	{0x0375, 0x0375, greek_keraia, false},
	{0x05f3, 0x05f4, hebrew_punctuation, false},
	{0x30fb, 0x30fb, katakana_middle_dot, true},
	{0x0660, 0x0669, arabic_digit, true},
	{0x06f0, 0x06f9, extended_arabic_digit, true},
};

bool prep_context_ok(const uint32_t *s, size_t n, size_t at, unsigned *known)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (s[at] < rules[i].first || s[at] > rules[i].last)
			continue;
		if (*known & (1u << i))
			return true;
		if (!rules[i].ok(s, n, at))
			return false;
		if (rules[i].whole)
			*known |= 1u << i;
		return true;
	}
	return false;
}

#define BIDI(c)	    (1u << UC_BIDI_##c)
#define NEUTRAL	    (BIDI(EN) | BIDI(ES) | BIDI(CS) | BIDI(ET) | BIDI(ON) | BIDI(BN) | BIDI(NSM))
#define LTR_ALLOWED (BIDI(L) | NEUTRAL)
#define LTR_END	    (BIDI(L) | BIDI(EN))
#define RTL_FIRST   (BIDI(R) | BIDI(AL))
#define RTL_ALLOWED (RTL_FIRST | BIDI(AN) | NEUTRAL)
#define RTL_END	    (RTL_FIRST | BIDI(EN) | BIDI(AN))

static unsigned bidi_bit(uint32_t cp)
{
	return 1u << uc_bidi_class(cp);
}

bool prep_bidi_ok(const uint32_t *s, size_t n)
{
	unsigned seen = 0, first = n ? bidi_bit(s[0]) : 0, last = 0;
	bool rtl = first & RTL_FIRST;

	for (size_t i = 0; i < n; i++) {
		unsigned bit = bidi_bit(s[i]);

		seen |= bit;
		if (bit != BIDI(NSM))
			last = bit;
	}
	if (!(seen & (RTL_FIRST | BIDI(AN))))
		return true;
	if (!rtl) /* conditions 1, 5 and 6 */
		return first == BIDI(L) && !(seen & ~LTR_ALLOWED) && (last & LTR_END);
	if ((seen & BIDI(EN)) && (seen & BIDI(AN))) /* condition 4 */
		return false;
	return !(seen & ~RTL_ALLOWED) && (last & RTL_END); /* conditions 2 and 3 */
}
