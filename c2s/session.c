/* SPDX-License-Identifier: MIT */
/* A bound session: the client's stanzas in, numbered and kept until they are done (DELIVERY rule
 * 1). */
#include <utlist.h>
#include "c2s/session.h"

/* What keeps a detached session here after its stanzas are done: its owner may not have read yet
 * that it is detached. */
enum { DETACHED_SECONDS = 10 };

static void session_expired(void *arg);

void session_drain(struct session *s)
{
	if (s->c2s->draining && s->closing && !s->closed && s->close_sent && !s->unconfirmed.len)
		session_free(s);
}

struct session *session_new(struct c2s *x, struct client *c)
{
	struct session *s = xcalloc(1, sizeof *s);

	s->c2s = x;
	s->client = c;
	s->shard = link_shard(str_z(c->login->account));
	c->session = s;
	return s;
}

void session_record(struct session *s, struct str record)
{
	if (!record.len)
		return;
	s->record = xrealloc(s->record, record.len);
	memcpy(s->record, record.ptr, record.len);
	s->nrecord = (uint32_t)record.len;
}

void session_list(struct session *s, uint64_t sid, uint32_t attachment, struct str jid,
		  struct str record)
{
	struct c2s *x = s->c2s;
	ptrdiff_t slash = str_find(jid, '/', 0);

	s->sid = sid;
	s->attachment = attachment;
	s->jid = str_dup(jid);
	s->njid = (uint32_t)jid.len;
	s->bare = (uint16_t)(slash < 0 ? (ptrdiff_t)jid.len : slash);
	session_record(s, record);
	s->listed = true;
	keyed_add(&x->sessions, s);
	DL_APPEND(x->shards[s->shard].sessions, s);
}

struct session *session_find(struct c2s *x, uint64_t sid)
{
	return keyed_find(&x->sessions, sid);
}

struct str session_bare(const struct session *s)
{
	return str_n(s->jid, s->bare);
}

void session_free(struct session *s)
{
	struct c2s *x = s->c2s;

	if (s->listed) {
		keyed_remove(&x->sessions, s);
		DL_DELETE(x->shards[s->shard].sessions, s);
	}
	acks_forget(s);
	loop_timeout_drop(x->loop, &s->timeout);
	if (s->pending)
		pending_free(s->pending);
	buf_free(&s->unconfirmed);
	free(s->given);
	ack_free(s);
	free(s->jid);
	free(s->record);
	free(s);
	drain_look(x);
}

/* --- the client's stanzas ---------------------------------------------------------------- */

static bool window_full(const struct session *s)
{
	const struct c2s_config *o = s->c2s->config;

	return s->in - s->done >= (uint32_t)o->window ||
	       s->unconfirmed.len >= (size_t)o->window_bytes;
}

static bool window_open(const struct session *s)
{
	const struct c2s_config *o = s->c2s->config;

	return s->in - s->done <= (uint32_t)o->window / 2 &&
	       s->unconfirmed.len <= (size_t)o->window_bytes / 2;
}

static void send_stanza(struct session *s, uint32_t n, struct str envelope, unsigned flags)
{
	struct msg_stanza m = {
		.sid = s->sid, .attachment = s->attachment, .n = n, .envelope = envelope};

	(void)owner_send(s, MSG_STANZA, flags, &m);
}

/* RFC 6120 section 8.1.2.1: `from` is absent, or the client's full or bare JID. */
static bool from_allowed(const struct session *s, const struct xml_element *e,
			 const struct stanza *st)
{
	if (!st->from.ptr)
		return !element_attr(e, "from").ptr;
	return str_eq(st->from, str_n(s->jid, s->njid)) || str_eq(st->from, session_bare(s));
}

/* RFC 6121 section 3.1.2: subscriptions are between accounts, not resources. */
static bool between_accounts(const struct stanza *st)
{
	return st->kind == STANZA_PRESENCE && st->type >= PRESENCE_SUBSCRIBE &&
	       st->type <= PRESENCE_UNSUBSCRIBED;
}

/* Canonical XML may be several times as long as what the client has written, and attributes once more when
 * they are given to another. */
static bool take(struct session *s, const struct stanza *st)
{
	size_t most = link_max_stanza(s->c2s->link);
	struct buf *b = &s->unconfirmed;
	size_t at = b->len;
	uint32_t len = 0;

	if (stanza_write_most(st) > most)
		return false;
	buf_append(b, &len, sizeof len);
	stanza_encode(st, b);
	len = (uint32_t)(b->len - at - sizeof len);
	if (len > most) {
		b->len = at;
		return false;
	}
	memcpy(buf_ptr(b) + at, &len, sizeof len);
	send_stanza(s, ++s->in, str_n(buf_ptr(b) + at + sizeof len, len), 0);
	return true;
}

void session_stanza(struct client *c, const struct xml_element *e)
{
	struct c2s *x = c->c2s;
	struct session *s = c->session;
	struct stanza st;

	limits_stanza(c);
	x->stats.stanzas_in++;
	if (stanza_from_element(x->scratch, e, &st) < 0) {
		stream_error(c, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
	} else if (!from_allowed(s, e, &st)) {
		stream_error(c, STREAM_E_INVALID_FROM, NULL);
	} else {
		st.from = between_accounts(&st) ? session_bare(s) : str_n(s->jid, s->njid);
		if (!st.lang.ptr && c->lang) /* section 8.1.5 */
			st.lang = str_z(c->lang);
		if (!take(s, &st))
			stream_error(c, STREAM_E_POLICY_VIOLATION, "a stanza is too long");
		else if (window_full(s))
			client_pause(c, PAUSE_WINDOW);
	}
	pool_reset(x->scratch);
}

void session_send_stanzas(struct session *s, bool repeated)
{
	struct buf *b = &s->unconfirmed;
	uint32_t n = s->done, len;

	for (size_t at = 0; at < b->len; at += sizeof len + len) {
		memcpy(&len, buf_ptr(b) + at, sizeof len);
		send_stanza(s, ++n, str_n(buf_ptr(b) + at + sizeof len, len),
			    repeated ? FRAME_REPEATED : 0);
	}
}

void session_done(struct session *s, uint32_t n)
{
	struct buf *b = &s->unconfirmed;
	uint32_t len;

	if ((int32_t)(n - s->done) <= 0 || (int32_t)(n - s->in) > 0)
		return;
	for (; s->done != n; s->done++) {
		memcpy(&len, buf_ptr(b), sizeof len);
		buf_consume(b, sizeof len + len);
	}
	if (!b->len)
		buf_free(b); /* idle sessions hold nothing */
	if (s->client && window_open(s))
		client_resume(s->client, PAUSE_WINDOW);
	if (s->client && s->acks)
		ack_done(s);
	session_drain(s);
}

/* --- the end ----------------------------------------------------------------------------- */

static void session_expired(void *arg)
{
	struct session *s = arg;

	if (!s->closed && !s->unconfirmed.len) {
		session_free(s); /* detached, and its owner has all of it */
		return;
	}
	log_warn("closed session forgotten: no session manager has ended it",
		 LF_STR("jid", str_n(s->jid, s->njid)), LF_U("stanzas", s->in - s->done));
	session_free(s);
}

void session_send_close(struct session *s)
{
	struct msg_session_close m = {.sid = s->sid,
				      .attachment = s->attachment,
				      .closed = s->closed || s->enable_lost,
				      .out = s->out,
				      .unsent_from = s->unsent_from};

	s->close_sent = owner_send(s, MSG_SESSION_CLOSE, 0, &m);
}

void session_keep(struct session *s, int64_t ms)
{
	loop_timeout_need(s->c2s->loop, &s->timeout, session_expired, s, (unsigned)(ms / 1000));
}

void session_leave(struct client *c, bool closed)
{
	struct session *s = c->session;
	int64_t keep = s->c2s->config->keep_closed;

	c->session = NULL;
	s->closed = closed;
	if (!s->listed) {
		s->client = NULL;
		pending_orphan(s->pending);
		return;
	}
	if (s->pending) {
		s->enable_lost = true;
		pending_free(s->pending);
	}
	acks_now(s);
	/* With XEP-0198 the client's word counts, without it what the kernel took. */
	if (!s->acks)
		s->unsent_from = given_unsent(s);
	else
		s->unsent_from = s->acked == s->out ? 0 : s->acked + 1;
	s->client = NULL;
	s->closing = true;
	session_send_close(s);
	if (!closed && !s->unconfirmed.len && s->acks && s->acks->resumable)
		keep = (int64_t)DETACHED_SECONDS * 1000;
	session_keep(s, keep);
	session_drain(s);
}
