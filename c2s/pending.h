/* SPDX-License-Identifier: MIT */
/* A request to the owner of a session's shard that outlives that owner. */
#ifndef C2S_PENDING_H
#define C2S_PENDING_H

#include "c2s/c2s.h"

struct pending_ops {
	uint16_t kind;
	/* Encodes and sends by pending_request; called again when the owner was lost. */
	void (*send)(struct pending *p);
	/* The end: err 0 with the reply. It frees p, alone or with its session. */
	void (*done)(struct pending *p, int err, const void *reply);
	/* The client has waited long enough; the answer may still come, and what it has made is
	 * then undone. NULL: done is called instead, and a late answer is dropped. */
	void (*late)(struct pending *p);
};

struct pending {
	struct pending *prev, *next;
	const struct pending_ops *ops;
	struct session *session;
	struct link_request *request;
	struct loop_timeout patience;
	uint64_t deadline_ms;
	uint64_t owner; /* asked */
	uint32_t epoch;
	uint32_t number; /* XEP-0198: the client's h; seconds asked for */
	bool resume;
	uint64_t sid;
	struct str resource; /* in text */
	char *text, *id;     /* id of the client's iq, or its previd; NULL: none */
	char *account, *address;
	struct buf ticket;
	bool secure, asked; /* asked: an owner was, it may have done something */
};
struct pending *pending_new(struct session *s, const struct pending_ops *ops);
void pending_start(struct pending *p);
void pending_request(struct pending *p, const void *m); /* from ops->send */
void pending_retry(void *c2s);				/* all that wait for an owner */
/* Nobody waits for it any more. What an owner may have done is undone when it answers. */
void pending_orphan(struct pending *p);
/* The shard has another owner than the one that was asked, and our sessions were announced to it. */
bool pending_moved(const struct pending *p);
void pending_free(struct pending *p);

#endif
