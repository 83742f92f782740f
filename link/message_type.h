/* SPDX-License-Identifier: MIT */
/* What is known of each message; the table is generated. */
#ifndef LINK_MESSAGE_TYPE_H
#define LINK_MESSAGE_TYPE_H

#include "link/codec.h"

enum message_class { MSG_T_NONE, MSG_T_EVENT, MSG_T_REQUEST, MSG_T_REPLY, MSG_T_TRACKED };

enum {
	MSG_F_SECRET = 1, /* has a secret field */
	MSG_F_ORDERED = 2 /* a reply that stays in the order of data */
};

struct message_type {
	const char *name; /* NULL: no such kind */
	size_t size;      /* of the struct */
	enum message_class is;
	uint16_t reply; /* kind of the answer, 0: none */
	unsigned flags;
	uint32_t from, to; /* bits of processes, indices of msg_processes */
	size_t (*len)(const void *m);
	char *(*put)(char *p, const void *m);
	void (*get)(struct reader *r, struct pool *p, void *ret_m);
	void (*print)(struct buf *b, const void *m);
	bool (*mentions)(const void *m, struct str jid); /* NULL: never */
};

extern const struct message_type message_types[];
extern const char *const msg_processes[]; /* names in the declaration, NULL-terminated */

#endif
