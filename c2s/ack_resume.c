/* SPDX-License-Identifier: MIT */
/* Resumption (XEP-0198 section 5): a session goes on over another connection, here or elsewhere. */
#include "c2s/session.h"

static bool hex_part(struct str s, size_t most, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.len || s.len > most)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char *digits = "0123456789abcdef", *d = memchr(digits, s.ptr[i], 16);

		if (!d)
			return false;
		v = v << 4 | (uint64_t)(d - digits);
	}
	*ret = v;
	return true;
}

static bool id_read(struct str id, uint64_t *ret_sid, uint32_t *ret_in, uint32_t *ret_out)
{
	struct str sid, in;
	uint64_t s, i, o;

	if (!str_split(&id, '.', &sid) || !str_split(&id, '.', &in) || sid.len != 16 ||
	    !hex_part(sid, 16, &s) || !hex_part(in, 8, &i) || !hex_part(id, 8, &o))
		return false;
	*ret_sid = s;
	*ret_in = (uint32_t)i;
	*ret_out = (uint32_t)o;
	return true;
}

static void resume_send(struct pending *p)
{
	struct msg_session_resume m = {.ticket = buf_str(&p->ticket),
				       .account = str_z(p->account),
				       .sid = p->sid,
				       .h = p->number,
				       .address = str_z(p->address),
				       .undo = !p->session->client};

	pending_request(p, &m);
}

static void resume_failed(struct pending *p, int err, const struct msg_session_resumed *r)
{
	struct session *s = p->session;
	struct client *c = s->client;
	uint32_t h = p->number - s->acks->out_base, in = r ? r->h - s->acks->in_base : 0;
	bool known = r && r->known;
	bool high = known && r->error == 1 + STANZA_E_BAD_REQUEST;

	session_free(s);
	if (!c)
		return;
	c->session = NULL;
	if (high)
		ack_too_high(c, h, NULL);
	else if (err < 0 || r->error > STANZA_E_COUNT)
		ack_failed(c, STANZA_E_INTERNAL_SERVER_ERROR, NULL);
	else /* the client may bind now */
		ack_failed(c, (enum stanza_error)(r->error - 1), known ? &in : NULL);
}

/* The same session on another connection of ours: that one is over. */
static void replace(struct c2s *x, uint64_t sid)
{
	struct session *old = session_find(x, sid);
	struct client *c = old ? old->client : NULL;

	if (!old)
		return;
	session_free(old);
	if (!c)
		return;
	c->session = NULL;
	stream_error(c, STREAM_E_CONFLICT, "resumed elsewhere");
}

/* Counters go on from where the client and sm agree. */
static void take_counters(struct session *s, const struct msg_session_resumed *r, uint32_t acked)
{
	s->in = s->done = r->h;
	s->out = s->acked = s->acked_told = acked;
	s->settled = r->settled;
	s->acks->told = s->acks->wanted = r->h;
	s->acks->asked = acked;
	s->acks->on = s->acks->resumable = true;
	for (size_t i = 0; i < r->ngiven; i++) {
		const struct msg_given *g = &r->given[i];

		given_push(s, &(struct given){.origin = g->key.origin,
					      .number = g->key.number,
					      .part = g->key.part,
					      .m = g->m,
					      .log = g->log});
	}
}

static void write_resumed(struct session *s, const char *id)
{
	struct xml_writer w;

	xw_init(&w, conn_out(s->client->conn));
	xw_start(&w, "resumed", NS_SM);
	xw_attrz(&w, "previd", id);
	xw_attr_int(&w, "h", (uint32_t)(s->in - s->acks->in_base));
	xw_end(&w);
	client_flush(s->client);
}

static void resume_done(struct pending *p, int err, const void *reply)
{
	const struct msg_session_resumed *r = reply;
	struct session *s = p->session;
	struct c2s *x = s->c2s;
	struct client *c = s->client;
	bool moved = pending_moved(p);

	if (err < 0 || r->error) {
		resume_failed(p, err, r);
		return;
	}
	replace(x, p->sid);
	session_list(s, p->sid, r->attachment, r->jid, r->record);
	take_counters(s, r, p->number);
	if (c) {
		write_resumed(s, p->id);
		log_info("client resumed", LF_STR("jid", r->jid),
			 LF_S("address", conn_peer(c->conn)));
		client_bound(c);
		x->stats.resumed++;
	} else { /* the client did not wait: broken again */
		s->closing = true;
		s->closed = false;
		s->unsent_from = 0;
		session_keep(s, x->config->keep_closed);
	}
	pending_free(p);
	if (moved)
		session_announce(s);
	else if (!c)
		session_send_close(s);
}

static void resume_late(struct pending *p)
{
	struct client *c = p->session->client;

	ack_failed(c, STANZA_E_INTERNAL_SERVER_ERROR, NULL);
	stream_error(c, STREAM_E_RESOURCE_CONSTRAINT, "no session manager answers");
}

static const struct pending_ops resume_ops = {MSG_SESSION_RESUME, resume_send, resume_done,
					      resume_late};

void ack_resume(struct client *c, const struct xml_element *e)
{
	struct str previd = element_attr(e, "previd");
	uint32_t h, in_base, out_base;
	struct session *s;
	struct pending *p;
	uint64_t sid;

	if (c->phase != PHASE_AUTHENTICATED || c->session) {
		ack_failed(c, STANZA_E_UNEXPECTED_REQUEST, NULL);
		return;
	}
	if (!c->c2s->config->resume_max) { /* "If the server does not support session resumption" */
		ack_failed(c, STANZA_E_FEATURE_NOT_IMPLEMENTED, NULL);
		return;
	}
	if (!sm_number(element_attr(e, "h"), &h)) {
		ack_failed(c, STANZA_E_BAD_REQUEST, NULL);
		return;
	}
	if (!id_read(previd, &sid, &in_base, &out_base)) {
		ack_failed(c, STANZA_E_ITEM_NOT_FOUND, NULL);
		return;
	}
	s = session_new(c->c2s, c);
	ack_new(s);
	s->acks->in_base = in_base;
	s->acks->out_base = out_base;
	p = pending_new(s, &resume_ops);
	p->sid = sid;
	p->number = out_base + h;
	p->id = str_dup(previd);
	p->account = xstrdup(c->login->account);
	p->address = xstrdup(conn_peer(c->conn));
	buf_str_append(&p->ticket, buf_str(&c->login->ticket));
	pending_start(p);
}
