/* SPDX-License-Identifier: MIT */
/*
 * Delivery positions: which entries of an account's log no session has acknowledged.
 *
 * In memory they are all known; written is (position, list): everything up to the position is
 * delivered but for the list. A crash between two writes leaves an old position: the announced
 * sessions correct it (all that is for a session up to its settled number was delivered).
 */
#include <utlist.h>
#include "sm/inbox.h"
#include "sm/newest.h"

static size_t entry_at(const struct inbox *b, uint64_t log)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (b->entries[mid].log < log)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct entry *inbox_entry(struct inbox *b, uint64_t log)
{
	size_t at = entry_at(b, log);

	return at < b->n && b->entries[at].log == log ? &b->entries[at] : NULL;
}

struct entry *inbox_add(struct inbox *b, uint64_t log, uint32_t target)
{
	size_t at = entry_at(b, log);

	if (at < b->n && b->entries[at].log == log)
		return &b->entries[at];
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 4;
		b->entries = xrealloc(b->entries, b->cap * sizeof *b->entries);
	}
	memmove(b->entries + at + 1, b->entries + at, (b->n - at) * sizeof *b->entries);
	b->entries[at] = (struct entry){.log = log, .target = target};
	b->n++;
	if (log > b->top)
		b->top = log;
	else
		b->inserted++;
	b->version++;
	return &b->entries[at];
}

void inbox_remove(struct inbox *b, uint64_t log)
{
	size_t at = entry_at(b, log);

	if (at == b->n || b->entries[at].log != log)
		return;
	memmove(b->entries + at, b->entries + at + 1, (b->n - at - 1) * sizeof *b->entries);
	b->version++;
	if (--b->n == 0) {
		free(b->entries);
		b->entries = NULL;
		b->cap = 0;
	}
}

/* --- loading and saving ------------------------------------------------------------------------------ */

enum { LOG_BYTES = 8, TARGET_BYTES = 4, ENTRY_BYTES = LOG_BYTES + TARGET_BYTES }; /* as written */

/* A position is one row in one frame, together with a message or other rows: it has half of it. */
size_t inbox_most(size_t max_frame)
{
	return max_frame / 2 / ENTRY_BYTES;
}

void inbox_check(const char *file, const struct conf *conf, const struct common_config *common,
		 const void *config, struct buf *errors)
{
	const struct sm_config *c = config;
	size_t most = inbox_most((size_t)common->max_frame);

	(void)conf;
	if ((uint64_t)c->offline_max > most)
		buf_printf(errors, "%s: option \"offline_max\" of sm: with this max_frame at most %zu\n",
			   file, most);
}

static uint64_t read_number(const char *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | (uint8_t)p[bytes];
	return v;
}

static void put_number(struct buf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> 8 * i));
}

uint64_t inbox_position_of(const struct msg_rows *position)
{
	return position->nrows ? (uint64_t)position->rows[0].values[COL_POSITION_DELIVERED].i : 0;
}

struct loading {
	struct inbox *inbox;
	struct seen_key *keys;
	size_t n;
};

static void load_entry(void *arg, const struct newest_entry *e)
{
	struct loading *l = arg;
	struct inbox *b = l->inbox;
	uint64_t log = e->seen.log;

	l->keys[l->n++] = e->seen;
	if (log > b->written && e->target != TARGET_NOBODY)
		inbox_add(b, log, e->target);
	if (log > b->top)
		b->top = log;
	b->oldest = log;
}

void inbox_load(struct user *u, const struct msg_rows *position, const struct msg_rows *newest)
{
	struct inbox *b = xcalloc(1, sizeof *b);
	struct loading l = {b, xcalloc(newest_count(u, newest), sizeof *l.keys), 0};

	u->inbox = b;
	b->written = b->top = inbox_position_of(position);
	if (position->nrows) {
		struct str list = position->rows[0].values[COL_POSITION_UNDELIVERED].s;

		for (size_t i = 0; i + ENTRY_BYTES <= list.len; i += ENTRY_BYTES)
			inbox_add(b, read_number(list.ptr + i, LOG_BYTES),
				  (uint32_t)read_number(list.ptr + i + LOG_BYTES, TARGET_BYTES));
	}
	newest_each(u, newest, load_entry, &l);
	seen_load(u, l.keys, l.n);
	free(l.keys);
	b->saved_version = b->version;
	for (struct session *s = u->sessions; s; s = s->next)
		inbox_adopt(s);
	sm_tick_appends(u->sm);
}

static void saved(struct user *u, int err, void *arg)
{
	struct inbox *b = u->inbox;

	(void)arg;
	b->saving = false;
	b->save_failed = err != 0;
	if (err) { /* the next change tries again */
		farewells_look(u, true);
		return;
	}
	b->saved_version = b->saving_version;
	for (struct session *s = u->sessions; s; s = s->next)
		session_settle(s);
	inbox_settle(u);
	farewells_look(u, false);
}

void inbox_settle(struct user *u)
{
	const struct inbox *b = u->inbox;

	if (!b || b->saving)
		return;
	for (struct session *s = u->sessions; s; s = s->next)
		for (uint32_t i = 0; i < s->ngiven && s->given[i].acked; i++)
			if (s->given[i].unsaved && s->given[i].acked_version > b->saved_version) {
				inbox_save(u);
				return;
			}
}

static void put_entry(struct buf *list, uint64_t log, uint32_t target)
{
	put_number(list, log, LOG_BYTES);
	put_number(list, target, TARGET_BYTES);
}

void inbox_position(struct user *u, struct buf *list, struct msg_value row[COLS_POSITION])
{
	struct inbox *b = u->inbox;
	const struct append *a;

	for (size_t i = 0; i < b->n; i++)
		put_entry(list, b->entries[i].log, b->entries[i].target);
	/* Under numbers of an earlier owner: they may be committed when this is read. */
	DL_FOREACH2 (u->pending, a, user_next)
		if (a->log <= b->top && !a->delivered && !a->failed && !inbox_entry(b, a->log))
			put_entry(list, a->log, a->target);
	b->written = b->top;
	row[COL_POSITION_ACCOUNT] = value_text(user_jid(u));
	row[COL_POSITION_DELIVERED] = value_int((int64_t)b->top);
	row[COL_POSITION_UNDELIVERED] = value_blob(buf_str(list));
}

void inbox_save(struct user *u)
{
	struct inbox *b = u->inbox;
	struct buf list = BUF_INIT;
	struct msg_value v[COLS_POSITION];
	struct msg_write_op op = {
		.op = STORE_PUT, .table = TABLE_POSITION, .values = v, .nvalues = COLS_POSITION};

	if (!b || b->version == b->saved_version || b->saving || !user_exists(u))
		return;
	inbox_position(u, &list, v);
	b->saving_version = b->version;
	b->saving = true;
	user_write(u, NULL, &op, 1, saved, NULL, NULL);
	buf_free(&list);
}

void inbox_free(struct user *u)
{
	if (!u->inbox)
		return;
	free(u->inbox->entries);
	free(u->inbox);
	u->inbox = NULL;
}

/* --- what clients did --------------------------------------------------------------------------------- */

void inbox_acked(struct session *s, struct given *g)
{
	struct user *u = s->user;

	if (g->committed && u->relaxed)
		relaxed_acked(u, &g->key);
	if (!u->inbox)
		return;
	inbox_remove(u->inbox, g->log);
	g->acked_version = u->inbox->version;
	g->held = false;
}

/* Given before the commit to sessions that went: whoever comes gets them before what is newer. */
static void orphans_ungive(struct user *u)
{
	for (struct append *a = u->pending; a; a = a->user_next) {
		const struct entry *e = inbox_entry(u->inbox, a->log);

		if (e && !e->holders)
			a->given = false;
	}
}

/* True: some entries have no holder any more. */
bool inbox_unhold(struct session *s)
{
	struct inbox *b = s->user->inbox;
	bool orphans = false;

	for (uint32_t i = 0; b && i < s->ngiven; i++) {
		struct entry *e = s->given[i].held ? inbox_entry(b, s->given[i].log) : NULL;

		s->given[i].held = false;
		if (e && e->holders && --e->holders == 0)
			orphans = true;
	}
	if (orphans) {
		orphans_ungive(s->user);
		relaxed_write(s->user);
	}
	return orphans;
}

void inbox_released(struct session *s)
{
	struct user *u = s->user;

	if (!inbox_unhold(s))
		return;
	/* To another resource, if one takes messages; else they stay for the next login. */
	for (struct session *o = u->sessions; o; o = o->next)
		if (o != s && !o->closing && o->presence && o->priority >= 0) {
			inbox_flush(o);
			return;
		}
}
