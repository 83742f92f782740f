/* SPDX-License-Identifier: MIT */
/* Sessions: their making and end, and the facts that modules ask for. */
#include <utlist.h>
#include "base/mutation.h"
#include "sm/inbox.h"

struct text *text_new(struct str s)
{
	struct text *t = xmalloc(sizeof *t + s.len);

	t->refs = 1;
	t->len = (uint32_t)s.len;
	memcpy(t->bytes, s.ptr, s.len);
	return t;
}

void text_unref(struct text *t)
{
	if (t && --t->refs == 0)
		free(t);
}

struct session *session_find(struct sm *sm, uint64_t sid)
{
	return keyed_find(&sm->sessions, sid);
}

struct session *session_live(struct sm *sm, uint64_t sid, uint32_t attachment, uint64_t c2s)
{
	struct session *s = session_find(sm, sid);

	if (s && MUTATION("attach"))
		return s;
	return s && s->attachment == attachment && s->c2s == c2s && !s->closing ? s : NULL;
}

struct session *session_new(struct user *u, uint64_t sid, struct str resource)
{
	struct session *s = xcalloc(1, sizeof *s);
	struct jid jid;

	s->user = u;
	s->sid = sid;
	s->serial = ++u->sm->serials;
	s->attachment = 1;
	s->floor = s->floor_told = UINT64_MAX;
	s->target = cover_target(resource);
	s->full = xasprintf("%s/%.*s", u->jid, STR_ARG(resource));
	if (jid_split(str_z(s->full), &jid) < 0)
		bug("a session's JID cannot be split");
	s->nlocal = (uint16_t)jid.local.len;
	s->ndomain = (uint16_t)jid.domain.len;
	s->nresource = (uint16_t)jid.resource.len;
	session_began(s, clock_wall_us());
	s->spoke = loop_now(u->sm->loop);
	keyed_add(&u->sm->sessions, s);
	DL_APPEND(u->sessions, s);
	return s;
}

void session_free(struct session *s)
{
	struct user *u = s->user;
	struct txn *t, *tmp;

	DL_FOREACH_SAFE(s->work, t, tmp)
	{
		DL_DELETE(s->work, t);
		t->serial = 0; /* no session has it: it ends alone */
		if (t->finished) {
			buf_free(&t->reply);
			free(t);
		}
	}
	txn_release(s->barrier);
	for (uint32_t i = 0; i < s->ngiven; i++)
		text_unref(s->given[i].text);
	for (uint32_t i = 0; i < s->ndirected; i++)
		free((char *)s->directed[i].ptr);
	resuming_free(s);
	if (s->ending)
		loop_task_cancel(u->sm->loop, s->ending);
	free(s->ending);
	keyed_remove(&u->sm->sessions, s);
	DL_DELETE(u->sessions, s);
	session_behind_run(s, UINT64_MAX);
	session_tick_forget(s);
	text_unref(s->presence);
	free(s->directed);
	free(s->given);
	free(s->given_index);
	free(s->full);
	free(s->address);
	free(s);
	alloc_shrunk(&u->sm->sessions_peak, u->sm->sessions.n);
}

void session_close(struct session *s)
{
	struct user *u = s->user;

	if (s->closing)
		return;
	s->closing = true;
	if (s->presence) {
		session_presence_set(s, NULL, 0);
		run_presence_changed(s, false, NULL);
	}
	run_session_close(s);
	session_unacked(s);
	inbox_released(s);
	session_behind_run(s, UINT64_MAX);
	session_remember_end(s);
	detached_ended(s);
	session_free(s);
	user_touch(u);
}

void session_end(struct session *s, unsigned error, const char *text)
{
	struct user *u = s->user;
	struct sm *sm = u->sm;
	struct frame head = {.kind = MSG_SESSION_END,
			     .to = s->c2s,
			     .from_shard = s->user->shard,
			     .to_shard = SHARD_NONE,
			     .from_epoch = shards_epoch(sm->shards, s->user->shard)};
	struct msg_session_end m = {.sid = s->sid,
				    .attachment = s->attachment,
				    .error = (uint8_t)error,
				    .text = str_z(text)};

	if (s->c2s && error) {
		notices_flush(sm); /* what is done is said before the end */
		(void)link_send(sm->link, &head, &m);
	} else {
		farewell_later(s);
	}
	s->error = (uint8_t)error;
	u->busy++;
	session_close(s);
	farewells_look(u, false);
	u->busy--;
	user_touch(u);
}

struct session_ref session_ref(const struct session *s)
{
	return (struct session_ref){s->user->sm, s->sid, s->serial};
}

struct session_ref *session_ref_new(const struct session *s)
{
	struct session_ref r = session_ref(s);

	return xmemdup(&r, sizeof r);
}

struct session *session_still(const struct session_ref *r)
{
	struct session *s = session_find(r->sm, r->sid);

	return s && s->serial == r->serial ? s : NULL;
}

struct session *session_loaded(void *ref, struct user *u, void (*fn)(void *arg, struct user *u))
{
	struct session *s = session_still(ref);

	if (s && !u) {
		user_run(s->user, fn, ref);
		return NULL;
	}
	free(ref);
	return s;
}

static void leave_loaded(void *arg, struct user *u)
{
	struct session *s = session_loaded(arg, u, leave_loaded);

	if (s && !s->closing && !s->work)
		session_end(s, 0, NULL);
}

/* The client is gone; what it sent before is finished first. Of a session that was announced the
 * account may not have been read yet, and its end is told to contacts. */
void session_leave(struct session *s)
{
	s->leaving = true;
	if (s->work)
		return;
	if (s->user->state == USER_LOADED) {
		session_end(s, 0, NULL);
		return;
	}
	user_run(s->user, leave_loaded, session_ref_new(s));
}

static void overflow_loaded(void *arg, struct user *u)
{
	struct session *s = session_loaded(arg, u, overflow_loaded);

	if (s && !s->closing)
		session_end(s, 1 + STREAM_E_RESOURCE_CONSTRAINT, "too much is kept for this session");
}

static void overflow_end(void *arg)
{
	struct session *s = arg;

	user_run(s->user, overflow_loaded, session_ref_new(s));
}

static void left_end(void *arg)
{
	session_leave(arg);
}

static void end_soon(struct session *s, loop_fn *fn)
{
	if (!s->ending)
		s->ending = xcalloc(1, sizeof *s->ending);
	s->ending->fn = fn;
	s->ending->arg = s;
	loop_defer(s->user->sm->loop, s->ending);
}

bool session_ends_soon(const struct session *s)
{
	return s->ending && s->ending->queued;
}

void session_end_soon(struct session *s)
{
	if (!session_ends_soon(s))
		end_soon(s, left_end);
}

void session_overflow(struct session *s)
{
	s->leaving = true;
	end_soon(s, overflow_end);
}

/* --- facts --------------------------------------------------------------------------------------- */

struct user *session_user(const struct session *s)
{
	return s->user;
}

struct jid session_jid(const struct session *s)
{
	const char *domain = s->full + s->nlocal + (s->nlocal > 0);
	const char *resource = domain + s->ndomain + 1;

	return (struct jid){.local = str_n(s->full, s->nlocal),
			    .domain = str_n(domain, s->ndomain),
			    .resource = str_n(resource, s->nresource),
			    .bare = str_n(s->full, (size_t)(resource - 1 - s->full)),
			    .full = str_n(s->full, (size_t)(resource - s->full) + s->nresource)};
}

bool session_available(const struct session *s)
{
	return s->presence != NULL;
}

int session_priority(const struct session *s)
{
	return s->priority;
}

const struct stanza *session_presence(const struct session *s)
{
	struct sm *sm = s->user->sm;
	struct stanza *st;

	if (!s->presence)
		return NULL;
	st = pool_calloc(sm->turn, sizeof *st);
	if (stanza_parse(sm->turn, str_n(s->presence->bytes, s->presence->len), st) < 0)
		bug("a presence that we wrote cannot be parsed");
	loop_defer(sm->loop, &sm->turn_task);
	return st;
}

void session_presence_set(struct session *s, const struct stanza *st, int priority)
{
	bool took = s->presence && s->priority >= 0;
	struct buf b = BUF_INIT;

	text_unref(s->presence);
	s->presence = NULL;
	if (st) {
		stanza_write(st, &b);
		s->presence = text_new(buf_str(&b));
		buf_free(&b);
	}
	s->priority = (int8_t)(st ? priority : 0);
	s->record_changed = true;
	cover_changed(s);
	if (s->presence && s->priority >= 0 && !took) {
		s->takes_since = clock_wall_us();
		if (s->user->inbox)
			inbox_flush(s);
	}
}

struct str session_address(const struct session *s)
{
	return str_z(s->address);
}

void session_began(struct session *s, int64_t us)
{
	struct sm *sm = s->user->sm;

	s->since = us;
	if (!sm->oldest_session || us < sm->oldest_session)
		sm->oldest_session = us;
}

int64_t session_since_us(const struct session *s)
{
	return s->since;
}

bool session_secure(const struct session *s)
{
	return s->secure;
}

bool session_flag(const struct session *s, enum session_flag f)
{
	return (s->flags & f) != 0;
}

void session_flag_set(struct session *s, enum session_flag f, bool on)
{
	unsigned now = on ? s->flags | f : s->flags & ~(unsigned)f;

	if (now != s->flags)
		s->record_changed = true;
	s->flags = now;
}

static uint32_t directed_find(const struct session *s, struct str jid)
{
	for (uint32_t i = 0; i < s->ndirected; i++)
		if (str_eq(s->directed[i], jid))
			return i;
	return s->ndirected;
}

void session_directed_add(struct session *s, struct str jid)
{
	if (directed_find(s, jid) < s->ndirected)
		return;
	s->directed = xrealloc(s->directed, (s->ndirected + 1) * sizeof *s->directed);
	s->directed[s->ndirected++] = str_n(str_dup(jid), jid.len);
	s->record_changed = true;
}

void session_directed_remove(struct session *s, struct str jid)
{
	uint32_t i = directed_find(s, jid);

	if (i == s->ndirected)
		return;
	free((char *)s->directed[i].ptr);
	s->directed[i] = s->directed[--s->ndirected];
	s->record_changed = true;
}

bool session_directed_to(const struct session *s, struct str bare)
{
	for (uint32_t i = 0; i < s->ndirected; i++) {
		struct jid j;

		if (jid_split(s->directed[i], &j) == 0 && str_eq(j.bare, bare))
			return true;
	}
	return false;
}

bool session_directed_first(const struct session *s, struct str *ret_jid)
{
	if (!s->ndirected)
		return false;
	*ret_jid = s->directed[0];
	return true;
}

void session_directed_each(struct session *s, void (*fn)(void *arg, struct str jid), void *arg)
{
	for (uint32_t i = 0; i < s->ndirected; i++)
		fn(arg, s->directed[i]);
}
