/* SPDX-License-Identifier: MIT */
/* Resource binding (RFC 6120 section 7): the only stanza there is between SASL and a session. */
#include <errno.h>
#include "c2s/session.h"
#include "xmpp/node.h"

static void error_text(struct xml_writer *w, const char *text)
{
	xw_start(w, "text", NS_STANZAS);
	xw_attrz(w, "xml:lang", "en");
	xw_text(w, str_z(text));
	xw_end(w);
}

void step_iq_error(struct client *c, const struct stanza *st, enum stanza_error e, const char *text)
{
	struct buf *b = conn_out(c->conn);
	struct xml_writer w;

	xw_init(&w, b);
	xw_start(&w, "iq", NULL);
	xw_attrz(&w, "type", "error");
	if (st->id.ptr)
		xw_attr(&w, "id", st->id);
	if (st->to.ptr)
		xw_attr(&w, "from", st->to);
	xw_start(&w, "error", NULL);
	xw_attr_int(&w, "code", stanza_error_code(e)); /* XEP-0086, for clients of its time */
	xw_attrz(&w, "type", stanza_error_type(e));
	xw_leaf(&w, stanza_error_name(e), NS_STANZAS, STR_NONE);
	if (text)
		error_text(&w, text);
	xw_end(&w);
	xw_end(&w);
	client_flush(c);
}

static void bind_error(struct client *c, const char *id, enum stanza_error e, const char *text)
{
	struct stanza st = {.id = str_z(id)};

	step_iq_error(c, &st, e, text);
}

static void bind_send(struct pending *p)
{
	struct msg_session_open m = {
		.ticket = buf_str(&p->ticket),
		.account = str_z(p->account),
		.resource = p->resource,
		.address = str_z(p->address),
		.secure = p->secure,
		.undo = !p->session->client,
	};

	pending_request(p, &m);
}

static void bind_result(struct client *c, const char *id, struct str jid)
{
	struct xml_writer w;

	xw_init(&w, conn_out(c->conn));
	xw_start(&w, "iq", NULL);
	xw_attrz(&w, "type", "result");
	xw_attrz(&w, "id", id);
	xw_start(&w, "bind", NS_BIND);
	xw_leaf(&w, "jid", NULL, jid);
	xw_end(&w);
	xw_end(&w);
	client_flush(c);
}

static void bind_failed(struct session *s, struct pending *p, int err,
			const struct msg_session_opened *r)
{
	struct client *c = s->client;
	char *id = xstrdup(p->id);

	if (err < 0)
		log_warn("no session", LF_S("account", p->account), LF_ERR(err));
	session_free(s);
	if (c) {
		c->session = NULL;
		if (err < 0 || r->error > STANZA_E_COUNT)
			bind_error(c, id, STANZA_E_RESOURCE_CONSTRAINT,
				   "no session manager can take you now");
		else
			bind_error(c, id, (enum stanza_error)(r->error - 1), NULL);
	}
	free(id);
}

static void bind_done(struct pending *p, int err, const void *reply)
{
	const struct msg_session_opened *r = reply;
	struct session *s = p->session;
	struct c2s *x = s->c2s;
	struct client *c = s->client;
	bool moved = pending_moved(p);

	if (err < 0 || r->error) {
		bind_failed(s, p, err, r);
		return;
	}
	session_list(s, r->sid, 1, r->jid, r->record);
	if (c) {
		bind_result(c, p->id, r->jid);
		log_info("client logged in", LF_STR("jid", r->jid),
			 LF_S("address", conn_peer(c->conn)),
			 LF_S("tls",
			      conn_ssl(c->conn) ? SSL_get_version(conn_ssl(c->conn)) : "none"));
		client_bound(c);
		x->stats.logins++;
	} else { /* the client did not wait */
		s->closing = s->closed = true;
		session_keep(s, x->config->keep_closed);
	}
	pending_free(p);
	if (moved)
		session_announce(s); /* another has taken over since; it tells the end too */
	else if (!c)
		session_send_close(s);
}

/* A session may be made yet: a new try on this stream could not tell it from its own. */
static void bind_late(struct pending *p)
{
	struct client *c = p->session->client;

	log_warn("no session", LF_S("account", p->account), LF_ERR(-ETIMEDOUT));
	bind_error(c, p->id, STANZA_E_RESOURCE_CONSTRAINT, "no session manager answers");
	stream_error(c, STREAM_E_RESOURCE_CONSTRAINT, "no session manager answers");
}

static const struct pending_ops bind_ops = {MSG_SESSION_OPEN, bind_send, bind_done, bind_late};

static void bind_start(struct client *c, struct str id, struct str take_resource)
{
	struct session *s = session_new(c->c2s, c);
	struct pending *p = pending_new(s, &bind_ops);

	p->id = str_dup(id);
	p->text = (char *)take_resource.ptr;
	p->resource = take_resource;
	p->account = xstrdup(c->login->account);
	p->address = xstrdup(conn_peer(c->conn));
	p->secure = conn_secure(c->conn);
	buf_str_append(&p->ticket, buf_str(&c->login->ticket));
	pending_start(p);
}

static void bind_request(struct client *c, const struct stanza *st, const struct node *bind)
{
	struct str asked = node_child_text(bind, "resource", NS_BIND);
	struct buf b = BUF_INIT;
	size_t len;

	if (st->type != IQ_SET || !st->id.ptr) {
		step_iq_error(c, st, STANZA_E_BAD_REQUEST, NULL);
		return;
	}
	/* Section 7.7.2.1: text that is no resource. Empty is as absent: the server makes one. */
	if (asked.len && jid_prep_resource(&b, asked) < 0) {
		buf_free(&b);
		step_iq_error(c, st, STANZA_E_BAD_REQUEST, "this cannot be a resource");
		return;
	}
	len = b.len;
	bind_start(c, st->id, str_n(buf_take(&b), len));
}

void step_bind(struct client *c, const struct xml_element *e)
{
	struct pool *p = c->c2s->scratch;
	const struct node *bind = NULL;
	struct stanza st;

	if (!c->session && stanza_from_element(p, e, &st) == 0 && st.kind == STANZA_IQ)
		bind = stanza_payload(p, &st);
	/* Section 7.1: before binding nothing else is processed. */
	if (bind && str_eqz(bind->name, "bind") && str_eqz(bind->ns, NS_BIND))
		bind_request(c, &st, bind);
	else
		stream_error(c, STREAM_E_NOT_AUTHORIZED, "bind a resource first");
	pool_reset(p);
}
