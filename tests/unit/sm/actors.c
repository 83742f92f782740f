/* SPDX-License-Identifier: MIT */
/* Clients as their c2s sees them. */
#include <stdlib.h>
#include <utlist.h>
#include "tests/unit/sm/world.h"

/* --- what they are given --------------------------------------------------------------------- */

static struct client *client_of(uint64_t sid)
{
	struct client *c = w.clients;

	while (c && c->sid != sid)
		c = c->next;
	return c;
}

/* As c2s does: told so by sm (up to *told), or acknowledged and committed when it was given. */
static void kept_settle(struct client *c, const uint32_t *told)
{
	size_t n = 0;

	for (; n < c->nkept; n++) {
		const struct kept *k = &c->kept[n];
		bool acked = (int32_t)(k->given.m - c->acked) <= 0;

		if (!(told && (int32_t)(k->given.m - *told) <= 0) && !(acked && k->committed))
			break;
		if (k->given.log > c->settled_log)
			c->settled_log = k->given.log;
	}
	c->nkept -= n;
	memmove(c->kept, c->kept + n, c->nkept * sizeof *c->kept);
}

void confirmed(struct client *c, uint32_t n)
{
	struct unconfirmed *x;

	while ((x = c->unconfirmed) && (int32_t)(x->n - n) <= 0) {
		DL_DELETE(c->unconfirmed, x);
		free(x->xml);
		free(x);
	}
}

static void take(uint64_t sid, uint32_t attachment, uint32_t m, const struct msg_stanza_key *key, uint64_t log,
		 bool committed, char *xml)
{
	struct client *c = client_of(sid);

	if (!c || attachment != c->attachment || m != c->out + 1) { /* rule 7 */
		free(xml);
		return;
	}
	c->out = m;
	ck_assert_uint_lt(c->ngot, MOST_GIVEN);
	c->got[c->ngot++] = (struct got){m, log, committed, false, xml};
	ck_assert_uint_lt(c->nkept, MOST_GIVEN);
	c->kept[c->nkept++] = (struct kept){{.m = m, .key = *key, .log = log}, committed};
}

static void take_many(const struct msg_give_many *m)
{
	for (size_t i = 0; i < m->nto; i++) {
		struct client *c = client_of(m->to[i].sid);

		ck_assert_uint_eq(m->to_kind, 2);
		take(m->to[i].sid, m->to[i].attachment, m->to[i].m, &m->key, 0, true,
		     xasprintf("%.*s to='%s'%.*s", STR_ARG(m->head), c ? c->full : "",
			       STR_ARG(m->tail)));
	}
}

static void number(const struct msg_sid_number *list, size_t n, bool done)
{
	for (size_t i = 0; i < n; i++) {
		struct client *c = client_of(list[i].sid);

		if (!c)
			continue;
		*(done ? &c->done : &c->settled) = list[i].n;
		if (done)
			confirmed(c, c->done);
		else
			kept_settle(c, &c->settled);
	}
}

static void record(struct client *c, struct str sealed)
{
	if (!c)
		return;
	free(c->record);
	c->record = xmalloc(sealed.len + sizeof(size_t));
	memcpy(c->record, &sealed.len, sizeof(size_t));
	if (sealed.len)
		memcpy(c->record + sizeof(size_t), sealed.ptr, sealed.len);
}

/* --- frames ---------------------------------------------------------------------------------- */

static void session_frame(uint16_t kind, const void *msg)
{
	const struct msg_give *g = msg;
	const struct msg_done *d = msg;
	const struct msg_settled *s = msg;
	const struct msg_done_record *r = msg;
	const struct msg_session_end *e = msg;
	const struct msg_session_break *b = msg;
	struct client *c;

	switch (kind) {
	case MSG_GIVE:
		take(g->sid, g->attachment, g->m, &g->key, g->log, g->committed,
		     xstrndup(g->xml.ptr, g->xml.len));
		break;
	case MSG_GIVE_MANY:
		take_many(msg);
		break;
	case MSG_DONE:
		number(d->sessions, d->nsessions, true);
		break;
	case MSG_SETTLED:
		number(s->sessions, s->nsessions, false);
		break;
	case MSG_DONE_RECORD:
		c = client_of(r->sid);
		record(c, r->record);
		if (c) {
			c->done = r->n;
			confirmed(c, c->done);
		}
		break;
	case MSG_SESSION_END:
		c = client_of(e->sid);
		if (c)
			c->ended = e->error;
		break;
	case MSG_SESSION_BREAK:
		c = client_of(b->sid);
		if (c && c->attachment == b->attachment)
			c->broken = true;
		break;
	}
}

static void opened(const struct fake_frame *f, const struct msg_session_opened *m)
{
	struct client *c = w.clients;

	while (c && c->sid != f->f.tag) /* until now the tag stands there */
		c = c->next;
	if (!c)
		return;
	c->refused = m->error;
	c->sid = m->sid;
	c->full = xstrndup(m->jid.ptr, m->jid.len);
	record(c, m->record);
}

static void resumed(const struct fake_frame *f, const struct msg_session_resumed *m)
{
	struct client *c = w.clients;

	while (c && !(c->resuming && c->resume_tag == f->f.tag))
		c = c->next;
	if (!c)
		return;
	c->resuming = false;
	c->refused = m->error;
	if (m->error)
		return;
	confirmed(c, c->in);
	c->in = c->done = m->h;
	c->settled_log = m->settled;
	c->nkept = 0;
	for (size_t i = 0; i < m->ngiven; i++)
		c->kept[c->nkept++] = (struct kept){m->given[i], false};
	record(c, m->record);
}

void client_frame(const struct fake_frame *f, const void *m)
{
	if (f->f.kind == MSG_SESSION_OPENED)
		opened(f, m);
	else if (f->f.kind == MSG_SESSION_RESUMED)
		resumed(f, m);
	else if (f->f.kind == MSG_ANNOUNCE_AGAIN)
		w.asked[f->f.to == C2S2_ID]++;
	else
		session_frame(f->f.kind, m);
}

/* --- what clients do ------------------------------------------------------------------------- */

void seal_ticket(const char *bare, uint64_t c2s, struct buf *b)
{
	struct ticket t = {.account = str_z(bare),
			   .c2s = c2s,
			   .expires_us = clock_wall_us() + 60000000};

	random_bytes(t.nonce, sizeof t.nonce);
	ticket_write(w.sm->ticket_key, &t, b);
}

struct client *login_with(const char *bare, const char *resource, uint64_t c2s, struct str ticket)
{
	struct client *c = xcalloc(1, sizeof *c);
	struct frame f = frame_from(c2s, MSG_SESSION_OPEN, bare);
	struct msg_session_open m = {.ticket = ticket,
				     .account = str_z(bare),
				     .resource = str_z(resource),
				     .address = STR("192.0.2.1"),
				     .secure = true};

	c->account = xstrdup(bare);
	c->c2s = c2s;
	c->attachment = 1;
	c->ended = -1;
	c->sid = f.tag;
	c->next = w.clients;
	w.clients = c;
	fake_receive(w.link, f, &m);
	settle();
	return c;
}

struct client *login_on(const char *bare, const char *resource, uint64_t c2s)
{
	struct buf ticket = BUF_INIT;
	struct client *c;

	seal_ticket(bare, c2s, &ticket);
	c = login_with(bare, resource, c2s, buf_str(&ticket));
	buf_free(&ticket);
	return c;
}

struct client *login(const char *bare, const char *resource)
{
	struct client *c = login_on(bare, resource, C2S_ID);

	ck_assert_uint_eq(c->refused, 0);
	return c;
}

struct client *online(const char *bare, const char *resource)
{
	struct client *c = login(bare, resource);

	says(c, "<presence/>");
	forget(c);
	return c;
}

static void send_stanza(struct client *c, uint32_t n, const char *xml)
{
	struct pool *p = pool_new();
	struct buf b = BUF_INIT;
	struct stanza st;
	struct msg_stanza m = {.sid = c->sid, .attachment = c->attachment, .n = n};

	ck_assert_int_eq(stanza_parse(p, str_z(xml), &st), 0);
	st.from = str_z(c->full);
	stanza_encode(&st, &b);
	m.envelope = buf_str(&b);
	fake_receive(w.link, frame_from(c->c2s, MSG_STANZA, c->account), &m);
	buf_free(&b);
	pool_free(p);
}

void says_only(struct client *c, const char *xml)
{
	struct unconfirmed *x = xcalloc(1, sizeof *x);

	x->n = ++c->in;
	x->xml = xstrdup(xml);
	DL_APPEND(c->unconfirmed, x);
	send_stanza(c, c->in, xml);
}

void says(struct client *c, const char *xml)
{
	says_only(c, xml);
	settle();
}

void acknowledge(struct client *c, uint32_t m)
{
	struct msg_sid_number n = {c->sid, m};
	struct msg_acked a = {.sessions = &n, .nsessions = 1};

	c->acked = m;
	kept_settle(c, NULL);
	fake_receive(w.link, frame_from(c->c2s, MSG_ACKED, NULL), &a);
	settle();
}

void acknowledge_all(struct client *c)
{
	acknowledge(c, c->out);
}

void reads_nothing(struct client *c, bool full)
{
	struct msg_session_full m = {.sid = c->sid, .full = full};

	fake_receive(w.link, frame_from(c->c2s, MSG_SESSION_FULL, c->account), &m);
	settle();
}

void enable(struct client *c)
{
	struct msg_session_sm m = {
		.sid = c->sid, .attachment = c->attachment, .max = 60, .resume = true};

	c->resumable = true;
	fake_receive(w.link, frame_from(c->c2s, MSG_SESSION_SM, c->account), &m);
	settle();
}

void resume(struct client *c, uint64_t c2s)
{
	struct buf t = BUF_INIT;
	struct msg_session_resume m = {
		.account = str_z(c->account), .sid = c->sid, .h = c->acked};
	struct frame f = frame_from(c2s, MSG_SESSION_RESUME, c->account);

	seal_ticket(c->account, c2s, &t);
	m.ticket = buf_str(&t);
	c->attachment++;
	c->c2s = c2s;
	c->out = c->acked;
	c->resuming = true;
	c->left = false;
	c->resume_tag = f.tag;
	fake_receive(w.link, f, &m);
	settle();
	buf_free(&t);
}

static struct str record_of(const struct client *c)
{
	size_t n;

	memcpy(&n, c->record, sizeof n);
	return str_n(c->record + sizeof n, n);
}

/* in: the last stanza that its c2s has taken from it. */
static void announce_as(struct client *c, uint32_t in, uint64_t settled, struct msg_given *given, size_t n)
{
	struct msg_announce m = {.sid = c->sid,
				 .attachment = c->attachment,
				 .record = record_of(c),
				 .done = c->done,
				 .in = in,
				 .out = c->out,
				 .acked = c->acked,
				 .settled = settled,
				 .given = given,
				 .ngiven = n};

	fake_receive(w.link, frame_from(c->c2s, MSG_ANNOUNCE, c->account), &m);
}

void announce_given(struct client *c, struct msg_given *given, size_t n)
{
	announce_as(c, c->done, 0, given, n);
	settle();
}

void announce(struct client *c)
{
	announce_given(c, NULL, 0);
}

void announce_whole(struct client *c)
{
	struct msg_given *given = xcalloc(c->nkept + 1, sizeof *given);
	struct unconfirmed *x, *next;

	for (size_t i = 0; i < c->nkept; i++)
		given[i] = c->kept[i].given;
	announce_as(c, c->in, c->settled_log, given, c->nkept);
	free(given);
	DL_FOREACH_SAFE (c->unconfirmed, x, next)
		send_stanza(c, x->n, x->xml);
}

void leave(struct client *c, bool closed)
{
	struct msg_session_close m = {.sid = c->sid,
				      .attachment = c->attachment,
				      .closed = closed,
				      .out = c->acked,
				      .unsent_from = c->acked + 1};

	c->left = true;
	fake_receive(w.link, frame_from(c->c2s, MSG_SESSION_CLOSE, c->account), &m);
	settle();
}

static void presence(struct client *c, const char *type, const char *to)
{
	char *xml = xasprintf("<presence type='%s' to='%s'/>", type, to);

	says(c, xml);
	free(xml);
}

void befriend(struct client *a, struct client *b)
{
	presence(a, "subscribe", b->account);
	presence(b, "subscribed", a->account);
	presence(b, "subscribe", a->account);
	presence(a, "subscribed", b->account);
	forget(a);
	forget(b);
}
