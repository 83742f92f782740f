/* SPDX-License-Identifier: MIT */
/* Compares two databases, table by table, in the order of their keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/random.h"
#include "storage/copy_internal.h"

struct side {
	struct bulk *bulk;
	struct msg_value row[COPY_COLUMNS];
	int state;				       /* of next */
	unsigned long long rows, accounts, of_account; /* of_account: rows of the account at hand */
	uint64_t sum;
	struct buf account;
};

static bool same_value(const struct msg_value *a, const struct msg_value *b)
{
	return a->type == b->type && (a->type == COLUMN_INT ? a->i == b->i : str_eq(a->s, b->s));
}

static void add_row(struct side *s, const struct table_def *t)
{
	for (size_t i = 0; i < t->ncolumns; i++) {
		const struct msg_value *v = &s->row[i];
		uint64_t h = v->type == COLUMN_INT ? hash64(&v->i, sizeof(v->i))
						   : hash64(v->s.ptr, v->s.len);

		s->sum = hash64_pair(s->sum, hash64_pair(v->type, h));
	}
	s->rows++;
	if (t != &tables[TABLE_LOG])
		return;
	if (!s->accounts || !str_eq(buf_str(&s->account), s->row[0].s)) {
		buf_clear(&s->account);
		buf_str_append(&s->account, s->row[0].s);
		s->accounts++;
		s->of_account = 0;
	}
	s->of_account++;
}

static void advance(struct side *s, const struct table_def *t)
{
	s->state = s->bulk->ops->next(s->bulk, s->row);
	if (s->state > 0)
		add_row(s, t);
}

static void tell_difference(const struct side *a, const struct side *b, const struct table_def *t)
{
	const struct side *there = a->state > 0 ? a : b;

	fprintf(stderr, "mercutio-storage: table %s: row %llu differs", t->name, there->rows);
	if (there->state > 0 && there->row[0].type == COLUMN_TEXT)
		fprintf(stderr, ", of %.*s", STR_ARG(there->row[0].s));
	if (t == &tables[TABLE_LOG])
		fprintf(stderr, " (its entry %llu here, %llu there)", a->of_account, b->of_account);
	fputc('\n', stderr);
}

/* 1: the same, 0: different, -1: not to be read. */
static int compare(struct side *a, struct side *b, const struct table_def *t)
{
	if (!a->bulk->ops->select(a->bulk, t, BULK_KEY) ||
	    !b->bulk->ops->select(b->bulk, t, BULK_KEY))
		return -1;
	for (;;) {
		advance(a, t);
		advance(b, t);
		if (a->state < 0 || b->state < 0)
			return -1;
		if (!a->state && !b->state)
			return 1;
		if (a->state != b->state)
			return 0;
		for (size_t i = 0; i < t->ncolumns; i++)
			if (!same_value(&a->row[i], &b->row[i]))
				return 0;
	}
}

static bool check_table(struct bulk *from, struct bulk *to, const struct table_def *t)
{
	struct side a = {.bulk = from}, b = {.bulk = to};
	int same = compare(&a, &b, t);

	if (same == 0)
		tell_difference(&a, &b, t);
	else if (same < 0)
		fprintf(stderr, "mercutio-storage: table %s: %s%s\n", t->name, from->text,
			to->text);
	else
		printf("%-18s %12llu rows  %016llx  %016llx", t->name, a.rows,
		       (unsigned long long)a.sum, (unsigned long long)b.sum);
	if (same > 0 && t == &tables[TABLE_LOG])
		printf("  %llu accounts, each with as many entries", a.accounts);
	if (same > 0)
		putchar('\n');
	buf_free(&a.account);
	buf_free(&b.account);
	return same > 0;
}

bool copy_check(struct bulk *from, struct bulk *to)
{
	bool good = true;

	for (size_t i = 0; bulk_table(i); i++)
		good = check_table(from, to, bulk_table(i)) && good;
	return good;
}
