/* SPDX-License-Identifier: MIT */
/*
 * Sessions that have ended: remembered, so that a c2s which has not heard of it does not bring them
 * back and a client that comes too late to resume hears how far we had come, and told to their c2s
 * when what their clients had is written.
 */
#include <utlist.h>
#include "sm/inbox.h"

enum { REMEMBER_MS = 180000 }; /* longer than c2s keeps a session whose client is gone */

struct ended {
	UT_hash_handle hh;
	uint64_t sid, since;
	uint64_t account; /* hash of its address */
	uint32_t done;
	uint8_t error;
};

struct farewell {
	struct farewell *next;
	uint64_t sid, c2s, version; /* of the inbox, to be written before */
	uint32_t attachment;
};

static void ended_forget(struct sm *sm, uint64_t before)
{
	struct ended *e, *tmp;

	HASH_ITER(hh, sm->ended, e, tmp) /* in the order of their coming */
	{
		if (e->since > before)
			return;
		HASH_DEL(sm->ended, e);
		free(e);
	}
}

static struct ended *ended_find(struct sm *sm, uint64_t sid)
{
	struct ended *e;

	HASH_FIND(hh, sm->ended, &sid, sizeof sid, e);
	return e;
}

bool session_has_ended(struct sm *sm, uint64_t sid)
{
	return ended_find(sm, sid) != NULL;
}

unsigned session_ended_error(struct sm *sm, uint64_t sid)
{
	const struct ended *e = ended_find(sm, sid);

	return e ? e->error : 0;
}

bool session_ended_done(struct sm *sm, uint64_t sid, struct str account, uint32_t *ret_done)
{
	const struct ended *e = ended_find(sm, sid);

	if (!e || e->account != jid_key(account))
		return false;
	*ret_done = e->done;
	return true;
}

void session_remember_end(struct session *s)
{
	struct sm *sm = s->user->sm;
	uint64_t now = loop_now(sm->loop);
	struct ended *e;

	if (now > REMEMBER_MS)
		ended_forget(sm, now - REMEMBER_MS);
	if (session_has_ended(sm, s->sid))
		return;
	e = xcalloc(1, sizeof *e);
	e->sid = s->sid;
	e->since = now;
	e->account = s->user->key;
	e->done = s->done;
	e->error = s->error;
	HASH_ADD(hh, sm->ended, sid, sizeof e->sid, e);
}

void ended_free(struct sm *sm)
{
	ended_forget(sm, UINT64_MAX);
}

/* --- farewells --------------------------------------------------------------------------------- */

static void end_say(struct user *u, const struct farewell *f)
{
	struct frame head = {.kind = MSG_SESSION_END,
			     .to = f->c2s,
			     .from_shard = u->shard,
			     .to_shard = SHARD_NONE,
			     .from_epoch = shards_epoch(u->sm->shards, u->shard)};
	struct msg_session_end m = {.sid = f->sid, .attachment = f->attachment};

	notices_flush(u->sm); /* what is done is said before the end */
	(void)link_send(u->sm->link, &head, &m);
}

/* Until it is said, c2s announces the session and its end to whoever owns it: should we die before
 * the position is written, the next owner learns from it what the client has acknowledged. */
void farewell_later(struct session *s)
{
	struct user *u = s->user;
	struct farewell *f;

	if (!s->last_c2s)
		return;
	f = xcalloc(1, sizeof *f);
	f->sid = s->sid;
	f->c2s = s->last_c2s;
	f->attachment = s->attachment;
	f->version = u->inbox ? u->inbox->version : 0;
	LL_APPEND(u->farewells, f);
}

void farewells_look(struct user *u, bool all)
{
	struct farewell *f;

	if (u->inbox && !all)
		inbox_save(u);
	while ((f = u->farewells)) {
		if (!all && u->inbox && f->version > u->inbox->saved_version && user_exists(u))
			return;
		LL_DELETE(u->farewells, f);
		end_say(u, f);
		free(f);
	}
}

void farewells_drop(struct user *u)
{
	struct farewell *f;

	while ((f = u->farewells)) {
		LL_DELETE(u->farewells, f);
		free(f);
	}
}
