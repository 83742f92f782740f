/* SPDX-License-Identifier: MIT */
/*
 * mercutioctl storage copy: all data into another database, read again and compared before it
 * becomes visible. Leases go with them: numbers of the log go on where they were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "storage/copy_internal.h"

/* Of the engines' own tables what must outlive the move: epochs, and requests that may come again.
 */
static const struct column lease_columns[] = {
	{"route", COLUMN_TEXT, false, 1}, {"shard", COLUMN_INT, false, 1},
	{"owner", COLUMN_TEXT, false, 1}, {"owner_id", COLUMN_INT, false, 1},
	{"epoch", COLUMN_INT, false, 1},
};
static const struct column request_columns[] = {
	{"sender", COLUMN_INT, false, 1},
	{"request", COLUMN_INT, false, 1},
	{"time", COLUMN_INT, false, 1},
};
static const struct table_def own[] = {
	{"mercutio_lease", NULL, false, false, 1, 2, 5, 0, lease_columns, NULL},
	{"mercutio_request", NULL, false, false, 1, 2, 3, 0, request_columns, NULL},
};

const struct table_def *bulk_table(size_t i)
{
	if (i < TABLES)
		return &tables[i];
	return i < TABLES + sizeof(own) / sizeof(own[0]) ? &own[i - TABLES] : NULL;
}

void bulk_key_order(struct buf *b, const struct table_def *t)
{
	for (size_t i = 0; i < t->nkeys; i++)
		buf_printf(b, "%s\"%s\"", i ? ", " : "", t->columns[i].name);
}

void bulk_select_sql(struct buf *b, const struct table_def *t, const char *order)
{
	buf_lit(b, "SELECT ");
	for (size_t i = 0; i < t->ncolumns; i++)
		buf_printf(b, "%s\"%s\"", i ? ", " : "", t->columns[i].name);
	buf_printf(b, " FROM \"%s\"%s%s", t->name, *order ? " ORDER BY " : "", order);
}

static bool copy_table(struct bulk *from, struct bulk *to, const struct table_def *t)
{
	struct msg_value row[COPY_COLUMNS];
	int state;

	if (!from->ops->select(from, t, BULK_STORED))
		return false;
	while ((state = from->ops->next(from, row)) > 0)
		if (!to->ops->put(to, t, row))
			return false;
	return state == 0;
}

static bool copy_all(struct bulk *from, struct bulk *to, bool replace)
{
	int64_t first, last;

	if (!from->ops->times(from, &first, &last) || !to->ops->begin(to, replace, first, last))
		return false;
	for (size_t i = 0; bulk_table(i); i++)
		if (!copy_table(from, to, bulk_table(i)))
			return false;
	return to->ops->flush(to);
}

static int run(struct bulk *from, struct bulk *to, bool replace)
{
	if (!copy_all(from, to, replace)) {
		fprintf(stderr, "mercutio-storage: not copied, nothing was changed: %s%s\n",
			from->text, to->text);
		return EXIT_FAILURE;
	}
	if (!copy_check(from, to)) {
		fprintf(stderr, "mercutio-storage: the copy differs and was dropped\n");
		return EXIT_FAILURE;
	}
	if (!to->ops->commit(to)) {
		fprintf(stderr, "mercutio-storage: not copied: %s\n", to->text);
		return EXIT_FAILURE;
	}
	puts("copied, and all rows compared");
	return EXIT_SUCCESS;
}

static const struct bulk_ops *ops_of(const struct target *t)
{
	return t->ops == &engine_sqlite ? &bulk_sqlite : &bulk_pgsql;
}

static int copy(const struct target *from, const struct target *to, bool replace, struct buf *error)
{
	struct bulk *a = ops_of(from)->open(from, false, error);
	struct bulk *b = a ? ops_of(to)->open(to, true, error) : NULL;
	int status = EXIT_FAILURE;

	if (b) {
		status = run(a, b, replace);
		b->ops->close(b);
	}
	if (a)
		a->ops->close(a);
	return status;
}

int task_copy(struct app *app, int argc, char **argv)
{
	bool replace = argc == 3 && strcmp(argv[2], "--replace") == 0;
	struct target from = {NULL}, to = {NULL};
	struct buf error = BUF_INIT;
	int status = EXIT_FAILURE;

	if (argc != 2 + replace)
		buf_lit(&error, "usage: copy FROM TO [--replace]");
	else if (target_parse(&from, app, argv[0], &error) &&
		 target_parse(&to, app, argv[1], &error))
		status = copy(&from, &to, replace, &error);
	if (error.len)
		fprintf(stderr, "mercutio-storage: %.*s\n", STR_ARG(buf_str(&error)));
	target_free(&from);
	target_free(&to);
	buf_free(&error);
	return status;
}
