/* SPDX-License-Identifier: MIT */
/*
 * A process's end of the link: its connections to all routers, what it knows of the others
 * (membership), sending and receiving of messages, requests.
 *
 * Messages are declared in link/messages.def; link/messages.h is generated from it. Callers of
 * other processes use the functions of the clients (link/store_client.h, …) where there are any.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/loop.h"
#include "base/pool.h"
#include "link/frame.h"
#include "link/messages.h"
#include "xmpp/jid.h"

struct link;

/* An instance that some router has told us of. Lives until MEMBER_LOST was announced. */
struct member {
	uint64_t id;
	const char *name, *process, *version, *host;
	uint32_t pid;
	size_t nbinds;
	const struct member_bind {
		const char *route;
		bool shard;
	} *binds;
};

enum link_event {
	LINK_READY,       /* the first router has told its whole membership */
	LINK_MEMBER,      /* a new member, its binds changed, or it was out of reach and is not now */
	LINK_MEMBER_LOST, /* linked to no router that we see; still readable in the call */
	LINK_SHARDS,      /* owners of shards of some route changed (link_owner) */
	LINK_PATH_LOST    /* a router was lost through which we talked to that member (still alive as
	                   * far as another router says, or unknown: member NULL, all of them):
	                   * whatever was under way to and from it may be lost */
};

/* router: its address. text is one line, or NULL. */
struct link_notice {
	enum link_notice_kind {
		LINK_N_UP,        /* linked; text: how we proved who we are */
		LINK_N_DOWN,      /* a link that worked is lost, will be tried again */
		LINK_N_FAILED,    /* could not be linked; told once until it works or fails otherwise */
		LINK_N_STOPPED,   /* we did not run for longer than our links live; all were dropped */
		LINK_N_MALFORMED, /* a frame that made no sense; from is its sender's id */
		LINK_N_FORBIDDEN  /* a message that its sender may not send us */
	} kind;
	const char *router, *text;
	int err;
	uint64_t from;
	uint16_t message; /* its kind */
};

struct link_ops {
	/* Bookkeeping first: when called, link_* functions tell the new state. member may be NULL. */
	void (*event)(void *arg, enum link_event e, const struct member *m);
	/* A message with no handler of its own in the table (a newer minor's): usually ignored. */
	void (*unknown)(void *arg, const struct frame *f);
	/* For the log: what befell our connections. May be NULL. */
	void (*notice)(void *arg, const struct link_notice *n);
};

/* A decoded message: m is the struct of the kind (struct msg_stanza …), f the frame; both and all
 * they point to live for the call only. Secret bodies are wiped behind it. */
typedef void link_handler_fn(void *arg, const struct frame *f, const void *m);
struct link_handler {
	uint16_t kind; /* 0 ends a table */
	link_handler_fn *fn;
};

struct link_config {
	const char *name, *process, *version; /* of this instance */
	const char *const *routers; /* addresses as in base/conn.h; linked to all, with backoff and jitter */
	const char *secret;         /* shared secret, or NULL: peer credentials alone (Unix) */
	bool secret_always;         /* also where peer credentials would do */
	const char *cert_file, *key_file, *ca_file; /* TCP links; may be NULL */
	size_t max_frame;           /* bytes */
	int64_t heartbeat_ms;       /* one is sent after this silence; 3 missed is death */
	const struct msg_bind *binds; /* routes that we serve, copied */
	size_t nbinds;
	/* Processes that we send to and hear from, NULL-terminated; NULL: all that the declaration
	 * of each message names. ctl and the routers always are. */
	const char *const *peers;
};

struct link *link_new(struct loop *l, const struct link_config *c, const struct link_ops *ops,
		      const struct link_handler *handlers, void *arg);
struct link *link_free(struct link *k);
/* A further table (of a library part), with its own arg. A message goes to every table that has its
 * kind, in order. BOUNCE and answers that are no request's (FRAME_CHANNEL) come there as well. */
void link_handlers(struct link *k, const struct link_handler *handlers, void *arg);
void link_events(struct link *k, const struct link_ops *ops, void *arg); /* further listeners */

uint64_t link_id(const struct link *k); /* of this run of the process */
const char *link_name(const struct link *k);
bool link_ready(const struct link *k);
size_t link_max_frame(const struct link *k);
/* Of a stanza, as XML and as an envelope: a quarter of a frame is left for what others add to it. */
static inline size_t link_max_stanza(const struct link *k)
{
	return link_max_frame(k) / 4 * 3;
}
uint64_t link_heartbeat_ms(const struct link *k);
struct loop *link_loop(struct link *k);

/* Membership. */
const struct member *link_member(const struct link *k, uint64_t id);
const struct member *link_member_named(const struct link *k, const char *name);
void link_members(const struct link *k, void (*fn)(void *arg, const struct member *m), void *arg);
/* Calls fn for each instance that binds the route. */
void link_serving(const struct link *k, const char *route,
		  void (*fn)(void *arg, const struct member *m), void *arg);
/* The instance that rendezvous hashing names for key among those that bind the route; 0: none. */
uint64_t link_place(const struct link *k, const char *route, uint64_t key);
/* The shard of an account. */
static inline uint16_t link_shard(struct str bare)
{
	return (uint16_t)(jid_key(bare) % SHARDS);
}
/* The present owner of a shard by its lease (0: none) and the newest epoch seen. */
uint64_t link_owner(const struct link *k, const char *route, uint16_t shard, uint32_t *ret_epoch);
/* Says that we own shards (after the lease), or let them go. */
void link_shards_bind(struct link *k, const char *route, const struct msg_shard_epoch *s, size_t n);
void link_shards_free(struct link *k, const char *route, const struct msg_shard_epoch *s, size_t n);

/* Changes the routes that we serve; draining processes serve none. Shards that we own stay ours
 * until they are let go. */
void link_bind(struct link *k, const struct msg_bind *binds, size_t n);
/* True when all that was sent was taken by the kernel. */
bool link_flushed(const struct link *k);

/* Sending. m is the struct of head->kind; head's from is filled in, flags are or'ed with what the
 * kind demands, trace is made when 0. Goes out at the end of this turn. -EHOSTUNREACH: no router
 * that we are linked to has that instance (nothing was queued). -EMSGSIZE: longer than a frame may
 * be (nor was it). To ourselves: delivered by the loop in this turn. */
int link_send(struct link *k, const struct frame *head, const void *m);
/* The same with a body that was encoded before: head->body. */
int link_send_body(struct link *k, const struct frame *head);
/* Hands a frame that was received and kept (body included) to the handlers again. */
void link_dispatch(struct link *k, const struct frame *f);
/* An answer to a received request or tracked frame; the kind is given. It carries the frame's tag,
 * run, number, FRAME_CHANNEL, and its shards and epochs the other way round. */
void link_reply(struct link *k, const struct frame *request, uint16_t kind, const void *m);
void link_fail(struct link *k, const struct frame *request, int err, const char *text);
/* What is needed of a frame to answer it later; plain copy without the body. */
static inline struct frame frame_keep(const struct frame *f)
{
	struct frame c = *f;
	c.body = STR_NONE;
	return c;
}
void link_bounce(struct link *k, const struct frame *f, uint8_t why, uint32_t epoch);

/* Requests: untracked, to one instance. The callback comes exactly once, never from inside this
 * call, unless cancelled: err 0 with the reply (kind and m), -ECANCELED never, -ETIMEDOUT,
 * -EHOSTUNREACH (bounced, instance died), -EREMOTEIO (FAILED; m is it). m NULL: head->body is the
 * message, encoded before. */
struct link_request;
typedef void link_reply_fn(void *arg, int err, uint16_t kind, const void *m);
struct link_request *link_request(struct link *k, const struct frame *head, const void *m,
				  uint32_t timeout_ms, link_reply_fn *fn, void *arg);
void link_cancel(struct link_request *r); /* the callback will not come; accepts NULL */

/* Counters for status and statistics, one row a router. */
struct link_stats {
	const char *router;
	bool up;
	uint64_t frames_in, frames_out, bytes_in, bytes_out;
	size_t queued;
};
size_t link_stats(const struct link *k, struct link_stats *ret, size_t max);

#endif
