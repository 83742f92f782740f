/* SPDX-License-Identifier: MIT */
/* Encoding, decoding and printing of any message of the link, by its kind. */
#ifndef LINK_MESSAGE_H
#define LINK_MESSAGE_H

#include <stdint.h>
#include "base/buf.h"
#include "base/pool.h"

/* m is the struct of the kind, which must exist. Appends the body. */
void msg_encode(uint16_t kind, const void *m, struct buf *b);
size_t msg_length(uint16_t kind, const void *m); /* of the encoded body */
/* Writes exactly msg_length bytes. */
void msg_put(uint16_t kind, const void *m, char *ret_body);
/* Strings are borrowed from body, lists are made in p. -EPROTO: malformed; -ENOTSUP: no such
 * kind. Bytes behind the last field (a newer minor's) are passed over; a body that ends between
 * two fields (an older minor's) reads as zeros. On failure *ret_m is undefined. */
int msg_decode(uint16_t kind, struct pool *p, struct str body, void *ret_m);
size_t msg_size(uint16_t kind);      /* of the struct; 0: no such kind */
const char *msg_name(uint16_t kind); /* "STANZA"; "UNKNOWN" when there is no such kind */
bool msg_secret(uint16_t kind);
bool msg_is_reply(uint16_t kind);
bool msg_is_tracked(uint16_t kind); /* goes over a channel */
/* Goes before data in a send queue: what is said between a process and a router, bounces, and
 * answers that may overtake. */
bool msg_is_control(uint16_t kind);
uint16_t msg_reply_kind(uint16_t kind); /* 0: it has none */
/* Whether the declaration lets such a process send it to such a process; true for unknown kinds. */
bool msg_may(uint16_t kind, const char *from, const char *to);
/* The same in one step for names that were looked up before. */
uint32_t msg_process_bit(const char *process);
bool msg_may_bits(uint16_t kind, uint32_t from, uint32_t to);
/* "STANZA sid=1 …": secrets as ***, long strings and lists cut. */
void msg_print(uint16_t kind, const void *m, struct buf *b);
/* Whether any string of it speaks of that JID; a bare one also finds full ones. */
bool msg_mentions(uint16_t kind, const void *m, struct str jid);

#endif
