/* SPDX-License-Identifier: MIT */
/* RFC 6121 Appendix A, a row a state, a table a stanza: written from the RFC, not from the code. */
#include <check.h>
#include "sm/subscription.h"

enum { N = 0, PO = SUB_ASK, PI = SUB_PENDING_IN, T = SUB_TO, F = SUB_FROM, B = SUB_TO | SUB_FROM };

struct cell {
	unsigned before;
	bool pass;
	unsigned after;
};
struct row_set {
	const char *section;
	bool outbound;
	enum stanza_type type;
	struct cell cells[9];
};

static const struct row_set sets[] = {
	{"A.2.1", true, PRESENCE_SUBSCRIBE,
	 {{N, true, PO}, {PO, true, PO}, {PI, true, PO | PI}, {PO | PI, true, PO | PI}, {T, true, T},
	  {T | PI, true, T | PI}, {F, true, F | PO}, {F | PO, true, F | PO}, {B, true, B}}},
	{"A.2.2", true, PRESENCE_UNSUBSCRIBE,
	 {{N, true, N}, {PO, true, N}, {PI, true, PI}, {PO | PI, true, PI}, {T, true, N},
	  {T | PI, true, PI}, {F, true, F}, {F | PO, true, F}, {B, true, F}}},
	{"A.2.3", true, PRESENCE_SUBSCRIBED,
	 {{N, false, N | SUB_APPROVED}, {PO, false, PO | SUB_APPROVED}, {PI, true, F},
	  {PO | PI, true, F | PO}, {T, false, T | SUB_APPROVED}, {T | PI, true, B}, {F, false, F},
	  {F | PO, false, F | PO}, {B, false, B}}},
	{"A.2.4", true, PRESENCE_UNSUBSCRIBED,
	 {{N, false, N}, {PO, false, PO}, {PI, true, N}, {PO | PI, true, PO}, {T, false, T},
	  {T | PI, true, T}, {F, true, N}, {F | PO, true, PO}, {B, true, T}}},
	{"A.3.1", false, PRESENCE_SUBSCRIBE,
	 {{N, true, PI}, {PO, true, PO | PI}, {PI, false, PI}, {PO | PI, false, PO | PI},
	  {T, true, T | PI}, {T | PI, false, T | PI}, {F, false, F}, {F | PO, false, F | PO},
	  {B, false, B}}},
	{"A.3.2", false, PRESENCE_UNSUBSCRIBE,
	 {{N, false, N}, {PO, false, PO}, {PI, true, N}, {PO | PI, true, PO}, {T, false, T},
	  {T | PI, true, T}, {F, true, N}, {F | PO, true, PO}, {B, true, T}}},
	{"A.3.3", false, PRESENCE_SUBSCRIBED,
	 {{N, false, N}, {PO, true, T}, {PI, false, PI}, {PO | PI, true, T | PI}, {T, false, T},
	  {T | PI, false, T | PI}, {F, false, F}, {F | PO, true, B}, {B, false, B}}},
	{"A.3.4", false, PRESENCE_UNSUBSCRIBED,
	 {{N, false, N}, {PO, true, N}, {PI, false, PI}, {PO | PI, true, PI}, {T, true, N},
	  {T | PI, true, PI}, {F, false, F}, {F | PO, true, F}, {B, true, F}}},
};

START_TEST(appendix_a)
{
	const struct row_set *s = &sets[_i];

	for (int i = 0; i < 9; i++) {
		const struct cell *c = &s->cells[i];
		struct sub_change ch = s->outbound ? sub_outbound(c->before, s->type)
						   : sub_inbound(c->before, s->type);

		ck_assert_msg(ch.pass == c->pass, "%s state %u: pass %d", s->section, c->before,
			      ch.pass);
		ck_assert_msg(ch.state == c->after, "%s state %u: becomes %u, not %u", s->section,
			      c->before, ch.state, c->after);
		ck_assert_msg(ch.push == (sub_visible(c->before) != sub_visible(c->after)),
			      "%s state %u: push %d", s->section, c->before, ch.push);
		ck_assert_msg(ch.reply_unsubscribed ==
				      (c->pass && !s->outbound && s->type == PRESENCE_UNSUBSCRIBE),
			      "%s state %u: reply %d", s->section, c->before, ch.reply_unsubscribed);
	}
}
END_TEST

START_TEST(already_subscribed_is_answered)
{
	ck_assert(sub_inbound(F, PRESENCE_SUBSCRIBE).reply_subscribed);
	ck_assert(sub_inbound(B, PRESENCE_SUBSCRIBE).reply_subscribed);
	ck_assert(!sub_inbound(N, PRESENCE_SUBSCRIBE).reply_subscribed);
	ck_assert(!sub_inbound(PI, PRESENCE_SUBSCRIBE).reply_subscribed);
}
END_TEST

START_TEST(pre_approval)
{
	struct sub_change ch = sub_inbound(SUB_APPROVED, PRESENCE_SUBSCRIBE);

	ck_assert(ch.reply_subscribed && !ch.pass && ch.push);
	ck_assert_uint_eq(ch.state, SUB_FROM);
	ch = sub_outbound(SUB_APPROVED, PRESENCE_UNSUBSCRIBED);
	ck_assert(!ch.pass);
	ck_assert_uint_eq(ch.state, 0);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(sub_name(N), "none");
	ck_assert_str_eq(sub_name(PO | PI), "none");
	ck_assert_str_eq(sub_name(T | PI), "to");
	ck_assert_str_eq(sub_name(F | PO), "from");
	ck_assert_str_eq(sub_name(B), "both");
}
END_TEST

Suite *subscription_suite(void)
{
	Suite *s = suite_create("subscription");
	TCase *c = tcase_create("appendix A");

	tcase_add_loop_test(c, appendix_a, 0, (int)(sizeof sets / sizeof *sets));
	tcase_add_test(c, already_subscribed_is_answered);
	tcase_add_test(c, pre_approval);
	tcase_add_test(c, names);
	suite_add_tcase(s, c);
	return s;
}
