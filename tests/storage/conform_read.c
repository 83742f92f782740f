/* SPDX-License-Identifier: MIT */
/* Conformance: what reads find, in which order, within which bounds. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "tests/storage/conformance.h"
#include "tests/storage/rig.h"

static void fill_private(struct rig *r)
{
	static const char *const rows[][3] = {
		{"a@x", "ns:1", "q"},  {"a@x", "ns:1", "p"}, {"a@x", "ns:2", "q"},
		{"a@x", "ns:10", "q"}, {"b@x", "ns:1", "q"}, {"a@xy", "ns:1", "q"},
	};

	rig_lease(r, "sm", OWNER);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(WRITE(r, PUT(TABLE_PRIVATE, V_TEXT(rows[i][0]), V_TEXT(rows[i][1]),
					      V_TEXT(rows[i][2]), V_TEXT("d"))),
				 STORE_COMMITTED);
}

START_TEST(nothing_there)
{
	struct rig r;

	rig_open(&r, engines[_i]);
	ck_found(&r, GET(TABLE_VCARD, V_TEXT("a@x")), "");
	ck_found(&r, LIST(TABLE_ROSTER, V_TEXT("a@x")), "");
	ck_found(&r, LIST_ALL(TABLE_ROSTER), "");
	ck_found(&r, COUNT(TABLE_ROSTER, V_TEXT("a@x")), "0\n");
	rig_close(&r);
}
END_TEST

START_TEST(typed_values)
{
	struct rig r;
	char big[300000];

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	WRITE(&r, PUT(TABLE_ROSTER, V_TEXT("a@x"), V_TEXT("b@x"), value_null(), V_TEXT(""),
		      V_INT(3), V_TEXT("<p/>"), V_INT(INT64_MIN), value_null()));
	WRITE(&r, PUT(TABLE_ROSTER, V_TEXT("a@x"), V_TEXT("\u00fc@\u4f8b.example"), V_TEXT(""),
		      V_TEXT("[\"\U0001f600\"]"), V_INT(0), value_null(), V_INT(INT64_MAX),
		      V_TEXT("t")));
	ck_found(&r, LIST(TABLE_ROSTER, V_TEXT("a@x")),
		 "a@x b@x -  3 <p/> -9223372036854775808 -\n"
		 "a@x \u00fc@\u4f8b.example  [\"\U0001f600\"] 0 - 9223372036854775807 t\n");
	/* Bytes, none and many, with NULs. */
	WRITE(&r, PUT(TABLE_SESSION, V_TEXT("a@x"), V_INT(-1), V_BLOB("")));
	WRITE(&r, PUT(TABLE_SESSION, V_TEXT("a@x"), V_INT(2), V_BLOB("\0\xff'\"")));
	memset(big, 'x', sizeof(big));
	WRITE(&r, PUT(TABLE_SESSION, V_TEXT("a@x"), V_INT(3), value_blob(str_n(big, sizeof(big)))));
	{
		struct msg_read_op op = LIST(TABLE_SESSION, V_TEXT("a@x"));
		char *text = rig_read(&r, "sm", &op, 1);
		const char *second = "a@x -1 \na@x 2 \0\xff'\"\na@x 3 xxx";

		ck_assert_int_eq(memcmp(text, second, 24), 0);
		ck_assert_int_eq(text[25 + sizeof(big)], '\n');
		free(text);
	}
	rig_close(&r);
}
END_TEST

START_TEST(prefixes_and_order)
{
	struct rig r;
	struct msg_read_op op;

	rig_open(&r, engines[_i]);
	fill_private(&r);
	ck_found(&r, LIST(TABLE_PRIVATE, V_TEXT("a@x")),
		 "a@x ns:1 p d\na@x ns:1 q d\na@x ns:10 q d\na@x ns:2 q d\n");
	ck_found(&r, LIST(TABLE_PRIVATE, V_TEXT("a@x"), V_TEXT("ns:1")),
		 "a@x ns:1 p d\na@x ns:1 q d\n");
	ck_found(&r, LIST(TABLE_PRIVATE, V_TEXT("a@x"), V_TEXT("ns:1"), V_TEXT("q")),
		 "a@x ns:1 q d\n");
	ck_found(&r, LIST(TABLE_PRIVATE, V_TEXT("a@")), "");
	ck_found(&r, GET(TABLE_PRIVATE, V_TEXT("b@x"), V_TEXT("ns:1"), V_TEXT("q")),
		 "b@x ns:1 q d\n");
	op = LIST(TABLE_PRIVATE, V_TEXT("a@x"));
	op.reverse = true;
	ck_found(&r, op, "a@x ns:2 q d\na@x ns:10 q d\na@x ns:1 q d\na@x ns:1 p d\n");
	op = LIST_ALL(TABLE_PRIVATE);
	op.limit = 5;
	ck_found(&r, op,
		 "a@x ns:1 p d\na@x ns:1 q d\na@x ns:10 q d\na@x ns:2 q d\na@xy ns:1 q d\nmore\n");
	op.limit = 6;
	ck_found(&r, op,
		 "a@x ns:1 p d\na@x ns:1 q d\na@x ns:10 q d\na@x ns:2 q d\na@xy ns:1 q d\n"
		 "b@x ns:1 q d\n");
	ck_found(&r, COUNT(TABLE_PRIVATE, V_TEXT("a@x")), "4\n");
	ck_found(&r, COUNT(TABLE_PRIVATE, V_TEXT("a@x"), V_TEXT("ns:1")), "2\n");
	op = LIST_ALL(TABLE_PRIVATE);
	op.op = STORE_COUNT;
	ck_found(&r, op, "6\n");
	rig_close(&r);
}
END_TEST

START_TEST(pages)
{
	struct msg_value after[] = {V_TEXT("a@x"), V_TEXT("ns:10"), V_TEXT("q")};
	struct msg_read_op op;
	struct rig r;

	rig_open(&r, engines[_i]);
	fill_private(&r);
	op = LIST(TABLE_PRIVATE, V_TEXT("a@x"));
	op.after = after;
	op.nafter = 3;
	ck_found(&r, op, "a@x ns:2 q d\n");
	op.reverse = true;
	ck_found(&r, op, "a@x ns:1 q d\na@x ns:1 p d\n");
	op = LIST_ALL(TABLE_PRIVATE);
	op.after = after;
	op.nafter = 3;
	ck_found(&r, op, "a@x ns:2 q d\na@xy ns:1 q d\nb@x ns:1 q d\n");
	/* A key that is not there divides as well. */
	after[1] = V_TEXT("ns:11");
	ck_found(&r, op, "a@x ns:2 q d\na@xy ns:1 q d\nb@x ns:1 q d\n");
	after[1] = V_TEXT("ns:1");
	op = LIST(TABLE_PRIVATE, V_TEXT("a@x"), V_TEXT("ns:1"), V_TEXT("q"));
	op.after = after;
	op.nafter = 3;
	ck_found(&r, op, "");
	rig_close(&r);
}
END_TEST

/* One answer never exceeds what a frame holds, and says what was cut. */
START_TEST(bounds)
{
	struct msg_read_op ops[2];
	struct rig r;
	char text[1000];
	char *found;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	memset(text, 'v', sizeof(text));
	for (int i = 0; i < 5; i++)
		WRITE(&r, PUT(TABLE_SESSION, V_TEXT("a@x"), V_INT(i),
			      value_blob(str_n(text, sizeof(text)))));
	r.config.read_bytes = 4500;
	r.config.read_rows = 3;
	r.engine->config.read_bytes = 4500;
	r.engine->config.read_rows = 3;
	ops[0] = LIST(TABLE_SESSION, V_TEXT("a@x"));
	ops[1] = ops[0];
	found = rig_read(&r, "sm", ops, 2);
	ck_assert_int_eq((int)strlen(found), 3 * (6 + 1001) + 5 + 3 + 1 * (6 + 1001) + 5);
	ck_assert_ptr_nonnull(strstr(found, "more\n--\n"));
	free(found);
	/* Larger than any answer. */
	r.engine->config.read_bytes = 900;
	found = rig_read(&r, "sm", ops, 1);
	ck_assert_str_eq(found, "error -90");
	ck_assert_int_eq(EMSGSIZE, 90);
	free(found);
	rig_close(&r);
}
END_TEST

struct counted {
	struct engine_read r;
	size_t length;
	bool done;
};

static void on_counted(struct engine_read *er)
{
	struct msg_found m = {.results = er->results, .nresults = er->nops};
	struct counted *c = (struct counted *)er;

	c->length = msg_length(MSG_FOUND, &m);
	c->done = true;
}

START_TEST(size_is_exact)
{
	struct msg_read_op ops[3];
	struct rig r;

	rig_open(&r, engines[_i]);
	fill_private(&r);
	ops[0] = LIST(TABLE_PRIVATE, V_TEXT("a@x"));
	ops[1] = COUNT(TABLE_PRIVATE, V_TEXT("a@x"));
	ops[2] = GET(TABLE_VCARD, V_TEXT("a@x"));
	for (size_t bytes = 300; bytes < 700; bytes++) {
		struct counted c = {
			.r = {.process = "sm", .ops = ops, .nops = 3, .done = on_counted}};

		r.engine->config.read_bytes = bytes;
		engine_read(r.engine, &c.r);
		rig_wait(&r, &c.done);
		ck_assert_uint_le(c.length, bytes);
	}
	rig_close(&r);
}
END_TEST

START_TEST(refused_reads)
{
	struct msg_read_op op = GET(TABLE_CREDENTIAL, V_TEXT("a@x"), V_TEXT("SCRAM-SHA-1"));
	static const char *const strangers[] = {"sm", "c2s", "ctl"};
	struct rig r;
	char *text;

	rig_open(&r, engines[_i]);
	for (size_t i = 0; i < 3; i++) {
		text = rig_read(&r, strangers[i], &op, 1);
		ck_assert_str_eq(text, "error -13");
		free(text);
	}
	text = rig_read(&r, "auth", &op, 1);
	ck_assert_str_eq(text, "");
	free(text);
	op = LIST_ALL(TABLE_ACCOUNT);
	text = rig_read(&r, "ctl", &op, 1);
	ck_assert_str_eq(text, "");
	free(text);
	op = LIST_ALL(TABLE_SECRET);
	text = rig_read(&r, "ctl", &op, 1);
	ck_assert_str_eq(text, "error -13");
	free(text);
	ck_found(&r, GET(TABLE_PRIVATE, V_TEXT("a@x")), "error -22");
	ck_found(&r, GET(TABLE_PRIVATE, V_TEXT("a@x"), V_INT(1), V_TEXT("q")), "error -22");
	ck_found(&r, GET(TABLES, V_TEXT("a@x")), "error -22");
	rig_close(&r);
}
END_TEST

/* A read that is handed over when a write was answered sees it, however many are under way. */
START_TEST(reads_after_writes)
{
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	for (int i = 0; i < 200; i++) {
		char want[32];

		snprintf(want, sizeof(want), "a@x %d 0\n", i);
		ck_assert_int_eq(
			WRITE(&r, PUT(TABLE_ROSTER_VERSION, V_TEXT("a@x"), V_INT(i), V_INT(0))),
			STORE_COMMITTED);
		ck_found(&r, GET(TABLE_ROSTER_VERSION, V_TEXT("a@x")), want);
	}
	rig_close(&r);
}
END_TEST

void fill_read(TCase *tc, int engine)
{
	ADD(tc, nothing_there, engine);
	ADD(tc, typed_values, engine);
	ADD(tc, prefixes_and_order, engine);
	ADD(tc, pages, engine);
	ADD(tc, bounds, engine);
	ADD(tc, size_is_exact, engine);
	ADD(tc, refused_reads, engine);
	ADD(tc, reads_after_writes, engine);
}
