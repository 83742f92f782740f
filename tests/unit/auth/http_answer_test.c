/* SPDX-License-Identifier: MIT */
/* What is said to a web service, and every kind of answer that it may give. */
#include <check.h>
#include <jansson.h>
#include "auth/http_answer.h"
#include "base/random.h"

static struct backend_query check_of(void)
{
	return (struct backend_query){.local = STR("joe"),
				      .domain = STR("example.org"),
				      .password = STR("a\"b\\c"),
				      .hash = SCRAM_HASHES};
}

START_TEST(question)
{
	struct backend_query q = check_of();
	struct buf b = BUF_INIT;
	json_t *o;

	http_question(&q, &b);
	o = json_loadb(buf_ptr(&b), b.len, 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(o, "user")), "joe");
	ck_assert_str_eq(json_string_value(json_object_get(o, "domain")), "example.org");
	ck_assert_str_eq(json_string_value(json_object_get(o, "password")), "a\"b\\c");
	ck_assert_str_eq(json_string_value(json_object_get(o, "request")), "check");
	json_decref(o);
	buf_clear(&b);
	q.hash = SCRAM_SHA1;
	http_question(&q, &b);
	o = json_loadb(buf_ptr(&b), b.len, 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(o, "request")), "keys");
	ck_assert_str_eq(json_string_value(json_object_get(o, "mechanism")), "SCRAM-SHA-1");
	ck_assert_ptr_null(json_object_get(o, "password"));
	json_decref(o);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *body;
	enum backend_status status;
	bool good;
} answers[] = {
	{"{\"result\":\"ok\"}", BACKEND_KNOWN, true},
	{"{\"result\":\"ok\",\"more\":[1]}", BACKEND_KNOWN, true},
	{"{\"result\":\"wrong\"}", BACKEND_KNOWN, false},
	{"{\"result\":\"unknown\"}", BACKEND_UNKNOWN, false},
	{"{\"result\":\"disabled\"}", BACKEND_DISABLED, true},
	{"{\"result\":\"yes\"}", BACKEND_UNAVAILABLE, false},
	{"{\"result\":true}", BACKEND_UNAVAILABLE, false},
	{"{}", BACKEND_UNAVAILABLE, false},
	{"[\"ok\"]", BACKEND_UNAVAILABLE, false},
	{"true", BACKEND_UNAVAILABLE, false},
	{"", BACKEND_UNAVAILABLE, false},
	{"{\"result\":\"wrong\",\"result\":\"ok\"}", BACKEND_UNAVAILABLE, false},
	{"{\"result\":\"ok\"} x", BACKEND_UNAVAILABLE, false},
};

START_TEST(checked)
{
	struct backend_query q = check_of();
	struct buf reason = BUF_INIT;
	struct scram_keys keys;
	struct backend_answer a = http_answer(&q, str_z(answers[_i].body), &keys, &reason);

	ck_assert_int_eq(a.status, answers[_i].status);
	ck_assert_int_eq(a.good, answers[_i].good);
	ck_assert_ptr_null(a.keys);
	ck_assert_int_eq(reason.len > 0, a.status == BACKEND_UNAVAILABLE);
	buf_free(&reason);
}
END_TEST

/* An answer with keys of 32 bytes each, the text of its salt given. */
static struct str keys_body(const char *result, const char *mechanism, const char *iterations,
			    const char *salt, size_t stored)
{
	static char body[512];
	struct buf b = BUF_INIT;
	uint8_t key[64] = {7};

	buf_printf(&b,
		   "{\"result\":\"%s\",\"keys\":[{\"mechanism\":\"X\"},{\"mechanism\":\"%s\","
		   "\"iterations\":%s,\"salt\":\"%s\",\"stored_key\":\"",
		   result, mechanism, iterations, salt);
	base64_encode(&b, key, stored);
	buf_lit(&b, "\",\"server_key\":\"");
	base64_encode(&b, key, 32);
	buf_lit(&b, "\"}]}");
	memcpy(body, buf_ptr(&b), b.len);
	body[b.len] = '\0';
	buf_free(&b);
	return str_z(body);
}

static const struct {
	const char *result, *mechanism, *iterations, *salt;
	size_t stored;
	enum backend_status status;
} key_answers[] = {
	{"ok", "SCRAM-SHA-256", "4096", "c2FsdA==", 32, BACKEND_KNOWN},
	{"disabled", "SCRAM-SHA-256", "4096", "c2FsdA==", 32, BACKEND_DISABLED},
	{"ok", "SCRAM-SHA-1", "4096", "c2FsdA==", 32, BACKEND_UNKNOWN},
	{"unknown", "SCRAM-SHA-256", "4096", "c2FsdA==", 32, BACKEND_UNKNOWN},
	{"ok", "SCRAM-SHA-256", "4096", "c2FsdA==", 31, BACKEND_UNAVAILABLE},
	{"ok", "SCRAM-SHA-256", "4096", "", 32, BACKEND_UNAVAILABLE},
	{"ok", "SCRAM-SHA-256", "4096", "!", 32, BACKEND_UNAVAILABLE},
	{"ok", "SCRAM-SHA-256", "0", "c2FsdA==", 32, BACKEND_UNAVAILABLE},
	{"ok", "SCRAM-SHA-256", "99999999999", "c2FsdA==", 32, BACKEND_UNAVAILABLE},
	{"wrong", "SCRAM-SHA-256", "4096", "c2FsdA==", 32, BACKEND_UNAVAILABLE},
};

START_TEST(with_keys)
{
	struct backend_query q = check_of();
	struct buf reason = BUF_INIT;
	struct scram_keys keys;
	struct backend_answer a;

	q.hash = SCRAM_SHA256;
	a = http_answer(&q,
			keys_body(key_answers[_i].result, key_answers[_i].mechanism,
				  key_answers[_i].iterations, key_answers[_i].salt,
				  key_answers[_i].stored),
			&keys, &reason);
	ck_assert_int_eq(a.status, key_answers[_i].status);
	ck_assert(!a.good);
	ck_assert_int_eq(a.keys != NULL, a.status == BACKEND_KNOWN || a.status == BACKEND_DISABLED);
	if (a.keys) {
		ck_assert_uint_eq(keys.iterations, 4096);
		ck_assert_uint_eq(keys.salt_len, 4);
		ck_assert_uint_eq(keys.stored_key[0], 7);
	}
	buf_free(&reason);
}
END_TEST

Suite *http_answer_suite(void);
Suite *http_answer_suite(void)
{
	Suite *s = suite_create("http_answer");
	TCase *tc = tcase_create("http_answer");

	tcase_add_test(tc, question);
	tcase_add_loop_test(tc, checked, 0, sizeof(answers) / sizeof(answers[0]));
	tcase_add_loop_test(tc, with_keys, 0, sizeof(key_answers) / sizeof(key_answers[0]));
	suite_add_tcase(s, tc);
	return s;
}
