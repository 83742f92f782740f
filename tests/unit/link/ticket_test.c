/* SPDX-License-Identifier: MIT */
/* Seals and tickets: there and back, every byte changed, other keys and contexts, expiry. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/random.h"
#include "link/ticket.h"

static struct seal_key *key, *other;

static void setup(void)
{
	key = seal_key_new((const uint8_t *)"0123456789abcdef0123456789abcdef");
	other = seal_key_new((const uint8_t *)"0123456789abcdef0123456789abcdeF");
}

static void teardown(void)
{
	key = seal_key_free(key);
	other = seal_key_free(other);
}

static void check_seal(struct str context, struct str plain)
{
	struct buf sealed = BUF_INIT, again = BUF_INIT, open = BUF_INIT;

	buf_lit(&open, "before");
	seal(key, context, plain, &sealed);
	seal(key, context, plain, &again);
	ck_assert(!str_eq(buf_str(&sealed), buf_str(&again)));
	ck_assert_int_eq(unseal(key, context, buf_str(&sealed), &open), 0);
	ck_assert_uint_eq(open.len, 6 + plain.len);
	ck_assert(str_eq(str_n(buf_ptr(&open) + 6, plain.len), plain));
	ck_assert_int_eq(unseal(other, context, buf_str(&sealed), &open), -EBADMSG);
	ck_assert_int_eq(unseal(key, STR("another"), buf_str(&sealed), &open), -EBADMSG);
	for (size_t n = 0; n < sealed.len; n++) {
		ck_assert_int_eq(unseal(key, context, str_n(buf_ptr(&sealed), n), &open), -EBADMSG);
		buf_ptr(&sealed)[n] ^= 0x20;
		ck_assert_int_eq(unseal(key, context, buf_str(&sealed), &open), -EBADMSG);
		buf_ptr(&sealed)[n] ^= 0x20;
	}
	ck_assert_uint_eq(open.len, 6 + plain.len);
	buf_free(&sealed);
	buf_free(&again);
	buf_free(&open);
}

START_TEST(seals)
{
	check_seal(STR("record"), STR("some text that is kept"));
	check_seal(STR("record"), STR_NONE);
	check_seal(STR_NONE, STR("x"));
}
END_TEST

START_TEST(tickets)
{
	struct ticket t = {
		.account = STR("juliet@capulet.example"),
		.c2s = 0x1122334455667788,
		.expires_us = 5000000 + 60000000,
	};
	struct ticket back = {.c2s = 1};
	struct buf sealed = BUF_INIT, scratch = BUF_INIT;

	clock_fake(1, 5000000);
	random_bytes(t.nonce, sizeof t.nonce);
	ticket_write(key, &t, &sealed);
	ck_assert_int_eq(ticket_read(other, buf_str(&sealed), &scratch, &back), -EBADMSG);
	ck_assert_uint_eq(back.c2s, 1);
	ck_assert_int_eq(ticket_read(key, buf_str(&sealed), &scratch, &back), 0);
	ck_assert(str_eq(back.account, t.account));
	ck_assert_uint_eq(back.c2s, t.c2s);
	ck_assert_int_eq(back.expires_us, t.expires_us);
	ck_assert_mem_eq(back.nonce, t.nonce, sizeof t.nonce);
	clock_advance(60000000);
	ck_assert_int_eq(ticket_read(key, buf_str(&sealed), &scratch, &back), -ETIME);
	buf_free(&sealed);
	buf_free(&scratch);
}
END_TEST

/* A seal made for something else under the same key is no ticket. */
START_TEST(ticket_of_another_context)
{
	struct buf sealed = BUF_INIT, scratch = BUF_INIT;
	struct ticket t;

	seal(key, STR("record"), STR("01234567012345670123456789abcdefjuliet"), &sealed);
	ck_assert_int_eq(ticket_read(key, buf_str(&sealed), &scratch, &t), -EBADMSG);
	buf_clear(&sealed);
	seal(key, STR("ticket"), STR("0123456701234567"), &sealed);
	ck_assert_int_eq(ticket_read(key, buf_str(&sealed), &scratch, &t), -EBADMSG);
	buf_free(&sealed);
	buf_free(&scratch);
}
END_TEST

/* Another process has the same key, and its seals are opened by turns with ours. */
START_TEST(seals_of_several)
{
	struct seal_key *same = seal_key_new((const uint8_t *)"0123456789abcdef0123456789abcdef");
	struct buf a = BUF_INIT, b = BUF_INIT, open = BUF_INIT;

	seal(key, STR("x"), STR("one"), &a);
	seal(same, STR("x"), STR("two"), &b);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(unseal(key, STR("x"), buf_str(&b), &open), 0);
		ck_assert_int_eq(unseal(key, STR("x"), buf_str(&a), &open), 0);
		ck_assert_int_eq(unseal(key, STR("y"), buf_str(&a), &open), -EBADMSG);
		ck_assert_int_eq(unseal(same, STR("x"), buf_str(&a), &open), 0);
	}
	ck_assert(str_eqz(buf_str(&open), "twooneonetwooneonetwooneone"));
	buf_free(&a);
	buf_free(&b);
	buf_free(&open);
	seal_key_free(same);
}
END_TEST

/* What an earlier version has sealed under this key: version, salt, nonce, text and tag. */
START_TEST(the_format_stays)
{
	static const char hex[] =
		"01492a50fdae90f634205d2aabb058f1a23bc92a776617e5db4dc831d857e765"
		"1065be29f8bc9cf894ef12c63a773587557977c1e038343313f7367bd494dfc6"
		"7a5e8a";
	struct buf sealed = BUF_INIT, open = BUF_INIT;

	for (const char *p = hex; *p; p += 2) {
		const char two[] = {p[0], p[1], 0};

		buf_putc(&sealed, (char)strtoul(two, NULL, 16));
	}
	ck_assert_int_eq(unseal(key, STR("record"), buf_str(&sealed), &open), 0);
	ck_assert(str_eqz(buf_str(&open), "some text that is kept"));
	buf_free(&sealed);
	buf_free(&open);
}
END_TEST

Suite *ticket_suite(void);

Suite *ticket_suite(void)
{
	Suite *s = suite_create("ticket");
	TCase *t = tcase_create("ticket");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, seals);
	tcase_add_test(t, seals_of_several);
	tcase_add_test(t, the_format_stays);
	tcase_add_test(t, tickets);
	tcase_add_test(t, ticket_of_another_context);
	suite_add_tcase(s, t);
	return s;
}
