/* SPDX-License-Identifier: MIT */
/* Conformance: one owner of a shard, and nobody else's writes (DELIVERY rules 4 and 8 in short). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/storage/conformance.h"
#include "tests/storage/rig.h"

struct taken {
	struct engine_lease l;
	char text[SHARDS * 12];
	bool done;
};

static void on_taken(struct engine_lease *l)
{
	struct taken *t = (struct taken *)l;
	size_t at = 0;

	ck_assert_int_eq(l->err, 0);
	for (size_t i = 0; i < l->nheld; i++)
		at += (size_t)snprintf(t->text + at, sizeof(t->text) - at, "%u:%u ",
				       l->held[i].shard, l->held[i].epoch);
	t->done = true;
}

static void taken_init(struct taken *t, bool take, uint64_t owner, const struct msg_shard_epoch *s,
		       size_t n)
{
	*t = (struct taken){.l = {.take = take,
				  .route = "sm",
				  .owner = "sm-1",
				  .owner_id = owner,
				  .shards = s,
				  .nshards = n,
				  .done = on_taken}};
}

/* "shard:epoch " of what is held. */
static const char *lease(struct rig *r, bool take, uint64_t owner, uint16_t shard,
			 uint32_t believed)
{
	static char text[SHARDS * 12];
	struct msg_shard_epoch s = {shard, believed};
	struct taken t;

	taken_init(&t, take, owner, &s, 1);
	engine_lease(r->engine, &t.l);
	rig_wait(r, &t.done);
	snprintf(text, sizeof(text), "%s", t.text);
	return text;
}

START_TEST(epochs_rise)
{
	struct rig r;

	rig_open(&r, engines[_i]);
	ck_assert_str_eq(lease(&r, true, 1, 5, 0), "5:1 ");
	ck_assert_str_eq(lease(&r, true, 2, 5, 1), "5:2 ");
	/* Unknown owner: whatever there is. */
	ck_assert_str_eq(lease(&r, true, 3, 5, 0), "5:3 ");
	/* Somebody else was faster. */
	ck_assert_str_eq(lease(&r, true, 4, 5, 2), "");
	ck_assert_str_eq(lease(&r, false, 3, 5, 3), "5:3 ");
	ck_assert_str_eq(lease(&r, false, 3, 5, 2), "");
	ck_assert_str_eq(lease(&r, false, 2, 5, 3), "");
	/* The same take again, its answer was lost. */
	ck_assert_str_eq(lease(&r, true, 3, 5, 2), "5:3 ");
	/* Let go and taken again: what it numbered with the old epoch stays its own. */
	ck_assert_str_eq(lease(&r, true, 3, 5, 3), "5:4 ");
	/* The data are older than what the taker has seen. */
	ck_assert_str_eq(lease(&r, true, 6, 5, 9), "5:10 ");
	ck_assert_str_eq(lease(&r, true, 1, 6, 0), "6:1 ");
	rig_close(&r);
}
END_TEST

/* Both believe in the same epoch and ask at once: one gets it. */
START_TEST(race_of_two)
{
	struct msg_shard_epoch s[SHARDS];
	struct taken a, b;
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	for (uint16_t i = 0; i < SHARDS; i++)
		s[i] = (struct msg_shard_epoch){i, 1};
	taken_init(&a, true, 1, s, 4);
	taken_init(&b, true, 2, s + 2, 4);
	engine_lease(r.engine, &a.l);
	engine_lease(r.engine, &b.l);
	rig_wait(&r, &a.done);
	rig_wait(&r, &b.done);
	ck_assert_str_eq(a.text, "0:2 1:2 2:2 3:2 ");
	ck_assert_str_eq(b.text, "4:2 5:2 ");
	rig_close(&r);
}
END_TEST

START_TEST(fenced_writes)
{
	struct msg_write_op op[] = {PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1"))};
	uint16_t shard = shard_of("a@x");
	char now[32];
	struct written x;
	struct rig r;

	rig_open(&r, engines[_i]);
	written_init(&x, op, 1);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_REFUSED);
	x.w.epoch = 0;
	ck_assert_int_eq(rig_submit(&r, &x), STORE_REFUSED);
	rig_lease(&r, "muc", OWNER);
	x.w.epoch = 1;
	ck_assert_int_eq(rig_submit(&r, &x), STORE_REFUSED);
	rig_lease(&r, "sm", OWNER);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	x.w.epoch = 2;
	ck_assert_int_eq(rig_submit(&r, &x), STORE_REFUSED);
	snprintf(now, sizeof(now), "%u:2 ", shard);
	ck_assert_str_eq(lease(&r, true, 78, shard, 1), now);
	/* The new owner's epoch does not serve the old one. */
	ck_assert_int_eq(rig_submit(&r, &x), STORE_REFUSED);
	x.w.epoch = 1;
	ck_assert_int_eq(rig_submit(&r, &x), STORE_REFUSED);
	x.w.epoch = 2;
	x.w.sender = 78;
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	rig_close(&r);
}
END_TEST

/* A take-over among writes that were handed over together parts them. */
START_TEST(take_over_between_writes)
{
	struct msg_write_op op[] = {PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("1"))};
	struct msg_shard_epoch s = {shard_of("a@x"), 1};
	struct written before, behind;
	struct taken t;
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	written_init(&before, op, 1);
	written_init(&behind, op, 1);
	taken_init(&t, true, 78, &s, 1);
	engine_write(r.engine, &before.w);
	engine_lease(r.engine, &t.l);
	engine_write(r.engine, &behind.w);
	rig_wait(&r, &before.done);
	rig_wait(&r, &t.done);
	rig_wait(&r, &behind.done);
	ck_assert_int_eq(before.w.status, STORE_COMMITTED);
	ck_assert_int_eq(behind.w.status, STORE_REFUSED);
	rig_close(&r);
}
END_TEST

/* A batch that touches two accounts needs both shards. */
START_TEST(two_accounts)
{
	struct msg_write_op ops[] = {APPEND("a@x", 1, 5, "1"), APPEND("b@x", 1, 5, "1")};
	struct written x;
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	written_init(&x, ops, 2);
	ck_assert_int_eq(rig_submit(&r, &x), STORE_COMMITTED);
	lease(&r, true, 78, shard_of("b@x"), 1);
	ops[0].values[COL_LOG_NUMBER].i = ops[1].values[COL_LOG_NUMBER].i = 2;
	ck_assert_int_eq(rig_submit(&r, &x), STORE_REFUSED);
	ck_assert_uint_eq(x.w.op, 1);
	ck_found(&r, COUNT(TABLE_LOG, V_TEXT("a@x")), "1\n");
	rig_close(&r);
}
END_TEST

/* Of all shards: one request, one transaction. */
START_TEST(all_in_one_batch)
{
	struct msg_shard_epoch all[SHARDS];
	struct engine_stats before, after;
	struct taken t;
	struct rig r;

	rig_open(&r, engines[_i]);
	rig_lease(&r, "sm", OWNER);
	for (uint16_t i = 0; i < SHARDS; i++)
		all[i] = (struct msg_shard_epoch){i, 1};
	engine_stats(r.engine, &before);
	taken_init(&t, true, 78, all, SHARDS);
	engine_lease(r.engine, &t.l);
	rig_wait(&r, &t.done);
	engine_stats(r.engine, &after);
	ck_assert(strstr(t.text, "0:2 ") == t.text && strstr(t.text, "1023:2 "));
	/* Memory has no transactions. */
	if (strcmp(engines[_i], "memory") != 0)
		ck_assert_uint_eq(after.commits - before.commits, 1);
	rig_close(&r);
}
END_TEST

/* Each kind of write, handed over with one of an old epoch around a take-over: the old owner's does
 * nothing, with whatever condition, the new one's is done. */
START_TEST(every_write_is_fenced)
{
	struct msg_write_op ops[] = {
		PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("new")),
		PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("new")),
		DEL(TABLE_VCARD, V_TEXT("a@x")),
		DEL(TABLE_VCARD, V_TEXT("a@x")),
		APPEND("a@x", 2, 5, "new"),
		op_make(STORE_LOG_DELETE, TABLE_LOG, VALUES(V_TEXT("a@x"), V_INT(1))),
	};
	struct msg_shard_epoch s = {shard_of("a@x"), 1};
	struct written old, mine;
	struct taken t;
	struct rig r;

	ops[1].condition = 2;
	ops[3].condition = 2;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		rig_open(&r, engines[_i]);
		rig_lease(&r, "sm", OWNER);
		WRITE(&r, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("old")), APPEND("a@x", 1, 5, "old"));
		taken_init(&t, true, 78, &s, 1);
		written_init(&old, &ops[i], 1);
		written_init(&mine, &ops[i], 1);
		mine.w.sender = 78;
		mine.w.epoch = 2;
		engine_lease(r.engine, &t.l);
		engine_write(r.engine, &old.w);
		rig_wait(&r, &t.done);
		rig_wait(&r, &old.done);
		ck_assert_int_eq(old.w.status, STORE_REFUSED);
		ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x old\n");
		ck_found(&r, LIST_ALL(TABLE_LOG), "a@x 1 1001 peer@b 5 1 0 0 old\n");
		ck_assert_int_eq(rig_submit(&r, &mine), STORE_COMMITTED);
		ck_assert_int_eq(rig_submit(&r, &old), STORE_REFUSED);
		rig_close(&r);
	}
}
END_TEST

void fill_lease(TCase *tc, int engine)
{
	ADD(tc, all_in_one_batch, engine);
	ADD(tc, every_write_is_fenced, engine);
	ADD(tc, epochs_rise, engine);
	ADD(tc, race_of_two, engine);
	ADD(tc, fenced_writes, engine);
	ADD(tc, take_over_between_writes, engine);
	ADD(tc, two_accounts, engine);
}
