/* SPDX-License-Identifier: MIT */
/* Connections: when to read, when to write, how they end. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/conn_internal.h"

/* Output that was large and is nearly gone gives its memory back before it is all gone. */
#define TRIM_ABOVE 65536
#define TELL_ABOVE 16384

static char read_buffer[CONN_READ_MAX]; /* the process's one; see conn.h */

void conn_enter(struct conn *c)
{
	c->depth++;
}

bool conn_leave(struct conn *c)
{
	c->depth--;
	if (!c->freed)
		return true;
	if (!c->depth)
		free(c);
	return false;
}

void conn_end(struct conn *c, int err, const char *reason)
{
	if (c->ended || c->freed)
		return;
	c->ended = true;
	loop_task_cancel(c->loop, &c->task);
	loop_timeout_drop(c->loop, &c->linger);
	loop_io_set(c->io, 0);
	buf_free(&c->out);
	c->ops->closed(c->arg, err, reason);
}

static bool reads(const struct conn *c)
{
	return !c->paused || c->shutting;
}

void conn_interest(struct conn *c)
{
	bool rd = false, wr = c->blocked;

	if (c->ended || c->freed)
		return;
	switch ((enum conn_state)c->state) {
	case CONN_PLAIN:
		rd = reads(c);
		break;
	case CONN_TLS_WANTED:
		/* What precedes TLS leaves in this turn: to stop reading for it costs 3 calls. */
		if (c->task.queued)
			return;
		break;
	case CONN_HANDSHAKE:
		wr = c->handshake_wants_write;
		rd = !wr;
		break;
	case CONN_SECURE:
		rd = reads(c) || c->write_wants_read;
		wr = wr || c->read_wants_write;
		break;
	}
	if (c->shut) {
		rd = true;
		wr = false;
	}
	loop_io_set(c->io, (rd ? LOOP_READ : 0u) | (wr ? LOOP_WRITE : 0u));
}

static void on_linger(void *arg)
{
	struct conn *c = arg;

	conn_enter(c);
	if (c->shut)
		conn_end(c, 0, NULL);
	else
		conn_end(c, -ETIMEDOUT, "the peer does not take our last bytes");
	conn_leave(c);
}

static void linger(struct conn *c)
{
	loop_timeout_need(c->loop, &c->linger, on_linger, c, c->linger_s);
}

/* After everything was written: our direction ends, the peer's is awaited. */
static void finish_shutdown(struct conn *c)
{
	if (!c->shutting || c->shut || c->out.len || c->state == CONN_TLS_WANTED)
		return;
	if (c->state == CONN_SECURE && !conn_close_notify(c))
		return;
	shutdown(c->fd, SHUT_WR);
	c->shut = true;
	c->blocked = c->read_wants_write = c->write_wants_read = false;
	linger(c);
}

/* The last bytes, close_notify and our end leave as one segment instead of three: shutdown(2) sends
 * what is held. Fails on Unix sockets, which have no segments. */
static void hold_last(struct conn *c)
{
	int one = 1;

	if (c->shutting && !c->shut && c->out.len)
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &one, sizeof(one));
}

/* The bytes of out that may go now. */
static size_t sendable(const struct conn *c)
{
	if (c->state == CONN_TLS_WANTED)
		return c->clear_left;
	return c->state == CONN_HANDSHAKE || c->shut ? 0 : c->out.len;
}

/* True when everything that may go has gone. */
static bool send_out(struct conn *c)
{
	size_t n;

	c->blocked = false;
	while ((n = sendable(c)) > 0) {
		ssize_t r;

		r = conn_send(c, buf_ptr(&c->out), n);
		if (r <= 0)
			return false;
		buf_consume(&c->out, (size_t)r);
		c->sent += (uint64_t)r;
		if (c->state == CONN_TLS_WANTED)
			c->clear_left -= (size_t)r;
	}
	return true;
}

static void flush(struct conn *c)
{
	if (c->ended || c->freed)
		return;
	/* Before the last byte in the clear leaves: what comes after it may be TLS. */
	if (c->state == CONN_TLS_WANTED && c->used)
		conn_drop_clear(c);
	/* Who saw this much unsent may wait for drained, though the kernel takes it at once. */
	if (c->out.len >= TELL_ABOVE)
		c->tell_drained = true;
	hold_last(c);
	if (!send_out(c)) {
		if (c->ended)
			return;
		c->tell_drained = true;
		if (c->out.cap > TRIM_ABOVE && c->out.len < c->out.cap / 4)
			buf_trim(&c->out, 0);
	}
	if (!c->out.len) {
		buf_free(&c->out);
		if (c->tell_drained) {
			c->tell_drained = false;
			if (c->ops->drained)
				c->ops->drained(c->arg);
			if (c->ended || c->freed)
				return;
		}
	}
	if (c->state == CONN_TLS_WANTED && !c->clear_left)
		c->state = CONN_HANDSHAKE;
	finish_shutdown(c);
}

/* Hands on what arrived until there is no more, the owner wants no more, or it is another
 * connection's turn. */
static void read_in(struct conn *c)
{
	size_t total = 0;

	c->read_wants_write = false;
	while (!c->ended && !c->freed && reads(c) && !c->shut &&
	       (c->state == CONN_PLAIN || c->state == CONN_SECURE)) {
		ssize_t n = conn_recv(c, read_buffer, sizeof(read_buffer));

		if (n <= 0)
			return;
		total += (size_t)n;
		if (!c->shutting)
			c->ops->read(c->arg, read_buffer, (size_t)n);
		if (c->freed || c->ended)
			return;
		/* What TLS holds already, a part of a record too, wakes no descriptor. */
		if (c->ssl && c->state == CONN_SECURE && SSL_has_pending(c->ssl)) {
			if (total < CONN_READ_MAX)
				continue;
			loop_defer_last(c->loop, &c->task);
			return;
		}
		/* A short piece was all there is: asking again would cost a call that finds nothing. */
		if (total >= CONN_READ_MAX ||
		    (size_t)n < (c->ssl ? SSL3_RT_MAX_PLAIN_LENGTH / 4 : sizeof(read_buffer)))
			return;
	}
}

static void handshake(struct conn *c)
{
	if (!conn_handshake(c) || c->state != CONN_SECURE)
		return;
	if (c->ops->secured)
		c->ops->secured(c->arg);
	if (c->freed || c->ended)
		return;
	flush(c);
	if (!c->freed && !c->ended && SSL_has_pending(c->ssl))
		read_in(c);
}

static void serve(struct conn *c, unsigned events)
{
	if (c->shut) {
		conn_await_end(c, read_buffer, sizeof(read_buffer));
		return;
	}
	if (c->state == CONN_HANDSHAKE) {
		handshake(c);
		return;
	}
	if (events & LOOP_WRITE || c->write_wants_read || c->state == CONN_TLS_WANTED) {
		bool read_too = c->read_wants_write;

		c->write_wants_read = false;
		flush(c);
		if (read_too)
			read_in(c);
	}
	if (c->freed || c->ended)
		return;
	if (c->state == CONN_HANDSHAKE)
		handshake(c);
	else if (events & LOOP_READ && reads(c))
		read_in(c);
	else if (events & LOOP_READ)
		flush(c); /* an error behind our back: sending finds out which */
}

static void on_io(void *arg, unsigned events)
{
	struct conn *c = arg;

	conn_enter(c);
	serve(c, events);
	if (conn_leave(c))
		conn_interest(c);
}

static void on_task(void *arg)
{
	struct conn *c = arg;

	conn_enter(c);
	if (!c->blocked)
		flush(c);
	if (!c->freed && !c->ended) {
		/* A server waits for the client's first record, which wakes it. */
		if (c->state == CONN_HANDSHAKE && !SSL_is_server(c->ssl))
			handshake(c);
		else if (c->state == CONN_SECURE && SSL_has_pending(c->ssl))
			read_in(c);
	}
	if (conn_leave(c))
		conn_interest(c);
}

struct conn *conn_new(struct loop *l, int take_fd, const struct conn_ops *ops, void *arg)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	int one = 1, flags = fcntl(take_fd, F_GETFL);

	if (!(flags & O_NONBLOCK))
		fcntl(take_fd, F_SETFL, flags | O_NONBLOCK);
	/* Fails on Unix sockets, where there is nothing to delay. */
	setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->loop = l;
	c->fd = take_fd;
	c->ops = ops;
	c->arg = arg;
	c->peer = conn_peer_name(take_fd);
	c->task.fn = on_task;
	c->task.arg = c;
	c->io = loop_io_new(l, take_fd, on_io, c);
	conn_interest(c);
	return c;
}

struct conn *conn_free(struct conn *c)
{
	if (!c || c->freed)
		return NULL;
	c->freed = true;
	loop_task_cancel(c->loop, &c->task);
	loop_timeout_drop(c->loop, &c->linger);
	c->io = loop_io_free(c->io);
	SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->fd);
	c->fd = -1;
	buf_free(&c->out);
	free(c->peer);
	c->peer = NULL;
	if (!c->depth)
		free(c);
	return NULL;
}

void conn_set_ops(struct conn *c, const struct conn_ops *ops, void *arg)
{
	c->ops = ops;
	c->arg = arg;
}

void conn_write(struct conn *c, const void *p, size_t n)
{
	if (c->ended || c->shutting)
		return;
	buf_append(&c->out, p, n);
	conn_flush_later(c);
}

struct buf *conn_out(struct conn *c)
{
	return &c->out;
}

void conn_flush_later(struct conn *c)
{
	if (c->ended) {
		buf_free(&c->out);
		return;
	}
	if (c->ssl && c->state != CONN_SECURE)
		c->tell_drained = true;
	loop_defer_last(c->loop, &c->task);
}

size_t conn_unsent(const struct conn *c)
{
	return c->out.len;
}

uint64_t conn_sent(const struct conn *c)
{
	return c->sent;
}

uint64_t conn_written(const struct conn *c)
{
	return c->sent + c->out.len;
}

void conn_shutdown(struct conn *c, unsigned linger_s)
{
	if (c->ended || c->shutting)
		return;
	c->shutting = true;
	c->linger_s = linger_s;
	/* Bounds the writing too: a peer that reads nothing is not waited for without end. */
	linger(c);
	loop_defer_last(c->loop, &c->task);
}

void conn_pause(struct conn *c)
{
	c->paused = true;
	if (!c->depth)
		conn_interest(c);
}

void conn_resume(struct conn *c)
{
	if (!c->paused || c->ended)
		return;
	c->paused = false;
	if (c->ssl && c->state == CONN_SECURE && SSL_has_pending(c->ssl))
		loop_defer_last(c->loop, &c->task);
	if (!c->depth)
		conn_interest(c);
}

void conn_start_tls(struct conn *c, SSL *take_ssl)
{
	if (c->ssl || c->ended) {
		SSL_free(take_ssl);
		return;
	}
	c->ssl = take_ssl;
	SSL_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* One call for a record instead of two; the buffer goes when it is empty, as without. */
	SSL_set_read_ahead(c->ssl, 1);
	SSL_set_fd(c->ssl, c->fd);
	c->state = CONN_TLS_WANTED;
	c->clear_left = c->out.len;
	if (c->sent || c->out.len)
		c->used = true;
	loop_defer_last(c->loop, &c->task);
	if (!c->depth)
		conn_interest(c);
}

SSL *conn_ssl(struct conn *c)
{
	return c->ssl;
}

bool conn_secure(const struct conn *c)
{
	return c->state == CONN_SECURE;
}

int conn_fd(const struct conn *c)
{
	return c->fd;
}

const char *conn_peer(const struct conn *c)
{
	return c->peer;
}
