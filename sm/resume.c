/* SPDX-License-Identifier: MIT */
/* Sessions that outlive their connection: XEP-0198 enabled, detached, resumed (DELIVERY rule 11). */
#include <errno.h>
#include <utlist.h>
#include "base/mutation.h"
#include "sm/inbox.h"

enum { RESUME_MS = 25000 }; /* a resumption may wait for so long; c2s gives it 30 s */

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
	/* Nobody can log in to a temporary account a second time, as a resumption would have to. */
	s->resume_ms = m->resume && !s->user->temporary ? (m->max && m->max < most ? m->max : (uint64_t)most) * 1000 : 0;
	s->record_changed = false;
	record_seal(s, &record);
	r.attachment = s->attachment;
	r.h = s->done;
	r.max = (uint32_t)(s->resume_ms / 1000);
	r.jid = session_jid(s).full;
	r.record = buf_str(&record);
	link_reply(sm->link, f, MSG_SESSION_RESUMED, &r);
	buf_free(&record);
}

/* The answer waits for what is under way on the way out of the old attachment, for the account, and
 * for the bytes of what an earlier owner gave and the client has not acknowledged. */
struct resuming {
	struct frame f;
	uint32_t h, attachment; /* attachment: the old one */
	uint64_t c2s;           /* of the old one */
	uint64_t since;
	char *address;
	bool busy, read;
};

/* Also where its connection broke: c2s keeps it for a while. Not before it is resumed or over: should we die until
 * then, the next owner learns of the session from there (DELIVERY rules 8 and 11). */
static void end_old_stream(const struct session *s, const struct resuming *r)
{
	struct frame head = {.kind = MSG_SESSION_END,
			     .to = r->c2s,
			     .from_shard = s->user->shard,
			     .to_shard = SHARD_NONE,
			     .from_epoch = shards_epoch(s->user->sm->shards, s->user->shard)};
	struct msg_session_end m = {.sid = s->sid,
				    .attachment = r->attachment,
				    .error = 1 + STREAM_E_CONFLICT,
				    .text = STR("resumed elsewhere")};

	if (r->c2s && link_member(s->user->sm->link, r->c2s))
		(void)link_send(s->user->sm->link, &head, &m);
}

static void resuming_end(struct session *s)
{
	free(s->resuming->address);
	free(s->resuming);
	s->resuming = NULL;
}

static void resuming_over(struct session *s)
{
	if (!s->resuming)
		return;
	end_old_stream(s, s->resuming);
	refuse(s->user->sm, &s->resuming->f, STANZA_E_ITEM_NOT_FOUND, false, 0);
	resuming_end(s);
}

/* The connection broke and may be resumed: the session goes on without one for a while. */
bool session_detach(struct session *s)
{
	struct sm *sm = s->user->sm;

	if (!s->resume_ms || s->leaving)
		return false;
	resuming_over(s);
	s->c2s = 0;
	s->full_out = s->breaking = false;
	s->detached_since = loop_now(sm->loop);
	session_tick_need(s);
	relaxed_write(s->user);
	detached_look(s);
	return true;
}

bool detached_tick(struct sm *sm)
{
	struct session *s, *tmp;
	bool left = false;

	DL_FOREACH_SAFE2(sm->ticked, s, tmp, tick_next)
	{
		if (s->c2s || !s->detached_since)
			continue;
		if (loop_now(sm->loop) - s->detached_since < s->resume_ms) {
			left = true;
			detached_look(s); /* storage may have failed */
			continue;
		}
		s->detached_since = 0;
		session_leave(s);
	}
	return left;
}

static void give_rest(struct session *s, uint32_t h)
{
	s->out = s->sent = h;
	s->flight = 0;
	for (uint32_t i = 0; i < s->ngiven; i++) {
		s->given[i].flight = 0;
		if (!s->given[i].acked)
			s->given[i].m = ++s->out;
	}
	hold_go_on(s);
}

/* False: no frame takes what there is to tell. */
static bool resumed(struct session *s, const struct resuming *r)
{
	struct sm *sm = s->user->sm;
	struct msg_session_resumed m = {.attachment = s->attachment,
					.h = s->done,
					.max = (uint32_t)(s->resume_ms / 1000),
					.jid = session_jid(s).full,
					.settled = s->settled};
	struct msg_given *list = xcalloc(s->ngiven + 1, sizeof *list);
	struct buf record = BUF_INIT;
	bool fits;

	for (uint32_t i = 0; i < s->ngiven; i++) {
		struct given *g = &s->given[i];

		if (!g->acked)
			continue;
		g->late = true; /* this c2s cannot know that it is committed */
		list[m.ngiven++] = (struct msg_given){
			.m = g->m,
			.key = g->key,
			/* A number that speaks for none. */
			.log = g->renumbered ? 1 : g->log};
	}
	s->owing = s->lost = false;
	record_seal(s, &record);
	s->record_changed = false;
	m.record = buf_str(&record);
	m.given = list;
	fits = msg_length(MSG_SESSION_RESUMED, &m) + FRAME_HEAD <= link_max_frame(sm->link);
	if (fits) {
		end_old_stream(s, r);
		link_reply(sm->link, &r->f, MSG_SESSION_RESUMED, &m);
	}
	buf_free(&record);
	free(list);
	return fits;
}

/* What cannot be resumed without a hole is not resumed: the client starts anew. */
static void resume_fails(struct session *s)
{
	end_old_stream(s, s->resuming);
	refuse(s->user->sm, &s->resuming->f, STANZA_E_ITEM_NOT_FOUND, true, s->done);
	resuming_end(s);
	s->c2s = 0;
	s->leaving = true;
	if (!s->work)
		session_end_soon(s); /* whoever called is not through with it */
}

static struct session_ref *step_new(struct session *s)
{
	s->resuming->busy = true;
	return session_ref_new(s);
}

/* False: the session is gone (NULL), or is not being resumed any more. */
static bool step_over(struct session *s)
{
	if (!s || !s->resuming)
		return false;
	s->resuming->busy = false;
	return true;
}

static void resume_loaded(void *arg, struct user *u)
{
	struct session *s = session_loaded(arg, u, resume_loaded);

	if (step_over(s))
		session_resume_ready(s);
}

static void fill_text(struct session *s, const struct msg_row *row)
{
	uint64_t log = (uint64_t)row->values[COL_LOG_NUMBER].i;

	for (uint32_t i = 0; i < s->ngiven; i++) {
		struct given *g = &s->given[i];

		if (g->log != log || g->acked || g->text)
			continue;
		g->text = row_text(s, row, true);
		s->given_bytes += g->text ? g->text->len : 0;
	}
}

static void resume_texts(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct session *s = session_still(arg);

	(void)u;
	if (!step_over(s))
		return;
	for (size_t i = 0; !err && i < rows[0].nrows; i++)
		fill_text(s, &rows[0].rows[i]);
	session_resume_ready(s);
}

/* The log numbers of what has no bytes and is not known to be in the log: from below the first to above the
 * last. False: some is not logged, and was with the earlier owner alone. */
static bool missing(const struct session *s, uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t from = UINT64_MAX, to = 0;

	for (uint32_t i = 0; i < s->ngiven; i++) {
		const struct given *g = &s->given[i];

		if (g->acked || g->text || (g->log && g->committed))
			continue;
		if (!g->log)
			return false;
		from = g->log - 1 < from ? g->log - 1 : from;
		to = g->log + 1 > to ? g->log + 1 : to;
	}
	*ret_from = from;
	*ret_to = to;
	return true;
}

static void read_texts(struct session *s, uint64_t from, uint64_t to)
{
	struct msg_value key = value_text(user_jid(s->user));
	struct msg_read_op op = {.op = STORE_LOG_READ,
				 .table = TABLE_LOG,
				 .key = &key,
				 .nkey = 1,
				 .from = from,
				 .to = to};

	s->resuming->read = true;
	user_read(s->user, &op, 1, resume_texts, step_new(s), free);
}

void session_resume_ready(struct session *s)
{
	struct resuming *r = s->resuming;
	uint64_t from, to;
	uint32_t h;

	if (!r || r->busy)
		return;
	/* Rule 11: an earlier owner may have taken what the old attachment had announced. */
	if ((s->work || (int32_t)(s->announced - s->taken) > 0) && !MUTATION("resume"))
		return;
	if (s->user->state != USER_LOADED) {
		user_run(s->user, resume_loaded, step_new(s));
		return;
	}
	if (!missing(s, &from, &to) || (to && r->read)) {
		log_info("session not resumed: what it was owed is lost", LF_S("jid", s->full));
		resume_fails(s);
		return;
	}
	if (to) {
		read_texts(s, from, to);
		return;
	}
	if (detached_written(s)) {
		detached_look(s); /* deletes it, and comes here again */
		return;
	}
	if (!resumed(s, r)) {
		log_warn("session not resumed: too much to tell of it", LF_S("jid", s->full));
		resume_fails(s);
		return;
	}
	h = r->h;
	resuming_end(s);
	give_rest(s, h);
}

bool session_old_takes(const struct session *s, const struct frame *f, const struct msg_stanza *m)
{
	const struct resuming *r = s->resuming;

	return r && m->attachment == r->attachment && f->from == r->c2s &&
	       (int32_t)(m->n - s->announced) <= 0;
}

bool resuming_tick(struct sm *sm)
{
	struct session *s, *tmp;
	bool left = false;

	DL_FOREACH_SAFE2(sm->ticked, s, tmp, tick_next)
	{
		if (!s->resuming)
			continue;
		if (loop_now(sm->loop) - s->resuming->since < RESUME_MS) {
			left = true;
			continue;
		}
		log_warn("session not resumed in time", LF_S("jid", s->full),
			 LF_U("taken", s->taken), LF_U("done", s->done));
		resume_fails(s);
	}
	return left;
}

void resuming_free(struct session *s)
{
	struct resuming *r = s->resuming;

	if (!r)
		return;
	if (s->closing) {
		resuming_over(s);
		return;
	}
	/* The next owner has the session from its old c2s, which knows of nothing. */
	link_fail(s->user->sm->link, &r->f, EAGAIN, "not the owner any more");
	resuming_end(s);
}

bool session_old_closes(const struct session *s, uint64_t c2s, uint32_t attachment)
{
	const struct resuming *r = s->resuming;

	return r && r->c2s == c2s && r->attachment == attachment;
}

static void resume_known(struct session *s, const struct frame *f, const struct msg_session_resume *m,
			 uint64_t ticket)
{
	struct sm *sm = s->user->sm;
	struct resuming *r;

	if ((int32_t)(m->h - s->sent) > 0 || (int32_t)(m->h - s->acked) < 0) {
		refuse(sm, f, STANZA_E_BAD_REQUEST, true, s->done); /* handled-count-too-high */
		return;
	}
	r = xcalloc(1, sizeof *r);
	r->f = frame_keep(f);
	r->h = m->h;
	r->attachment = s->attachment;
	r->c2s = s->last_c2s;
	if (s->resuming) { /* the one that waited never had it */
		r->attachment = s->resuming->attachment;
		r->c2s = s->resuming->c2s;
		refuse(sm, &s->resuming->f, STANZA_E_ITEM_NOT_FOUND, false, 0);
		resuming_end(s);
	}
	r->since = loop_now(sm->loop);
	s->attachment++; /* from now on the old one is dropped */
	s->c2s = s->last_c2s = f->from;
	s->resumed_by = ticket;
	s->detached_since = 0;
	s->full_out = s->breaking = s->restored = false;
	free(s->address);
	s->address = str_dup(m->address);
	s->resuming = r;
	session_acked(s, m->h);
	session_tick_need(s);
	session_resume_ready(s);
}

/* The account is loaded: what is not there now is nowhere. */
static void resume_known_or_not(struct sm *sm, const struct frame *f,
				const struct msg_session_resume *m, uint64_t ticket)
{
	struct session *s = session_find(sm, m->sid);
	uint32_t done = 0;
	/* XEP-0198 section 5: `h` also where the session is over, but still known. */
	bool known = !s && session_ended_done(sm, m->sid, m->account, &done);

	if (!link_member(sm->link, f->from))
		return; /* its c2s ended while this waited: the session stays as it is */
	if (!s)
		refuse(sm, f, STANZA_E_ITEM_NOT_FOUND, known, done);
	else if (s->leaving || s->closing || !str_eq(session_jid(s).bare, m->account) || !s->resume_ms)
		refuse(sm, f, STANZA_E_ITEM_NOT_FOUND, false, 0);
	else if (m->undo && s->resumed_by != ticket) /* another has it since, or nobody was given it */
		refuse(sm, f, STANZA_E_ITEM_NOT_FOUND, false, 0);
	else
		resume_known(s, f, m, ticket);
}

struct resume_wait {
	struct sm *sm;
	struct frame f;
	struct msg_session_resume m;
	uint64_t ticket;
	char *account, *address;
};

static void resume_read(void *arg, struct user *u)
{
	struct resume_wait *w = arg;

	if (u)
		resume_known_or_not(w->sm, &w->f, &w->m, w->ticket);
	else
		link_fail(w->sm->link, &w->f, EAGAIN, "not the owner any more");
	free(w->account);
	free(w->address);
	free(w);
}

void on_session_resume(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_session_resume *m = msg;
	struct resume_wait *w;
	uint64_t ticket;
	struct user *u;

	if (!sm_admit(sm, f, false))
		return;
	if (!session_ticket_good(sm, f, m->ticket, m->account, &ticket)) {
		refuse(sm, f, STANZA_E_NOT_AUTHORIZED, false, 0);
		return;
	}
	u = user_need(sm, m->account);
	if (session_find(sm, m->sid) || u->state == USER_LOADED) {
		resume_known_or_not(sm, f, m, ticket);
		user_touch(u);
		return;
	}
	w = xcalloc(1, sizeof *w); /* it may be in storage: detached under an earlier owner */
	w->sm = sm;
	w->f = frame_keep(f);
	w->m = (struct msg_session_resume){.sid = m->sid, .h = m->h, .undo = m->undo};
	w->ticket = ticket;
	w->account = str_dup(m->account);
	w->address = str_dup(m->address);
	w->m.account = str_z(w->account);
	w->m.address = str_z(w->address);
	user_run(u, resume_read, w);
}
