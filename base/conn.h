/* SPDX-License-Identifier: MIT */
/*
 * A non-blocking stream socket with an output buffer, with or without TLS on it.
 *
 * Output of one loop turn is gathered and written by one system call (one TLS record run) at
 * the end of the turn. Input comes from one read buffer shared by the process: an idle
 * connection holds no buffer.
 */
#ifndef BASE_CONN_H
#define BASE_CONN_H

#include <openssl/ssl.h>
#include <sys/socket.h>
#include "base/buf.h"
#include "base/loop.h"

struct conn;

struct conn_ops {
	/* Bytes arrived; they are the callee's for this call only. It may pause, start TLS, close
	 * or free the connection: the rest of the bytes is then its own to ignore. */
	void (*read)(void *arg, const char *data, size_t len);
	/* The TLS handshake is complete. May be NULL. */
	void (*secured)(void *arg);
	/* All output was taken by the kernel, after it took less than there was or much had been
	 * gathered (16 KiB; anything while TLS begins). May be NULL. */
	void (*drained)(void *arg);
	/* The end, exactly once, never from inside conn_write: err 0 is the peer's orderly end,
	 * else a negative errno (-EPROTO: TLS; *reason then tells). The callee frees the
	 * connection, now or later. */
	void (*closed)(void *arg, int err, const char *reason);
};

/* Takes fd (made non-blocking, TCP_NODELAY set where it is TCP); reading starts at once. */
struct conn *conn_new(struct loop *l, int take_fd, const struct conn_ops *ops, void *arg);
/* Closes at once, unsent output is lost. Accepts NULL; returns NULL. */
struct conn *conn_free(struct conn *c);
void conn_set_ops(struct conn *c, const struct conn_ops *ops, void *arg);

void conn_write(struct conn *c, const void *p, size_t n);
/* The output buffer itself, to be appended to; then conn_flush_later. Dies as buf pointers do. */
struct buf *conn_out(struct conn *c);
void conn_flush_later(struct conn *c);
size_t conn_unsent(const struct conn *c); /* bytes in our buffer, not those in the kernel */
/* Bytes that the kernel has taken since the connection began (before TLS: as they were; the
 * plain text, never the records). */
uint64_t conn_sent(const struct conn *c);
uint64_t conn_written(const struct conn *c); /* the same, with what is unsent: where the output ends */
/* After everything is written: TLS close_notify, shutdown of our direction; the peer's end is
 * awaited for linger_s seconds, bytes from it dropped, then closed(0) is called. */
void conn_shutdown(struct conn *c, unsigned linger_s);

void conn_pause(struct conn *c); /* stop reading; TLS bytes already decrypted wait inside */
void conn_resume(struct conn *c);

/* TLS begins. What the peer sent in the clear and nobody has read is read away and dropped
 * (RFC 6120 section 5.4.3.3), never taken for TLS data; first sends what was written before.
 * Takes ssl. Server or client side as the SSL was made. */
void conn_start_tls(struct conn *c, SSL *take_ssl);
SSL *conn_ssl(struct conn *c); /* NULL: none yet */
bool conn_secure(const struct conn *c);

int conn_fd(const struct conn *c);
/* "192.0.2.1" or "unix:PID" of the peer, NUL-terminated, at most 63 characters. */
const char *conn_peer(const struct conn *c);

/* Listening sockets. ADDRESS is "127.0.0.1:5222", "[::1]:5222", "*:5222" (IPv6 with IPv4) or
 * "unix:/path". SO_REUSEADDR; reuse_port as said. IPv6 sockets for "*" also take IPv4 where the
 * system can. On failure a negative errno. A stale Unix socket file is replaced, a live one is
 * -EADDRINUSE. */
struct listener;
typedef void listener_fn(void *arg, int take_fd); /* a new connection, non-blocking, close-on-exec */
int listener_new(struct loop *l, const char *address, bool reuse_port, listener_fn *fn, void *arg,
		 struct listener **ret);
/* 0: the address could be bound by somebody who does not share it (always for unix:). */
int listener_probe(const char *address);
/* With reuse_port the kernel lets any process of the same user share the address. Locks on a file in
 * dir tell those that belong together (one run_dir, one configuration) from the others. Claim before
 * listener_new; waits while another of ours is between its claim and its listening. -EADDRINUSE: the
 * address is a stranger's. Where dir takes no file, whoever has it is a stranger. The claim is given
 * back by listener_disclaim, after the socket is closed. */
int listener_claim(const char *address, const char *dir, int *ret_claim);
void listener_claimed(int claim); /* listening has begun: others may share it */
void listener_disclaim(int claim);
/* Listening sockets handed over by the init system (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS,
 * LISTEN_FDNAMES, which are taken out of the environment); a malloc'ed array, the names lie in it.
 * -ENOTSOCK: one of them is no listening stream socket. */
struct inherited {
	int fd;
	unsigned short port; /* 0: a Unix socket */
	const char *name;    /* "" where none was given */
};
int listeners_inherited(struct inherited **ret, size_t *ret_n);
/* A listening socket made by someone else. */
struct listener *listener_from_fd(struct loop *l, int take_fd, listener_fn *fn, void *arg);
int listener_fd(const struct listener *s); /* stays its own */
/* At EMFILE or ENFILE it stops accepting by itself and tries again each second; full (may be
 * NULL) is then called once per episode. */
void listener_on_full(struct listener *s, loop_fn *full);
void listener_pause(struct listener *s, bool pause);
struct listener *listener_free(struct listener *s);

/* Starts a connection to "unix:/path" or "host:port" (a literal address); non-blocking. The
 * callback gets a connected descriptor or a negative errno, exactly once unless freed. */
struct dial;
typedef void dial_fn(void *arg, int take_fd_or_err);
struct dial *dial_new(struct loop *l, const char *address, dial_fn *fn, void *arg);
struct dial *dial_free(struct dial *d);
bool conn_address_valid(const char *address); /* a literal address that dial_new takes */

#endif
