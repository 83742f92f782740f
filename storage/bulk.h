/* SPDX-License-Identifier: MIT */
/*
 * A whole database read or written row by row, for copies; blocks, in bounded memory.
 *
 * No server works on it meanwhile: that is made sure of when it is opened. What was not committed
 * has left no trace.
 */
#ifndef STORAGE_BULK_H
#define STORAGE_BULK_H

#include "storage/target.h"

enum bulk_order {
	BULK_STORED, /* as rows lie, which is about the order of time */
	BULK_KEY
};

struct bulk {
	const struct bulk_ops *ops;
	char text[WRITE_TEXT]; /* why something failed */
};

/* Functions that fail return false (-1) and leave one line in text. */
struct bulk_ops {
	/* To be read; write: to be filled, which commit ends. */
	struct bulk *(*open)(const struct target *t, bool write, struct buf *error);
	/* The oldest and newest time in the log; 0, 0: it is empty. */
	bool (*times)(struct bulk *b, int64_t *ret_from, int64_t *ret_to);
	/* Of what is to be written: room for a log of these times. Refused when there is something,
	 * unless it is to be replaced. */
	bool (*begin)(struct bulk *b, bool replace, int64_t from, int64_t to);
	bool (*select)(struct bulk *b, const struct table_def *t, enum bulk_order order);
	/* 1: a row, valid until the next call; 0: there is none. */
	int (*next)(struct bulk *b, struct msg_value *ret_values);
	bool (*put)(struct bulk *b, const struct table_def *t, const struct msg_value *values);
	bool (*flush)(struct bulk *b); /* what was put can be selected */
	bool (*commit)(struct bulk *b);
	void (*close)(struct bulk *b);
};
extern const struct bulk_ops bulk_sqlite, bulk_pgsql;

/* SELECT … FROM …, for both. order: columns behind ORDER BY, "": none. */
void bulk_select_sql(struct buf *b, const struct table_def *t, const char *order);
void bulk_key_order(struct buf *b, const struct table_def *t);
/* The declared tables, then the engines' own that a copy must have; NULL: no more. */
const struct table_def *bulk_table(size_t i);

#endif
