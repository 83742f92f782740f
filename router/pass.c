/* SPDX-License-Identifier: MIT */
/* Frames: passed by the instance they name, bounced, or for the router itself. */
#include "base/log.h"
#include "router/hub_internal.h"

enum { WHY_GONE = 0, WHY_FULL = 2 };

static struct frame own_head(struct hub *h, uint16_t kind, uint64_t to)
{
	return (struct frame){
		.kind = kind,
		.flags = FRAME_CONTROL | (msg_secret(kind) ? FRAME_SECRET : 0),
		.from = h->id,
		.to = to,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};
}

/* What a link may have waiting: data the option's amount, others' control frames twice, our own
 * three times; who does not read even those is dropped. */
static size_t room(const struct port *p, unsigned share)
{
	size_t most = (size_t)p->hub->config->queue * share, queued = peer_queued(p->peer);

	return queued < most ? most - queued : 0;
}

void port_send(struct port *p, uint16_t kind, const void *m)
{
	struct frame f = own_head(p->hub, kind, p->id);

	if (p->doom)
		return;
	if (!room(p, 3)) {
		port_doom(p, "it does not read");
		return;
	}
	peer_send(p->peer, &f, m);
}

void hub_local_send(struct hub *h, uint16_t kind, const void *m)
{
	struct frame f = own_head(h, kind, h->id);
	struct buf body = BUF_INIT;

	msg_encode(kind, m, &body);
	f.body = buf_str(&body);
	link_local_input(h->link, &f);
	buf_free(&body);
}

void hub_publish(struct hub *h, const struct port *but, uint16_t kind, const void *m)
{
	struct port *p, *next;

	HASH_ITER(hh, h->ports, p, next) {
		if (p != but)
			port_send(p, kind, m);
	}
	hub_local_send(h, kind, m);
}

/* Comes as from the instance that was named, so that the sender sees whom he did not reach. */
static void bounce(struct port *p, const struct frame *f, uint8_t why)
{
	struct msg_bounce m = {.kind = f->kind, .why = why};
	struct frame b = *f;

	p->hub->bounced++;
	if (f->kind == MSG_BOUNCE || p->doom)
		return;
	if (!room(p, 3)) {
		port_doom(p, "it does not read");
		return;
	}
	b.kind = MSG_BOUNCE;
	b.flags = (uint16_t)((f->flags & ~FRAME_SECRET) | FRAME_CONTROL);
	b.from = f->to;
	b.to = f->from;
	peer_send(p->peer, &b, &m);
}

static void on_binds(struct port *p, const void *m)
{
	port_binds(p, m);
}

static void on_shards_bound(struct port *p, const void *m)
{
	hub_shards_bound(p, m);
}

static void on_shards_freed(struct port *p, const void *m)
{
	hub_shards_freed(p, m);
}

static void on_heartbeat(struct port *p, const void *m)
{
}

static void (*const messages[MSG_KINDS])(struct port *p, const void *m) = {
	[MSG_HEARTBEAT] = on_heartbeat,
	[MSG_BINDS] = on_binds,
	[MSG_SHARDS_BOUND] = on_shards_bound,
	[MSG_SHARDS_FREED] = on_shards_freed,
};

static void malformed(struct port *p, const struct frame *f, const char *what)
{
	log_error("malformed frame", LF_S("instance", p->name), LF_S("message", msg_name(f->kind)),
		  LF_U("kind", f->kind), LF_S("reason", what));
	port_doom(p, what);
}

/* Kinds that a newer minor version may have added are passed over. */
static void message_to_us(struct port *p, const struct frame *f)
{
	struct pool *pool;
	void *m;

	if (f->kind >= MSG_KINDS || !messages[f->kind]) {
		if (msg_size(f->kind))
			malformed(p, f, "a message that is not for routers");
		return;
	}
	pool = pool_new();
	m = pool_calloc(pool, msg_size(f->kind));
	if (msg_decode(f->kind, pool, f->body, m) < 0)
		malformed(p, f, "its fields do not decode");
	else
		messages[f->kind](p, m);
	pool_free(pool);
}

static void pass(struct port *p, const struct frame *f, struct str bytes)
{
	struct hub *h = p->hub;
	struct port *to;

	HASH_FIND(hh, h->ports, &f->to, sizeof(f->to), to);
	if (!to || to->doom) {
		bounce(p, f, WHY_GONE);
		return;
	}
	if (!msg_may_bits(f->kind, p->bit, to->bit)) {
		malformed(p, f, "a message that such a process may not send");
		return;
	}
	if (room(to, f->flags & FRAME_CONTROL ? 2 : 1) < bytes.len) {
		to->bounced++;
		bounce(p, f, WHY_FULL);
		return;
	}
	h->passed++;
	peer_pass(to->peer, f, bytes);
}

void port_frame(void *arg, const struct frame *f, struct str bytes)
{
	struct port *p = arg;
	struct hub *h = p->hub;

	if (p->doom)
		return;
	if (f->from != p->id && !(f->kind == MSG_HEARTBEAT && f->from == 0))
		malformed(p, f, "a frame in the name of another");
	else if (f->to == 0)
		message_to_us(p, f);
	else if (f->to != h->id)
		pass(p, f, bytes);
	else if (f->kind <= MSG_MEMBERS_END || !msg_may_bits(f->kind, p->bit, h->bit))
		malformed(p, f, "a message that such a process may not send");
	else
		link_local_input(h->link, f);
}

/* Our own process's answers and traces. */
static void local_send(void *arg, const struct frame *f)
{
	struct hub *h = arg;
	struct port *to;

	HASH_FIND(hh, h->ports, &f->to, sizeof(f->to), to);
	if (to && !to->doom && room(to, 2) >= f->body.len + FRAME_HEAD)
		peer_send_body(to->peer, f);
}

const struct link_local_ops hub_local_ops = {.send = local_send};
