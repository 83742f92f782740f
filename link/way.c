/* SPDX-License-Identifier: MIT */
/* The connection to one router: dialling with backoff, the handshake, its messages, its loss. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/random.h"
#include "link/link_internal.h"

enum {
	BACKOFF_FIRST_MS = 50,
	BACKOFF_MAX_MS = 2000,
	/* A router that refuses us will do so again until somebody changes something. */
	BACKOFF_REFUSED_MS = 1000,
	BACKOFF_REFUSED_MAX_MS = 15000
};

static void connect_now(void *arg);

bool way_works(const struct way *w)
{
	return w->state >= WAY_UP;
}

static void retry_later(struct way *w, int err)
{
	bool refused = err == -EACCES || err == -EPERM || err == -EPROTONOSUPPORT;
	uint64_t first = refused ? BACKOFF_REFUSED_MS : BACKOFF_FIRST_MS;
	uint64_t most = refused ? BACKOFF_REFUSED_MAX_MS : BACKOFF_MAX_MS;
	uint64_t ms = w->backoff_ms < first ? first : w->backoff_ms;

	if (ms > most)
		ms = most;
	w->backoff_ms = ms * 2;
	/* Between half and whole, so that processes which lost it together do not return together. */
	loop_timer_free(w->timer);
	w->timer = loop_timer_new(w->link->loop, connect_now, w);
	loop_timer_start(w->timer, ms / 2 + random_u64() % (ms / 2 + 1), 0);
}

static void count_past(struct way *w)
{
	const struct peer_counts *c = peer_counts(w->peer);

	w->past.frames_in += c->frames_in;
	w->past.frames_out += c->frames_out;
	w->past.bytes_in += c->bytes_in;
	w->past.bytes_out += c->bytes_out;
}

void way_stop(struct way *w)
{
	w->dial = dial_free(w->dial);
	w->handshake = handshake_free(w->handshake);
	if (w->peer)
		count_past(w);
	w->peer = peer_free(w->peer);
	if (w->timer)
		loop_timer_stop(w->timer);
	w->state = WAY_DOWN;
	w->router = 0;
}

/* An attempt that came to nothing. The same failure is told once, not at every attempt. */
static void attempt_failed(struct way *w, int err, const char *reason)
{
	struct link *k = w->link;
	char *text = xstrdup(reason ? reason : strerror(-err));

	way_stop(w);
	retry_later(w, err);
	if (!w->told || strcmp(w->told, text) != 0) {
		free(w->told);
		w->told = text;
		link_notice(k, &(struct link_notice){.kind = LINK_N_FAILED,
						     .router = w->address,
						     .text = text,
						     .err = err});
		return;
	}
	free(text);
}

void way_down(struct way *w, int err, const char *reason)
{
	struct link *k = w->link;
	bool ready = w->state == WAY_READY;

	if (!way_works(w)) {
		attempt_failed(w, err, reason);
		return;
	}
	link_enter(k);
	link_notice(k, &(struct link_notice){.kind = LINK_N_DOWN,
					     .router = w->address,
					     .text = reason,
					     .err = err ? err : -ECONNRESET});
	if (!k->freed) {
		way_stop(w);
		retry_later(w, err);
		if (ready)
			k->nready--;
		owners_way_lost(k, w);
		requests_way_lost(k, w->index);
		members_way_lost(k, w);
	}
	link_leave(k);
}

static void give_up(void *arg)
{
	struct way *w = arg;

	attempt_failed(w, -ETIMEDOUT, w->peer ? "the router does not answer" : "no connection");
}

/* --- frames of the router ---------------------------------------------------------------------- */

static void on_member_up(struct link *k, struct way *w, const void *m)
{
	member_up(k, w, m);
}

static void on_member_down(struct link *k, struct way *w, const void *m)
{
	member_down(k, w, m);
}

static void on_shards(struct link *k, struct way *w, const void *m)
{
	owners_told(k, w, m);
}

static void on_members_end(struct link *k, struct way *w, const void *m)
{
	if (w->state == WAY_READY)
		return;
	w->state = WAY_READY;
	w->backoff_ms = 0;
	free(w->told);
	w->told = NULL;
	k->nready++;
	members_end(k, w);
	if (!k->freed && k->nready == 1)
		link_emit(k, LINK_READY, NULL);
}

/* PROOF after the proof: the router sends us away and says why. */
static void on_sent_away(struct link *k, struct way *w, const void *arg)
{
	const struct msg_proof *m = arg;
	char *text = xstrndup(m->reason.ptr ? m->reason.ptr : "", m->reason.len);

	way_down(w, -EPERM, text);
	free(text);
}

static void on_heartbeat(struct link *k, struct way *w, const void *m)
{
	link_beat(k);
}

static void (*const router_messages[MSG_KINDS])(struct link *k, struct way *w, const void *m) = {
	[MSG_HEARTBEAT] = on_heartbeat,
	[MSG_PROOF] = on_sent_away,
	[MSG_MEMBER_UP] = on_member_up,
	[MSG_MEMBER_DOWN] = on_member_down,
	[MSG_SHARDS] = on_shards,
	[MSG_MEMBERS_END] = on_members_end,
};

static void malformed(struct way *w, const struct frame *f)
{
	struct link *k = w->link;

	link_enter(k);
	link_notice(k, &(struct link_notice){.kind = LINK_N_MALFORMED,
					     .router = w->address,
					     .err = -EPROTO,
					     .message = f->kind,
					     .from = f->from});
	if (!k->freed)
		way_down(w, -EPROTO, "malformed message of the router");
	link_leave(k);
}

/* Returns false for frames that are no message of a router about itself and its members. */
static bool router_message(struct way *w, const struct frame *f)
{
	struct link *k = w->link;
	struct pool *p;
	void *m;

	if (f->kind >= MSG_KINDS || !router_messages[f->kind])
		return false;
	if (f->from && f->from != w->router) {
		malformed(w, f); /* only the router itself may say such */
		return true;
	}
	p = pool_new();
	m = pool_calloc(p, msg_size(f->kind));
	if (msg_decode(f->kind, p, f->body, m) < 0)
		malformed(w, f);
	else
		router_messages[f->kind](k, w, m);
	pool_free(p);
	return true;
}

static void on_frame(void *arg, const struct frame *f, struct str bytes)
{
	struct way *w = arg;
	struct link *k = w->link;

	link_enter(k);
	if (!router_message(w, f))
		link_receive(k, w, f);
	link_leave(k);
}

static void on_peer_down(void *arg, int err, const char *reason)
{
	way_down(arg, err, reason ? reason : err ? NULL : "the router closed the connection");
}

/* --- becoming linked --------------------------------------------------------------------------- */

static void on_handshake(void *arg, int err, const char *reason, const struct handshake_other *o)
{
	static const struct peer_ops ops = {.frame = on_frame, .down = on_peer_down};
	struct way *w = arg;
	struct link *k = w->link;
	struct msg_member_up router;
	char *mechanism;

	if (err < 0) {
		attempt_failed(w, err, reason);
		return;
	}
	loop_timer_stop(w->timer);
	peer_set_ops(w->peer, &ops, w);
	peer_set_max(w->peer, k->max_frame);
	w->state = WAY_UP;
	w->router = o->id;
	router = (struct msg_member_up){
		.id = o->id,
		.name = str_z(o->name),
		.process = STR("router"),
		.version = str_z(o->version),
		.host = str_z(o->host),
		.pid = o->pid,
	};
	mechanism = xstrdup(o->mechanism);
	link_enter(k);
	link_send_binds(k, w);
	owners_send_bound(k, w);
	link_notice(k, &(struct link_notice){
			       .kind = LINK_N_UP, .router = w->address, .text = mechanism});
	if (!k->freed)
		member_up(k, w, &router);
	free(mechanism);
	if (link_leave(k))
		w->handshake = handshake_free(w->handshake);
}

static void greet(struct way *w)
{
	static const struct handshake_ops ops = {.done = on_handshake};

	w->handshake = handshake_new(w->peer, false, &w->link->self, &ops, w);
}

static void on_secured(void *arg)
{
	greet(arg);
}

static void ignore_frame(void *arg, const struct frame *f, struct str bytes)
{
}

static void on_dial(void *arg, int take_fd_or_err)
{
	static const struct peer_ops before = {
		.frame = ignore_frame,
		.secured = on_secured,
		.down = on_peer_down,
	};
	struct way *w = arg;
	struct link *k = w->link;
	char *error = NULL;
	SSL *ssl;

	w->dial = dial_free(w->dial);
	if (take_fd_or_err < 0) {
		attempt_failed(w, take_fd_or_err, NULL);
		return;
	}
	w->peer = peer_new(k->loop, take_fd_or_err, HANDSHAKE_MAX_FRAME, &before, w);
	w->state = WAY_PROVING;
	if (str_starts(str_z(w->address), STR("unix:"))) {
		greet(w);
		return;
	}
	ssl = link_tls_new(&k->tls, false, &error);
	if (ssl)
		conn_start_tls(peer_conn(w->peer), ssl);
	else
		attempt_failed(w, -EACCES, error);
	free(error);
}

static void connect_now(void *arg)
{
	struct way *w = arg;
	struct link *k = w->link;

	loop_timer_free(w->timer);
	w->timer = loop_timer_new(k->loop, give_up, w);
	loop_timer_start(w->timer, HANDSHAKE_MS, 0);
	w->dial = dial_new(k->loop, w->address, on_dial, w);
}

void ways_start(struct link *k)
{
	for (unsigned i = 0; i < k->nways; i++) {
		struct way *w = &k->ways[i];

		/* In the first turn, so that the caller can finish what it builds around us. */
		w->timer = loop_timer_new(k->loop, connect_now, w);
		loop_timer_start(w->timer, 0, 0);
	}
}

int way_send(struct way *w, const struct frame *f, const void *m)
{
	struct buf body = BUF_INIT;
	struct frame whole = *f;

	if (w->peer)
		return m ? peer_send(w->peer, f, m) : peer_send_body(w->peer, f);
	if (!w->local)
		return 0;
	if (m) {
		msg_encode(f->kind, m, &body);
		whole.body = buf_str(&body);
	}
	w->local->send(w->local_arg, &whole);
	if (f->flags & FRAME_SECRET)
		buf_wipe(&body);
	buf_free(&body);
	return 0;
}

void ways_send(struct link *k, uint16_t kind, const void *m)
{
	struct frame f = {
		.kind = kind,
		.flags = FRAME_CONTROL,
		.from = k->self.id,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};

	for (unsigned i = 0; i < k->nways; i++) {
		if (way_works(&k->ways[i]))
			way_send(&k->ways[i], &f, m);
	}
}

/* --- the router's own process ------------------------------------------------------------------ */

void link_local_attach(struct link *k, const struct link_local_ops *ops, void *arg)
{
	struct way *w = &k->ways[k->nways];

	k->nways++;
	w->link = k;
	w->address = xstrdup("local");
	w->local = ops;
	w->local_arg = arg;
	w->router = k->self.id;
	w->state = WAY_READY;
	k->nready++;
}

void link_local_input(struct link *k, const struct frame *f)
{
	on_frame(&k->ways[0], f, STR_NONE);
}
