/* SPDX-License-Identifier: MIT */
/* Traces: frames of ours that mention a JID, printed and sent to whoever watches. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "link/link_internal.h"

/* What a watcher itself causes would be traced for ever. */
static bool about_tracing(uint16_t kind)
{
	return kind >= MSG_CONTROL && kind <= MSG_TRACE;
}

static void print_line(struct link *k, bool in, const struct frame *f, const void *m, struct buf *b)
{
	const struct link_member *e = member_find(k, in ? f->from : f->to);

	buf_printf(b, "%s %s ", in ? "<-" : "->", e ? e->pub.name : "?");
	msg_print(f->kind, m, b);
	buf_printf(b, " trace=%016llx", (unsigned long long)f->trace);
	if (f->tag)
		buf_printf(b, " tag=%u", f->tag);
	if (f->from_shard != SHARD_NONE)
		buf_printf(b, " from_shard=%u from_epoch=%u", f->from_shard, f->from_epoch);
	if (f->to_shard != SHARD_NONE)
		buf_printf(b, " to_shard=%u to_epoch=%u", f->to_shard, f->to_epoch);
	if (f->flags & FRAME_CHANNEL)
		buf_printf(b, " run=%u number=%u%s", f->run, f->number,
			   f->flags & FRAME_REPEATED ? " repeated" : "");
	if (f->remaining_ms)
		buf_printf(b, " remaining=%ums", f->remaining_ms);
}

static void send_line(struct link *k, uint64_t watcher, struct str line)
{
	struct msg_trace t = {.time = clock_wall_us(), .line = line};
	struct frame h = {
		.kind = MSG_TRACE,
		.to = watcher,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};

	link_send(k, &h, &t);
}

void trace_frame(struct link *k, bool in, const struct frame *f, const void *m)
{
	struct pool *p = NULL;
	struct buf line = BUF_INIT;
	void *made;

	if (k->tracing || about_tracing(f->kind) || !msg_size(f->kind))
		return;
	if (!m) { /* sent as an encoded body */
		p = pool_new();
		m = made = pool_calloc(p, msg_size(f->kind));
		if (msg_decode(f->kind, p, f->body, made) < 0) {
			pool_free(p);
			return;
		}
	}
	k->tracing = true;
	for (unsigned i = 0; i < k->nwatchers; i++) {
		struct str jid = str_z(k->watchers[i].jid);

		if (!str_empty(jid) && !msg_mentions(f->kind, m, jid))
			continue;
		if (!line.len)
			print_line(k, in, f, m, &line);
		send_line(k, k->watchers[i].id, buf_str(&line));
	}
	k->tracing = false;
	buf_free(&line);
	pool_free(p);
}

void trace_start(struct link *k, const struct frame *f, const struct msg_trace_start *m)
{
	trace_stop(k, f->from);
	if (k->nwatchers == LINK_WATCHERS)
		return;
	k->watchers[k->nwatchers++] = (struct link_watcher){f->from, str_dup(m->jid)};
}

void trace_stop(struct link *k, uint64_t watcher)
{
	for (unsigned i = 0; i < k->nwatchers; i++) {
		if (k->watchers[i].id != watcher)
			continue;
		free(k->watchers[i].jid);
		k->watchers[i] = k->watchers[--k->nwatchers];
		return;
	}
}

void trace_deinit(struct link *k)
{
	while (k->nwatchers)
		free(k->watchers[--k->nwatchers].jid);
}
