/* SPDX-License-Identifier: MIT */
/* Storage for tests: rows in memory that answer reads, and writes when the test lets them. */
#ifndef TESTS_SM_SHELF_H
#define TESTS_SM_SHELF_H

#include "link/store_client.h"
#include "tests/unit/link/fake_link.h"

struct shelf_row {
	struct shelf_row *prev, *next;
	uint16_t table;
	size_t nvalues;
	struct msg_value v[12]; /* copies */
};

struct shelf {
	struct shelf_row *rows;
	struct fake_frame held[1024]; /* writes not answered yet */
	size_t nheld;
	bool hold;        /* writes wait for shelf_release */
	bool in_order;    /* as storage does: those of a shard in the order of their numbers, each once */
	struct {
		uint32_t run, number;
	} done[SHARDS]; /* in_order */
	bool hold_reads;
	bool older;    /* of a version whose STORE_LOG_LAST knows neither times nor an end */
	bool one_read; /* the next is answered, then they are held again */
	enum store_status status; /* what writes are answered; anything else than COMMITTED writes nothing */
	size_t writes, reads, reads_failed;
	size_t read_bytes; /* the most of an answer, as a frame bounds it; 0: no end */
	uint32_t largest_page;
};

struct shelf *shelf_new(void);
struct shelf *shelf_free(struct shelf *s);
void shelf_put(struct shelf *s, uint16_t table, const struct msg_value *v, size_t n);
size_t shelf_count(const struct shelf *s, uint16_t table, const char *account);
/* The first row of the table for that account, or NULL. */
struct shelf_row *shelf_row(const struct shelf *s, uint16_t table, const char *account);
void shelf_remove(struct shelf *s, uint16_t table, const char *account); /* behind sm's back */
void shelf_remove_first(struct shelf *s, uint16_t table, const char *account);
/* A WRITE frame: answered, or held. */
void shelf_write(struct shelf *s, struct link *k, const struct fake_frame *f);
void shelf_release(struct shelf *s, struct link *k, size_t n); /* the oldest n */
void shelf_lose(struct shelf *s); /* all that is held: it never came, and the next owner writes */
void shelf_lose_answer(struct shelf *s); /* the oldest is done, and nobody is told */
/* The answer to a READ, into p. */
void shelf_read(struct shelf *s, struct pool *p, const struct msg_read *m, struct msg_found *ret);

#endif
