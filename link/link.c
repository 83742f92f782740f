/* SPDX-License-Identifier: MIT */
/* A process's end of the link: its making and end, listeners, and what it tells of itself. */
#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/random.h"
#include "link/link_internal.h"

void link_enter(struct link *k)
{
	k->depth++;
}

bool link_leave(struct link *k)
{
	k->depth--;
	if (!k->freed)
		return true;
	if (!k->depth)
		free(k);
	return false;
}

void link_emit(struct link *k, enum link_event e, const struct member *m)
{
	link_enter(k);
	for (size_t i = 0; i < k->nlisteners && !k->freed; i++) {
		const struct link_listener *l = &k->listeners[i];

		if (l->ops && l->ops->event)
			l->ops->event(l->arg, e, m);
	}
	link_leave(k);
}

void link_notice(struct link *k, const struct link_notice *n)
{
	link_enter(k);
	for (size_t i = 0; i < k->nlisteners && !k->freed; i++) {
		const struct link_listener *l = &k->listeners[i];

		if (l->ops && l->ops->notice)
			l->ops->notice(l->arg, n);
	}
	link_leave(k);
}

/* A router beats first, and is answered at once: that wakes a process once and not twice. */
static uint64_t quiet_ms(const struct link *k)
{
	return k->heartbeat_ms + k->heartbeat_ms / 4;
}

/* When the next way needs something; none of them need it, and the process sleeps till then. */
static void tick_again(struct link *k, uint64_t now)
{
	uint64_t next = now + quiet_ms(k);

	for (unsigned i = 0; i < k->nways; i++) {
		const struct way *w = &k->ways[i];
		uint64_t due = w->peer && way_works(w)
				       ? peer_due(w->peer, k->heartbeat_ms, quiet_ms(k))
				       : next;

		if (due < next)
			next = due;
	}
	loop_timer_start(k->tick, next > now ? next - now : 1, 0);
}

static void look(struct link *k, uint64_t quiet)
{
	uint64_t now = loop_now(k->loop), since = now - k->last_tick;
	bool stopped = since >= 3 * k->heartbeat_ms;

	k->last_tick = now;
	link_enter(k);
	/* Others have taken us for dead meanwhile: what we believe of them and of our shards is
	 * confirmed anew before anything is said (DESIGN, section 5). */
	if (stopped)
		link_notice(k, &(struct link_notice){.kind = LINK_N_STOPPED});
	for (unsigned i = 0; i < k->nways && !k->freed; i++) {
		struct way *w = &k->ways[i];

		if (!w->peer || !way_works(w))
			continue;
		if (stopped)
			way_down(w, -ETIMEDOUT, "this process did not run");
		else if (!peer_tick(w->peer, now, k->heartbeat_ms, quiet))
			way_down(w, -ETIMEDOUT, "the router is silent");
	}
	if (link_leave(k))
		tick_again(k, now);
}

static void on_tick(void *arg)
{
	struct link *k = arg;

	look(k, quiet_ms(k));
}

void link_beat(struct link *k)
{
	look(k, k->heartbeat_ms / 2);
}

static char *copy(const char *z)
{
	return z ? xstrdup(z) : NULL;
}

static void copy_peers(struct link *k, const char *const *peers)
{
	size_t n = 0;

	if (!peers)
		return;
	while (peers[n])
		n++;
	k->peers = xcalloc(n + 1, sizeof(*k->peers));
	for (size_t i = 0; i < n; i++)
		k->peers[i] = xstrdup(peers[i]);
}

static void set_binds(struct link *k, const struct msg_bind *binds, size_t n)
{
	struct pool *old = k->binds_pool;

	k->binds_pool = pool_new();
	k->binds = pool_calloc(k->binds_pool, (n + 1) * sizeof(*k->binds));
	k->nbinds = n;
	for (size_t i = 0; i < n; i++) {
		k->binds[i].route = pool_str(k->binds_pool, binds[i].route);
		k->binds[i].mode = binds[i].mode;
	}
	pool_free(old);
}

static void take_config(struct link *k, const struct link_config *c)
{
	k->name = xstrdup(c->name);
	k->process = xstrdup(c->process);
	k->version = xstrdup(c->version ? c->version : "");
	k->secret = copy(c->secret);
	k->tls_cert = copy(c->cert_file);
	k->tls_key = copy(c->key_file);
	k->tls_ca = copy(c->ca_file);
	k->tls = (struct link_tls_files){k->tls_cert, k->tls_key, k->tls_ca};
	k->max_frame = c->max_frame ? c->max_frame : (size_t)1024 * 1024;
	k->heartbeat_ms = c->heartbeat_ms > 0 ? (uint64_t)c->heartbeat_ms : 5000;
	k->bit = msg_process_bit(k->process);
	k->self = (struct handshake_self){
		.id = random_u64(),
		.name = k->name,
		.process = k->process,
		.version = k->version,
		.secret = k->secret,
		.secret_always = c->secret_always,
		.certificates = k->tls_cert && k->tls_ca,
		.major = LINK_MAJOR,
		.minor = LINK_MINOR,
	};
	copy_peers(k, c->peers);
	set_binds(k, c->binds, c->nbinds);
}

struct link *link_new(struct loop *l, const struct link_config *c, const struct link_ops *ops,
		      const struct link_handler *handlers, void *arg)
{
	struct link *k = xcalloc(1, sizeof(*k));

	k->loop = l;
	take_config(k, c);
	k->pool = pool_new();
	k->trace_base = random_u64();
	k->self_task = (struct loop_task){.fn = link_self_task, .arg = k};
	k->tick = loop_timer_new(l, on_tick, k);
	k->limbo = loop_timer_new(l, members_limbo_over, k);
	k->last_tick = loop_now(l);
	requests_init(k);
	members_init(k);
	link_events(k, ops, arg);
	link_handlers(k, handlers, arg);
	for (size_t i = 0; c->routers && c->routers[i] && i < LINK_WAYS; i++) {
		struct way *w = &k->ways[k->nways++];

		w->link = k;
		w->index = (unsigned)i;
		w->address = xstrdup(c->routers[i]);
	}
	ways_start(k);
	tick_again(k, k->last_tick);
	return k;
}

struct link *link_free(struct link *k)
{
	if (!k || k->freed)
		return NULL;
	k->freed = true;
	for (unsigned i = 0; i < k->nways; i++) {
		way_stop(&k->ways[i]);
		k->ways[i].timer = loop_timer_free(k->ways[i].timer);
		free(k->ways[i].told);
		free(k->ways[i].address);
	}
	loop_timer_free(k->tick);
	loop_timer_free(k->limbo);
	loop_task_cancel(k->loop, &k->self_task);
	buf_wipe(&k->self_queue);
	trace_deinit(k);
	requests_deinit(k);
	owners_deinit(k);
	members_deinit(k);
	for (size_t i = 0; i < MSG_KINDS; i++)
		free(k->handlers[i].entries);
	free(k->listeners);
	pool_free(k->binds_pool);
	pool_free(k->pool);
	for (size_t i = 0; k->peers && k->peers[i]; i++)
		free(k->peers[i]);
	free(k->peers);
	free(k->name);
	free(k->process);
	free(k->version);
	if (k->secret)
		wipe(k->secret, strlen(k->secret));
	free(k->secret);
	free(k->tls_cert);
	free(k->tls_key);
	free(k->tls_ca);
	if (!k->depth)
		free(k);
	return NULL;
}

void link_handlers(struct link *k, const struct link_handler *handlers, void *arg)
{
	for (; handlers && handlers->kind; handlers++) {
		struct link_handler_list *list = &k->handlers[handlers->kind];

		list->entries = xrealloc(list->entries, (list->n + 1) * sizeof(*list->entries));
		list->entries[list->n++] = (struct link_handler_entry){handlers->fn, arg};
	}
}

void link_events(struct link *k, const struct link_ops *ops, void *arg)
{
	k->listeners = xrealloc(k->listeners, (k->nlisteners + 1) * sizeof(*k->listeners));
	k->listeners[k->nlisteners++] = (struct link_listener){ops, arg};
}

void link_send_binds(struct link *k, struct way *w)
{
	struct msg_binds m = {.binds = k->binds, .nbinds = k->nbinds};
	struct frame f = {
		.kind = MSG_BINDS,
		.flags = FRAME_CONTROL,
		.from = k->self.id,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};

	way_send(w, &f, &m);
}

void link_bind(struct link *k, const struct msg_bind *binds, size_t n)
{
	set_binds(k, binds, n);
	members_init(k);
	for (unsigned i = 0; i < k->nways; i++) {
		if (way_works(&k->ways[i]))
			link_send_binds(k, &k->ways[i]);
	}
	link_emit(k, LINK_MEMBER, &k->me->pub);
}

bool link_flushed(const struct link *k)
{
	for (unsigned i = 0; i < k->nways; i++) {
		if (k->ways[i].peer && peer_queued(k->ways[i].peer))
			return false;
	}
	return k->self_queue.len == 0;
}

uint64_t link_id(const struct link *k)
{
	return k->self.id;
}

const char *link_name(const struct link *k)
{
	return k->name;
}

bool link_ready(const struct link *k)
{
	return k->nready > 0;
}

uint64_t link_heartbeat_ms(const struct link *k)
{
	return k->heartbeat_ms;
}

size_t link_max_frame(const struct link *k)
{
	return k->max_frame;
}

struct loop *link_loop(struct link *k)
{
	return k->loop;
}

size_t link_stats(const struct link *k, struct link_stats *ret, size_t max)
{
	size_t n = 0;

	for (unsigned i = 0; i < k->nways && n < max; i++) {
		const struct way *w = &k->ways[i];
		struct peer_counts c = w->past;

		if (w->local)
			continue;
		if (w->peer) {
			const struct peer_counts *now = peer_counts(w->peer);

			c.frames_in += now->frames_in;
			c.frames_out += now->frames_out;
			c.bytes_in += now->bytes_in;
			c.bytes_out += now->bytes_out;
		}
		ret[n++] = (struct link_stats){
			.router = w->address,
			.up = way_works(w),
			.frames_in = c.frames_in,
			.frames_out = c.frames_out,
			.bytes_in = c.bytes_in,
			.bytes_out = c.bytes_out,
			.queued = w->peer ? peer_queued(w->peer) : 0,
		};
	}
	return n;
}
