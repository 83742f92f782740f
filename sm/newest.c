/* SPDX-License-Identifier: MIT */
/* The newest entries of an account's log, read a page at a time. */
#include "sm/newest.h"

enum { PAGE = 4096, PAGE_TIMEOUT_MS = 10000 };
/* Columns of STORE_LOG_LAST; an older storage has no time. */
enum { LAST_NUMBER, LAST_ORIGIN, LAST_ORIGIN_NUMBER, LAST_PART, LAST_FLAGS, LAST_TIME };

/* What was read beyond the rows that come with the account. */
struct newest {
	newest_fn *done;
	uint64_t position; /* to be reached at least */
	int64_t since;	   /* likewise: SEEN_MS before the newest entry, by the clocks of their owners */
	uint64_t from;	   /* the lowest number read yet */
	struct newest_entry *entries; /* the newest first */
	size_t n, cap;
};

static struct newest_entry entry_of(const struct msg_row *row)
{
	const struct msg_value *v = row->values;

	return (struct newest_entry){.seen = {{(uint64_t)v[LAST_ORIGIN].i,
					       (uint64_t)v[LAST_ORIGIN_NUMBER].i,
					       (uint16_t)v[LAST_PART].i},
					      (uint64_t)v[LAST_NUMBER].i},
				     .target = (uint32_t)v[LAST_FLAGS].i};
}

static int64_t time_of(const struct msg_row *row)
{
	return row->nvalues > LAST_TIME ? row->values[LAST_TIME].i : INT64_MIN;
}

/* These rows reach back to both, or there is nothing older. */
static bool reaches(const struct msg_rows *rows, size_t asked, uint64_t position, int64_t since)
{
	const struct msg_row *last;

	if (!rows->nrows || (rows->nrows < asked && !rows->more))
		return true;
	last = &rows->rows[rows->nrows - 1];
	return (uint64_t)last->values[LAST_NUMBER].i <= position && time_of(last) < since;
}

static void append(struct newest *x, const struct msg_rows *rows)
{
	if (x->n + rows->nrows > x->cap) {
		x->cap = 2 * x->cap + rows->nrows;
		x->entries = xrealloc(x->entries, x->cap * sizeof *x->entries);
	}
	for (size_t i = 0; i < rows->nrows; i++)
		x->entries[x->n++] = entry_of(&rows->rows[i]);
}

static void read_on(struct user *u);

static void page_read(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct user *u = arg;
	struct newest *x = u->newest;
	newest_fn *done = x->done;
	bool whole;

	u->loading = NULL;
	if (err) {
		newest_free(u);
		done(u, err);
		return;
	}
	if (n != 1)
		bug("storage answered %zu reads instead of one", n);
	/* An older storage reads the newest again, more of them: that is all that can be had. */
	whole = (results->nrows && entry_of(&results->rows[0]).seen.log >= x->from) ||
		reaches(results, PAGE, x->position, x->since);
	append(x, results);
	if (whole) {
		done(u, 0);
		return;
	}
	x->from = x->entries[x->n - 1].seen.log;
	read_on(u);
}

static void read_on(struct user *u)
{
	struct msg_value key = value_text(user_jid(u));
	struct msg_read_op op = {.op = STORE_LOG_LAST,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .limit = PAGE,
				 .to = u->newest->from};

	u->loading = store_read_all(u->sm->link, &op, 1, PAGE_TIMEOUT_MS, page_read, u);
}

bool newest_enough(struct user *u, uint64_t position, const struct msg_rows *rows, newest_fn *done)
{
	int64_t since = rows->nrows ? time_of(&rows->rows[0]) : INT64_MIN;

	if (since > INT64_MIN)
		since -= (int64_t)SEEN_MS * 1000;
	if (u->newest || reaches(rows, NEWEST_KEYS, position, since))
		return true;
	u->newest = xcalloc(1, sizeof *u->newest);
	u->newest->done = done;
	u->newest->position = position;
	u->newest->since = since;
	u->newest->from = entry_of(&rows->rows[rows->nrows - 1]).seen.log;
	read_on(u);
	return false;
}

size_t newest_count(const struct user *u, const struct msg_rows *rows)
{
	return rows->nrows + (u->newest ? u->newest->n : 0);
}

void newest_each(struct user *u, const struct msg_rows *rows,
		 void (*fn)(void *arg, const struct newest_entry *e), void *arg)
{
	for (size_t i = 0; i < rows->nrows; i++) {
		struct newest_entry e = entry_of(&rows->rows[i]);

		fn(arg, &e);
	}
	for (size_t i = 0; u->newest && i < u->newest->n; i++)
		fn(arg, &u->newest->entries[i]);
}

void newest_free(struct user *u)
{
	if (!u->newest)
		return;
	free(u->newest->entries);
	free(u->newest);
	u->newest = NULL;
}
