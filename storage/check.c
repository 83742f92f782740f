/* SPDX-License-Identifier: MIT */
/* Checks reads and writes against the declared tables, so that engines can trust them. */
#include <errno.h>
#include "storage/check.h"

static bool text_ok(struct str s)
{
	/* No engine may take what another refuses: PostgreSQL has no NUL in text. */
	return (s.len == 0 || !memchr(s.ptr, 0, s.len)) && str_utf8_valid(s);
}

static bool value_ok(const struct column *c, const struct msg_value *v)
{
	if (v->type == 0)
		return c->nullable;
	return v->type == c->type && (v->type != COLUMN_TEXT || text_ok(v->s));
}

/* The first n values stand for the first n columns. */
static bool values_ok(const struct table_def *t, const struct msg_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!value_ok(&t->columns[i], &v[i]))
			return false;
	return true;
}

int value_cmp(const struct msg_value *a, const struct msg_value *b)
{
	size_t n = a->s.len < b->s.len ? a->s.len : b->s.len;
	int c;

	if (a->type == COLUMN_INT)
		return a->i < b->i ? -1 : a->i > b->i;
	c = n ? memcmp(a->s.ptr, b->s.ptr, n) : 0;
	return c ? c : a->s.len < b->s.len ? -1 : a->s.len > b->s.len;
}

static const char *check_after(const struct table_def *t, const struct msg_read_op *o)
{
	if (o->nafter == 0)
		return NULL;
	if (o->nafter != t->nkeys || !values_ok(t, o->after, o->nafter))
		return "after is not a whole key";
	for (size_t i = 0; i < o->nkey; i++)
		if (value_cmp(&o->after[i], &o->key[i]) != 0)
			return "after lies outside of the prefix";
	return NULL;
}

static const char *check_selected(const struct msg_read_op *o)
{
	if (o->table != TABLE_LOG || o->nkey != 1)
		return "an account of the log is needed";
	if (!text_ok(o->with))
		return "not a JID";
	for (size_t i = 0; i < o->nnumbers; i++)
		if (o->numbers[i] > INT64_MAX)
			return "number out of range";
	return o->from <= INT64_MAX && o->to <= INT64_MAX ? NULL : "number out of range";
}

static const char *check_accounts(const struct table_def *t, const struct msg_read_op *o)
{
	if (o->table != TABLE_LOG || o->nkey || o->nafter > 1 || o->reverse ||
	    !values_ok(t, o->after, o->nafter))
		return "accounts of the log are listed forwards, behind one of them";
	return NULL;
}

static const char *check_read_op(const struct table_def *t, const struct msg_read_op *o)
{
	if (o->nkey > t->nkeys || !values_ok(t, o->key, o->nkey))
		return "not a key of this table";
	switch ((enum store_read_op)o->op) {
	case STORE_GET:
		return o->nkey == t->nkeys ? NULL : "the whole key is needed";
	case STORE_LIST:
		return check_after(t, o);
	case STORE_COUNT:
		return NULL;
	case STORE_LOG_READ:
	case STORE_LOG_LAST:
	case STORE_LOG_COUNT:
	case STORE_LOG_SIZES:
		return check_selected(o);
	case STORE_LOG_ACCOUNTS:
		return check_accounts(t, o);
	}
	return "unknown kind of read";
}

int check_read(const struct engine_read *r, const char **ret_text)
{
	for (size_t i = 0; i < r->nops; i++) {
		const struct msg_read_op *o = &r->ops[i];
		const char *text;

		if (o->table >= TABLES) {
			*ret_text = "unknown table";
			return -EINVAL;
		}
		if (!r->own && !table_readable_by(&tables[o->table], r->process)) {
			*ret_text = "that table is not this process's";
			return -EACCES;
		}
		text = check_read_op(&tables[o->table], o);
		if (text) {
			*ret_text = text;
			return -EINVAL;
		}
	}
	return 0;
}

/* An older sender does not know the newest columns: what is missing is null. */
static const char *check_row(const struct table_def *t, const struct msg_write_op *o)
{
	if (o->nvalues < t->nkeys || o->nvalues > t->ncolumns ||
	    !values_ok(t, o->values, o->nvalues))
		return "values do not match the columns";
	if (!store_key_fits(o->values, t->nkeys))
		return "the key is too long";
	for (size_t i = o->nvalues; i < t->ncolumns; i++)
		if (!t->columns[i].nullable)
			return "a column is missing";
	return NULL;
}

static const char *check_prefix(const struct table_def *t, const struct msg_write_op *o)
{
	if (o->nvalues == 0 || o->nvalues > t->nkeys || !values_ok(t, o->values, o->nvalues))
		return "not a key of this table";
	return NULL;
}

static const char *check_write_op(const struct table_def *t, const struct msg_write_op *o)
{
	bool log = o->table == TABLE_LOG;

	if (o->condition > 2)
		return "unknown condition";
	switch ((enum store_write_op)o->op) {
	case STORE_PUT:
		return log ? "the log is appended to" : check_row(t, o);
	case STORE_DELETE:
		if (o->condition == 1)
			return "only what is present can be deleted";
		return log ? "the log has a delete of its own" : check_prefix(t, o);
	case STORE_LOG_APPEND:
		if (!log || o->condition)
			return "not an append to the log";
		return check_row(t, o);
	case STORE_LOG_DELETE:
		if (!log || o->condition)
			return "not a delete of the log";
		return check_prefix(t, o);
	}
	return "unknown kind of write";
}

/* The storage process itself removes entries of the log, and keeps what is its own. */
static bool may_write(const struct engine_write *w, const struct msg_write_op *o,
		      const struct table_def *t)
{
	if (w->own)
		return o->op == STORE_LOG_DELETE || table_writable_by(t, w->process);
	return table_writable_by(t, w->process) && (!t->sharded || w->shard != SHARD_NONE);
}

enum store_status check_write(const struct engine_write *w, size_t *ret_op, const char **ret_text)
{
	for (size_t i = 0; i < w->nops; i++) {
		const struct msg_write_op *o = &w->ops[i];
		const struct table_def *t = o->table < TABLES ? &tables[o->table] : NULL;
		const char *text = "unknown table";

		*ret_op = i;
		if (t && !may_write(w, o, t)) {
			*ret_text = "that table is not this process's, or needs a lease";
			return STORE_FORBIDDEN;
		}
		if (t)
			text = check_write_op(t, o);
		if (text) {
			*ret_text = text;
			return STORE_FAILED;
		}
	}
	if (w->shard >= SHARDS && w->shard != SHARD_NONE) {
		*ret_op = 0;
		*ret_text = "no such shard";
		return STORE_FAILED;
	}
	return STORE_COMMITTED;
}

bool write_is_conditional(const struct engine_write *w)
{
	for (size_t i = 0; i < w->nops; i++)
		if (w->ops[i].condition)
			return true;
	return false;
}
