/* SPDX-License-Identifier: MIT */
/* Binding a resource: tickets, conflicts, limits (RFC 6120 section 7). */
#include <errno.h>
#include "sm/inbox.h"

enum { NONCE_MS = 70000 }; /* tickets live a minute */

struct nonce {
	UT_hash_handle hh;
	uint8_t nonce[TICKET_NONCE];
	uint64_t since, sid;
};

static struct nonce *nonce_find(struct sm *sm, const uint8_t nonce[TICKET_NONCE])
{
	struct nonce *n, *tmp;
	uint64_t now = loop_now(sm->loop);

	HASH_ITER(hh, sm->nonces, n, tmp) /* in the order of their coming */
	{
		if (now - n->since < NONCE_MS)
			break;
		HASH_DEL(sm->nonces, n);
		free(n);
	}
	HASH_FIND(hh, sm->nonces, nonce, TICKET_NONCE, n);
	return n;
}

/* A ticket opens one session. What is refused does not use it up: the client may try another
 * resource (RFC 6120 section 7.7.3), or bind where it could not resume (XEP-0198). */
static void nonce_use(struct sm *sm, const uint8_t nonce[TICKET_NONCE], uint64_t sid)
{
	struct nonce *n = xcalloc(1, sizeof *n);

	memcpy(n->nonce, nonce, TICKET_NONCE);
	n->since = loop_now(sm->loop);
	n->sid = sid;
	HASH_ADD(hh, sm->nonces, nonce, TICKET_NONCE, n);
}

void nonces_free(struct sm *sm)
{
	struct nonce *n, *tmp;

	HASH_ITER(hh, sm->nonces, n, tmp)
	{
		HASH_DEL(sm->nonces, n);
		free(n);
	}
}

/* Of the ticket, nonce and temporary are left in *ret. */
static bool ticket_good(struct sm *sm, const struct frame *f, struct str sealed, struct str account,
			struct ticket *ret)
{
	struct buf scratch = BUF_INIT;
	int err = sm->ticket_key ? ticket_read(sm->ticket_key, sealed, &scratch, ret) : -EAGAIN;
	bool good = err == 0 && str_eq(ret->account, account) && ret->c2s == f->from;

	if (err == -ETIME) /* seldom a slow client's: login_timeout of c2s ends those */
		log_warn("login refused: its ticket is out of date; the clocks of the hosts may differ",
			 LF_STR("account", account));
	buf_wipe(&scratch);
	ret->account = STR_NONE;
	return good;
}

bool session_ticket_good(struct sm *sm, const struct frame *f, struct str sealed, struct str account,
			 uint64_t *ret_id)
{
	struct ticket t = {0};

	if (!ticket_good(sm, f, sealed, account, &t) || nonce_find(sm, t.nonce))
		return false;
	*ret_id = hash64(t.nonce, sizeof t.nonce);
	return true;
}

/* What is asked, kept until the account is loaded. */
struct opening {
	struct sm *sm;
	struct frame f;
	char *resource, *address;
	uint8_t nonce[TICKET_NONCE];
	bool secure, temporary, undo;
};

static void opening_free(struct opening *o)
{
	free(o->resource);
	free(o->address);
	free(o);
}

static void refuse(struct sm *sm, const struct frame *f, enum stanza_error e)
{
	struct msg_session_opened m = {.error = (uint8_t)(1 + e)};

	link_reply(sm->link, f, MSG_SESSION_OPENED, &m);
}

static size_t count_sessions(const struct user *u)
{
	size_t n = 0;

	for (const struct session *s = u->sessions; s; s = s->next)
		n++;
	return n;
}

static bool full(const struct user *u)
{
	return count_sessions(u) >= (size_t)u->sm->config->sessions_max;
}

static struct session *longest_detached(const struct user *u)
{
	struct session *oldest = NULL;

	for (struct session *s = u->sessions; s; s = s->next)
		if (!s->c2s && s->detached_since && !s->closing &&
		    (!oldest || s->detached_since < oldest->detached_since))
			oldest = s;
	return oldest;
}

/* Those that only wait to be resumed keep nobody out, the longest waiting go first: a client that dies again and
 * again would lock its user out for as long as they are kept. */
static void make_room(struct user *u)
{
	struct session *s;

	while (full(u) && (s = longest_detached(u)))
		session_end(s, 0, NULL);
}

/* A session whose client is gone, waiting for what it sent last, must not say goodbye under this
 * name after the new one has greeted. */
static void end_leaving(struct user *u, struct str resource)
{
	for (struct session *s = u->sessions, *next; s; s = next) {
		next = s->next;
		if (s->leaving && !s->closing && str_eq(session_jid(s).resource, resource))
			session_end(s, 0, NULL);
	}
}

/* 7.7.2.2: another session has the resource. False: refused. */
static bool settle_conflict(struct user *u, struct opening *o)
{
	struct session *other = user_session(u, str_z(o->resource));

	end_leaving(u, str_z(o->resource));
	if (!other)
		return true;
	switch (u->sm->config->conflict) {
	case CONFLICT_REFUSE:
		return false;
	case CONFLICT_RENAME:
		free(o->resource);
		o->resource = xmalloc(17);
		random_hex(o->resource, 8);
		return true;
	default:
		session_end(other, 1 + STREAM_E_CONFLICT, "replaced by a new session");
		return true;
	}
}

static void opened(struct opening *o, struct session *s)
{
	struct buf record = BUF_INIT;
	struct msg_session_opened m = {.sid = s->sid, .jid = session_jid(s).full};

	record_seal(s, &record);
	m.record = buf_str(&record);
	link_reply(o->sm->link, &o->f, MSG_SESSION_OPENED, &m);
	buf_free(&record);
}

static void open_new(struct opening *o, struct user *u)
{
	struct session *s = session_new(u, random_u64(), str_z(o->resource));

	s->c2s = s->last_c2s = o->f.from;
	s->secure = o->secure;
	s->address = xstrdup(o->address);
	s->base = append_newest(u); /* also of what is not committed yet */
	session_flag_set(s, SESSION_TEMPORARY, o->temporary);
	nonce_use(o->sm, o->nonce, s->sid);
	user_touch(u);
	run_session_open(s, true);
	opened(o, s);
}

/* The answer to c2s was lost with a router, and it asks again. */
static bool open_repeated(struct opening *o, const struct user *u)
{
	struct nonce *n = nonce_find(o->sm, o->nonce);
	struct session *s = n ? session_find(o->sm, n->sid) : NULL;

	if (!n)
		return false;
	if (s && s->user == u && s->attachment == 1 && s->c2s == o->f.from && !s->closing &&
	    !s->leaving)
		opened(o, s);
	else
		refuse(o->sm, &o->f, STANZA_E_NOT_AUTHORIZED);
	return true;
}

/* Whose client is gone opens nothing, also when the first asking comes after this. */
static void open_undo(struct opening *o, const struct user *u)
{
	if (open_repeated(o, u))
		return;
	nonce_use(o->sm, o->nonce, 0);
	refuse(o->sm, &o->f, STANZA_E_NOT_AUTHORIZED);
}

/* A name that auth made up begins to be an account, if it is none yet. */
static bool account_there(const struct opening *o, struct user *u)
{
	if (o->temporary && !user_exists(u) && !u->gone)
		user_set_temporary(u);
	return user_exists(u) && u->temporary == o->temporary;
}

static void open_loaded(void *arg, struct user *u)
{
	struct opening *o = arg;

	if (!u) {
		link_fail(o->sm->link, &o->f, EAGAIN, "not the owner any more");
	} else if (!link_member(o->sm->link, o->f.from)) {
		; /* its c2s ended while the account was loaded */
	} else if (o->undo) {
		open_undo(o, u);
	} else if (!account_there(o, u) || u->disabled) {
		refuse(o->sm, &o->f, STANZA_E_NOT_ALLOWED);
	} else if (open_repeated(o, u)) {
		; /* answered */
	} else if (u->busy++, !settle_conflict(u, o)) {
		u->busy--;
		refuse(o->sm, &o->f, STANZA_E_CONFLICT);
	} else if (make_room(u), u->busy--, full(u)) {
		refuse(o->sm, &o->f, STANZA_E_RESOURCE_CONSTRAINT); /* 7.6.2.1 */
	} else {
		open_new(o, u);
	}
	if (u)
		user_touch(u);
	opening_free(o);
}

void on_session_open(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_session_open *m = msg;
	struct ticket t = {0};
	struct opening *o;
	struct jid j;

	if (!sm_admit(sm, f, false))
		return;
	if (!sm->ticket_key || !sm->record_key) {
		link_fail(sm->link, f, EAGAIN, "storage has not told the keys yet");
		return;
	}
	if (jid_split(m->account, &j) < 0 || !ticket_good(sm, f, m->ticket, m->account, &t)) {
		refuse(sm, f, STANZA_E_NOT_AUTHORIZED);
		return;
	}
	o = xcalloc(1, sizeof *o);
	o->sm = sm;
	o->f = frame_keep(f);
	o->address = str_dup(m->address);
	o->secure = m->secure;
	o->undo = m->undo;
	o->temporary = t.temporary;
	memcpy(o->nonce, t.nonce, sizeof t.nonce);
	if (m->resource.len) {
		o->resource = str_dup(m->resource);
	} else { /* 7.6: the server makes one, unguessable */
		o->resource = xmalloc(25);
		random_hex(o->resource, 12);
	}
	user_run(user_need(sm, m->account), open_loaded, o);
}
