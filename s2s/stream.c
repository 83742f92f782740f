/* SPDX-License-Identifier: MIT */
/* The life of a stream in either direction: headers, errors, the end (RFC 6120 section 4). */
#include "s2s/resume.h"
#include "s2s/steps.h"

#include <errno.h>
#include <netinet/tcp.h>

enum { READS_NOTHING = 8 }; /* times out_max: stanzas alone do not make that much */

const struct xml_child *element_child(const struct xml_element *e, const char *name, const char *ns)
{
	for (size_t i = 0; i < e->nchildren; i++)
		if (str_eqz(e->children[i].name, name) && (!ns || str_eqz(e->children[i].ns, ns)))
			return &e->children[i];
	return NULL;
}

struct str element_text(struct pool *p, const struct xml_element *e)
{
	struct buf b = BUF_INIT;
	struct node *n;
	struct str text = STR_NONE;

	if (e->nchildren)
		return STR_NONE;
	/* The parser of trees takes elements. */
	buf_lit(&b, "<t>");
	buf_str_append(&b, e->inner);
	buf_lit(&b, "</t>");
	if (node_parse(p, pool_str(p, buf_str(&b)), "", &n) == 0 && n)
		text = str_trim(n->text);
	buf_free(&b);
	return text;
}

/* --- what we write ----------------------------------------------------------------------- */

/* RFC 6120 section 4.7; XEP-0220 section 2.4.1 for the declaration of db. */
void stream_header(struct stream *s)
{
	char id[33];

	if (!s->out) {
		random_hex(id, 16);
		free(s->id);
		s->id = xstrdup(id);
	}
	stream_head_write(conn_out(s->conn),
			  &(struct stream_head){.content_ns = NS_SERVER,
						.dialback = true,
						.id = s->out ? STR_NONE : str_z(s->id),
						.from = str_z(s->own),
						.to = str_z(s->remote),
						.version = STR("1.0")});
	s->header_out = true;
	stream_flush(s);
}

void stream_restart(struct stream *s)
{
	xml_reader_restart(s->reader);
	s->header_in = s->header_out = false;
	s->partial_since = 0;
}

/* What comes after our end is dropped; the peer's end is awaited for a while. */
static void shut(struct stream *s, const char *why)
{
	unsigned linger = (unsigned)((s->s2s->config->close_timeout + 999) / 1000);
	struct pair *p, *next;

	if (!s->reason)
		s->reason = why;
	stream_proven(s);
	s->phase = PHASE_CLOSED;
	s->closed_at = loop_now(s->s2s->loop);
	stream_watch(s);
	limits_forget(s);
	if (s->paused)
		conn_resume(s->conn); /* to see the peer's end */
	s->paused = 0;
	conn_shutdown(s->conn, linger);
	site_leave(s);
	joined_lost(s);
	DL_FOREACH_SAFE2(s->pairs, p, next, snext)
	pair_detach(p);
	joins_end(s);
	resumable_leave(s);
	if (s->out)
		out_over(s);
}

void stream_error(struct stream *s, enum stream_error e, const char *text)
{
	stream_error_app(s, e, text, NULL);
}

void stream_error_app(struct stream *s, enum stream_error e, const char *text, const char *app)
{
	if (s->phase == PHASE_CLOSED || !s->conn)
		return;
	s->s2s->stats.stream_errors++;
	attempt_step(s->record, "we end the stream: %s%s%s", stream_error_name(e), text ? ", " : "",
		     text ? text : "");
	if (!s->fail_text) {
		s->fail_text = xasprintf("we ended the stream: %s", stream_error_name(e));
		s->fail_error = STANZA_E_REMOTE_SERVER_TIMEOUT;
	}
	/* RFC 6120 section 4.9.1.2: the header comes before an error, also during setup. */
	if (!s->header_out)
		stream_header(s);
	ack_last(s);
	stream_error_write(conn_out(s->conn), e, STR_NONE, text, str_z(app));
	stream_flush(s);
	shut(s, stream_error_name(e));
}

void stream_close(struct stream *s, const char *why)
{
	if (s->phase == PHASE_CLOSED)
		return;
	if (!s->conn) {
		stream_break(s, 0, why);
		return;
	}
	if (!s->header_out)
		stream_header(s);
	ack_last(s);
	buf_lit(conn_out(s->conn), "</stream:stream>");
	stream_flush(s);
	shut(s, why);
}

/* --- life -------------------------------------------------------------------------------- */

/* Of the domain that was proven first. Before it there may be some that are yet to be. */
static struct bucket *bucket_of(const struct stream *s)
{
	const struct proof *p;

	DL_FOREACH (s->proofs, p)
		if (p->bucket)
			return p->bucket;
	return NULL;
}

static void on_read(void *arg, const char *data, size_t len)
{
	struct stream *s = arg;
	struct s2s *x = s->s2s;
	struct bucket *b;

	stream_watch(s);
	if (s->phase == PHASE_CLOSED)
		return;
	s->last_in = loop_now(x->loop);
	if (conn_unsent(s->conn) > READS_NOTHING * (size_t)x->config->out_max) {
		stream_error(s, STREAM_E_POLICY_VIOLATION, "what is asked for is not read");
		return;
	}
	if (s->counted && (s->login_bytes += len) > (size_t)x->config->login_bytes) {
		stream_error(s, STREAM_E_POLICY_VIOLATION, "too much before a domain is proven");
		return;
	}
	b = bucket_of(s);
	if (b && !bucket_take(x, b, len, 0))
		limits_throttle(s);
	xml_reader_feed(s->reader, data, len);
	if (s->phase == PHASE_CLOSED)
		return;
	if (!xml_reader_partial(s->reader))
		s->partial_since = 0;
	else if (!s->partial_since)
		s->partial_since = loop_now(x->loop);
}

static void on_secured(void *arg)
{
	struct stream *s = arg;

	s->secure = true;
	if (s->out)
		out_secured(s);
	else
		in_secured(s);
}

static void on_drained(void *arg)
{
	struct stream *s = arg;

	s->stuck_since = 0;
	if (s->phase != PHASE_CLOSED)
		carried_look(s);
}

static void on_closed(void *arg, int err, const char *reason)
{
	stream_break(arg, err, reason);
}

static const struct conn_ops ops = {on_read, on_secured, on_drained, on_closed};

static void on_flushed(void *arg)
{
	struct stream *s = arg;

	if (s->again) {
		out_again(s);
		return;
	}
	if (!s->conn)
		return;
	stream_watch(s);
	if (!conn_unsent(s->conn))
		s->stuck_since = 0;
	else if (!s->stuck_since)
		s->stuck_since = loop_now(s->s2s->loop);
	if (s->phase != PHASE_CLOSED)
		carried_look(s);
}

struct stream *stream_new(struct s2s *x, bool out)
{
	struct stream *s = xcalloc(1, sizeof *s);

	s->s2s = x;
	s->out = out;
	s->origin = random_u64();
	s->began = s->last_in = s->last_out = loop_now(x->loop);
	s->timeout.fn = stream_tick;
	s->timeout.arg = s;
	s->flushed.fn = on_flushed;
	s->flushed.arg = s;
	s->phase = out ? PHASE_REACH : PHASE_CLEAR;
	DL_APPEND(x->streams, s);
	x->nstreams++;
	if (out)
		x->nopened++;
	loop_timeout_start(x->loop, &s->timeout, 1);
	return s;
}

void stream_connected(struct stream *s, int fd)
{
	struct s2s *x = s->s2s;
	unsigned ms = (unsigned)x->config->user_timeout;
	struct xml_limits limits;
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (ms)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
	/* What we ask may be answered by stanzas of any allowed size only when we know whom. */
	limits_xml(x, s->out, &limits);
	s->reader = xml_reader_new(x->xml, &limits, &stream_ops, s);
	s->conn = conn_new(x->loop, fd, &ops, s);
}

void stream_proven(struct stream *s)
{
	if (!s->counted)
		return;
	s->counted = false;
	s->s2s->nunproven--;
}

void stream_free(struct stream *s)
{
	struct s2s *x = s->s2s;
	struct pair *p, *next;

	stream_proven(s);
	limits_forget(s);
	verifies_forget(s);
	works_leave(s);
	site_leave(s);
	DL_FOREACH_SAFE2(s->pairs, p, next, snext)
	pair_detach(p);
	joins_end(s);
	carried_end(s);
	resumable_leave(s);
	while (s->proofs)
		proof_free(s, s->proofs);
	loop_timeout_stop(x->loop, &s->timeout);
	loop_task_cancel(x->loop, &s->flushed);
	DL_DELETE(x->streams, s);
	x->nstreams--;
	if (s->out)
		x->nopened--;
	tenant_leave(x, s->tenant);
	reach_free(s->reach);
	in_dane_free(s->dane);
	xml_reader_free(s->reader);
	conn_free(s->conn);
	for (size_t i = 0; i < s->ntlsa; i++)
		free((char *)s->tlsa[i].data.ptr);
	free(s->tlsa);
	free(s->target);
	free(s->address);
	free(s->fail_text);
	free(s->own);
	free(s->remote);
	free(s->id);
	attempt_end(s->record, s->reason);
	free(s);
}

void stream_break(struct stream *s, int err, const char *reason)
{
	struct s2s *x = s->s2s;
	const char *why = reason ? reason : err ? strerror(-err) : "closed";
	struct pair *p;

	attempt_step(s->record, "the connection ended: %s", s->reason ? s->reason : why);
	log_debug("stream ended", LF_S("remote", s->remote ? s->remote : ""),
		  LF_S("direction", s->out ? "out" : "in"),
		  LF_S("reason", s->reason ? s->reason : why));
	/* Nobody has closed it: what it was may go on. */
	if (s->phase == PHASE_READY)
		resumable_detach(s);
	if (s->out) {
		joined_lost(s);
		out_gone(s, err, why);
	} else {
		/* Remembered for a while: who was shown as there may have gone meanwhile. */
		DL_FOREACH2(s->pairs, p, snext)
		pair_gone(p);
		stream_free(s);
	}
	if (x->draining)
		drain_look(x);
}

void stream_pause(struct stream *s, unsigned why)
{
	if (!s->paused && s->phase != PHASE_CLOSED)
		conn_pause(s->conn);
	s->paused |= (uint8_t)why;
}

void stream_resume(struct stream *s, unsigned why)
{
	if (!(s->paused & why))
		return;
	s->paused &= (uint8_t)~why;
	if (s->paused || s->phase == PHASE_CLOSED)
		return;
	/* Time in which we did not read is none that the other server has let pass. */
	if (s->partial_since)
		s->partial_since = loop_now(s->s2s->loop);
	if (s->asked_ms)
		s->asked_ms = loop_now(s->s2s->loop);
	conn_resume(s->conn);
}
