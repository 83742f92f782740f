/* SPDX-License-Identifier: MIT */
/* xmpp/jid.c and jid_domain.c against the tables of RFC 7622 section 3.5 and its limits. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/random.h"
#include "xmpp/jid.h"

Suite *jid_suite(void);

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"
/* 253 characters of four labels */
#define NAME_253 A63 "." A63 "." A63 "." A60 "a"

static struct pool *pool;

static void setup(void)
{
	pool = pool_new();
}

static void teardown(void)
{
	pool = pool_free(pool);
}

static void check_str(struct str got, const char *want)
{
	ck_assert_msg(str_eqz(got, want), "got '%.*s', want '%s'", STR_ARG(got), want);
}

static const struct {
	const char *text, *full;
} valid[] = {
	/* RFC 7622 section 3.5, table 1 */
	{"juliet@example.com", NULL},
	{"juliet@example.com/foo", NULL},
	{"juliet@example.com/foo bar", NULL},
	{"juliet@example.com/foo@bar", NULL},
	{"foo\\20bar@example.com", NULL},
	{"fussball@example.com", NULL},
	{"fu\u00dfball@example.com", NULL},
	{"\u03c0@example.com", NULL},
	{"\u03a3@example.com/foo", "\u03c3@example.com/foo"},
	{"\u03c3@example.com/foo", NULL},
	{"\u03c2@example.com/foo", NULL},
	{"king@example.com/\u265a", NULL},
	{"example.com", NULL},
	{"example.com/foobar", NULL},
	{"a.example.com/b@example.net", NULL},
	/* case, width, normalisation */
	{"Juliet@Example.COM/Balcony", "juliet@example.com/Balcony"},
	{"\uff2a\uff35@example.com", "ju@example.com"},
	{"e\u0301@example.com/e\u0301", "\u00e9@example.com/\u00e9"},
	{"juliet@example.com/a\u00a0b", "juliet@example.com/a b"},
	{"juliet@example.com/ ", NULL},
	{"juliet@example.com/a/b", NULL},
	{"juliet@example.com/\"&'/:<>@", NULL},
	/* domains */
	{"localhost", NULL},
	{"example.com.", "example.com"},
	{"example.com./r", "example.com/r"},
	{"example\u3002com", "example.com"},
	{"B\u00fccher.example", "b\u00fccher.example"},
	{"bu\u0308cher.example", "b\u00fccher.example"},
	{"xn--bcher-kva.example", "b\u00fccher.example"},
	{"XN--BCHER-KVA.Example.", "b\u00fccher.example"},
	{"stra\u00dfe.example", NULL},
	{"xn--strae-oqa.example", "stra\u00dfe.example"},
	{"\uff25\uff38.example", "ex.example"},
	{"3com.example", NULL},
	{"a-b.c-d.example", NULL},
	{A63 ".example", NULL},
	{NAME_253, NULL},
	{NAME_253 ".", NAME_253},
	/* addresses */
	{"a@127.0.0.1/r", NULL},
	{"\uff11\uff12\uff17.0.0.1", "127.0.0.1"},
	{"a@[::1]", NULL},
	{"[2001:0DB8:0:0:0:0:0:1]/r", "[2001:db8::1]/r"},
	{"[::ffff:192.0.2.1]", NULL},
};

START_TEST(test_valid)
{
	const char *text = valid[_i].text, *want = valid[_i].full ? valid[_i].full : text;
	struct jid jid, again;

	ck_assert_msg(jid_parse(pool, str_z(text), &jid) == 0, "%s", text);
	check_str(jid.full, want);
	ck_assert_int_eq(jid.full.ptr[jid.full.len], '\0');
	ck_assert_int_eq(jid_parse(pool, jid.full, &again), 0);
	check_str(again.full, want);
	ck_assert_int_eq(jid_split(jid.full, &again), 0);
	ck_assert(str_eq(again.bare, jid.bare));
	ck_assert_ptr_eq(again.full.ptr, jid.full.ptr);
}
END_TEST

static const char *const invalid[] = {
	/* RFC 7622 section 3.5, table 2 */
	"\"juliet\"@example.com",
	"foo bar@example.com",
	"@example.com/",
	"henry\u2163@example.com",
	"\u265a@example.com",
	"juliet@",
	"/foobar",
	/* parts that are missing */
	"",
	"@",
	"/",
	"@example.com",
	"juliet@/balcony",
	"juliet@example.com/",
	"example.com/",
	/* what a localpart may not hold, also when width mapping makes it */
	"a&b@example.com",
	"a'b@example.com",
	"a:b@example.com",
	"a<b@example.com",
	"a>b@example.com",
	"a\uff20b@example.com",
	"a\uff0fb@example.com",
	"a\tb@example.com",
	"a\x7f@example.com",
	"\xc3@example.com",
	"a\u200db@example.com",
	"\u05d0b@example.com",
	/* resources */
	"juliet@example.com/a\nb",
	"juliet@example.com/\xff",
	"juliet@example.com/\u200b",
	/* domains */
	".",
	".example.com",
	"example..com",
	"example.com..",
	"a@b@example.com",
	"-a.example",
	"a-.example",
	"ab--c.example",
	"ex_ample.com",
	"*.example.com",
	"exa mple.com",
	"example.com:5222",
	"a\uff0fb.example",
	"a\uff20b.example",
	"\u2603.example",
	"xn--.example",
	"xn--a.example",
	"xn--example-.com",
	"\u00fc.\u3002example",
	A63 "a.example",
	NAME_253 "a",
	"[::1",
	"::1",
	"[]",
	"[127.0.0.1]",
	"[fe80::1%25eth0]",
	"[v1.a]",
	"[::1].example",
	"127.1",
	"1.2.3.4.5",
	"256.1.1.1",
	"01.2.3.4",
};

START_TEST(test_invalid)
{
	struct jid jid = {.full = STR("untouched")};

	ck_assert_msg(jid_parse(pool, str_z(invalid[_i]), &jid) == -EINVAL, "%s", invalid[_i]);
	check_str(jid.full, "untouched");
}
END_TEST

START_TEST(test_nul)
{
	struct jid jid;

	ck_assert_int_eq(jid_parse(pool, STR("a\0b@example.com"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, STR("a@exam\0ple.com"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, STR("a@b\u00fc\0.example"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, STR("a@127.0.0.1\0"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, STR("a@example.com/r\0"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, STR_NONE, &jid), -EINVAL);
	ck_assert_int_eq(jid_split(STR_NONE, &jid), -EINVAL);
}
END_TEST

START_TEST(test_parts)
{
	struct jid jid;

	ck_assert_int_eq(jid_parse(pool, STR("Juliet@example.com/a@b/c"), &jid), 0);
	check_str(jid.local, "juliet");
	check_str(jid.domain, "example.com");
	check_str(jid.resource, "a@b/c");
	check_str(jid.bare, "juliet@example.com");
	check_str(jid.full, "juliet@example.com/a@b/c");
	ck_assert_ptr_eq(jid.bare.ptr, jid.full.ptr);
	ck_assert(!jid_is_bare(&jid));
	ck_assert_int_eq(jid_parse(pool, STR("example.com/r@s"), &jid), 0);
	check_str(jid.local, "");
	check_str(jid.bare, "example.com");
	check_str(jid.resource, "r@s");
	ck_assert_int_eq(jid_parse(pool, STR("a@example.com"), &jid), 0);
	ck_assert(jid_is_bare(&jid));
	ck_assert_ptr_eq(jid.bare.ptr, jid.full.ptr);
	ck_assert_uint_eq(jid.bare.len, jid.full.len);
}
END_TEST

static struct str repeat(const char *what, size_t count, const char *before, const char *after)
{
	size_t n = strlen(what);
	char *s = pool_alloc(pool, strlen(before) + n * count + strlen(after) + 1);
	char *at = stpcpy(s, before);

	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, what);
	stpcpy(at, after);
	return str_z(s);
}

/* RFC 7622: 1 to 1,023 octets after preparation, which may make a part shorter or longer. */
START_TEST(test_limits)
{
	struct jid jid;

	ck_assert_int_eq(jid_parse(pool, repeat("a", 1023, "", "@b.c"), &jid), 0);
	ck_assert_int_eq(jid_parse(pool, repeat("a", 1024, "", "@b.c"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, repeat("A", 1024, "", "@b.c"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, repeat("\uff21", 1023, "", "@b.c"), &jid), 0);
	ck_assert_uint_eq(jid.local.len, 1023);
	ck_assert_int_eq(jid_parse(pool, repeat("\uff21", 1024, "", "@b.c"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, repeat("a", 1023, "b.c/", ""), &jid), 0);
	ck_assert_int_eq(jid_parse(pool, repeat("a", 1024, "b.c/", ""), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, repeat("\u00e9", 512, "b.c/", ""), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, repeat("a", 100000, "", "@b.c"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, repeat("a.", 100000, "", "a"), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, repeat("\u00fc", 100000, "", ""), &jid), -EINVAL);
	ck_assert_int_eq(jid_parse(pool, repeat("\u00fc", 2000, "", ""), &jid), -EINVAL);
	ck_assert_int_eq(jid_split(repeat("a", 1024, "", "@b"), &jid), -EINVAL);
	ck_assert_int_eq(jid_split(repeat("a", 1024, "", ""), &jid), -EINVAL);
	ck_assert_int_eq(jid_split(repeat("a", 1024, "b/", ""), &jid), -EINVAL);
}
END_TEST

START_TEST(test_split)
{
	struct jid jid = {.full = STR("untouched")};

	ck_assert_int_eq(jid_split(STR("UNPREPARED@b/r"), &jid), 0);
	check_str(jid.local, "UNPREPARED");
	ck_assert_int_eq(jid_split(STR("@b"), &jid), -EINVAL);
	ck_assert_int_eq(jid_split(STR("a@"), &jid), -EINVAL);
	ck_assert_int_eq(jid_split(STR("a@/r"), &jid), -EINVAL);
	ck_assert_int_eq(jid_split(STR("b/"), &jid), -EINVAL);
	check_str(jid.full, "UNPREPARED@b/r");
}
END_TEST

START_TEST(test_make)
{
	struct jid jid = jid_make(pool, STR("a"), STR("b"), STR("c")), other;

	check_str(jid.full, "a@b/c");
	check_str(jid.bare, "a@b");
	check_str(jid.local, "a");
	check_str(jid.domain, "b");
	check_str(jid.resource, "c");
	other = jid_make(pool, STR("a"), STR("b"), STR_NONE);
	check_str(other.full, "a@b");
	ck_assert(jid_same_bare(&jid, &other));
	other = jid_make(pool, STR_NONE, STR("b"), STR("c"));
	check_str(other.full, "b/c");
	check_str(other.bare, "b");
	ck_assert(!jid_same_bare(&jid, &other));
	ck_assert_uint_eq(jid_key(jid.bare), hash64("a@b", 3));
}
END_TEST

START_TEST(test_prep_parts)
{
	struct buf b = BUF_INIT;

	buf_lit(&b, "x");
	ck_assert_int_eq(jid_prep_local(&b, STR("Romeo")), 0);
	ck_assert_int_eq(jid_prep_local(&b, STR("a@b")), -EINVAL);
	ck_assert_int_eq(jid_prep_local(&b, STR("\uff20")), -EINVAL);
	ck_assert_int_eq(jid_prep_local(&b, STR_NONE), -EINVAL);
	check_str(buf_str(&b), "xromeo");
	ck_assert_int_eq(jid_prep_domain(&b, STR("Example.ORG.")), 0);
	ck_assert_int_eq(jid_prep_domain(&b, STR("a/b")), -EINVAL);
	ck_assert_int_eq(jid_prep_domain(&b, STR("\u00fc_.example")), -EINVAL);
	ck_assert_int_eq(jid_prep_domain(&b, STR_NONE), -EINVAL);
	check_str(buf_str(&b), "xromeoexample.org");
	ck_assert_int_eq(jid_prep_resource(&b, STR("R \u00e9")), 0);
	ck_assert_int_eq(jid_prep_resource(&b, STR("\x01")), -EINVAL);
	ck_assert_int_eq(jid_prep_resource(&b, STR_NONE), -EINVAL);
	check_str(buf_str(&b), "xromeoexample.orgR \u00e9");
	buf_free(&b);
}
END_TEST

/* Every cut and every single wrong byte of an address is parsed or refused, never worse. */
START_TEST(test_damaged)
{
	static const char text[] = "J\u00fcliet@xn--bcher-kva.example./b\u00e4lcony";
	struct jid jid, again;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			char *copy = xmemdup(text, sizeof(text) - 1);

			copy[i] = (char)byte;
			if (jid_parse(pool, str_n(copy, sizeof(text) - 1), &jid) == 0) {
				ck_assert_int_eq(jid_parse(pool, jid.full, &again), 0);
				ck_assert(str_eq(jid.full, again.full));
			}
			jid_parse(pool, str_n(copy, i), &jid);
			free(copy);
			pool_reset(pool);
		}
	}
}
END_TEST

Suite *jid_suite(void)
{
	Suite *s = suite_create("jid");
	TCase *tc = tcase_create("jid");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_valid, 0, sizeof(valid) / sizeof(valid[0]));
	tcase_add_loop_test(tc, test_invalid, 0, sizeof(invalid) / sizeof(invalid[0]));
	tcase_add_test(tc, test_nul);
	tcase_add_test(tc, test_parts);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_split);
	tcase_add_test(tc, test_make);
	tcase_add_test(tc, test_prep_parts);
	tcase_add_test(tc, test_damaged);
	suite_add_tcase(s, tc);
	return s;
}
