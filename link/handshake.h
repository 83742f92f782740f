/* SPDX-License-Identifier: MIT */
/* The beginning of a link: HELLO in both directions, versions, and the proof of who the process is. */
#ifndef LINK_HANDSHAKE_H
#define LINK_HANDSHAKE_H

#include <sys/types.h>
#include "link/peer.h"

enum { HANDSHAKE_MAX_FRAME = 16 * 1024, HANDSHAKE_NAME_MAX = 128, HANDSHAKE_MS = 10000 };

struct handshake_self {
	uint64_t id;
	const char *name, *process, *version;
	const char *secret;   /* NULL: none */
	bool secret_always;   /* peer credentials do not do where there is a secret */
	bool certificates;    /* a certificate and a ca are configured */
	const uid_t *uids;    /* a router's: whose Unix connections it believes, besides root's and its own */
	size_t nuids;
	uint16_t major, minor; /* of the protocol; tests pretend others */
};

/* The other side, as it said; strings live with the handshake. */
struct handshake_other {
	uint64_t id;
	uint32_t pid;
	uint16_t minor; /* the smaller of both */
	char *name, *process, *version, *host, *mechanism;
};

struct handshake_ops {
	/* A router's: NULL, or why this one may not link. May be NULL. */
	const char *(*admit)(void *arg, const struct handshake_other *other);
	/* Exactly once. err 0: both have proved themselves; the peer's frames are then the callee's,
	 * by peer_set_ops. Else reason is one line; where the other side could be told, it was, and the
	 * peer is finishing. The callee frees the handshake, and the peer when it likes. */
	void (*done)(void *arg, int err, const char *reason, const struct handshake_other *other);
};

struct handshake;
/* On a peer that is connected and, over TCP, secured. Takes over the peer's ops. A server waits for
 * HELLO. There is no time limit in it. */
struct handshake *handshake_new(struct peer *p, bool server, const struct handshake_self *self,
				const struct handshake_ops *ops, void *arg);
struct handshake *handshake_free(struct handshake *h);

#endif
