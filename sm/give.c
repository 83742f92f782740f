/* SPDX-License-Identifier: MIT */
/* Giving stanzas to clients and knowing what became of them (DELIVERY rule 7). */
#include <utlist.h>
#include "sm/inbox.h"

enum { UNCOMMITTED_MS = 150000 }; /* longer than any deadline */
enum { SETTLE_ALL = 512, ANSWER_PARTS = 0xff00 };
/* What a frame holds besides the stanza, and some more: one that gives; one with an entry of the log, that has two
 * addresses, and is given with its number (XEP-0359) and its time (XEP-0203). */
enum { GIVE_ROOM = 256, LOG_ROOM = 16384 };
enum { TO_ROOM = 6 * 3072 }; /* a full JID, escaped */

static bool fits(const struct sm *sm, size_t xml)
{
	return xml <= link_max_frame(sm->link) - GIVE_ROOM;
}

bool logged_fits(const struct sm *sm, size_t xml)
{
	return xml <= link_max_frame(sm->link) - LOG_ROOM;
}

/* What the log keeps goes out with its number there (XEP-0359), the same in every copy. */
static struct str with_id(const struct session *s, const struct given *g, struct buf *b)
{
	struct str text = str_n(g->text->bytes, g->text->len), end = STR("</message>");

	if (!g->log || text.len < end.len ||
	    memcmp(text.ptr + text.len - end.len, end.ptr, end.len) != 0)
		return text;
	buf_append(b, text.ptr, text.len - end.len);
	buf_lit(b, "<stanza-id xmlns='" NS_SID "' by='");
	xml_escape(b, session_jid(s).bare);
	buf_lit(b, "' id='");
	buf_u64(b, g->log);
	buf_lit(b, "'/>");
	buf_str_append(b, end);
	return buf_str(b);
}

static void send_give(struct session *s, const struct given *g)
{
	struct sm *sm = s->user->sm;
	struct frame head = {.kind = MSG_GIVE,
			     .to = s->c2s,
			     .from_shard = s->user->shard,
			     .to_shard = SHARD_NONE,
			     .from_epoch = shards_epoch(sm->shards, s->user->shard)};
	struct msg_give m = {.sid = s->sid,
			     .attachment = s->attachment,
			     .m = g->m,
			     .key = g->key,
			     .log = g->log,
			     .committed = g->committed && !g->unsaved && !g->since};

	if (!s->c2s)
		return;
	m.xml = with_id(s, g, sm_scratch(sm));
	(void)link_send(sm->link, &head, &m);
}

static struct given *given_push(struct session *s)
{
	if (s->ngiven == s->given_cap) {
		s->given_cap = s->given_cap ? s->given_cap * 2 : 4;
		s->given = xrealloc(s->given, s->given_cap * sizeof *s->given);
	}
	memset(&s->given[s->ngiven], 0, sizeof *s->given);
	return &s->given[s->ngiven++];
}

static void sent(struct session *s, struct given *g)
{
	s->sent = g->m;
	g->flight = g->text->len;
	s->flight += g->flight;
}

void given_send(struct session *s, struct given *g)
{
	send_give(s, g);
	sent(s, g);
	hold_thin(s, g);
}

/* Numbers it. True: it goes out now; false: it is held back. */
static bool take(struct session *s, struct given *g, const struct msg_stanza_key *key,
		 struct text *take_text)
{
	bool now = !hold_holds(s) && hold_takes(s);

	g->key = *key;
	g->m = ++s->out;
	g->text = take_text;
	s->given_bytes += take_text->len;
	if (!now && !g->log && s->c2s && !s->owing) {
		s->owing = s->record_changed = true;
		notice_done(s);
	}
	return now;
}

static void give(struct session *s, struct given *g, const struct msg_stanza_key *key,
		 struct text *text)
{
	if (take(s, g, key, text_ref(text)))
		given_send(s, g);
	else
		hold_thin(s, g);
	if (!s->c2s)
		detached_look(s);
	hold_look(s);
}

/* A repetition of its cause must find the key: it is nowhere else. */
static void hold_key(struct session *s, struct given *g)
{
	g->late = true;
	g->since = loop_now(s->user->sm->loop);
	session_tick_need(s);
}

/* What cannot be sent must have no number: c2s would wait for it for ever (DELIVERY rule 7). */
bool session_give(struct session *s, const struct msg_stanza_key *key, const struct stanza *st, bool hold,
		  struct text *text)
{
	uint32_t sender = hold_sender(st);
	struct given *g;

	if (!fits(s->user->sm, text->len)) {
		log_warn("a stanza is too long to be given", LF_S("jid", s->full), LF_U("bytes", text->len));
		return false;
	}
	hold_newest(s, sender);
	g = given_push(s);
	g->sender = sender;
	g->committed = true;
	if (hold)
		hold_key(s, g);
	give(s, g, key, text);
	return true;
}

/* An answer that no frame takes, as a roster of names that are all escapes. Where it is the id that is too long the
 * error has none. False: there is none, for an iq needs it (RFC 6120 section 8.1.3). */
static bool write_too_long(const struct sm *sm, const struct stanza *st, struct buf *b)
{
	struct pool *pool = pool_new();
	struct stanza request = {.kind = st->kind, .id = st->id, .to = st->from, .from = st->to}, error;

	error = stanza_error_reply(pool, &request, STANZA_E_RESOURCE_CONSTRAINT, NULL,
				   "the answer is too long", STR_NONE);
	if (!fits(sm, stanza_write_most(&error)))
		error.id = STR_NONE;
	buf_clear(b);
	stanza_write(&error, b);
	pool_free(pool);
	return error.id.ptr || error.kind != STANZA_IQ;
}

struct msg_stanza_key session_answer_key(const struct txn *t, unsigned n)
{
	return (struct msg_stanza_key){t->key.origin, t->key.number, (uint16_t)(UINT16_MAX - n)};
}

/* The same number for the answer to a stanza whenever it is made: who takes over makes it again. */
void session_answer(struct session *s, struct txn *t, const struct stanza *st)
{
	struct msg_stanza_key key = session_answer_key(t, t->answers++);
	struct sm *sm = s->user->sm;
	struct text *text;
	struct buf *b;

	if (session_given(s, &key))
		return;
	b = sm_scratch(sm);
	stanza_write(st, b);
	if (!fits(sm, b->len) && !write_too_long(sm, st, b))
		return;
	text = text_new(buf_str(b));
	session_give(s, &key, st, true, text);
	text_unref(text);
}

void session_give_logged(struct session *s, const struct msg_stanza_key *key, uint64_t log,
			 uint32_t target, bool committed, struct entry *e, struct text *text)
{
	struct given *g = given_push(s);

	g->log = log;
	g->committed = committed;
	g->unsaved = g->late = !cover_in_order(s, log, target);
	if (e) {
		e->holders++;
		g->held = true;
	}
	if (log > s->highest)
		s->highest = log;
	give(s, g, key, text);
}

/* DELIVERY rule 7. The answer to a stanza of its own client is held until that is done; what others
 * sent until they have had the time to ask again. */
static bool key_held(const struct session *s, const struct given *g)
{
	const struct sm_config *c = s->user->sm->config;

	if (!g->since || s->ngiven > (size_t)c->keys_max || !hold_room(s))
		return false;
	if (g->key.origin == s->sid && g->key.part > ANSWER_PARTS)
		return (int32_t)(s->done - (uint32_t)g->key.number) < 0;
	return loop_now(s->user->sm->loop) - g->since < (uint64_t)c->deadline;
}

bool given_tick(struct sm *sm)
{
	struct session *s, *tmp;
	bool left = false;

	DL_FOREACH_SAFE2(sm->ticked, s, tmp, tick_next)
	{
		if (!s->ngiven || !s->given[0].since)
			continue;
		session_settle(s);
		left |= s->ngiven && s->given[0].since;
	}
	return left;
}

static bool is_settled(const struct session *s, const struct given *g)
{
	const struct inbox *b = s->user->inbox;

	/* An earlier owner gave it before the commit, and nobody has sent it again since: nobody will. */
	if (g->acked && !g->committed && s->adopted &&
	    loop_now(s->user->sm->loop) - s->adopted > UNCOMMITTED_MS)
		return true;
	if (g->acked && !g->log && key_held(s, g))
		return false;
	return g->acked && g->committed &&
	       (!g->unsaved || (b && g->acked_version <= b->saved_version));
}

/* How many. Those that are renumbered go together with one behind them that has a greater number, but do
 * not wait for that behind ever so many others. */
static uint32_t settled_prefix(const struct session *s)
{
	uint64_t wanted = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->ngiven && is_settled(s, &s->given[i]); i++) {
		const struct given *g = &s->given[i];

		if (g->renumbered)
			wanted = g->log > wanted ? g->log : wanted;
		else if (!g->unsaved && g->log > wanted)
			wanted = 0;
		if (!wanted || i >= SETTLE_ALL)
			n = i + 1;
	}
	return n;
}

/* The prefix of what was given that is both acknowledged and committed is settled. c2s settles by
 * itself what was committed when it was given; it is told of the rest. */
void session_settle(struct session *s)
{
	uint32_t n = settled_prefix(s), top = 0;
	bool room = hold_room(s);

	/* A long list whose next is held for its time is shortened in large steps. */
	if (s->ngiven > SETTLE_ALL && n < s->ngiven / 8 && s->given[n].since)
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (s->given[i].log > s->settled)
			s->settled = s->given[i].log;
		if (s->given[i].late)
			top = s->given[i].m;
	}
	if (!n)
		return;
	s->ngiven -= n;
	memmove(s->given, s->given + n, s->ngiven * sizeof *s->given);
	given_settled(s, n);
	if (!s->ngiven) { /* most sessions are idle most of the time */
		free(s->given);
		s->given = NULL;
		s->given_cap = 0;
	}
	if (top)
		notice_settled(s, top);
	if (!room && hold_holds(s)) /* whoever called may be in the midst of a list */
		hold_later(s);
}

/* early: log numbers of what is not committed yet. */
static void given_acked(struct session *s, struct given *g, struct buf *early)
{
	g->acked = true;
	s->flight -= g->flight;
	g->flight = 0;
	fade_look(s, g);
	given_text_drop(s, g);
	if (g->log)
		inbox_acked(s, g);
	if (g->log && !g->committed)
		buf_append(early, &g->log, sizeof g->log);
	if (g->owed)
		owed_delete(s->user, &g->key);
}

/* All are marked before anything follows from it: who waited for a commit need not wait any more, and when
 * that is this session itself, what it was given may be settled by it, or given anew to who resumes it. */
void session_acked(struct session *s, uint32_t m)
{
	struct buf early = BUF_INIT;
	uint64_t log;

	if ((int32_t)(m - s->acked) <= 0 || (int32_t)(m - s->sent) > 0)
		return;
	s->acked = m;
	for (uint32_t i = 0; i < s->ngiven && (int32_t)(s->given[i].m - m) <= 0; i++)
		if (!s->given[i].acked)
			given_acked(s, &s->given[i], &early);
	for (size_t at = 0; at < early.len; at += sizeof log) {
		memcpy(&log, buf_ptr(&early) + at, sizeof log);
		append_acked(s->user, log);
	}
	buf_free(&early);
	session_settle(s);
	inbox_settle(s->user);
	hold_go_on(s);
}

void session_committed(struct session *s, const struct msg_stanza_key *key)
{
	struct given *g = session_given(s, key);

	if (!g || g->committed)
		return;
	g->committed = true;
	g->late = true;
	hold_thin(s, g);
	session_settle(s);
}

/* --- stanzas that are not logged -------------------------------------------------------------------- */

void session_send(struct session *s, const struct stanza *st)
{
	struct sm *sm = s->user->sm;
	struct msg_stanza_key key = {sm->origin, ++sm->numbers, 0};
	struct buf *b = sm_scratch(sm);
	struct text *t;

	stanza_write(st, b);
	t = text_new(buf_str(b));
	session_give(s, &key, st, false, t);
	text_unref(t);
}

struct batch { /* sessions at one c2s that get one rendering */
	struct msg_give_to *to;
	size_t n, cap;
	uint64_t c2s;
};

static void batch_add(struct batch *b, const struct session *s)
{
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 16;
		b->to = xrealloc(b->to, b->cap * sizeof *b->to);
	}
	b->to[b->n++] = (struct msg_give_to){
		.sid = s->sid, .attachment = s->attachment, .m = s->out};
}

static void batch_send(struct sm *sm, struct batch *b, const struct msg_stanza_key *key,
		       struct str head, struct str tail)
{
	struct frame f = {.kind = MSG_GIVE_MANY,
			  .to = b->c2s,
			  .from_shard = SHARD_NONE,
			  .to_shard = SHARD_NONE};
	struct msg_give_many m = {
		.to = b->to, .nto = b->n, .key = *key, .head = head, .to_kind = 2, .tail = tail};

	(void)link_send(sm->link, &f, &m);
	free(b->to);
}

/* What a session keeps of a multicast is its own whole rendering: it may have to be given again. False: it
 * is held back. */
static bool keep_rendering(struct session *s, const struct msg_stanza_key *key, uint32_t sender,
			   struct str head, struct str tail)
{
	struct buf b = BUF_INIT;
	struct given *g;
	bool now;

	hold_newest(s, sender);
	g = given_push(s);

	buf_str_append(&b, head);
	buf_lit(&b, " to='");
	xml_escape(&b, session_jid(s).full);
	buf_putc(&b, '\'');
	buf_str_append(&b, tail);
	g->sender = sender;
	g->committed = true;
	now = take(s, g, key, text_new(buf_str(&b)));
	if (now)
		sent(s, g);
	buf_free(&b);
	hold_look(s);
	return now;
}

void sessions_send(struct sm *sm, struct session *const *s, size_t n, const struct stanza *st)
{
	struct msg_stanza_key key = {sm->origin, ++sm->numbers, 0};
	struct buf head = BUF_INIT, tail = BUF_INIT;
	uint32_t sender = hold_sender(st);
	struct batch batches[16];
	size_t nb = 0;

	stanza_write_split(st, &head, &tail);
	if (!fits(sm, head.len + tail.len + n * sizeof *batches->to + TO_ROOM)) {
		log_warn("a stanza is too long to be given", LF_STR("from", st->from));
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = 0;

		if (!keep_rendering(s[i], &key, sender, buf_str(&head), buf_str(&tail)))
			continue;
		while (at < nb && batches[at].c2s != s[i]->c2s)
			at++;
		if (at == sizeof batches / sizeof *batches) { /* many c2s: a round goes out early */
			for (at = 0; at < nb; at++)
				batch_send(sm, &batches[at], &key, buf_str(&head), buf_str(&tail));
			nb = at = 0;
		}
		if (at == nb)
			batches[nb++] = (struct batch){.c2s = s[i]->c2s};
		batch_add(&batches[at], s[i]);
	}
	for (size_t i = 0; i < nb; i++)
		batch_send(sm, &batches[i], &key, buf_str(&head), buf_str(&tail));
	buf_free(&head);
	buf_free(&tail);
}
