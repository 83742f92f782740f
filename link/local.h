/* SPDX-License-Identifier: MIT */
/* The link of the router's own process: its router is no connection but a call. */
#ifndef LINK_LOCAL_H
#define LINK_LOCAL_H

#include "link/link.h"

struct link_local_ops {
	/* A frame from this process, encoded; lives for the call. */
	void (*send)(void *arg, const struct frame *f);
};

/* Once, before the loop runs. The link is ready from then on; there is no event for it. */
void link_local_attach(struct link *k, const struct link_local_ops *ops, void *arg);
/* A frame for this process, or a router's message about members and shards. Not from inside send. */
void link_local_input(struct link *k, const struct frame *f);

#endif
