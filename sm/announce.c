/* SPDX-License-Identifier: MIT */
/* Sessions announced by c2s to a new owner, or again to the same one (DELIVERY rules 8 to 10). */
#include <utlist.h>
#include "sm/inbox.h"
#include "sm/scan.h"

enum { RELEASE_MS = 500, COMMIT_MS = 5000 };

static void take_given(struct session *s, const struct msg_announce *m)
{
	for (size_t i = 0; i < m->ngiven; i++) {
		struct given *g;

		if (s->ngiven == s->given_cap) {
			s->given_cap = s->given_cap ? s->given_cap * 2 : 8;
			s->given = xrealloc(s->given, s->given_cap * sizeof *s->given);
		}
		g = &s->given[s->ngiven++];
		memset(g, 0, sizeof *g);
		g->key = m->given[i].key;
		g->log = m->given[i].log;
		g->m = m->given[i].m;
		g->acked = (int32_t)(g->m - m->acked) <= 0;
		g->committed = !g->log; /* of logged ones the log tells, when the account is loaded */
		g->late = true;
		g->unsaved = g->log != 0;
		g->since = g->log ? 0 : s->adopted;
		if (g->log > s->highest)
			s->highest = g->log;
	}
}

/* error: as in SESSION_END. */
static void refuse(struct sm *sm, const struct frame *f, const struct msg_announce *m, unsigned error)
{
	struct frame head = {.kind = MSG_SESSION_END,
			     .to = f->from,
			     .from_shard = f->to_shard,
			     .to_shard = SHARD_NONE,
			     .from_epoch = f->to_epoch};
	struct msg_session_end end = {
		.sid = m->sid, .attachment = m->attachment, .error = (uint8_t)error};

	(void)link_send(sm->link, &head, &end);
}

static struct session *namesake(const struct session *s)
{
	struct session *o;

	DL_FOREACH(s->user->sessions, o)
		if (o != s && !o->closing && str_eq(session_jid(o).resource, session_jid(s).resource))
			return o;
	return NULL;
}

/* One of the name was replaced by the other, and the owner who did it died with the news. */
static void end_namesakes(void *arg, struct user *u)
{
	struct session *s = session_loaded(arg, u, end_namesakes), *o;

	if (s && !s->closing && (o = namesake(s)))
		session_end(o->since < s->since ? o : s, 1 + STREAM_E_CONFLICT, "replaced by a new session");
}

/* Never a stream with a hole: what its owner held back for a client that did not take it, and the log has
 * not, is lost with that owner. */
static void end_lost(void *arg, struct user *u)
{
	struct session *s = session_loaded(arg, u, end_lost);

	if (s && s->lost && !s->closing) {
		log_warn("session ended: what it was owed is lost", LF_S("jid", s->full));
		session_end(s, 1 + STREAM_E_INTERNAL_SERVER_ERROR, "what you were owed is lost");
	}
}

static void catch_up(void *arg, struct user *u)
{
	(void)arg;
	for (struct session *s = u ? u->sessions : NULL; s; s = s->next) {
		s->flush_due = false;
		inbox_flush(s);
	}
}

/* Storage may not answer for so long that what waits for the account is given up. */
static void catch_up_later(struct user *u)
{
	struct session *s;

	DL_FOREACH(u->sessions, s)
	{
		s->flush_due = true;
		session_tick_need(s);
	}
	user_run(u, catch_up, NULL);
}

bool catch_up_tick(struct sm *sm)
{
	struct session *s, *tmp;
	bool left = false;

	DL_FOREACH_SAFE2(sm->ticked, s, tmp, tick_next)
	{
		if (s->unsure && s->user->state == USER_LOADED)
			inbox_adopt(s);
		left |= s->unsure;
		if (!s->flush_due)
			continue;
		left = true;
		if (!s->user->jobs)
			user_run(s->user, catch_up, NULL);
	}
	return left;
}

void session_adopt(struct session *s, const struct msg_announce *m)
{
	s->attachment = m->attachment;
	s->taken = s->done = m->done; /* rule 9 */
	s->out = s->sent = m->out;
	s->acked = m->acked;
	s->settled = s->highest = m->settled;
	s->announced = m->in;
	s->adopted = loop_now(s->user->sm->loop);
	take_given(s, m);
}

/* A session that this instance does not know: c2s and the record tell all of it. */
static void announced_new(struct sm *sm, const struct frame *f, const struct msg_announce *m)
{
	struct session *s = record_open(sm, m->sid, m->record);
	struct session_ref ref;

	if (!s) {
		log_error("session record refused", LF_U("c2s", f->from));
		refuse(sm, f, m, 1 + STREAM_E_INTERNAL_SERVER_ERROR);
		return;
	}
	s->c2s = s->last_c2s = f->from;
	session_adopt(s, m);
	if (s->user->state == USER_LOADED)
		inbox_adopt(s);
	session_settle(s);
	run_session_open(s, false);
	/* It came after the shard was opened for others: c2s had been stopped. */
	session_tick_need(s);
	if (shards_is_open(sm->shards, s->user->shard))
		catch_up_later(s->user);
	ref = session_ref(s);
	if (namesake(s))
		user_run(s->user, end_namesakes, session_ref_new(s));
	s = session_still(&ref);
	if (s && s->lost)
		user_run(s->user, end_lost, session_ref_new(s));
}

/* The path was cut: our own state stands; c2s is told again what it may have missed (rule 10). */
static void announced_again(struct session *s, uint64_t c2s, const struct msg_announce *m)
{
	s->c2s = s->last_c2s = c2s;
	s->detached_since = 0;
	detached_reattached(s);
	/* The record that it was sent last may be lost. */
	s->record_changed = true;
	session_acked(s, m->acked);
	s->full_out = s->breaking = false; /* else it is said again */
	hold_again(s, m->out);
	for (size_t i = m->ngiven; i-- > 0;)
		if (!session_given(s, &m->given[i].key)) {
			notice_settled(s, m->given[i].m);
			break;
		}
	notice_done(s);
	hold_look(s);
}

/* Its connection is gone with its c2s. */
static void c2s_lost(struct session *s)
{
	if (session_detach(s))
		return;
	s->c2s = 0;
	session_leave(s);
}

void on_announce(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_announce *m = msg;
	struct session *s;

	if (!sm_admit(sm, f, true))
		return;
	s = session_find(sm, m->sid);
	if (!s && session_has_ended(sm, m->sid)) {
		refuse(sm, f, m, session_ended_error(sm, m->sid));
	} else if (!s) {
		announced_new(sm, f, m);
	} else if (m->attachment == s->attachment && s->restored) {
		/* Its c2s lives, and knows more than storage did. */
		inbox_unhold(s);
		session_free(s);
		announced_new(sm, f, m);
		detached_stale(session_find(sm, m->sid));
	} else if (m->attachment == s->attachment && (f->from == s->c2s || !s->c2s)) {
		announced_again(s, f->from, m); /* detached: its c2s was taken for dead */
	} else if ((int32_t)(m->attachment - s->attachment) > 0) {
		inbox_unhold(s);
		session_free(s); /* the highest attachment wins */
		announced_new(sm, f, m);
	} else { /* resumed elsewhere, which its c2s has not heard */
		refuse(sm, f, m, 1 + STREAM_E_CONFLICT);
	}
	/* The frame may have waited until after announce_member_lost(). */
	s = session_find(sm, m->sid);
	if (s && s->c2s == f->from && !link_member(sm->link, f->from))
		c2s_lost(s);
}

void on_announced(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_announced *m = msg;

	if (sm->shards)
		shards_announced(sm->shards, f->from, m->shards, m->nshards);
}

/* --- opening ---------------------------------------------------------------------------------------------- */

static void shard_taken(void *arg, uint16_t shard, uint32_t epoch)
{
	struct sm *sm = arg;

	(void)epoch;
	users_drop_shard(sm, shard); /* nothing may be left of an earlier time */
}

static void user_open(struct user *u)
{
	if (u->sessions)
		catch_up_later(u);
}

static void shard_open(void *arg, uint16_t shard)
{
	struct sm *sm = arg;

	sm->opened = loop_now(sm->loop) + !loop_now(sm->loop);
	outgoing_open(sm, shard);
	scan_shard(sm->detached, shard);
	users_of_shard(arg, shard, user_open);
}

static void release_over(struct sm *sm, uint16_t shard)
{
	if (!sm->releasing[shard])
		return;
	sm->releasing[shard] = 0;
	sm->nreleasing--;
}

static void shard_lost(void *arg, uint16_t shard)
{
	release_over(arg, shard);
	users_drop_shard(arg, shard);
}

/* What is under way is finished, but not at any price: a stanza may wait for an account of another
 * shard that is being let go as well, whose stanzas wait for one of this shard. What is dropped then is
 * repeated to the next owner by those who have it, as after a death. */
static bool release_due(struct sm *sm, uint16_t shard)
{
	/* A slow storage is waited for longer: what a client has acknowledged already nobody repeats. */
	return users_flush_shard(sm, shard) || loop_now(sm->loop) - sm->releasing[shard] >
		       (users_append(sm, shard) ? COMMIT_MS : RELEASE_MS);
}

static void release_look(void *arg)
{
	struct sm *sm = arg;

	for (uint16_t shard = 0; shard < SHARDS; shard++)
		if (sm->releasing[shard] && release_due(sm, shard)) {
			release_over(sm, shard);
			users_drop_shard(sm, shard);
			shards_released(sm->shards, shard);
		}
	if (!sm->nreleasing)
		loop_timer_stop(sm->release_timer);
}

static void shard_release(void *arg, uint16_t shard)
{
	struct sm *sm = arg;

	if (sm->releasing[shard])
		return;
	sm->releasing[shard] = loop_now(sm->loop) + !loop_now(sm->loop);
	sm->nreleasing++;
	if (!sm->release_timer)
		sm->release_timer = loop_timer_new(sm->loop, release_look, sm);
	loop_timer_start(sm->release_timer, 1, 20);
}

const struct shards_ops sm_shards_ops = {shard_taken, shard_open, shard_lost, shard_release};

/* --- the end of a c2s ------------------------------------------------------------------------------------ */

void announce_member_lost(struct sm *sm, uint64_t instance)
{
	struct session *s = keyed_first(&sm->sessions), *next;

	for (; s; s = next) {
		next = keyed_after(&sm->sessions, s);
		if (s->c2s == instance)
			c2s_lost(s);
	}
}
