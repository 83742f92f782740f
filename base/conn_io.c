/* SPDX-License-Identifier: MIT */
/* The system calls and TLS calls under a connection, and what their failures mean. */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include "base/alloc.h"
#include "base/conn_internal.h"
#include "base/tls.h"

/* ERR_clear_error() also empties all that is empty, at a tenth of what a short record costs. */
static void clear_errors(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

static bool not_now(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK;
}

static void end_tls(struct conn *c, const char *what)
{
	long verify = SSL_get_verify_result(c->ssl);
	char *text;

	if (c->state == CONN_HANDSHAKE && verify != X509_V_OK) {
		ERR_clear_error();
		text = xasprintf("%s: %s", what, X509_verify_cert_error_string(verify));
	} else {
		text = tls_error(what);
	}
	conn_end(c, -EPROTO, text);
	free(text);
}

static void end_io(struct conn *c, int err, const char *what)
{
	char *text = xasprintf("%s: %s", what, strerror(err));

	ERR_clear_error();
	conn_end(c, -err, text);
	free(text);
}

/* What an SSL_ERROR_SYSCALL or SSL_ERROR_SSL stands for; err is errno after the call. */
static void fail_tls(struct conn *c, int ssl_error, int err, const char *what)
{
	if (ssl_error == SSL_ERROR_SYSCALL) {
		end_io(c, err ? err : ECONNRESET, what);
	} else if (ssl_error == SSL_ERROR_SSL &&
		   ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		/* The end without close_notify: whoever cuts the line can feign it. */
		ERR_clear_error();
		conn_end(c, -ECONNRESET,
			 c->state == CONN_HANDSHAKE ? "the peer closed in the TLS handshake"
						    : "the peer closed without close_notify");
	} else {
		end_tls(c, what);
	}
}

static ssize_t recv_clear(struct conn *c, char *p, size_t n)
{
	for (;;) {
		ssize_t r = recv(c->fd, p, n, 0);

		if (r > 0) {
			c->used = true;
			return r;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && not_now(errno))
			return 0;
		conn_end(c, r < 0 ? -errno : 0, NULL);
		return -1;
	}
}

static ssize_t recv_tls(struct conn *c, char *p, size_t n)
{
	int r, error;

	clear_errors();
	errno = 0;
	r = SSL_read(c->ssl, p, (int)n);
	if (r > 0)
		return r;
	error = SSL_get_error(c->ssl, r);
	if (error == SSL_ERROR_WANT_READ)
		return 0;
	if (error == SSL_ERROR_WANT_WRITE) {
		c->read_wants_write = true;
		return 0;
	}
	if (error == SSL_ERROR_ZERO_RETURN) {
		(void)conn_close_notify(c); /* RFC 5246 section 7.2.1: it is answered */
		conn_end(c, 0, NULL);
	} else {
		fail_tls(c, error, errno, "TLS read");
	}
	return -1;
}

ssize_t conn_recv(struct conn *c, char *p, size_t n)
{
	return c->state == CONN_SECURE ? recv_tls(c, p, n) : recv_clear(c, p, n);
}

static ssize_t send_clear(struct conn *c, const char *p, size_t n)
{
	for (;;) {
		ssize_t r = send(c->fd, p, n, MSG_NOSIGNAL);

		if (r > 0) {
			c->used = true;
			return r;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0 || not_now(errno)) {
			c->blocked = true;
			return 0;
		}
		conn_end(c, -errno, NULL);
		return -1;
	}
}

static ssize_t send_tls(struct conn *c, const char *p, size_t n)
{
	int r, error;

	clear_errors();
	errno = 0;
	r = SSL_write(c->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
	if (r > 0)
		return r;
	error = SSL_get_error(c->ssl, r);
	if (error == SSL_ERROR_WANT_WRITE) {
		c->blocked = true;
		return 0;
	}
	if (error == SSL_ERROR_WANT_READ) {
		c->write_wants_read = true;
		return 0;
	}
	fail_tls(c, error, errno, "TLS write");
	return -1;
}

ssize_t conn_send(struct conn *c, const char *p, size_t n)
{
	return c->state == CONN_SECURE ? send_tls(c, p, n) : send_clear(c, p, n);
}

bool conn_handshake(struct conn *c)
{
	int r, error;

	clear_errors();
	errno = 0;
	c->handshake_wants_write = false;
	r = SSL_do_handshake(c->ssl);
	if (r == 1) {
		c->state = CONN_SECURE;
		return true;
	}
	error = SSL_get_error(c->ssl, r);
	if (error == SSL_ERROR_WANT_READ)
		return true;
	if (error == SSL_ERROR_WANT_WRITE) {
		c->handshake_wants_write = true;
		return true;
	}
	fail_tls(c, error, errno, "TLS handshake");
	return false;
}

void conn_drop_clear(struct conn *c)
{
	char scratch[4096];
	int left = 0;

	/* Only what is there at this moment: a peer that sends for ever cannot hold us. */
	if (ioctl(c->fd, FIONREAD, &left) < 0)
		return;
	while (left > 0) {
		ssize_t n = recv(c->fd, scratch,
				 left < (int)sizeof(scratch) ? (size_t)left : sizeof(scratch), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		left -= (int)n;
	}
}

bool conn_close_notify(struct conn *c)
{
	int r;

	clear_errors();
	r = SSL_shutdown(c->ssl);
	if (r < 0 && SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_WRITE) {
		c->blocked = true;
		return false;
	}
	/* Anything else that fails leaves nothing to say to this peer. */
	clear_errors();
	return true;
}

void conn_await_end(struct conn *c, char *p, size_t n)
{
	for (unsigned i = 0; i < 4; i++) {
		ssize_t r = recv(c->fd, p, n, 0);

		if (r == 0) {
			conn_end(c, 0, NULL);
			return;
		}
		if (r < 0 && errno != EINTR) {
			if (!not_now(errno))
				conn_end(c, -errno, NULL);
			return;
		}
	}
}
