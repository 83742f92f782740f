/* SPDX-License-Identifier: MIT */
/* Tests of random bytes, codings and digests, with the vectors of their RFCs. */
#include <errno.h>
#include "base/digest.h"
#include "base/random.h"
#include "tests/unit/base/base_tests.h"

START_TEST(test_random)
{
	char hex[81], other[81];

	random_hex(hex, 40);
	random_hex(other, 40);
	ck_assert_uint_eq(strlen(hex), 80);
	ck_assert_uint_eq(strspn(hex, "0123456789abcdef"), 80);
	ck_assert_str_ne(hex, other);
	ck_assert_uint_ne(random_u64(), random_u64());
}
END_TEST

/* What one fetch brings is handed out once, whatever the sizes, also those larger than it. */
START_TEST(test_random_draw)
{
	static unsigned char drawn[3000][8];
	unsigned char large[2000] = {0};
	size_t zeros = 0, same = 0;

	for (size_t i = 0; i < 3000; i++) {
		unsigned char odd[37];

		random_draw(odd, i % sizeof(odd));
		random_draw(drawn[i], sizeof(drawn[i]));
	}
	for (size_t i = 0; i < 3000; i++)
		for (size_t j = 0; j < i; j++)
			same += memcmp(drawn[i], drawn[j], sizeof(drawn[i])) == 0;
	ck_assert_uint_eq(same, 0);
	random_draw(large, sizeof(large));
	for (size_t i = 0; i < sizeof(large); i++)
		zeros += large[i] == 0;
	ck_assert_uint_lt(zeros, 100);
}
END_TEST

START_TEST(test_base64)
{
	/* RFC 4648 section 10 */
	static const char *const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
						 {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
						 {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v\n", "Z m9",
					  "====", "Zg==Zg==", "Zm-_", "=Zm9", "Zm8=Zm8=", NULL};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&b);
		base64_encode(&b, vectors[i][0], strlen(vectors[i][0]));
		assert_str(buf_str(&b), vectors[i][1]);
		buf_clear(&b);
		ck_assert_int_eq(base64_decode(&b, str_z(vectors[i][1])), 0);
		assert_str(buf_str(&b), vectors[i][0]);
	}
	buf_clear(&b);
	buf_lit(&b, "kept");
	for (int i = 0; bad[i]; i++) {
		ck_assert_msg(base64_decode(&b, str_z(bad[i])) == -EINVAL, "%s", bad[i]);
		assert_str(buf_str(&b), "kept");
	}
	buf_free(&b);
}
END_TEST

START_TEST(test_base64_bytes)
{
	unsigned char bytes[256];
	struct buf text = BUF_INIT, back = BUF_INIT;

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		random_bytes(bytes, n);
		buf_clear(&text);
		buf_clear(&back);
		base64_encode(&text, bytes, n);
		ck_assert_int_eq(base64_decode(&back, buf_str(&text)), 0);
		ck_assert_uint_eq(back.len, n);
		ck_assert(n == 0 || memcmp(buf_ptr(&back), bytes, n) == 0);
	}
	buf_free(&text);
	buf_free(&back);
}
END_TEST

static void assert_hex(const void *p, size_t n, const char *want)
{
	char hex[65];

	hex_encode(hex, p, n);
	ck_assert_str_eq(hex, want);
}

START_TEST(test_digests)
{
	uint8_t out[32];
	uint8_t key[131];

	sha1("abc", 3, out);
	assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	sha256("abc", 3, out);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256(NULL, 0, out);
	assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	/* RFC 4231 section 4.3 */
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	/* RFC 4231 section 4.7: a key longer than a block. */
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
	assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	/* RFC 2202 section 3, with SHA-1. */
	hmac(DIGEST_SHA1, "Jefe", 4, "what do ya want for nothing?", 28, out);
	assert_hex(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	ck_assert(equal_const_time("abc", "abc", 3) && !equal_const_time("abc", "abd", 3));
}
END_TEST

/* The values may never change: placement and stored keys depend on them. */
START_TEST(test_hash)
{
	ck_assert_uint_eq(hash64("", 0), UINT64_C(0xf52a15e9a9b5e89b));
	ck_assert_uint_eq(hash64("juliet@example.com", 18), UINT64_C(0x7ad913ac6d080d83));
	ck_assert_uint_eq(hash64_pair(1, 2), UINT64_C(0x26ec98251dda6012));
	ck_assert_uint_ne(hash64_pair(1, 2), hash64_pair(2, 1));
	ck_assert_uint_ne(hash64_pair(7, 7), 0);
}
END_TEST

Suite *random_suite(void)
{
	Suite *s = suite_create("random");
	TCase *tc = tcase_create("random");

	tcase_add_test(tc, test_random);
	tcase_add_test(tc, test_random_draw);
	tcase_add_test(tc, test_base64);
	tcase_add_test(tc, test_base64_bytes);
	tcase_add_test(tc, test_digests);
	tcase_add_test(tc, test_hash);
	suite_add_tcase(s, tc);
	return s;
}
