/* SPDX-License-Identifier: MIT */
/* An account's data out of a file (XEP-0227): each child of <user/> goes to whoever knows it. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include "sm/port_internal.h"

enum { NOTES_MAX = 100, NOTE_MAX = 300, TAKEN_MAX = 32 };

/* --- what modules call ----------------------------------------------------------------------- */

struct pool *taking_pool(struct taking *t)
{
	return t->pool;
}

void taking_note(struct taking *t, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	if (t->nnotes >= NOTES_MAX)
		return;
	if (!t->notes)
		t->notes = pool_calloc(t->pool, NOTES_MAX * sizeof *t->notes);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (b.len > NOTE_MAX)
		b.len = NOTE_MAX;
	t->notes[t->nnotes] =
		t->nnotes == NOTES_MAX - 1 ? STR("and more") : pool_str(t->pool, buf_str(&b));
	t->nnotes++;
	buf_free(&b);
}

static void add_op(struct taking *t, enum store_write_op op, uint16_t table,
		   const struct msg_value *values, size_t n)
{
	struct msg_value *copy = pool_calloc(t->pool, n * sizeof *copy);

	for (size_t i = 0; i < n; i++) {
		copy[i] = values[i];
		copy[i].s = pool_str(t->pool, values[i].s);
	}
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 32;
		t->ops = xrealloc(t->ops, t->cap * sizeof *t->ops);
	}
	t->ops[t->n++] = (struct msg_write_op){
		.op = (uint8_t)op, .table = table, .values = copy, .nvalues = n};
}

void taking_put(struct taking *t, uint16_t table, const struct msg_value *values, size_t n)
{
	add_op(t, table == TABLE_LOG ? STORE_LOG_APPEND : STORE_PUT, table, values, n);
}

/* --- the request's life ---------------------------------------------------------------------- */

static void fail(struct taking *t, int err, const char *text)
{
	t->answered = true;
	link_fail(t->sm->link, &t->f, err, text);
}

static void taking_free(void *arg)
{
	struct taking *t = arg;

	if (!t->answered)
		fail(t, EAGAIN, "not the owner any more");
	pool_free(t->pool);
	free(t->ops);
	free(t->entries);
	free(t->known);
	free(t->account);
	free(t->xml);
	free(t);
}

static void answer(struct taking *t)
{
	struct msg_user_part m = {.notes = t->notes, .nnotes = t->nnotes};

	t->answered = true;
	link_reply(t->sm->link, &t->f, MSG_USER_PART, &m);
}

/* --- children of <user/> --------------------------------------------------------------------- */

static const struct portable *portable_of(struct sm *sm, const struct node *n)
{
	for (size_t i = 0; i < sm->nmodules; i++)
		for (const struct portable *p = sm->modules[i]->portables; p && p->name; p++)
			if (str_eqz(n->name, p->name) && str_eqz(n->ns, p->ns))
				return p;
	return NULL;
}

static bool is(const struct node *n, const char *name, const char *ns)
{
	return str_eqz(n->name, name) && str_eqz(n->ns, ns);
}

static void take(struct taking *t, const struct node *n)
{
	const struct portable *p = portable_of(t->sm, n);

	if (is(n, "offline-messages", NS_PIE))
		taking_offline(t, n);
	else if (is(n, "archive", NS_PIE_MAM))
		taking_archive(t, n);
	else if (p)
		p->take(t->user, n, t);
	else /* section 3: "SHOULD ignore the unknown data, SHOULD notify the operator" */
		taking_note(t, "ignored: <%.*s xmlns='%.*s'/>", STR_ARG(n->name), STR_ARG(n->ns));
}

static void tell_taken(struct taking *t, const struct node *first)
{
	const struct portable *told[TAKEN_MAX];
	size_t n = 0;

	for (const struct node *c = first; c; c = c->next) {
		const struct portable *p = portable_of(t->sm, c);
		bool known = !p || !p->taken || n == TAKEN_MAX;

		for (size_t i = 0; i < n && !known; i++)
			known = told[i] == p;
		if (!known) {
			told[n++] = p;
			p->taken(t->user);
		}
	}
}

static void written(struct user *u, int err, void *arg)
{
	struct taking *t = arg;
	struct node *first = NULL;

	(void)u;
	if (err) {
		fail(t, err, "storage refused");
		return;
	}
	taking_logged(t);
	node_parse(t->pool, str_z(t->xml), NS_PIE, &first);
	tell_taken(t, first);
	answer(t);
}

static void take_all(struct taking *t)
{
	struct user *u = t->user;
	struct node *first;

	if (node_parse(t->pool, str_z(t->xml), NS_PIE, &first) < 0) {
		fail(t, EINVAL, "not well-formed");
		taking_free(t);
		return;
	}
	u->busy++;
	for (const struct node *n = first; n; n = n->next)
		take(t, n);
	taking_position(t);
	if (t->n) {
		user_write(u, NULL, t->ops, t->n, written, t, taking_free);
	} else {
		taking_logged(t);
		answer(t);
		taking_free(t);
	}
	u->busy--;
	user_touch(u);
}

/* --- in place of what there is --------------------------------------------------------------- */

/* As the account is now, it is to be read again: what follows finds it empty. */
static void cleared(struct user *u, int err, void *arg)
{
	struct taking *t = arg;

	if (err) {
		fail(t, err, "storage refused");
		u->gone = false;
		return;
	}
	u->exists = false;
	answer(t);
}

static void clear(struct taking *t)
{
	struct user *u = t->user;

	u->busy++;
	u->gone = true;
	while (u->sessions)
		session_end(u->sessions, 1 + STREAM_E_RESET, "the account is replaced");
	account_erase(u, false, cleared, t, taking_free);
	u->busy--;
	user_touch(u);
}

static void got_newest(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct taking *t = arg;

	(void)u;
	if (err)
		return; /* which says that it is to be done again */
	taking_known(t, rows);
	t->ready = true;
}

static void got_newest_end(void *arg)
{
	struct taking *t = arg;

	if (t->ready)
		take_all(t);
	else
		taking_free(t);
}

static void read_newest(struct taking *t)
{
	struct msg_value key = value_text(user_jid(t->user));
	struct msg_read_op op = {.op = STORE_LOG_LAST,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .limit = KNOWN_ENTRIES};

	user_read(t->user, &op, 1, got_newest, t, got_newest_end);
}

static void loaded(void *arg, struct user *u)
{
	struct taking *t = arg;

	t->user = u;
	if (!u) {
		fail(t, EAGAIN, "the account could not be loaded");
		taking_free(t);
	} else if (!user_exists(u) || u->temporary) {
		/* It was made just now, and what is in memory is from before. */
		fail(t, EAGAIN, "no such account");
		taking_free(t);
	} else if (t->clear) {
		clear(t);
	} else if (strstr(t->xml, "<offline-messages")) {
		read_newest(t);
	} else {
		take_all(t);
	}
}

void on_user_put(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_user_put *m = msg;
	struct taking *t;
	struct jid j;

	if (!sm_admit(sm, f, false))
		return;
	if (jid_split(m->account, &j) < 0 || !j.local.len || !jid_is_bare(&j)) {
		link_fail(sm->link, f, EINVAL, "not an account");
		return;
	}
	t = xcalloc(1, sizeof *t);
	t->sm = sm;
	t->f = frame_keep(f);
	t->pool = pool_new();
	t->account = str_dup(j.bare);
	t->xml = str_dup(m->xml);
	t->clear = m->clear;
	user_run(user_need(sm, j.bare), loaded, t);
}
