/* SPDX-License-Identifier: MIT */
/* The appends of a group go in one statement: what speaks against one of them is its own matter. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/random.h"
#include "tests/storage/pg_server.h"
#include "tests/storage/rig.h"

void fill_pg_append(TCase *tc);

enum { LONG = 60000 };

/* In the middle of a month, with a number of this epoch: new for certain. */
static const int64_t noon = INT64_C(1700000000) * 1000000;

struct group {
	struct written x[8];
	struct msg_value values[8][COLS_LOG];
	struct msg_write_op ops[8];
	size_t n;
};

static void group_op(struct group *g, struct msg_write_op op)
{
	g->ops[g->n] = op;
	written_init(&g->x[g->n], &g->ops[g->n], 1);
	g->n++;
}

static void group_append(struct group *g, const char *account, int64_t n, int64_t origin,
			 const char *stanza)
{
	struct msg_value v[COLS_LOG] = {
		V_TEXT(account), V_INT(INT64_C(1) << 40 | n),
		V_INT(noon + n), V_TEXT("b@y"),
		V_INT(origin),	 V_INT(n),
		V_INT(0),	 V_INT(0),
		V_TEXT(stanza),
	};

	memcpy(g->values[g->n], v, sizeof(v));
	group_op(g, op_make(STORE_LOG_APPEND, TABLE_LOG, g->values[g->n], COLS_LOG));
}

/* Handed over at once, so that they share a transaction. */
static void group_write(struct rig *r, struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		engine_write(r->engine, &g->x[i].w);
	for (size_t i = 0; i < g->n; i++)
		rig_wait(r, &g->x[i].done);
}

static void ck_stanzas(struct rig *r, const char *account, const char *expected)
{
	struct msg_value key = V_TEXT(account);
	struct msg_read_op op = read_make(STORE_LOG_READ, TABLE_LOG, &key, 1);
	char *text = rig_read(r, "sm", &op, 1), *line, *rest = text;
	struct buf found = BUF_INIT;

	while ((line = strsep(&rest, "\n")) && *line)
		buf_printf(&found, "%s ", strrchr(line, ' ') + 1);
	buf_putc(&found, 0);
	ck_assert_str_eq(buf_ptr(&found), expected);
	buf_free(&found);
	free(text);
}

static void group_open(struct rig *r)
{
	rig_open(r, "postgresql");
	rig_lease(r, "sm", OWNER);
}

/* Around others that touch the log, and those that do not; one commit for all of them. */
START_TEST(in_order)
{
	struct msg_value all = V_TEXT("a@x");
	struct group g = {.n = 0};
	struct engine_stats before, after;
	struct rig r;

	group_open(&r);
	engine_stats(r.engine, &before);
	group_append(&g, "a@x", 1, 7, "one");
	group_append(&g, "b@x", 1, 7, "other");
	group_op(&g, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("v")));
	group_append(&g, "a@x", 2, 7, "two");
	group_op(&g, op_make(STORE_LOG_DELETE, TABLE_LOG, &all, 1));
	group_append(&g, "a@x", 3, 7, "three");
	group_append(&g, "a@x", 4, 7, "");
	group_append(&g, "a@x", 5, 7, "f\303\274nf");
	group_write(&r, &g);
	for (size_t i = 0; i < g.n; i++)
		ck_assert_int_eq(g.x[i].w.status, STORE_COMMITTED);
	engine_stats(r.engine, &after);
	ck_assert_uint_eq(after.commits - before.commits, 1);
	ck_stanzas(&r, "a@x", "three  f\303\274nf ");
	ck_stanzas(&r, "b@x", "other ");
	ck_found(&r, LIST_ALL(TABLE_VCARD), "a@x v\n");
	rig_close(&r);
}
END_TEST

/* One that is there already is there once; the number with another key is refused alone. */
START_TEST(known)
{
	struct group g = {.n = 0}, again = {.n = 0};
	struct rig r;

	group_open(&r);
	group_append(&g, "a@x", 1, 7, "one");
	group_append(&g, "a@x", 2, 7, "two");
	group_write(&r, &g);
	group_append(&again, "a@x", 2, 7, "two");
	group_append(&again, "a@x", 1, 8, "stranger");
	group_append(&again, "a@x", 3, 7, "three");
	group_append(&again, "b@x", 1, 7, "other");
	group_write(&r, &again);
	ck_assert_int_eq(again.x[0].w.status, STORE_COMMITTED);
	ck_assert_int_eq(again.x[1].w.status, STORE_CLASH);
	ck_assert_int_eq(again.x[2].w.status, STORE_COMMITTED);
	ck_assert_int_eq(again.x[3].w.status, STORE_COMMITTED);
	ck_stanzas(&r, "a@x", "one two three ");
	ck_stanzas(&r, "b@x", "other ");
	rig_close(&r);
}
END_TEST

/* What no index can hold fails; what came before it and other shards' do not. */
START_TEST(impossible)
{
	char *name = xmalloc(LONG + 1);
	struct group g = {.n = 0};
	struct rig r;

	name[LONG] = 0;
	do {
		for (size_t i = 0; i < LONG; i++)
			name[i] = (char)('a' + random_u64() % 26);
	} while (shard_of(name) == shard_of("a@x") || shard_of(name) == shard_of("b@x"));
	group_open(&r);
	group_append(&g, "a@x", 1, 7, "one");
	group_append(&g, name, 1, 7, "never");
	group_append(&g, "a@x", 2, 7, "two");
	group_append(&g, "b@x", 1, 7, "other");
	/* A later one of the shard whose append failed never commits. */
	group_append(&g, name, 2, 7, "never");
	group_write(&r, &g);
	ck_assert_int_eq(g.x[0].w.status, STORE_COMMITTED);
	ck_assert_int_eq(g.x[1].w.status, STORE_FAILED);
	ck_assert_int_eq(g.x[2].w.status, STORE_COMMITTED);
	ck_assert_int_eq(g.x[3].w.status, STORE_COMMITTED);
	ck_assert_int_eq(g.x[4].w.status, STORE_FAILED);
	ck_stanzas(&r, "a@x", "one two ");
	ck_stanzas(&r, "b@x", "other ");
	rig_close(&r);
	free(name);
}
END_TEST

/* A statement that the database does not get done with holds up its shard, and nobody else. */
START_TEST(stuck)
{
	static const char *const states[] = {"57014", "XX001", "58030"};
	struct group g = {.n = 0};
	struct engine_stats stats;
	struct rig r;
	char *sql;

	group_open(&r);
	ck_assert_uint_ne(shard_of("a@x"), shard_of("b@x"));
	sql = xasprintf("CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
			" IF NEW.account = 'b@x' THEN RAISE 'it is stuck' USING ERRCODE = '%s';"
			" END IF; RETURN NEW; END $$;"
			"CREATE TRIGGER stuck BEFORE INSERT ON vcard FOR EACH ROW EXECUTE FUNCTION stuck()",
			states[_i]);
	free(pg_server_sql(r.conninfo, sql));
	free(sql);
	group_append(&g, "a@x", 1, 7, "one");
	group_op(&g, PUT(TABLE_VCARD, V_TEXT("b@x"), V_TEXT("v")));
	group_append(&g, "b@x", 1, 7, "later");
	group_op(&g, PUT(TABLE_VCARD, V_TEXT("a@x"), V_TEXT("v")));
	group_append(&g, "a@x", 2, 7, "two");
	group_write(&r, &g);
	for (size_t i = 0; i < g.n; i++) {
		bool held = i == 1 || i == 2;

		ck_assert_int_eq(g.x[i].w.status, held ? STORE_FAILED : STORE_COMMITTED);
		ck_assert(g.x[i].w.again == held);
	}
	ck_stanzas(&r, "a@x", "one two ");
	ck_stanzas(&r, "b@x", "");
	free(pg_server_sql(r.conninfo, "DROP TRIGGER stuck ON vcard"));
	/* They come again, in order. */
	g.x[1].done = g.x[2].done = false;
	engine_write(r.engine, &g.x[1].w);
	engine_write(r.engine, &g.x[2].w);
	rig_wait(&r, &g.x[2].done);
	ck_assert_int_eq(g.x[1].w.status, STORE_COMMITTED);
	ck_assert_int_eq(g.x[2].w.status, STORE_COMMITTED);
	engine_stats(r.engine, &stats);
	ck_assert(!stats.failing);
	rig_close(&r);
}
END_TEST

void fill_pg_append(TCase *tc)
{
	tcase_add_test(tc, in_order);
	tcase_add_test(tc, known);
	tcase_add_test(tc, impossible);
	tcase_add_loop_test(tc, stuck, 0, 3);
}
