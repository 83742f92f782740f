/* SPDX-License-Identifier: MIT */
/* A framed connection: input cut without copying where it arrives whole, output in two queues. */
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "link/messages.h"
#include "link/peer.h"

/* Data beyond this many unsent bytes waits in a queue of its own, so that a control frame never
 * has more than this before it. */
enum { OUT_AHEAD = 256 * 1024 };
/* A partial frame's buffer that is larger than this is given back when it is empty. */
enum { IN_KEEP = 16 * 1024 };

struct peer {
	struct loop *loop;
	struct conn *conn;
	const struct peer_ops *ops;
	void *arg;
	size_t max;
	struct buf in;   /* the beginning of a frame that has not come whole */
	struct buf data; /* whole data frames behind what the connection holds */
	uint64_t last_in, last_out;
	struct peer_counts counts;
	unsigned depth;
	bool freed, finishing;
};

static bool leave(struct peer *p)
{
	p->depth--;
	if (!p->freed)
		return true;
	if (!p->depth)
		free(p);
	return false;
}

static void fail(struct peer *p, int err, const char *reason)
{
	p->ops->down(p->arg, err, reason);
}

/* Hands out one frame. Returns its length, 0 for an incomplete one, negative when the peer is
 * gone. */
static long take_frame(struct peer *p, struct str data)
{
	struct frame f;
	long n = frame_read(data, p->max, &f);

	if (n == 0)
		return 0;
	if (n < 0) {
		fail(p, (int)n, "a frame is shorter than its header or longer than the limit");
		return n;
	}
	p->counts.frames_in++;
	p->ops->frame(p->arg, &f, str_n(data.ptr, (size_t)n));
	if (f.flags & FRAME_SECRET && !p->freed)
		wipe((char *)f.body.ptr, f.body.len);
	return p->freed ? -ECANCELED : n;
}

/* Completes the frame that began in an earlier read. Returns the bytes used of data, or negative. */
static long complete(struct peer *p, struct str data)
{
	size_t have = p->in.len, want, n;
	uint32_t len;
	long r;

	want = 4;
	if (have >= 4) {
		memcpy(&len, buf_ptr(&p->in), 4);
		want = le32toh(len);
	}
	n = want - have < data.len ? want - have : data.len;
	buf_append(&p->in, data.ptr, n);
	r = take_frame(p, buf_str(&p->in));
	if (r < 0)
		return r;
	if (r > 0) {
		if (p->in.cap > IN_KEEP)
			buf_free(&p->in);
		else
			buf_clear(&p->in);
	}
	return (long)n;
}

static void take_all(struct peer *p, struct str data)
{
	while (data.len) {
		long n = p->in.len ? complete(p, data) : take_frame(p, data);

		if (n < 0)
			return;
		if (n == 0) {
			buf_append(&p->in, data.ptr, data.len);
			return;
		}
		data.ptr += n;
		data.len -= (size_t)n;
	}
	if (!p->in.len)
		buf_free(&p->in);
}

static void on_read(void *arg, const char *data, size_t len)
{
	struct peer *p = arg;

	if (p->finishing)
		return;
	p->last_in = loop_now(p->loop);
	p->counts.bytes_in += len;
	p->depth++;
	take_all(p, str_n(data, len));
	leave(p);
}

static void on_secured(void *arg)
{
	struct peer *p = arg;

	if (p->ops->secured)
		p->ops->secured(p->arg);
}

/* Whole frames from the data queue to the connection, as far as they may go ahead. */
static void refill(struct peer *p)
{
	struct buf *out = conn_out(p->conn);
	size_t n = 0;

	while (n < p->data.len && out->len + n < OUT_AHEAD) {
		uint32_t len;

		memcpy(&len, buf_ptr(&p->data) + n, 4);
		n += le32toh(len);
	}
	if (!n)
		return;
	buf_append(out, buf_ptr(&p->data), n);
	buf_consume(&p->data, n);
	if (!p->data.len)
		buf_free(&p->data);
	conn_flush_later(p->conn);
}

static void on_drained(void *arg)
{
	struct peer *p = arg;

	refill(p);
	if (p->finishing && !p->data.len)
		conn_shutdown(p->conn, 1);
}

static void on_closed(void *arg, int err, const char *reason)
{
	struct peer *p = arg;

	fail(p, err, reason);
}

static const struct conn_ops conn_ops = {
	.read = on_read,
	.secured = on_secured,
	.drained = on_drained,
	.closed = on_closed,
};

struct peer *peer_new(struct loop *l, int take_fd, size_t max_frame, const struct peer_ops *ops,
		      void *arg)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->ops = ops;
	p->arg = arg;
	p->max = max_frame;
	p->last_in = p->last_out = loop_now(l);
	p->conn = conn_new(l, take_fd, &conn_ops, p);
	return p;
}

struct peer *peer_free(struct peer *p)
{
	if (!p || p->freed)
		return NULL;
	p->freed = true;
	conn_free(p->conn);
	/* Either may hold a secret. */
	buf_wipe(&p->in);
	buf_wipe(&p->data);
	if (!p->depth)
		free(p);
	return NULL;
}

void peer_set_ops(struct peer *p, const struct peer_ops *ops, void *arg)
{
	p->ops = ops;
	p->arg = arg;
}

void peer_set_max(struct peer *p, size_t max_frame)
{
	p->max = max_frame;
}

struct conn *peer_conn(struct peer *p)
{
	return p->conn;
}

/* Where a frame with those flags and that length goes. */
static struct buf *queue_for(struct peer *p, uint16_t flags, size_t len)
{
	struct buf *out = conn_out(p->conn);

	p->last_out = loop_now(p->loop);
	p->counts.frames_out++;
	p->counts.bytes_out += len;
	if (!(flags & FRAME_CONTROL) && (p->data.len || out->len >= OUT_AHEAD))
		return &p->data;
	conn_flush_later(p->conn);
	return out;
}

int peer_send(struct peer *p, const struct frame *head, const void *m)
{
	size_t n = msg_length(head->kind, m);
	struct buf *b;
	char *at;

	if (FRAME_HEAD + n > p->max)
		return -EMSGSIZE;
	b = queue_for(p, head->flags, FRAME_HEAD + n);
	at = buf_reserve(b, FRAME_HEAD + n);
	frame_head_write(head, n, at);
	msg_put(head->kind, m, at + FRAME_HEAD);
	buf_added(b, FRAME_HEAD + n);
	return 0;
}

int peer_send_body(struct peer *p, const struct frame *head)
{
	struct buf *b;

	if (FRAME_HEAD + head->body.len > p->max)
		return -EMSGSIZE;
	b = queue_for(p, head->flags, FRAME_HEAD + head->body.len);
	frame_head_write(head, head->body.len, buf_reserve(b, FRAME_HEAD + head->body.len));
	buf_added(b, FRAME_HEAD);
	buf_str_append(b, head->body);
	return 0;
}

void peer_pass(struct peer *p, const struct frame *f, struct str bytes)
{
	buf_str_append(queue_for(p, f->flags, bytes.len), bytes);
}

void peer_finish(struct peer *p)
{
	if (p->finishing)
		return;
	p->finishing = true;
	if (!p->data.len)
		conn_shutdown(p->conn, 1);
}

uint64_t peer_due(const struct peer *p, uint64_t heartbeat_ms, uint64_t quiet_ms)
{
	uint64_t silent = p->last_in + 3 * heartbeat_ms, quiet = p->last_out + quiet_ms;

	return silent < quiet ? silent : quiet;
}

bool peer_tick(struct peer *p, uint64_t now, uint64_t heartbeat_ms, uint64_t quiet_ms)
{
	static const struct frame beat = {
		.kind = MSG_HEARTBEAT,
		.flags = FRAME_CONTROL,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};
	struct msg_heartbeat none = {0};

	if (now - p->last_in >= 3 * heartbeat_ms && now > p->last_in)
		return false;
	if (now - p->last_out >= quiet_ms && now > p->last_out)
		peer_send(p, &beat, &none);
	return true;
}

void peer_forgive(struct peer *p, uint64_t now)
{
	p->last_in = now;
}

const struct peer_counts *peer_counts(const struct peer *p)
{
	return &p->counts;
}

size_t peer_queued(const struct peer *p)
{
	return conn_unsent(p->conn) + p->data.len;
}
