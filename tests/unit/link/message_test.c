/* SPDX-License-Identifier: MIT */
/* The generated codec: every message there and back, cut at every byte, longer and shorter. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include "base/random.h"
#include "link/messages.h"

extern void (*const random_message[MSG_KINDS])(struct pool *p, void *ret_m);

static bool exists(uint16_t kind)
{
	return msg_size(kind) > 0;
}

/* Strings of a decoded message lie in body. */
static int decode(uint16_t kind, struct pool *p, struct str body, void **ret)
{
	/* A copy of exactly that size, so that sanitizers see a read past it. */
	char *copy = memcpy(malloc(body.len + !body.len), body.len ? body.ptr : "", body.len);

	pool_cleanup(p, free, copy);
	*ret = pool_calloc(p, msg_size(kind));
	return msg_decode(kind, p, str_n(copy, body.len), *ret);
}

START_TEST(round_trip)
{
	for (uint16_t kind = 0; kind < MSG_KINDS; kind++) {
		for (int i = 0; exists(kind) && i < 50; i++) {
			struct pool *p = pool_new();
			struct buf a = BUF_INIT, b = BUF_INIT;
			void *m = pool_calloc(p, msg_size(kind)), *again;

			random_message[kind](p, m);
			msg_encode(kind, m, &a);
			ck_assert_uint_eq(a.len, msg_length(kind, m));
			ck_assert_int_eq(decode(kind, p, buf_str(&a), &again), 0);
			msg_encode(kind, again, &b);
			ck_assert_msg(str_eq(buf_str(&a), buf_str(&b)), "%s", msg_name(kind));
			buf_free(&a);
			buf_free(&b);
			pool_free(p);
		}
	}
}
END_TEST

/* A cut body is an older version's or malformed; the first fields are as they were or zero. */
START_TEST(cut_at_every_byte)
{
	for (uint16_t kind = 0; kind < MSG_KINDS; kind++) {
		struct pool *p;
		struct buf a = BUF_INIT;
		void *m, *again;
		int good = 0, bad = 0;

		if (!exists(kind))
			continue;
		p = pool_new();
		m = pool_calloc(p, msg_size(kind));
		random_message[kind](p, m);
		msg_encode(kind, m, &a);
		for (size_t n = 0; n < a.len; n++) {
			int r = decode(kind, p, str_n(buf_ptr(&a), n), &again);

			ck_assert(r == 0 || r == -EPROTO);
			r ? bad++ : good++;
		}
		ck_assert(a.len == 0 || good > 0);
		ck_assert(a.len < 5 || bad > 0);
		buf_free(&a);
		pool_free(p);
	}
}
END_TEST

START_TEST(newer_minor_is_longer)
{
	struct pool *p = pool_new();
	struct msg_done d = {.sessions = (struct msg_sid_number[]){{1, 2}, {3, 4}}, .nsessions = 2};
	struct msg_done *again;
	void *m;
	struct buf a = BUF_INIT;

	msg_encode(MSG_DONE, &d, &a);
	buf_lit(&a, "more");
	ck_assert_int_eq(decode(MSG_DONE, p, buf_str(&a), &m), 0);
	again = m;
	ck_assert_uint_eq(again->nsessions, 2);
	ck_assert_uint_eq(again->sessions[1].sid, 3);
	ck_assert_uint_eq(again->sessions[1].n, 4);
	buf_free(&a);
	pool_free(p);
}
END_TEST

/* count 1, struct of 8 bytes only (sid), then the list ends: n reads as zero. */
START_TEST(older_minor_in_a_struct)
{
	static const char body[] = "\1\0\0\0\10\0\0\0\7\0\0\0\0\0\0";
	static const char longer[] = "\1\0\0\0\16\0\0\0\7\0\0\0\0\0\0\0\2\0\0\0xx";
	struct pool *p = pool_new();
	struct msg_done *d;
	void *m;

	ck_assert_int_eq(decode(MSG_DONE, p, str_n(body, sizeof(body)), &m), 0);
	d = m;
	ck_assert_uint_eq(d->sessions[0].sid, 7);
	ck_assert_uint_eq(d->sessions[0].n, 0);
	ck_assert_int_eq(decode(MSG_DONE, p, str_n(longer, sizeof(longer) - 1), &m), 0);
	d = m;
	ck_assert_uint_eq(d->sessions[0].n, 2);
	pool_free(p);
}
END_TEST

START_TEST(counts_are_bounded)
{
	struct pool *p = pool_new();
	void *m;

	ck_assert_int_eq(decode(MSG_DONE, p, STR("\377\377\377\377"), &m), -EPROTO);
	ck_assert_int_eq(decode(MSG_ACCOUNT_RESULT, p, STR("\3\0\0\0\1\0\2\0"), &m), -EPROTO);
	ck_assert_int_eq(decode(MSG_AUTH_OFFER, p, STR("\1\0\0\0\5\0\0\0abcd"), &m), -EPROTO);
	ck_assert_int_eq(decode(MSG_KINDS, p, STR(""), &m), -ENOTSUP);
	pool_free(p);
}
END_TEST

START_TEST(who_may)
{
	ck_assert(msg_may(MSG_STANZA, "c2s", "sm"));
	ck_assert(!msg_may(MSG_STANZA, "sm", "c2s"));
	ck_assert(!msg_may(MSG_STANZA, "bridge", "sm"));
	ck_assert(msg_may(MSG_READ, "bridge", "storage"));
	ck_assert(!msg_may(MSG_READ, "bridge", "auth"));
	ck_assert(msg_may(MSG_CONTROL, "ctl", "sm"));
	ck_assert(!msg_may(MSG_CONTROL, "sm", "auth"));
	ck_assert(msg_secret(MSG_AUTH_NEXT) && !msg_secret(MSG_STANZA));
	ck_assert(msg_secret(MSG_ACCOUNT_ADD)); /* inside a struct */
	ck_assert_uint_eq(msg_reply_kind(MSG_WRITE), MSG_WRITTEN);
	ck_assert(msg_is_tracked(MSG_TELL) && msg_is_control(MSG_TOLD));
	ck_assert(msg_is_control(MSG_HELD) && msg_is_control(MSG_WRITING));
	ck_assert(!msg_is_control(MSG_SESSION_OPENED) && !msg_is_control(MSG_GIVE));
}
END_TEST

START_TEST(printing)
{
	struct buf b = BUF_INIT;
	struct msg_auth_start a = {
		.domain = STR("example.org"),
		.mechanism = STR("PLAIN"),
		.initial = STR("\0juliet\0secret"),
		.mechanisms = (struct str[]){STR("PLAIN"), STR("SCRAM \"X\"")},
		.nmechanisms = 2,
	};

	msg_print(MSG_AUTH_START, &a, &b);
	buf_putc(&b, '\0');
	ck_assert_ptr_nonnull(strstr(buf_ptr(&b), "AUTH_START domain=example.org mechanism=PLAIN "));
	ck_assert_ptr_nonnull(strstr(buf_ptr(&b), " initial=*** "));
	ck_assert_ptr_nonnull(strstr(buf_ptr(&b), " mechanisms=[PLAIN \"SCRAM \\\"X\\\"\"] "));
	ck_assert_ptr_null(strstr(buf_ptr(&b), "secret"));
	buf_free(&b);
}
END_TEST

/* Also what says it in XML. */
START_TEST(passwords_are_not_printed)
{
	static const struct {
		const char *xml;
		bool secret;
	} rows[] = {
		{"<query xmlns='jabber:iq:register'><username>j</username><password>s3cr</password></query>",
		 true},
		{"<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field "
		 "var='password'><value>s3cr</value></field></x></query>",
		 true},
		{"<command xmlns='http://jabber.org/protocol/commands' "
		 "node='http://jabber.org/protocol/admin#change-user-password'><x "
		 "xmlns='jabber:x:data'><field var='password'><value>s3cr</value></field></x></command>",
		 true},
		{"<query xmlns='jabber:iq:register'><remove/></query><!-- s3cr -->", false},
		{"<body>the password is s3cr</body>", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct msg_stanza m = {.sid = 1, .envelope = str_z(rows[i].xml)};
		struct buf b = BUF_INIT;

		msg_print(MSG_STANZA, &m, &b);
		buf_putc(&b, '\0');
		ck_assert_int_eq(strstr(buf_ptr(&b), "s3cr") == NULL, rows[i].secret);
		ck_assert_int_eq(strstr(buf_ptr(&b), "envelope=***") != NULL, rows[i].secret);
		buf_free(&b);
	}
}
END_TEST

START_TEST(mentioning)
{
	struct msg_session_kick k = {.jid = STR("juliet@example.org/balcony")};
	struct msg_tell t = {.envelope = STR("\1\0\22juliet@example.org\61\0romeo")};
	struct msg_account_result none = {0};

	ck_assert(msg_mentions(MSG_SESSION_KICK, &k, STR("juliet@example.org")));
	ck_assert(msg_mentions(MSG_SESSION_KICK, &k, STR("juliet@example.org/balcony")));
	ck_assert(!msg_mentions(MSG_SESSION_KICK, &k, STR("juliet@example.org/balc")));
	ck_assert(!msg_mentions(MSG_SESSION_KICK, &k, STR("liet@example.org")));
	ck_assert(!msg_mentions(MSG_SESSION_KICK, &k, STR("juliet@example.or")));
	ck_assert(msg_mentions(MSG_TELL, &t, STR("juliet@example.org")));
	ck_assert(!msg_mentions(MSG_ACCOUNT_RESULT, &none, STR("juliet@example.org")));
}
END_TEST

Suite *message_suite(void);
Suite *message_suite(void)
{
	Suite *s = suite_create("message");
	TCase *t = tcase_create("codec");

	tcase_add_test(t, round_trip);
	tcase_add_test(t, cut_at_every_byte);
	tcase_add_test(t, newer_minor_is_longer);
	tcase_add_test(t, older_minor_in_a_struct);
	tcase_add_test(t, counts_are_bounded);
	tcase_add_test(t, who_may);
	tcase_add_test(t, printing);
	tcase_add_test(t, passwords_are_not_printed);
	tcase_add_test(t, mentioning);
	suite_add_tcase(s, t);
	return s;
}
