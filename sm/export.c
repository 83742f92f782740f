/* SPDX-License-Identifier: MIT */
/*
 * An account's data as a file (XEP-0227), a page for each request.
 *
 * Where a page ended is in its answer, so nothing is kept between two. They speak of one state of
 * the account: as a rule its tables fit into one read. If not, what changes meanwhile lets the next
 * page fail, and the account is read from its beginning again. Messages that come meanwhile are not
 * part of it.
 */
#include <errno.h>
#include <stdlib.h>
#include "sm/inbox.h"
#include "sm/port_internal.h"

enum { SEPARATOR = 0x1f }; /* can be in no JID and in no XML */

static const struct portable *portable_at(const struct sm *sm, size_t i)
{
	for (size_t m = 0; m < sm->nmodules; m++)
		for (const struct portable *p = sm->modules[m]->portables; p && p->name; p++)
			if (i-- == 0)
				return p;
	return NULL;
}

static size_t portables(const struct sm *sm)
{
	size_t n = 0;

	while (portable_at(sm, n))
		n++;
	return n;
}

/* --- the page's life ------------------------------------------------------------------------- */

static void unref(struct exporting *e)
{
	if (--e->refs)
		return;
	/* The account went to another owner while storage was asked. */
	if (!e->answered)
		link_fail(e->sm->link, &e->f, EAGAIN, "not the owner any more");
	free(e->account);
	buf_free(&e->keys[0]);
	buf_free(&e->keys[1]);
	buf_free(&e->xml);
	free(e);
}

static void unref_arg(void *arg)
{
	unref(arg);
}

void export_fail(struct exporting *e, int err, const char *text)
{
	e->answered = true;
	link_fail(e->sm->link, &e->f, err, text);
}

bool export_full(const struct exporting *e)
{
	return e->xml.len >= link_max_frame(e->sm->link) / 4;
}

void export_read(struct exporting *e, struct user *u, const struct msg_read_op *op,
		 user_read_fn *fn)
{
	e->refs++;
	user_read(u, op, 1, fn, e, unref_arg);
}

void export_key(struct exporting *e, size_t i, const struct msg_value *v)
{
	buf_clear(&e->keys[i]);
	if (v->type == COLUMN_INT)
		buf_printf(&e->keys[i], "%lld", (long long)v->i);
	else
		buf_str_append(&e->keys[i], v->s);
	e->nkeys = i + 1;
}

uint64_t export_number(const struct exporting *e)
{
	unsigned long long n = 0;

	return e->nkeys && str_u64(buf_str(&e->keys[0]), &n) ? n : 0;
}

void export_part_end(struct exporting *e, const char *tail)
{
	if (e->at && tail)
		buf_append(&e->xml, tail, strlen(tail));
	e->part++;
	e->at = e->nkeys = 0;
}

/* --- where a page begins --------------------------------------------------------------------- */

static void write_place(const struct exporting *e, struct buf *b)
{
	buf_printf(b, "%llu%c%llu%c%zu%c%zu", (unsigned long long)e->change, SEPARATOR,
		   (unsigned long long)e->top, SEPARATOR, e->part, SEPARATOR, e->at);
	for (size_t i = 0; i < e->nkeys; i++) {
		buf_putc(b, SEPARATOR);
		buf_str_append(b, buf_str(&e->keys[i]));
	}
}

static bool read_place(struct exporting *e, struct str text)
{
	unsigned long long numbers[4];
	struct str field;

	for (size_t i = 0; i < 4; i++)
		if (!str_split(&text, SEPARATOR, &field) || !str_u64(field, &numbers[i]))
			return false;
	e->change = numbers[0];
	e->top = numbers[1];
	e->part = (size_t)numbers[2];
	e->at = (size_t)numbers[3];
	for (; e->nkeys < 2 && str_split(&text, SEPARATOR, &field); e->nkeys++)
		buf_str_append(&e->keys[e->nkeys], field);
	return true;
}

static void answer(struct exporting *e, bool more)
{
	struct buf next = BUF_INIT;
	struct msg_user_part m = {.xml = buf_str(&e->xml)};

	if (more)
		write_place(e, &next);
	m.next = buf_str(&next);
	e->answered = true;
	link_reply(e->sm->link, &e->f, MSG_USER_PART, &m);
	buf_free(&next);
}

/* --- rows of tables -------------------------------------------------------------------------- */

static void give_row(struct exporting *e, struct user *u, const struct portable *p,
		     const struct msg_row *row)
{
	struct buf piece = BUF_INIT;

	p->give(u, row, e->at, &piece);
	if (piece.len) {
		if (e->at++ == 0 && p->head)
			buf_append(&e->xml, p->head, strlen(p->head));
		buf_str_append(&e->xml, buf_str(&piece));
	}
	for (size_t k = 1; k < tables[p->table].nkeys && k <= 2; k++)
		export_key(e, k - 1, &row->values[k]);
	buf_free(&piece);
}

static void got_rows(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct exporting *e = arg;
	const struct portable *p = portable_at(e->sm, e->part);
	size_t i = 0;

	if (err) {
		export_fail(e, err, "storage does not answer");
		return;
	}
	while (i < rows[0].nrows && !export_full(e))
		give_row(e, u, p, &rows[0].rows[i++]);
	if (i == rows[0].nrows && !rows[0].more)
		export_part_end(e, p->tail);
	export_next(e, u);
}

static void read_rows(struct exporting *e, struct user *u, const struct portable *p)
{
	struct msg_value key = value_text(user_jid(u)), after[3] = {key};
	struct msg_read_op op = {.op = STORE_LIST,
				 .table = p->table,
				 .key = &key,
				 .nkey = 1,
				 .limit = EXPORT_ROWS,
				 .after = after,
				 .nafter = e->nkeys ? e->nkeys + 1 : 0};

	for (size_t i = 0; i < e->nkeys; i++)
		after[i + 1] = value_text(buf_str(&e->keys[i]));
	export_read(e, u, &op, got_rows);
}

/* --- all tables in one view ------------------------------------------------------------------ */

static bool give_all(struct exporting *e, struct user *u, const struct msg_rows *rows)
{
	const struct portable *p;

	for (; (p = portable_at(e->sm, e->part)); rows++) {
		if (!p->give) {
			e->part++;
			rows--;
			continue;
		}
		for (size_t i = 0; i < rows->nrows; i++)
			give_row(e, u, p, &rows->rows[i]);
		if (rows->more || e->xml.len > link_max_frame(e->sm->link) / 2)
			return false;
		export_part_end(e, p->tail);
	}
	return true;
}

static void got_all(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct exporting *e = arg;

	if (!err && give_all(e, u, rows)) {
		e->change = 0; /* what changes now comes too late to be seen in part */
	} else {	       /* too much for one answer */
		buf_clear(&e->xml);
		e->part = e->at = e->nkeys = 0;
	}
	export_next(e, u);
}

static void read_all(struct exporting *e, struct user *u)
{
	struct msg_value key = value_text(user_jid(u));
	struct msg_read_op ops[2 * MAX_MODULES];
	size_t n = 0;

	for (size_t i = 0; portable_at(e->sm, i); i++)
		if (portable_at(e->sm, i)->give && n < sizeof ops / sizeof *ops)
			ops[n++] = (struct msg_read_op){.op = STORE_LIST,
							.table = portable_at(e->sm, i)->table,
							.key = &key,
							.nkey = 1};
	e->refs++;
	user_read(u, ops, n, got_all, e, unref_arg);
}

/* --- page by page ---------------------------------------------------------------------------- */

/* Some parts are only read, and the archive is not for everybody. */
static void skip_parts(struct exporting *e, size_t n)
{
	while (e->part < n && !portable_at(e->sm, e->part)->give)
		e->part++;
	if (e->part == n && !e->archive)
		e->part++;
}

void export_next(struct exporting *e, struct user *u)
{
	size_t n = portables(e->sm);

	skip_parts(e, n);
	if (e->change && e->change != u->change)
		export_fail(e, ESTALE, "the account has changed meanwhile");
	else if (e->part > n + 1)
		answer(e, false);
	else if (export_full(e))
		answer(e, true);
	else if (e->part < n)
		read_rows(e, u, portable_at(e->sm, e->part));
	else if (e->part == n)
		export_archive(e, u);
	else
		export_offline(e, u);
}

/* --- the request ----------------------------------------------------------------------------- */

static void loaded(void *arg, struct user *u)
{
	struct exporting *e = arg;

	if (!u) {
		export_fail(e, EAGAIN, "the account could not be loaded");
	} else if (!user_exists(u) || u->temporary) {
		export_fail(e, ENOENT, "no such account");
	} else {
		u->busy++;
		if (e->first) {
			e->change = u->change;
			e->top = u->inbox->top;
			read_all(e, u);
		} else {
			export_next(e, u);
		}
		u->busy--;
		user_touch(u);
	}
	unref(e);
}

void on_user_get(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_user_get *m = msg;
	struct exporting *e;
	struct jid j;

	if (!sm_admit(sm, f, false))
		return;
	e = xcalloc(1, sizeof *e);
	e->sm = sm;
	e->f = frame_keep(f);
	e->refs = 1;
	e->archive = m->archive;
	e->first = !m->after.len;
	if (jid_split(m->account, &j) < 0 || !j.local.len || !jid_is_bare(&j) ||
	    (m->after.len && !read_place(e, m->after))) {
		export_fail(e, EINVAL, "not an account, or not a page of one");
		unref(e);
		return;
	}
	e->account = str_dup(j.bare);
	user_run(user_need(sm, j.bare), loaded, e);
}
