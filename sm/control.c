/* SPDX-License-Identifier: MIT */
/* What an operator asks of sm: sessions, kicking, removal of an account; and c2s for its streams. */
#include <errno.h>
#include "sm/sm_internal.h"

enum { LIST_PAGE = 500 };

static int by_jid(const void *a, const void *b)
{
	return strcmp((*(struct session *const *)a)->full, (*(struct session *const *)b)->full);
}

void on_session_list(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_session_list *m = msg;
	struct session **all = xcalloc(sm->sessions.n + 1, sizeof *all), *s;
	struct msg_session_line lines[LIST_PAGE];
	struct msg_session_listed r = {.sessions = lines};
	size_t n = 0;

	for (s = keyed_first(&sm->sessions); s; s = keyed_after(&sm->sessions, s)) {
		if (m->account.len && !str_eq(session_jid(s).bare, m->account))
			continue;
		if (str_cmp(session_jid(s).full, m->after) > 0)
			all[n++] = s;
	}
	qsort(all, n, sizeof *all, by_jid);
	for (size_t i = 0; i < n && r.nsessions < LIST_PAGE; i++) {
		const struct member *c2s = link_member(sm->link, all[i]->c2s);

		lines[r.nsessions++] = (struct msg_session_line){
			.jid = session_jid(all[i]).full,
			.address = str_z(all[i]->address),
			.c2s = str_z(c2s ? c2s->name : ""),
			.since = all[i]->since,
			.priority = all[i]->priority,
			.available = all[i]->presence != NULL,
			.secure = all[i]->secure,
			.stanzas = all[i]->taken,
		};
	}
	r.more = n > r.nsessions;
	link_reply(sm->link, f, MSG_SESSION_LISTED, &r);
	free(all);
}

/* What an operator asked, kept until the account is loaded: ending a session runs modules' hooks. */
struct kick {
	struct sm *sm;
	struct frame f;
	char *jid, *text;
};

static size_t kick_sessions(struct user *u, const struct jid *j, const char *text)
{
	size_t ended = 0;

	u->busy++;
	for (struct session *s = u->sessions, *next; s; s = next) {
		next = s->next;
		if (j->resource.len && !str_eq(j->resource, session_jid(s).resource))
			continue;
		session_end(s, 1 + STREAM_E_POLICY_VIOLATION, text);
		ended++;
	}
	u->busy--;
	user_touch(u);
	return ended;
}

static void kick_loaded(void *arg, struct user *u)
{
	struct kick *k = arg;
	struct msg_ok ok = {0};
	struct jid j;

	if (!u)
		link_fail(k->sm->link, &k->f, EAGAIN, "the account could not be loaded");
	else if (jid_split(str_z(k->jid), &j) == 0 && kick_sessions(u, &j, k->text))
		link_reply(k->sm->link, &k->f, MSG_OK, &ok);
	else
		link_fail(k->sm->link, &k->f, ENOENT, "no such session");
	free(k->jid);
	free(k->text);
	free(k);
}

void on_session_kick(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_session_kick *m = msg;
	struct user *u;
	struct kick *k;
	struct jid j;

	if (!sm_admit(sm, f, false))
		return;
	if (jid_split(m->jid, &j) < 0) {
		link_fail(sm->link, f, EINVAL, "not a JID");
		return;
	}
	u = user_get(sm, j.bare);
	if (!u || !u->sessions) {
		link_fail(sm->link, f, ENOENT, "no such session");
		return;
	}
	k = xcalloc(1, sizeof *k);
	k->sm = sm;
	k->f = frame_keep(f);
	k->jid = str_dup(m->jid);
	k->text = str_dup(m->text);
	user_run(u, kick_loaded, k);
}

void on_caps(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_caps *m = msg;
	struct buf node = BUF_INIT, ver = BUF_INIT;

	if (sm_local_domain(sm, m->domain))
		disco_caps(sm, &node, &ver);
	link_reply(sm->link, f, MSG_CAPS_TOLD,
		   &(struct msg_caps_told){.node = buf_str(&node), .ver = buf_str(&ver)});
	buf_free(&node);
	buf_free(&ver);
}

/* --- removal ------------------------------------------------------------------------------------------- */

struct removing {
	struct sm *sm;
	struct frame f;
	bool answer;
};

static void removed(struct user *u, int err, void *arg)
{
	struct removing *r = arg;
	struct msg_ok ok = {0};

	u->exists = false;
	if (r->answer && err)
		link_fail(r->sm->link, &r->f, -err, "storage refused");
	else if (r->answer)
		link_reply(r->sm->link, &r->f, MSG_OK, &ok);
}

static void remove_loaded(void *arg, struct user *u)
{
	struct removing *r = arg;

	if (!u) {
		if (r->answer)
			link_fail(r->sm->link, &r->f, EAGAIN, "not the owner any more");
		free(r);
		return;
	}
	u->busy++;
	if (!u->gone) /* else it is asked for again */
		run_user_remove(u, NULL);
	u->gone = true;
	while (u->sessions) /* RFC 6120 section 4.9.3.10 */
		session_end(u->sessions, 1 + STREAM_E_NOT_AUTHORIZED, "account removed");
	account_erase(u, true, removed, r, free);
	u->busy--;
	user_touch(u);
}

void on_user_remove(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_user_remove *m = msg;
	struct removing *r;
	struct jid j;

	if (!sm_admit(sm, f, false))
		return;
	if (jid_split(m->account, &j) < 0 || !j.local.len) {
		link_fail(sm->link, f, EINVAL, "not an account");
		return;
	}
	r = xcalloc(1, sizeof *r);
	r->sm = sm;
	r->f = frame_keep(f);
	r->answer = true;
	user_run(user_need(sm, j.bare), remove_loaded, r);
}

void user_remove(struct user *u)
{
	struct removing *r = xcalloc(1, sizeof *r);

	r->sm = u->sm;
	user_run(u, remove_loaded, r);
}
