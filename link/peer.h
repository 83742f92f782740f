/* SPDX-License-Identifier: MIT */
/* One connection that carries frames: cutting input into frames, and a send queue in which control
 * frames go before data. Used by both ends, a process's and a router's. */
#ifndef LINK_PEER_H
#define LINK_PEER_H

#include "base/conn.h"
#include "link/frame.h"

struct peer;

struct peer_ops {
	/* A whole frame; its body and bytes live for the call, and secret ones are wiped behind it. The
	 * callee may free the peer. */
	void (*frame)(void *arg, const struct frame *f, struct str bytes);
	/* TLS is up. May be NULL. */
	void (*secured)(void *arg);
	/* The end, exactly once, not from inside the calls below; -EPROTO also for what makes no
	 * frame. The callee frees the peer, now or later. */
	void (*down)(void *arg, int err, const char *reason);
};

struct peer *peer_new(struct loop *l, int take_fd, size_t max_frame, const struct peer_ops *ops,
		      void *arg);
struct peer *peer_free(struct peer *p);
void peer_set_ops(struct peer *p, const struct peer_ops *ops, void *arg);
void peer_set_max(struct peer *p, size_t max_frame);
struct conn *peer_conn(struct peer *p);

/* All three gather output of this turn. m is the struct of head->kind. -EMSGSIZE: longer than a frame
 * may be; nothing was sent, for the other side would end the link. */
int peer_send(struct peer *p, const struct frame *head, const void *m);
int peer_send_body(struct peer *p, const struct frame *head); /* body encoded before */
void peer_pass(struct peer *p, const struct frame *f, struct str bytes); /* as it was received */
/* Everything queued is written, then the connection ends and down is called. */
void peer_finish(struct peer *p);

/* To be called when peer_due() says so. Sends a heartbeat when nothing was sent for quiet_ms. False: the
 * other side was silent for three times as long. */
bool peer_tick(struct peer *p, uint64_t now, uint64_t heartbeat_ms, uint64_t quiet_ms);
/* The time of the next thing for it to do, on the clock of loop_now(). */
uint64_t peer_due(const struct peer *p, uint64_t heartbeat_ms, uint64_t quiet_ms);
/* The silence up to now was ours, not the other side's. */
void peer_forgive(struct peer *p, uint64_t now);

struct peer_counts {
	uint64_t frames_in, frames_out, bytes_in, bytes_out;
};
const struct peer_counts *peer_counts(const struct peer *p);
size_t peer_queued(const struct peer *p); /* bytes that the kernel has not taken */

#endif
