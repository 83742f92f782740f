/* SPDX-License-Identifier: MIT */
/* Encoding, decoding and printing of messages through the generated table. */
#include <errno.h>
#include "link/message_type.h"
#include "link/messages.h"

static const struct message_type *type_of(uint16_t kind)
{
	static const struct message_type none = {.name = NULL};

	return kind < MSG_KINDS && message_types[kind].name ? &message_types[kind] : &none;
}

void msg_encode(uint16_t kind, const void *m, struct buf *b)
{
	size_t n = message_types[kind].len(m);

	if (n == 0)
		return;
	message_types[kind].put(buf_reserve(b, n), m);
	buf_added(b, n);
}

size_t msg_length(uint16_t kind, const void *m)
{
	return message_types[kind].len(m);
}

void msg_put(uint16_t kind, const void *m, char *ret_body)
{
	message_types[kind].put(ret_body, m);
}

int msg_decode(uint16_t kind, struct pool *p, struct str body, void *ret_m)
{
	const struct message_type *t = type_of(kind);
	struct reader r = {body.ptr, body.len, false};

	if (!t->name)
		return -ENOTSUP;
	t->get(&r, p, ret_m);
	return r.bad ? -EPROTO : 0;
}

size_t msg_size(uint16_t kind)
{
	return type_of(kind)->size;
}

const char *msg_name(uint16_t kind)
{
	const char *name = type_of(kind)->name;

	return name ? name : "UNKNOWN";
}

bool msg_secret(uint16_t kind)
{
	return type_of(kind)->flags & MSG_F_SECRET;
}

bool msg_is_reply(uint16_t kind)
{
	return type_of(kind)->is == MSG_T_REPLY;
}

bool msg_is_tracked(uint16_t kind)
{
	return type_of(kind)->is == MSG_T_TRACKED;
}

bool msg_is_control(uint16_t kind)
{
	const struct message_type *t = type_of(kind);

	/* HELD and WRITING: what is said of TELLs takes the way of their answers. There is room for these in a
	 * queue that is full of data; a WRITING that is lost lets another instance write the same again. */
	if (kind <= MSG_BOUNCE || kind == MSG_HELD || kind == MSG_WRITING)
		return true;
	return t->is == MSG_T_REPLY && !(t->flags & MSG_F_ORDERED);
}

uint16_t msg_reply_kind(uint16_t kind)
{
	return type_of(kind)->reply;
}

uint32_t msg_process_bit(const char *process)
{
	for (unsigned i = 0; msg_processes[i]; i++) {
		if (strcmp(msg_processes[i], process) == 0)
			return UINT32_C(1) << i;
	}
	return UINT32_C(1) << 31; /* named by no message: only `any` is meant for it */
}

bool msg_may_bits(uint16_t kind, uint32_t from, uint32_t to)
{
	const struct message_type *t = type_of(kind);

	return !t->name || ((t->from & from) && (t->to & to));
}

bool msg_may(uint16_t kind, const char *from, const char *to)
{
	return msg_may_bits(kind, msg_process_bit(from), msg_process_bit(to));
}

void msg_print(uint16_t kind, const void *m, struct buf *b)
{
	const struct message_type *t = type_of(kind);

	buf_printf(b, "%s", msg_name(kind));
	if (t->name)
		t->print(b, m);
}

bool msg_mentions(uint16_t kind, const void *m, struct str jid)
{
	const struct message_type *t = type_of(kind);

	return t->mentions && t->mentions(m, jid);
}
