/* SPDX-License-Identifier: MIT */
/* The life of a connection: from accept to the last byte, and the moments to look at it. */
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include <utlist.h>
#include "c2s/session.h"

static const char *peer_name(const struct client *c)
{
	return c->conn ? conn_peer(c->conn) : "";
}

/* --- the login's part -------------------------------------------------------------------- */

struct login *login_free(struct login *l)
{
	if (!l)
		return NULL;
	link_cancel(l->request);
	link_cancel(l->registration);
	link_cancel(l->asking);
	external_forget(l);
	offer_unref(l->offer);
	buf_wipe(&l->initial);
	buf_wipe(&l->ticket);
	free(l->mechanism);
	free(l->account);
	free(l->registration_id);
	free(l);
	return NULL;
}

static void uncount(struct client *c)
{
	if (c->counted)
		c->c2s->nunauthenticated--;
	c->counted = false;
}

void client_authenticated(struct client *c)
{
	struct xml_limits limits;

	uncount(c);
	c->phase = PHASE_AUTHENTICATED;
	limits_xml(c->c2s, true, &limits);
	xml_reader_limits(c->reader, &limits);
	stream_restart(c);
}

void client_bound(struct client *c)
{
	c->phase = PHASE_BOUND;
	c->login = login_free(c->login);
	client_arm(c);
}

/* --- the end ----------------------------------------------------------------------------- */

void client_free(struct client *c)
{
	struct c2s *x = c->c2s;

	login_stop(c);
	uncount(c);
	limits_forget(c);
	loop_timeout_stop(x->loop, &c->timeout);
	loop_task_cancel(x->loop, &c->flushed);
	DL_DELETE(x->clients, c);
	x->nclients--;
	tenant_leave(x, c->tenant);
	c->reader = xml_reader_free(c->reader);
	c->conn = conn_free(c->conn);
	login_free(c->login);
	free(c->lang);
	free(c);
	alloc_shrunk(&x->clients_peak, x->nclients);
	listen_given_back(x);
	drain_look(x);
}

/* One line for the end of a session; connections without one are of interest to few. */
static void log_end(const struct client *c, const char *otherwise)
{
	const char *why = c->reason ? c->reason : otherwise;

	if (c->session && c->session->listed)
		log_info("client disconnected",
			 LF_STR("jid", str_n(c->session->jid, c->session->njid)),
			 LF_S("address", peer_name(c)), LF_S("reason", why));
	else
		log_debug("connection ended", LF_S("address", peer_name(c)), LF_S("reason", why));
}

/* The connection is over: what the session still has to do it does without us. */
void client_gone(struct client *c, int err, const char *reason)
{
	const char *why = c->reason ? c->reason : reason;

	if (!why)
		why = err ? strerror(-err) : "closed";
	log_end(c, why);
	if (c->session)
		session_leave(c, c->ended);
	client_free(c);
}

void client_break(struct client *c, const char *why)
{
	c->reason = why;
	client_gone(c, -ECONNABORTED, NULL);
}

void client_shut(struct client *c)
{
	struct c2s *x = c->c2s;
	unsigned linger = (unsigned)((x->config->close_timeout + 999) / 1000);

	c->phase = PHASE_CLOSED;
	c->closed_at = now_s(x);
	c->partial_since = 0;
	c->wait_offer = false;
	login_stop(c);
	uncount(c);
	limits_forget(c);
	if (c->paused)
		conn_resume(c->conn); /* to see the peer's end */
	conn_shutdown(c->conn, linger);
	if (c->session && !c->session->listed)
		session_leave(c, c->ended);
	else if (c->session && c->session->pending) {
		c->session->enable_lost = true;
		pending_free(c->session->pending);
	}
	/* Without XEP-0198 what the kernel does not take by the end goes back to the log, so the
	 * session ends when that is known. */
	client_look_later(c);
	client_arm(c);
}

static void leave_closed(struct client *c)
{
	if (!c->session)
		return;
	log_end(c, "closed");
	session_leave(c, c->ended);
}

/* --- the connection's callbacks ---------------------------------------------------------- */

static void on_read(void *arg, const char *data, size_t len)
{
	struct client *c = arg;
	struct c2s *x = c->c2s;

	if (c->phase == PHASE_CLOSED)
		return;
	c->last_in = now_s(x);
	c->whitespace_sent = c->probed = false;
	limits_bytes(c, len);
	if (c->phase < PHASE_AUTHENTICATED) {
		c->login->bytes += len;
		if (c->login->bytes > (size_t)x->config->login_bytes) {
			stream_error(c, STREAM_E_POLICY_VIOLATION,
				     "too much before authentication");
			return;
		}
	}
	xml_reader_feed(c->reader, data, len);
	if (c->phase == PHASE_CLOSED)
		return;
	if (!xml_reader_partial(c->reader)) {
		c->partial_since = 0;
	} else if (!c->partial_since) {
		c->partial_since = now_s(x);
		client_arm(c);
	}
}

static void on_secured(void *arg)
{
	struct client *c = arg;

	c->starting_tls = false;
	c->phase = PHASE_SECURE;
	external_look(c);
}

static void on_drained(void *arg)
{
	struct client *c = arg;

	if (c->phase == PHASE_CLOSED)
		leave_closed(c);
	else if (c->session)
		deliver_drained(c);
}

static void on_flushed(void *arg)
{
	struct client *c = arg;

	if (c->phase != PHASE_CLOSED)
		deliver_look(c);
	else if (!conn_unsent(c->conn) || !c->ended || (c->session && c->session->acks))
		leave_closed(c);
}

void client_look_later(struct client *c)
{
	/* What the connection has to write in this turn stands before us in the loop's queue. */
	loop_defer_last(c->c2s->loop, &c->flushed);
}

/* Whatever is written counts: answers that c2s gives by itself are as many as a client asks for. */
void client_flush(struct client *c)
{
	conn_flush_later(c->conn);
	if (conn_unsent(c->conn) > (size_t)c->c2s->config->out_max)
		client_look_later(c);
}

static void on_closed(void *arg, int err, const char *reason)
{
	client_gone(arg, err, reason);
}

static const struct conn_ops client_conn_ops = {on_read, on_secured, on_drained, on_closed};

/* --- the beginning ----------------------------------------------------------------------- */

static bool refuse(struct c2s *x, int fd, uint64_t *counter, const char *why)
{
	/* One line for the first and every thousandth: a flood must not fill the log. */
	if ((*counter)++ % 1000 == 0)
		log_warn("connection refused", LF_S("reason", why), LF_U("count", *counter));
	close(fd);
	return false;
}

static bool admitted(struct c2s *x, int fd, struct tenant **ret)
{
	int64_t limit = x->app->common->unlimited ? 0 : x->config->unauthenticated;
	bool full;

	if (x->draining) {
		close(fd);
		return false;
	}
	if (limit && x->nunauthenticated >= (size_t)limit)
		return refuse(x, fd, &x->stats.refused_unauthenticated,
			      "too many that have not logged in");
	*ret = tenant_enter(x, fd, &full);
	if (full)
		return refuse(x, fd, &x->stats.refused_address, "too many from one address");
	return true;
}

static void socket_options(const struct c2s *x, int fd)
{
	int on = 1;
	int idle = (int)((x->config->tcp_keepalive + 999) / 1000);
	unsigned ms = (unsigned)x->config->user_timeout;

	/* They fail on Unix sockets, which do not need them. */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (idle)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	if (ms)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

void client_accept(struct c2s *x, int fd, bool direct_tls)
{
	struct tenant *tenant = NULL;
	struct xml_limits limits;
	struct client *c;

	if (!admitted(x, fd, &tenant))
		return;
	socket_options(x, fd);
	c = xcalloc(1, sizeof *c);
	c->c2s = x;
	c->tenant = tenant;
	c->direct = direct_tls;
	c->counted = true;
	c->domain = &x->domains[0];
	c->login = xcalloc(1, sizeof *c->login);
	c->login->started_ms = loop_now(x->loop);
	c->last_in = now_s(x);
	c->timeout.fn = client_tick;
	c->timeout.arg = c;
	c->flushed.fn = on_flushed;
	c->flushed.arg = c;
	limits_start(c);
	limits_xml(x, false, &limits);
	c->reader = xml_reader_new(x->xml, &limits, &stream_ops, c);
	DL_APPEND(x->clients, c);
	x->nclients++;
	x->nunauthenticated++;
	x->stats.connections++;
	listen_taken(x, fd);
	c->conn = conn_new(x->loop, fd, &client_conn_ops, c);
	if (direct_tls) {
		c->starting_tls = true;
		conn_start_tls(c->conn, tls_server_new(x->tls, STR_NONE));
	}
	client_arm(c);
}

void client_pause(struct client *c, unsigned why)
{
	if (!c->paused && c->phase != PHASE_CLOSED)
		conn_pause(c->conn);
	c->paused |= (uint8_t)why;
}

void client_resume(struct client *c, unsigned why)
{
	if (!(c->paused & why))
		return;
	c->paused &= (uint8_t)~why;
	if (c->paused || c->phase == PHASE_CLOSED)
		return;
	client_reads_again(c);
	conn_resume(c->conn);
}
