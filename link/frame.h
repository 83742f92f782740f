/* SPDX-License-Identifier: MIT */
/* The frame: what a router reads of a message, in O(1), and its place on the wire. */
#ifndef LINK_FRAME_H
#define LINK_FRAME_H

#include <stdint.h>
#include "base/buf.h"

enum { LINK_MAJOR = 1, LINK_MINOR = 0 };
enum { FRAME_HEAD = 64 }; /* bytes, little-endian, before the body */
enum { SHARDS = 1024, SHARD_NONE = 0xffff };

enum frame_flag {
	FRAME_REPLY = 1,     /* answers the request with that tag */
	FRAME_SECRET = 2,    /* the body is never shown and is wiped after use */
	FRAME_REPEATED = 4,  /* was sent before, in an earlier run */
	FRAME_CONTROL = 8,   /* heartbeats, membership, answers: before data in a send queue */
	FRAME_CHANNEL = 16   /* run and number count */
};

/* Offsets on the wire:  0 length of the whole frame u32 · 4 kind u16 · 6 flags u16 · 8 tag u32 ·
 * 12 remaining milliseconds u32 (0: none) · 16 trace u64 · 24 from u64 · 32 to u64 (0: the router
 * itself) · 40 from_shard u16 · 42 to_shard u16 · 44 from_epoch u32 · 48 to_epoch u32 ·
 * 52 run u32 · 56 number u32 · 60 reserved u32, sent as 0. */
struct frame {
	uint16_t kind; /* enum msg_kind */
	uint16_t flags;
	uint32_t tag;
	uint32_t remaining_ms;
	uint64_t trace;
	uint64_t from, to; /* instance ids */
	uint16_t from_shard, to_shard;
	uint32_t from_epoch, to_epoch;
	uint32_t run, number;
	struct str body; /* when received: borrowed for the call */
	uint8_t way;     /* in memory alone. Received: 1 + the number of its router; sent: that one, if
			  * it still works; 0: any */
};

void frame_head_write(const struct frame *f, size_t body_len, char ret[FRAME_HEAD]);
/* Reads one frame from data. Returns its whole length; 0: more bytes are needed; -EPROTO:
 * shorter than a header or longer than max. Body is borrowed from data. */
long frame_read(struct str data, size_t max, struct frame *ret);

#endif
