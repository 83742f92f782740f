/* SPDX-License-Identifier: MIT */
/* Sessions that outlive their connection: XEP-0198 enabled, detached, resumed (DELIVERY rule 11). */
#include <errno.h>
#include "sm/sm_internal.h"

static void refuse(struct sm *sm, const struct frame *f, enum stanza_error e, bool known, uint32_t h)
{
	struct msg_session_resumed m = {.error = (uint8_t)(1 + e), .known = known, .h = h};

	link_reply(sm->link, f, MSG_SESSION_RESUMED, &m);
}

void on_session_sm(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_session_sm *m = msg;
	struct msg_session_resumed r = {0};
	struct buf record = BUF_INIT;
	struct session *s;
	int64_t most = sm->config->detached_time / 1000;

	if (!sm_admit(sm, f, false))
		return;
	s = session_live(sm, m->sid, m->attachment, f->from);
	if (!s) {
		refuse(sm, f, STANZA_E_ITEM_NOT_FOUND, false, 0);
		return;
	}
	s->resume_ms = m->resume ? (m->max && m->max < most ? m->max : (uint64_t)most) * 1000 : 0;
	s->record_changed = false;
	record_seal(s, &record);
	r.attachment = s->attachment;
	r.h = s->done;
	r.max = (uint32_t)(s->resume_ms / 1000);
	r.jid = s->jid.full;
	r.record = buf_str(&record);
	link_reply(sm->link, f, MSG_SESSION_RESUMED, &r);
	buf_free(&record);
}

/* The connection broke and may be resumed: the session goes on without one for a while. */
bool session_detach(struct session *s)
{
	struct sm *sm = s->user->sm;

	if (!s->resume_ms || sm->draining)
		return false;
	s->c2s = 0;
	s->detached_since = loop_now(sm->loop);
	sm_tick_need(sm);
	return true;
}

bool detached_tick(struct sm *sm)
{
	struct session *s, *tmp;
	bool left = false;

	HASH_ITER(hh, sm->sessions, s, tmp)
	{
		if (s->c2s || !s->detached_since)
			continue;
		if (loop_now(sm->loop) - s->detached_since < s->resume_ms) {
			left = true;
			continue;
		}
		s->detached_since = 0;
		session_leave(s);
	}
	return left;
}

/* A stanza is waiting on the way out of the old attachment: the answer comes when it is done. */
struct resuming {
	struct frame f;
	uint32_t h;
	char *address;
};

static void give_rest(struct session *s, uint32_t h)
{
	s->out = h;
	for (uint32_t i = 0; i < s->ngiven; i++)
		if (!s->given[i].acked)
			s->given[i].m = ++s->out;
	session_regive(s, h);
}

static void resumed(struct session *s, const struct resuming *r)
{
	struct sm *sm = s->user->sm;
	struct msg_session_resumed m = {.attachment = s->attachment,
					.h = s->done,
					.max = (uint32_t)(s->resume_ms / 1000),
					.jid = s->jid.full,
					.settled = s->settled};
	struct msg_given *list = xcalloc(s->ngiven + 1, sizeof *list);
	struct buf record = BUF_INIT;

	for (uint32_t i = 0; i < s->ngiven; i++)
		if (s->given[i].acked)
			list[m.ngiven++] = (struct msg_given){
				.m = s->given[i].m, .key = s->given[i].key, .log = s->given[i].log};
	record_seal(s, &record);
	s->record_changed = false;
	m.record = buf_str(&record);
	m.given = list;
	link_reply(sm->link, &r->f, MSG_SESSION_RESUMED, &m);
	give_rest(s, r->h);
	buf_free(&record);
	free(list);
}

void session_resume_ready(struct session *s)
{
	struct resuming *r = s->resuming;

	if (!r || s->work)
		return;
	s->resuming = NULL;
	resumed(s, r);
	free(r->address);
	free(r);
}

void resuming_free(struct session *s)
{
	if (!s->resuming)
		return;
	refuse(s->user->sm, &s->resuming->f, STANZA_E_ITEM_NOT_FOUND, false, 0);
	free(s->resuming->address);
	free(s->resuming);
	s->resuming = NULL;
}

static void end_old_stream(struct session *s)
{
	struct frame head = {.kind = MSG_SESSION_END,
			     .to = s->c2s,
			     .from_shard = s->user->shard,
			     .to_shard = SHARD_NONE,
			     .from_epoch = shards_epoch(s->user->sm->shards, s->user->shard)};
	struct msg_session_end m = {.sid = s->sid,
				    .attachment = s->attachment,
				    .error = 1 + STREAM_E_CONFLICT,
				    .text = STR("resumed elsewhere")};

	if (s->c2s)
		(void)link_send(s->user->sm->link, &head, &m);
}

void on_session_resume(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_session_resume *m = msg;
	struct session *s;

	if (!sm_admit(sm, f, false))
		return;
	if (!session_ticket_good(sm, f, m->ticket, m->account)) {
		refuse(sm, f, STANZA_E_NOT_AUTHORIZED, false, 0);
		return;
	}
	s = session_find(sm, m->sid);
	if (!s || s->leaving || s->closing || !str_eq(s->jid.bare, m->account) || !s->resume_ms) {
		refuse(sm, f, STANZA_E_ITEM_NOT_FOUND, false, 0);
		return;
	}
	if ((int32_t)(m->h - s->out) > 0 || (int32_t)(m->h - s->acked) < 0) {
		refuse(sm, f, STANZA_E_BAD_REQUEST, true, s->done); /* handled-count-too-high */
		return;
	}
	end_old_stream(s);
	resuming_free(s);
	s->attachment++; /* from now on the old one is dropped */
	s->c2s = f->from;
	s->detached_since = 0;
	free(s->address);
	s->address = str_dup(m->address);
	session_acked(s, m->h);
	s->resuming = xcalloc(1, sizeof *s->resuming);
	s->resuming->f = frame_keep(f);
	s->resuming->h = m->h;
	session_resume_ready(s);
}
