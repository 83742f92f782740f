/* SPDX-License-Identifier: MIT */
/* The header of a frame, to and from its bytes. */
#include <errno.h>
#include "link/codec.h"
#include "link/frame.h"

void frame_head_write(const struct frame *f, size_t body_len, char ret[FRAME_HEAD])
{
	char *p = put_u32(ret, (uint32_t)(FRAME_HEAD + body_len));

	p = put_u16(p, f->kind);
	p = put_u16(p, f->flags);
	p = put_u32(p, f->tag);
	p = put_u32(p, f->remaining_ms);
	p = put_u64(p, f->trace);
	p = put_u64(p, f->from);
	p = put_u64(p, f->to);
	p = put_u16(p, f->from_shard);
	p = put_u16(p, f->to_shard);
	p = put_u32(p, f->from_epoch);
	p = put_u32(p, f->to_epoch);
	p = put_u32(p, f->run);
	p = put_u32(p, f->number);
	put_u32(p, 0);
}

long frame_read(struct str data, size_t max, struct frame *ret)
{
	struct reader r = {data.ptr, data.len, false};
	size_t len;

	if (data.len < 4)
		return 0;
	len = get_u32(&r);
	/* Judged before the rest has come, so that nobody makes us wait for 4 GB. */
	if (len < FRAME_HEAD || len > max)
		return -EPROTO;
	if (data.len < len)
		return 0;
	ret->kind = get_u16(&r);
	ret->flags = get_u16(&r);
	ret->tag = get_u32(&r);
	ret->remaining_ms = get_u32(&r);
	ret->trace = get_u64(&r);
	ret->from = get_u64(&r);
	ret->to = get_u64(&r);
	ret->from_shard = get_u16(&r);
	ret->to_shard = get_u16(&r);
	ret->from_epoch = get_u32(&r);
	ret->to_epoch = get_u32(&r);
	ret->run = get_u32(&r);
	ret->number = get_u32(&r);
	ret->body = str_n(data.ptr + FRAME_HEAD, len - FRAME_HEAD);
	ret->way = 0;
	return (long)len;
}
