/* SPDX-License-Identifier: MIT */
/* SASL (RFC 6120 section 6): the client's data goes to auth unread, what auth says comes back. */
#include <errno.h>
#include <utlist.h>
#include "c2s/client.h"

enum { ANSWER_MS = 30000 };

/* AUTH_START on its way. Its answer names an exchange that only we can end, also when the client is
 * not there any more. */
struct start {
	struct start *prev, *next;
	struct c2s *c2s;
	struct client *client; /* NULL: it waits no more */
	uint64_t auth;
	struct link_request *request;
};

static void failure(struct client *c, enum sasl_error e, struct str text)
{
	struct buf *b = conn_out(c->conn);
	struct login *l = c->login;
	struct xml_writer w;

	xw_init(&w, b);
	xw_start(&w, "failure", NS_SASL);
	xw_leaf(&w, sasl_error_name(e), NULL, STR_NONE);
	if (text.len) {
		xw_start(&w, "text", NULL);
		xw_attrz(&w, "xml:lang", "en");
		xw_text(&w, text);
		xw_end(&w);
	}
	xw_end(&w);
	client_flush(c);
	c->c2s->stats.login_failures++;
	/* Section 6.4.5: a number of retries, then the end of the stream. */
	if (++l->failures >= (unsigned)c->c2s->config->sasl_tries)
		stream_error(c, STREAM_E_POLICY_VIOLATION, "too many failed logins");
}

/* base64, or "=" for data that is there and empty (section 6.3.10, 6.4.2). */
static void write_data(struct client *c, const char *name, bool has, struct str data)
{
	struct buf *b = conn_out(c->conn);

	buf_putc(b, '<');
	buf_str_append(b, str_z(name));
	buf_lit(b, " xmlns='" NS_SASL "'>");
	if (data.len)
		base64_encode(b, data.ptr, data.len);
	else if (has)
		buf_putc(b, '=');
	buf_lit(b, "</");
	buf_str_append(b, str_z(name));
	buf_putc(b, '>');
	client_flush(c);
}

static int read_data(const struct xml_element *e, struct buf *b)
{
	if (str_eq(e->inner, STR("=")))
		return 0;
	return base64_decode(b, e->inner);
}

/* --- auth's answers ---------------------------------------------------------------------- */

static void send_start(struct client *c, bool placed);

static void on_challenge(struct client *c, const struct msg_auth_result *r)
{
	c->login->exchange = r->exchange;
	write_data(c, "challenge", true, r->data);
}

static void on_success(struct client *c, const struct msg_auth_result *r)
{
	struct login *l = c->login;

	l->running = false;
	l->exchange = 0;
	free(l->account);
	l->account = str_dup(r->account);
	buf_wipe(&l->ticket);
	buf_str_append(&l->ticket, r->ticket);
	buf_wipe(&l->initial);
	offer_unref(l->offer);
	l->offer = NULL;
	if (strcmp(l->mechanism, "EXTERNAL") == 0)
		external_succeeded(c);
	write_data(c, "success", r->has_data, r->data);
	/* Section 6.3.2: the stream begins anew, what came behind counts for nothing. */
	client_authenticated(c);
}

static void on_failure(struct client *c, const struct msg_auth_result *r)
{
	struct login *l = c->login;
	enum sasl_error e =
		r->error < SASL_E_COUNT ? (enum sasl_error)r->error : SASL_E_TEMPORARY_AUTH_FAILURE;

	l->running = false;
	l->exchange = 0;
	buf_wipe(&l->initial);
	log_info("login failed", LF_S("domain", c->domain->name),
		 LF_S("address", conn_peer(c->conn)), LF_S("mechanism", l->mechanism),
		 LF_S("reason", sasl_error_name(e)));
	failure(c, e, r->text);
}

static void on_moved(struct client *c, const struct msg_auth_result *r)
{
	struct login *l = c->login;

	l->auth = link_place(c->c2s->link, "auth", r->key);
	l->moved = true;
	send_start(c, true);
}

static void on_result(void *arg, int err, uint16_t kind, const void *m)
{
	static void (*const by_state[])(struct client *, const struct msg_auth_result *) = {
		on_challenge, on_success, on_failure, on_moved};
	struct client *c = arg;
	struct login *l = c->login;
	const struct msg_auth_result *r = m;

	l->request = NULL;
	if (err == 0 && kind == MSG_AUTH_RESULT && r->state < 4 && !(r->state == 3 && l->moved)) {
		by_state[r->state](c, r);
		return;
	}
	log_warn("no answer from auth", LF_ERR(err < 0 ? err : -EPROTO),
		 LF_S("mechanism", l->mechanism));
	l->exchange = 0; /* nobody there to abort it */
	l->running = false;
	buf_wipe(&l->initial);
	failure(c, SASL_E_TEMPORARY_AUTH_FAILURE, STR_NONE);
}

static void abort_exchange(struct c2s *x, uint64_t auth, uint64_t exchange)
{
	struct frame head = {.kind = MSG_AUTH_ABORT,
			     .to = auth,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};
	struct msg_auth_abort m = {.exchange = exchange};

	(void)link_send(x->link, &head, &m);
}

static struct start *start_new(struct client *c)
{
	struct start *t = xcalloc(1, sizeof *t);

	t->c2s = c->c2s;
	t->client = c;
	t->auth = c->login->auth;
	DL_APPEND(c->c2s->starts, t);
	return t;
}

static void start_free(struct start *t)
{
	DL_DELETE(t->c2s->starts, t);
	free(t);
}

static void on_started(void *arg, int err, uint16_t kind, const void *m)
{
	struct start t = *(struct start *)arg;
	const struct msg_auth_result *r = m;

	start_free(arg);
	if (t.client) {
		t.client->login->start = NULL;
		on_result(t.client, err, kind, m);
	} else if (err == 0 && kind == MSG_AUTH_RESULT && r->state == 0 /* challenge */) {
		abort_exchange(t.c2s, t.auth, r->exchange);
	}
}

void login_stop(struct client *c)
{
	struct login *l = c->login;

	if (!l || !l->running)
		return;
	if (l->start)
		l->start->client = NULL;
	else
		link_cancel(l->request);
	l->start = NULL;
	l->request = NULL;
	l->running = false;
	if (l->exchange)
		abort_exchange(c->c2s, l->auth, l->exchange);
	l->exchange = 0;
	buf_wipe(&l->initial);
}

void starts_free(struct c2s *x)
{
	while (x->starts) {
		link_cancel(x->starts->request);
		start_free(x->starts);
	}
}

/* --- requests to auth -------------------------------------------------------------------- */

/* tls-unique (RFC 5929 section 3): the first Finished message of the handshake, the client's unless
 * the session was resumed. */
static void tls_unique(SSL *ssl, struct buf *b)
{
	char *at = buf_reserve(b, EVP_MAX_MD_SIZE);

	buf_added(b, SSL_session_reused(ssl) ? SSL_get_finished(ssl, at, EVP_MAX_MD_SIZE)
					     : SSL_get_peer_finished(ssl, at, EVP_MAX_MD_SIZE));
}

/* To make the values costs as much as half of what else a login does in this process. */
static bool wants_binding(const char *mechanism)
{
	static const char plus[] = "-PLUS";
	size_t n = strlen(mechanism), nplus = sizeof plus - 1;

	return n > nplus && memcmp(mechanism + n - nplus, plus, nplus) == 0;
}

static void send_start(struct client *c, bool placed)
{
	struct login *l = c->login;
	SSL *ssl = c->phase == PHASE_SECURE ? conn_ssl(c->conn) : NULL;
	struct buf exporter = BUF_INIT, end_point = BUF_INIT, unique = BUF_INIT;
	struct frame head = {.kind = MSG_AUTH_START,
			     .to = l->auth,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};
	struct msg_auth_start m = {
		.domain = str_z(c->domain->name),
		.mechanism = str_z(l->mechanism),
		.has_initial = l->has_initial,
		.initial = buf_str(&l->initial),
		.secure = c->phase == PHASE_SECURE,
		.mechanisms = l->offer->mechanisms,
		.nmechanisms = l->offer->nmechanisms,
		.bindings = l->offer->bindings,
		.nbindings = l->offer->nbindings,
		.address = str_z(conn_peer(c->conn)),
		.placed = placed,
	};

	if (ssl && wants_binding(l->mechanism)) {
		(void)tls_exporter(ssl, &exporter);
		(void)tls_server_end_point(ssl, &end_point);
		tls_unique(ssl, &unique);
	}
	m.certificate_jids = l->certificate_jids;
	m.ncertificate_jids = l->ncertificate_jids;
	m.exporter = buf_str(&exporter);
	m.end_point = buf_str(&end_point);
	m.unique = buf_str(&unique);
	l->start = start_new(c);
	l->request = l->start->request =
		link_request(c->c2s->link, &head, &m, ANSWER_MS, on_started, l->start);
	buf_wipe(&exporter);
	buf_wipe(&end_point);
	buf_wipe(&unique);
}

/* Why the mechanism cannot be used on this stream, or SASL_E_COUNT. */
static enum sasl_error refused(const struct client *c, struct str mechanism)
{
	if (c->phase == PHASE_CLEAR && c->c2s->config->tls == TLS_REQUIRED)
		return SASL_E_ENCRYPTION_REQUIRED; /* section 6.5.4 */
	if (c->wait_offer)
		return SASL_E_TEMPORARY_AUTH_FAILURE;
	return offer_has(c->login->offer, mechanism) ? SASL_E_COUNT : SASL_E_INVALID_MECHANISM;
}

void step_auth(struct client *c, const struct xml_element *e)
{
	struct login *l = c->login;
	struct str mechanism = element_attr(e, "mechanism");
	enum sasl_error why;

	if (c->phase >= PHASE_AUTHENTICATED) {
		/* Section 6.2: it is done and is not negotiated again. */
		stream_error(c, STREAM_E_NOT_AUTHORIZED, "already authenticated");
		return;
	}
	if (l->running) {
		login_stop(c);
		failure(c, SASL_E_MALFORMED_REQUEST, STR_NONE);
		return;
	}
	why = refused(c, mechanism);
	if (why == SASL_E_COUNT && e->nchildren)
		why = SASL_E_MALFORMED_REQUEST;
	buf_wipe(&l->initial);
	if (why == SASL_E_COUNT && read_data(e, &l->initial) < 0)
		why = SASL_E_INCORRECT_ENCODING;
	if (why == SASL_E_COUNT && !(l->auth = any_serving(c->c2s, "auth")))
		why = SASL_E_TEMPORARY_AUTH_FAILURE;
	if (why != SASL_E_COUNT) {
		failure(c, why, STR_NONE);
		return;
	}
	l->has_initial = e->inner.len > 0;
	l->running = true;
	l->moved = false;
	free(l->mechanism);
	l->mechanism = str_dup(mechanism);
	send_start(c, false);
}

void step_response(struct client *c, const struct xml_element *e)
{
	struct login *l = c->login;
	struct buf data = BUF_INIT;
	struct frame head = {
		.kind = MSG_AUTH_NEXT, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};
	struct msg_auth_next m;

	if (c->phase >= PHASE_AUTHENTICATED) {
		stream_error(c, STREAM_E_NOT_AUTHORIZED, "already authenticated");
		return;
	}
	/* Out of turn: nothing was asked, or the answer to the last one is still awaited. */
	if (!l->running || l->request || !l->exchange || e->nchildren) {
		login_stop(c);
		failure(c, SASL_E_MALFORMED_REQUEST, STR_NONE);
		return;
	}
	if (read_data(e, &data) < 0) {
		login_stop(c);
		failure(c, SASL_E_INCORRECT_ENCODING, STR_NONE);
		return;
	}
	head.to = l->auth;
	m.exchange = l->exchange;
	m.data = buf_str(&data);
	l->request = link_request(c->c2s->link, &head, &m, ANSWER_MS, on_result, c);
	buf_wipe(&data);
}

void step_abort(struct client *c, const struct xml_element *e)
{
	if (c->phase >= PHASE_AUTHENTICATED) {
		stream_error(c, STREAM_E_NOT_AUTHORIZED, "already authenticated");
		return;
	}
	login_stop(c);
	failure(c, SASL_E_ABORTED, STR_NONE); /* section 6.4.4 */
}
