/* SPDX-License-Identifier: MIT */
/* An engine under test with calls that wait for their answer. */
#ifndef TESTS_STORAGE_RIG_H
#define TESTS_STORAGE_RIG_H

#include <check.h>
#include "base/random.h"
#include "storage/engine.h"

struct rig {
	struct loop *loop;
	struct engine *engine;
	struct engine_config config;
	char dir[64];
	char path[96];
	char *conninfo; /* PostgreSQL: a schema of its own */
};

/* In a directory of its own, which rig_close removes. */
void rig_open(struct rig *r, const char *engine);
void rig_close(struct rig *r);
/* Closes the engine and opens it again on what is there. */
void rig_reopen(struct rig *r);
void rig_remove(const char *dir);

/* PostgreSQL: another storage at the same data, in the same loop. */
struct engine *rig_second(struct rig *r);

/* Waits until *flag. */
void rig_wait(struct rig *r, const bool *flag);
void rig_run_for(struct rig *r, uint64_t ms);

/* --- values ---------------------------------------------------------------------------------- */

#define V_INT(i)  value_int(i)
#define V_TEXT(z) value_text(str_z(z))
#define V_BLOB(l) value_blob(STR(l))
#define VALUES(...)                                                                                \
	((struct msg_value[]){__VA_ARGS__}),                                                       \
		(sizeof((struct msg_value[]){__VA_ARGS__}) / sizeof(struct msg_value))

struct msg_write_op op_make(enum store_write_op op, size_t table, struct msg_value *v, size_t n);
#define PUT(table, ...) op_make(STORE_PUT, table, VALUES(__VA_ARGS__))
#define DEL(table, ...) op_make(STORE_DELETE, table, VALUES(__VA_ARGS__))
#define APPEND(account, number, origin, stanza)                                                    \
	op_make(STORE_LOG_APPEND, TABLE_LOG,                                                       \
		VALUES(V_TEXT(account), V_INT(number), V_INT(1000 + (number)), V_TEXT("peer@b"),   \
		       V_INT(origin), V_INT(number), V_INT(0), V_INT(0), V_TEXT(stanza)))

uint16_t shard_of(const char *account);

/* --- writes ---------------------------------------------------------------------------------- */

enum { OWNER = 77 }; /* instance that has taken all shards of sm with epoch 1 in rig_lease */

struct written {
	struct engine_write w; /* filled with defaults by written_init, may be changed */
	bool done;
};
void written_init(struct written *x, const struct msg_write_op *ops, size_t n);
void rig_lease(struct rig *r, const char *route, uint64_t owner); /* takes all shards */

/* A batch of sm with the lease of the first op's account; auth's tables: of auth. */
enum store_status rig_write(struct rig *r, const struct msg_write_op *ops, size_t n);
#define WRITE(r, ...)                                                                              \
	rig_write(r, (struct msg_write_op[]){__VA_ARGS__},                                         \
		  sizeof((struct msg_write_op[]){__VA_ARGS__}) / sizeof(struct msg_write_op))
enum store_status rig_submit(struct rig *r, struct written *x); /* waits */

/* --- reads ----------------------------------------------------------------------------------- */

/* What was found as text, for comparison: rows in lines, values with blanks between, null as -,
 * "more" in the last line when there is more, "error N" on failure; several ops divided by "--".
 * Malloc'ed. */
char *rig_read(struct rig *r, const char *process, const struct msg_read_op *ops, size_t n);
struct msg_read_op read_make(enum store_read_op op, size_t table, struct msg_value *v, size_t n);
#define GET(table, ...)	  read_make(STORE_GET, table, VALUES(__VA_ARGS__))
#define LIST(table, ...)  read_make(STORE_LIST, table, VALUES(__VA_ARGS__))
#define LIST_ALL(table)	  read_make(STORE_LIST, table, NULL, 0)
#define COUNT(table, ...) read_make(STORE_COUNT, table, VALUES(__VA_ARGS__))

#define ck_found(r, op, text)                                                                      \
	do {                                                                                       \
		struct msg_read_op ck_op = (op);                                                   \
		char *ck_text = rig_read((r), "sm", &ck_op, 1);                                    \
		ck_assert_str_eq(ck_text, text);                                                   \
		free(ck_text);                                                                     \
	} while (0)

#endif
