/* SPDX-License-Identifier: MIT */
/* Conformance: puts, deletes, conditions, atomic batches. */
#include <stdlib.h>
#include "base/alloc.h"
#include "tests/storage/conformance.h"
#include "tests/storage/rig.h"

static struct msg_write_op when(struct msg_write_op op, uint8_t condition)
{
	op.condition = condition;
	return op;
}
enum { IF_ABSENT = 1, IF_PRESENT = 2 };

START_TEST(put_and_delete)
{
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1"))), STORE_COMMITTED);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("2"))), STORE_COMMITTED);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x 2\n");
	/* A row that is its key alone. */
	WRITE(&r, PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("c@y")));
	WRITE(&r, PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("c@y")));
	WRITE(&r, PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("d@y")));
	WRITE(&r, PUT(TABLE_BLOCKING, V_TEXT("b@x"), V_TEXT("d@y")));
	ck_found(&r, LIST_ALL(TABLE_BLOCKING), "a@x c@y\na@x d@y\nb@x d@y\n");
	ck_assert_int_eq(WRITE(&r, DEL(TABLE_BLOCKING, V_TEXT("a@x"))), STORE_COMMITTED);
	ck_found(&r, LIST_ALL(TABLE_BLOCKING), "b@x d@y\n");
	ck_assert_int_eq(WRITE(&r, DEL(TABLE_BLOCKING, V_TEXT("a@x"))), STORE_COMMITTED);
	ck_assert_int_eq(WRITE(&r, DEL(TABLE_BLOCKING, V_TEXT("b@x"), V_TEXT("d@y"))),
			 STORE_COMMITTED);
	ck_found(&r, COUNT(TABLE_BLOCKING, V_TEXT("b@x")), "0\n");
	rig_close(&r);
}
END_TEST

START_TEST(conditions)
{
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(WRITE(&r, when(PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("0")), IF_PRESENT)),
			 STORE_CONDITION);
	ck_assert_int_eq(WRITE(&r, when(PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1")), IF_ABSENT)),
			 STORE_COMMITTED);
	ck_assert_int_eq(WRITE(&r, when(PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("2")), IF_ABSENT)),
			 STORE_CONDITION);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x 1\n");
	ck_assert_int_eq(WRITE(&r, when(PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("3")), IF_PRESENT)),
			 STORE_COMMITTED);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x 3\n");
	ck_assert_int_eq(WRITE(&r, when(DEL(TABLE_VCARD, V_TEXT("a@x")), IF_PRESENT)),
			 STORE_COMMITTED);
	ck_assert_int_eq(WRITE(&r, when(DEL(TABLE_VCARD, V_TEXT("a@x")), IF_PRESENT)),
			 STORE_CONDITION);
	/* Rows that are their keys alone. */
	ck_assert_int_eq(
		WRITE(&r, when(PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("c@y")), IF_PRESENT)),
		STORE_CONDITION);
	ck_assert_int_eq(
		WRITE(&r, when(PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("c@y")), IF_ABSENT)),
		STORE_COMMITTED);
	ck_assert_int_eq(
		WRITE(&r, when(PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("c@y")), IF_PRESENT)),
		STORE_COMMITTED);
	rig_close(&r);
}
END_TEST

/* The answer was lost, the same write comes again: it succeeds, and does nothing. */
START_TEST(conditional_repeats)
{
	struct msg_write_op add[] = {when(PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(1)), IF_ABSENT),
				     PUT(TABLE_CREDENTIAL, V_TEXT("a@x"), V_TEXT("S"), V_INT(1),
					 V_BLOB("1"), V_BLOB("2"), V_BLOB("3"))};
	struct written first, again, other;
	struct rig r;

	rig_open(&r, engines[_i]);
	written_init(&first, add, 2);
	ck_assert_int_eq(rig_submit(&r, &first), STORE_COMMITTED);
	written_init(&again, add, 2);
	again.w.request = first.w.request;
	ck_assert_int_eq(rig_submit(&r, &again), STORE_COMMITTED);
	/* Meanwhile removed: the repetition does not bring it back. */
	ck_assert_int_eq(WRITE(&r, DEL(TABLE_ACCOUNT, V_TEXT("a@x"))), STORE_COMMITTED);
	ck_assert_int_eq(rig_submit(&r, &again), STORE_COMMITTED);
	ck_found(&r, LIST_ALL(TABLE_ACCOUNT), "");
	/* Another's request with the same number is another request. */
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(2))), STORE_COMMITTED);
	written_init(&other, add, 2);
	other.w.request = first.w.request;
	other.w.sender = OWNER + 1;
	ck_assert_int_eq(rig_submit(&r, &other), STORE_CONDITION);
	/* What failed is not remembered as done. */
	ck_assert_int_eq(WRITE(&r, DEL(TABLE_ACCOUNT, V_TEXT("a@x"))), STORE_COMMITTED);
	ck_assert_int_eq(rig_submit(&r, &other), STORE_COMMITTED);
	rig_close(&r);
}
END_TEST

START_TEST(all_or_nothing)
{
	struct rig r;
	struct written x;
	struct msg_write_op ops[] = {
		PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("new")),
		PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("newer")),
		DEL(TABLE_BLOCKING, V_TEXT("a@x")),
		PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("z@y")),
		APPEND("a@x", 7, 1, "<m/>"),
		when(PUT(TABLE_LAST, V_TEXT("a@x"), V_INT(1), V_TEXT("")), IF_PRESENT),
		PUT(TABLE_ROSTER_VERSION, V_TEXT("a@x"), V_INT(1), V_INT(0)),
	};

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("old")));
	WRITE(&r, PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("c@y")),
	      PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT("d@y")));
	written_init(&x, ops, 7);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_CONDITION);
	ck_assert_uint_eq(x.w.op, 5);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x old\n");
	ck_found(&r, LIST_ALL(TABLE_BLOCKING), "a@x c@y\na@x d@y\n");
	ck_found(&r, LIST_ALL(TABLE_LOG), "");
	ck_found(&r, LIST_ALL(TABLE_ROSTER_VERSION), "");
	WRITE(&r, PUT(TABLE_LAST, V_TEXT("a@x"), V_INT(0), V_TEXT("")));
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x newer\n");
	ck_found(&r, LIST_ALL(TABLE_BLOCKING), "a@x z@y\n");
	ck_found(&r, LIST_ALL(TABLE_LAST), "a@x 1 \n");
	rig_close(&r);
}
END_TEST

enum { MANY = 300 };

/* Handed over at once: they share commits, and those that fail fail alone, in order. */
START_TEST(many_at_once)
{
	struct written *x = xcalloc(MANY, sizeof(*x));
	struct msg_write_op(*ops)[2] = xcalloc(MANY, sizeof(*ops));
	struct msg_value(*v)[3] = xcalloc(MANY, sizeof(*v));
	struct msg_value vcard[] = {V_TEXT("a@x"), V_TEXT("v")};
	struct engine_stats stats;
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	for (int i = 0; i < MANY; i++) {
		v[i][0] = V_TEXT("a@x");
		v[i][1] = V_INT(i);
		v[i][2] = V_INT(0);
		ops[i][0] = op_make(STORE_PUT, TABLE_ROSTER_VERSION, v[i], 3);
		ops[i][1] = when(op_make(STORE_PUT, TABLE_VCARD, vcard, 2),
				 i % 3 == 1 ? IF_PRESENT : 0);
		written_init(&x[i], ops[i], 2);
		if (i % 5 == 4)
			x[i].w.epoch = 9;
	}
	for (int i = 0; i < MANY; i++)
		engine_write(r.engine, &x[i].w);
	for (int i = 0; i < MANY; i++)
		rig_wait(&r, &x[i].done);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(x[i].w.status, i % 5 == 4 ? STORE_REFUSED : STORE_COMMITTED);
	/* 299 was refused, 298 is the last that was not. */
	ck_found(&r, LIST_ALL(TABLE_ROSTER_VERSION), "a@x 298 0\n");
	engine_stats(r.engine, &stats);
	ck_assert_uint_eq(stats.waiting, 0);
	ck_assert_uint_eq(stats.committed, MANY * 4 / 5);
	rig_close(&r);
	free(x);
	free(ops);
	free(v);
}
END_TEST

/* The first of a group wrote one row when its second op failed: the others are not touched. */
START_TEST(failures_in_a_group)
{
	struct msg_write_op good[] = {PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("good"))};
	struct msg_write_op bad[] = {PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("bad")),
				     when(DEL(TABLE_LAST, V_TEXT("a@x")), IF_PRESENT)};
	struct msg_write_op count[] = {
		when(PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(1)), IF_ABSENT)};
	struct msg_write_op tail[] = {PUT(TABLE_ROSTER_VERSION, V_TEXT("a@x"), V_INT(4), V_INT(0))};
	struct written x[5];
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	written_init(&x[0], count, 1);
	written_init(&x[1], good, 1);
	written_init(&x[2], bad, 2);
	written_init(&x[3], count, 1);
	written_init(&x[4], tail, 1);
	for (int i = 0; i < 5; i++)
		engine_write(r.engine, &x[i].w);
	for (int i = 0; i < 5; i++)
		rig_wait(&r, &x[i].done);
	ck_assert_int_eq(x[0].w.status, STORE_COMMITTED);
	ck_assert_int_eq(x[1].w.status, STORE_COMMITTED);
	ck_assert_int_eq(x[2].w.status, STORE_CONDITION);
	ck_assert_int_eq(x[3].w.status, STORE_CONDITION);
	ck_assert_int_eq(x[4].w.status, STORE_COMMITTED);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x good\n");
	ck_found(&r, LIST_ALL(TABLE_ROSTER_VERSION), "a@x 4 0\n");
	rig_close(&r);
}
END_TEST

START_TEST(refused_writes)
{
	struct msg_write_op vcard[] = {PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1"))};
	struct msg_write_op account[] = {PUT(TABLE_ACCOUNT, V_TEXT("a@x"), V_INT(1))};
	struct msg_write_op secret[] = {PUT(TABLE_SECRET, V_TEXT("record"), V_BLOB("1"))};
	struct written x;
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	written_init(&x, account, 1);
	x.w.process = "sm";
	ck_assert_int_eq(rig_submit(&r, &x), STORE_FORBIDDEN);
	x.w.process = "ctl";
	ck_assert_int_eq(rig_submit(&r, &x), STORE_FORBIDDEN);
	written_init(&x, vcard, 1);
	x.w.shard = SHARD_NONE;
	ck_assert_int_eq(rig_submit(&r, &x), STORE_FORBIDDEN);
	written_init(&x, secret, 1);
	x.w.process = "sm";
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	/* What does not fit the declaration. */
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_INT(1))), STORE_FAILED);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), value_null())), STORE_FAILED);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"))), STORE_FAILED);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("\xff"))), STORE_FAILED);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), value_text(STR("a\0b")))),
			 STORE_FAILED);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1"), V_TEXT("2"))),
			 STORE_FAILED);
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_LOG, V_TEXT("a@x"), V_INT(1))), STORE_FAILED);
	ck_found(&r, LIST_ALL(TABLE_VCARD), "");
	/* An older sender does not know the last columns, which may be null. */
	ck_assert_int_eq(WRITE(&r, PUT(TABLE_ROSTER, V_TEXT("a@x"), V_TEXT("b@x"), value_null(),
				       V_TEXT("[]"), V_INT(0), value_null(), V_INT(1))),
			 STORE_COMMITTED);
	ck_found(&r, LIST_ALL(TABLE_ROSTER), "a@x b@x - [] 0 - 1 -\n");
	rig_close(&r);
}
END_TEST

static enum store_status put_long(struct rig *r, const char *account, size_t len)
{
	char *jid = xcalloc(1, len + 1);
	enum store_status status;

	/* Nothing that could be compressed. */
	random_hex(jid, len / 2);
	if (len % 2)
		jid[len - 1] = 'x';
	status = WRITE(r, PUT(TABLE_BLOCKING, V_TEXT(account), V_TEXT(jid)));
	free(jid);
	return status;
}

/* A key has a limit, the same for all, and others do not suffer from what exceeds it. */
START_TEST(longest_key)
{
	char *jid = xcalloc(1, 4001);
	struct msg_write_op over[] = {
		PUT(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT(memset(jid, 'j', 4000)))};
	struct msg_write_op good[] = {PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("good"))};
	struct written x[3];
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(put_long(&r, "a@x", STORE_KEY_MAX - 3), STORE_COMMITTED);
	ck_assert_int_eq(put_long(&r, "a@x", STORE_KEY_MAX - 2), STORE_FAILED);
	ck_found(&r, COUNT(TABLE_BLOCKING, V_TEXT("a@x")), "1\n");
	ck_assert_int_eq(WRITE(&r, DEL(TABLE_BLOCKING, V_TEXT("a@x"))), STORE_COMMITTED);
	written_init(&x[0], good, 1);
	written_init(&x[1], over, 1);
	written_init(&x[2], good, 1);
	for (int i = 0; i < 3; i++)
		engine_write(r.engine, &x[i].w);
	for (int i = 0; i < 3; i++)
		rig_wait(&r, &x[i].done);
	ck_assert_int_eq(x[0].w.status, STORE_COMMITTED);
	ck_assert_int_eq(x[1].w.status, STORE_FAILED);
	ck_assert_int_eq(x[2].w.status, STORE_COMMITTED);
	ck_found(&r, GET(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT(jid)), "");
	/* Of an older version, it can be removed. */
	ck_assert_int_eq(WRITE(&r, DEL(TABLE_BLOCKING, V_TEXT("a@x"), V_TEXT(jid))),
			 STORE_COMMITTED);
	rig_close(&r);
	free(jid);
}
END_TEST

void fill_write(TCase *tc, int engine)
{
	ADD(tc, put_and_delete, engine);
	ADD(tc, conditions, engine);
	ADD(tc, conditional_repeats, engine);
	ADD(tc, all_or_nothing, engine);
	ADD(tc, many_at_once, engine);
	ADD(tc, failures_in_a_group, engine);
	ADD(tc, refused_writes, engine);
	ADD(tc, longest_key, engine);
}
