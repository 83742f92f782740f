/* SPDX-License-Identifier: MIT */
/* A connection from the inside, for the files that make it up. */
#ifndef BASE_CONN_INTERNAL_H
#define BASE_CONN_INTERNAL_H

#include "base/conn.h"

#define CONN_READ_MAX 65536 /* bytes read from one connection in one turn */

enum conn_state {
	CONN_PLAIN,
	CONN_TLS_WANTED, /* what was written in the clear goes out first */
	CONN_HANDSHAKE,
	CONN_SECURE
};

struct conn {
	struct loop *loop;
	struct loop_io *io;
	const struct conn_ops *ops;
	void *arg;
	SSL *ssl;
	char *peer;
	struct buf out;
	struct loop_task task;        /* output of this turn, and what a resume found inside */
	struct loop_timeout *linger;  /* from conn_shutdown on */
	uint64_t sent;
	size_t clear_left;            /* CONN_TLS_WANTED: bytes of out that precede TLS */
	int fd;
	unsigned linger_s;
	unsigned depth : 8;           /* callbacks of ours on the stack */
	unsigned state : 2;           /* enum conn_state */
	bool freed : 1;               /* memory goes when depth falls to 0 */
	bool ended : 1;               /* closed was called */
	bool paused : 1;
	bool used : 1;                /* bytes were exchanged in the clear */
	bool blocked : 1;             /* the kernel took less than we had: awaits LOOP_WRITE */
	bool tell_drained : 1;        /* the owner is to hear drained */
	bool read_wants_write : 1;    /* what TLS asked for before it goes on */
	bool write_wants_read : 1;
	bool handshake_wants_write : 1;
	bool shutting : 1;            /* conn_shutdown was called */
	bool shut : 1;                /* our direction is shut down */
};

/* Both are called between conn_enter and conn_leave, which returns false when the connection
 * was freed meanwhile; its memory is then gone. */
void conn_enter(struct conn *c);
bool conn_leave(struct conn *c);
void conn_end(struct conn *c, int err, const char *reason);
/* Sets the watched events to what the state asks for. */
void conn_interest(struct conn *c);

/* A piece of I/O: > 0 bytes, 0 "not now" (the flags in c say what is awaited), < 0: the
 * connection has ended and closed was called. *ret_eof is set at the peer's orderly end. */
ssize_t conn_recv(struct conn *c, char *p, size_t n);
ssize_t conn_send(struct conn *c, const char *p, size_t n);
/* One step of starting TLS. False: the connection has ended. */
bool conn_handshake(struct conn *c);
/* Reads away and drops what the peer has sent so far in the clear. */
void conn_drop_clear(struct conn *c);
/* close_notify where there is TLS. False: not now. */
bool conn_close_notify(struct conn *c);

/* The peer's last bytes are dropped, as they are; its end ends the connection. p: scratch. */
void conn_await_end(struct conn *c, char *p, size_t n);

/* "192.0.2.1:5222", "[::1]:5222", "*:5222", "unix:/path" as a socket address. */
struct conn_address {
	struct sockaddr_storage ss;
	socklen_t len;
	bool any; /* "*" */
};

int conn_address_parse(const char *text, struct conn_address *ret);
char *conn_peer_name(int fd); /* malloc'ed */

#endif
