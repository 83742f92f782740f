/* SPDX-License-Identifier: MIT */
/* What administration asks of every sm: who is online, a word to all of them, a disabled account.
 */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>
#include "sm/sm_internal.h"

enum { WHICH_ONLINE, WHICH_ACTIVE, WHICH_IDLE };
enum { SLICE = 200, PAUSE_MS = 5 }; /* of what is done for all sessions */
enum { NAMES_BYTES = 500000 };	    /* a frame holds more */

/* No domain: any of ours. */
static bool of_domain(const struct user *u, struct str domain)
{
	struct jid j;

	return !domain.len || (jid_split(str_z(u->jid), &j) == 0 && str_eq(j.domain, domain));
}

/* --- figures --------------------------------------------------------------------------------- */

/* The client has said so (RFC 6121 section 4.7.2.1), or nothing for a long time. */
static bool says_away(const struct session *s)
{
	const struct stanza *st;
	const struct xml_child *show;
	struct str bytes;

	if (!s->presence || !memmem(s->presence->bytes, s->presence->len, "<show>", 6))
		return false;
	st = session_presence(s);
	show = stanza_child(st, "show", NS_CLIENT);
	if (!show)
		return false;
	bytes = stanza_child_bytes(st, show);
	return memmem(bytes.ptr, bytes.len, ">away<", 6) || memmem(bytes.ptr, bytes.len, ">xa<", 4);
}

static bool is_active(const struct user *u, uint64_t idle_ms)
{
	uint64_t now = loop_now(u->sm->loop);

	for (const struct session *s = u->sessions; s; s = s->next)
		if (!s->closing && now - s->spoke < idle_ms && !says_away(s))
			return true;
	return false;
}

static bool is_online(const struct user *u)
{
	for (const struct session *s = u->sessions; s; s = s->next)
		if (!s->closing && !s->leaving)
			return true;
	return false;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void on_users(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_users *m = msg;
	struct msg_users_told r = {0};
	struct str *all = xcalloc(sm->users.n + 1, sizeof *all);
	struct user *u;
	size_t n = 0, bytes = 0;

	for (u = keyed_first(&sm->users); u; u = keyed_after(&sm->users, u)) {
		if (!is_online(u) || !of_domain(u, m->domain))
			continue;
		if (m->which == WHICH_ONLINE || is_active(u, m->idle) == (m->which == WHICH_ACTIVE))
			all[n++] = str_z(u->jid);
	}
	r.count = n;
	if (m->most && n)
		qsort(all, n, sizeof *all, by_text);
	while (r.njids < n && r.njids < m->most && bytes < NAMES_BYTES)
		bytes += all[r.njids++].len + 8;
	r.jids = all;
	link_reply(sm->link, f, MSG_USERS_TOLD, &r);
	free(all);
}

/* --- all who are online, a slice at a time ---------------------------------------------------- */

struct walk {
	struct walk *prev, *next;
	struct sm *sm;
	struct loop_timer *timer;
	char **jids;
	size_t n, at;
	walk_fn *fn;
	void (*done)(void *arg);
	void *arg;
};

static void walk_free(struct walk *w)
{
	DL_DELETE(w->sm->walks, w);
	loop_timer_free(w->timer);
	for (size_t i = 0; i < w->n; i++)
		free(w->jids[i]);
	free(w->jids);
	free(w);
}

static void walk_slice(void *arg)
{
	struct walk *w = arg;
	size_t end = w->n - w->at < SLICE ? w->n : w->at + SLICE;

	for (; w->at < end; w->at++) {
		struct user *u = user_get(w->sm, str_z(w->jids[w->at]));

		if (u && u->sessions)
			w->fn(w->arg, u);
	}
	if (w->at < w->n)
		return;
	w->done(w->arg);
	walk_free(w);
}

void sm_walk_online(struct sm *sm, struct str domain, walk_fn *fn, void (*done)(void *arg),
		    void *arg)
{
	struct walk *w = xcalloc(1, sizeof *w);
	struct user *u;

	w->sm = sm;
	w->fn = fn;
	w->done = done;
	w->arg = arg;
	w->jids = xcalloc(sm->users.n + 1, sizeof *w->jids);
	for (u = keyed_first(&sm->users); u; u = keyed_after(&sm->users, u)) {
		if (u->sessions && of_domain(u, domain))
			w->jids[w->n++] = xstrdup(u->jid);
	}
	DL_APPEND(sm->walks, w);
	w->timer = loop_timer_new(sm->loop, walk_slice, w);
	loop_timer_start(w->timer, 0, PAUSE_MS);
}

void walks_free(struct sm *sm)
{
	while (sm->walks) {
		struct walk *w = sm->walks;

		w->done(w->arg);
		walk_free(w);
	}
}

/* --- an announcement -------------------------------------------------------------------------- */

struct announcement {
	struct sm *sm;
	struct frame f;
	struct pool *pool;
	struct stanza st;
	uint64_t sent;
};

void notice_make(struct pool *p, struct stanza *ret, enum stanza_type type, struct str from,
		 struct str text)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;
	char id[17];

	random_hex(id, 8);
	*ret = (struct stanza){.kind = STANZA_MESSAGE,
			       .type = type,
			       .from = pool_str(p, from),
			       .id = pool_str(p, str_z(id))};
	xw_init(&w, &b);
	xw_leaf(&w, "body", NULL, text);
	stanza_append(p, ret, "body", NS_CLIENT, buf_str(&b));
	buf_free(&b);
}

/* From the account's own domain, when it is to those of all. */
static void announce_to(void *arg, struct user *u)
{
	struct announcement *a = arg;

	for (struct session *s = u->sessions; s; s = s->next) {
		if (s->closing || s->leaving || !s->presence)
			continue;
		a->st.from = session_jid(s).domain;
		a->st.to = session_jid(s).full;
		session_send(s, &a->st);
		a->sent++;
	}
}

static void announced_all(void *arg)
{
	struct announcement *a = arg;

	link_reply(a->sm->link, &a->f, MSG_ANNOUNCED_TO,
		   &(struct msg_announced_to){.sessions = a->sent});
	pool_free(a->pool);
	free(a);
}

void on_announcement(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_announcement *m = msg;
	struct announcement *a = xcalloc(1, sizeof *a);

	a->sm = sm;
	a->f = frame_keep(f);
	a->pool = pool_new();
	notice_make(a->pool, &a->st, MESSAGE_HEADLINE, m->domain, m->body);
	sm_walk_online(sm, m->domain, announce_to, announced_all, a);
}

/* --- a disabled account ------------------------------------------------------------------------
 */

struct disabling {
	struct sm *sm;
	struct frame f;
	bool disabled;
};

static void disable_loaded(void *arg, struct user *u)
{
	struct disabling *d = arg;

	if (!u) {
		link_fail(d->sm->link, &d->f, EAGAIN, "not the owner any more");
		free(d);
		return;
	}
	u->disabled = d->disabled;
	u->busy++;
	while (d->disabled && u->sessions)
		session_end(u->sessions, 1 + STREAM_E_NOT_AUTHORIZED, "account disabled");
	u->busy--;
	user_touch(u);
	link_reply(d->sm->link, &d->f, MSG_OK, &(struct msg_ok){0});
	free(d);
}

void on_user_disabled(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_user_disabled *m = msg;
	struct disabling *d;
	struct jid j;

	if (!sm_admit(sm, f, false))
		return;
	if (jid_split(m->account, &j) < 0 || !j.local.len) {
		link_fail(sm->link, f, EINVAL, "not an account");
		return;
	}
	d = xcalloc(1, sizeof *d);
	d->sm = sm;
	d->f = frame_keep(f);
	d->disabled = m->disabled;
	user_run(user_need(sm, j.bare), disable_loaded, d);
}
