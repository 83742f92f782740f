/* SPDX-License-Identifier: MIT */
/* What a session was given, found by its key, while the list grows behind and is settled in front.
 */
#include <check.h>
#include <stdlib.h>
#include "sm/sm_internal.h"

static struct msg_stanza_key key_of(uint64_t n)
{
	return (struct msg_stanza_key){.origin = n % 7, .number = n / 3, .part = (uint16_t)(n % 3)};
}

static void push(struct session *s, uint64_t n)
{
	s->given = xrealloc(s->given, (s->ngiven + 1) * sizeof *s->given);
	memset(&s->given[s->ngiven], 0, sizeof *s->given);
	s->given[s->ngiven].key = key_of(n);
	s->given[s->ngiven++].m = (uint32_t)n;
}

static void settle(struct session *s, uint32_t n)
{
	s->ngiven -= n;
	memmove(s->given, s->given + n, s->ngiven * sizeof *s->given);
	given_settled(s, n);
}

static void check(struct session *s, uint64_t first, uint64_t end)
{
	for (uint64_t n = first > 50 ? first - 50 : 0; n < end + 50; n++) {
		struct msg_stanza_key key = key_of(n);
		const struct given *g = session_given(s, &key);

		/* Millions of these: an assertion each would take long. */
		if ((g != NULL) != (n >= first && n < end) || (g && g->m != n))
			ck_abort_msg("%d of %d to %d", (int)n, (int)first, (int)end);
	}
}

/* _i: how much comes before something is settled. */
START_TEST(found_by_key)
{
	struct session s = {.given_base = UINT32_MAX - 500};
	uint64_t first = 0, end = 0;

	while (end < 3000) {
		uint32_t more = 1 + (uint32_t)(end * 31 % (unsigned)_i), gone;

		while (more--)
			push(&s, end++);
		check(&s, first, end);
		gone = (uint32_t)(end * 17 % (s.ngiven + 1));
		settle(&s, gone);
		first += gone;
		check(&s, first, end);
	}
	settle(&s, s.ngiven);
	check(&s, end, end);
	ck_assert_ptr_null(s.given_index);
	free(s.given);
}
END_TEST

Suite *given_suite(void);

Suite *given_suite(void)
{
	Suite *s = suite_create("given");
	TCase *t = tcase_create("given");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, found_by_key, 30, 31);
	tcase_add_loop_test(t, found_by_key, 200, 201);
	tcase_add_loop_test(t, found_by_key, 900, 902);
	suite_add_tcase(s, t);
	return s;
}
