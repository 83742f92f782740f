/* SPDX-License-Identifier: MIT */
/* The hub's making and end, its beat, and what it tells of itself. */
#include <pwd.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/log.h"
#include "router/hub_internal.h"

enum { DRAIN_MS = 2000, DRAIN_LOOK_MS = 10 };

/* Those that are due soon go along, so that in the end all are due at once. */
static uint64_t quiet_ms(const struct hub *h)
{
	return h->heartbeat_ms - h->heartbeat_ms / 4;
}

static void tick_again(struct hub *h, uint64_t now)
{
	uint64_t next = now + h->heartbeat_ms;
	struct port *p, *tmp;

	HASH_ITER(hh, h->ports, p, tmp) {
		uint64_t due = peer_due(p->peer, h->heartbeat_ms, h->heartbeat_ms);

		if (due < next)
			next = due;
	}
	loop_timer_start(h->tick, next > now ? next - now : 1, 0);
}

static void on_tick(void *arg)
{
	struct hub *h = arg;
	uint64_t now = loop_now(h->loop);
	/* After a stop of our own, what the others sent meanwhile is still to be read. */
	bool stopped = now - h->last_tick >= 2 * h->heartbeat_ms;
	struct port *p, *next;

	h->last_tick = now;
	HASH_ITER(hh, h->ports, p, next) {
		if (stopped)
			peer_forgive(p->peer, now);
		if (!peer_tick(p->peer, now, h->heartbeat_ms, quiet_ms(h)))
			port_doom(p, "silent");
	}
	tick_again(h, now);
}

static char *copy(const char *z)
{
	return z ? xstrdup(z) : NULL;
}

bool hub_user(const char *name, uid_t *ret)
{
	const struct passwd *pw = getpwnam(name);
	unsigned long long uid;

	if (!pw && (!str_u64(str_z(name), &uid) || uid >= UINT32_MAX))
		return false;
	*ret = pw ? pw->pw_uid : (uid_t)uid;
	return true;
}

static bool resolve_users(struct hub *h, char **ret_error)
{
	char **users = h->config->trusted;
	size_t n = 0;

	for (; users && *users; users++) {
		if (n == HUB_UIDS) {
			*ret_error = xasprintf("option trusted: more than %d users", HUB_UIDS);
			return false;
		}
		if (!hub_user(*users, &h->uids[n++])) {
			*ret_error = xasprintf("option trusted: there is no user \"%s\"", *users);
			return false;
		}
	}
	h->self.uids = h->uids;
	h->self.nuids = n;
	return true;
}

static void set_up(struct hub *h, const struct hub_setup *s)
{
	const struct member *me = link_member(h->link, link_id(h->link));

	h->loop = link_loop(h->link);
	h->config = s->config;
	h->secret = copy(s->secret);
	h->cert = copy(s->tls.cert);
	h->key = copy(s->tls.key);
	h->ca = copy(s->tls.ca);
	h->tls = (struct link_tls_files){h->cert, h->key, h->ca};
	h->heartbeat_ms = s->heartbeat_ms > 0 ? (uint64_t)s->heartbeat_ms : 5000;
	h->max_frame = link_max_frame(h->link);
	h->id = link_id(h->link);
	h->bit = msg_process_bit("router");
	h->last_tick = loop_now(h->loop);
	h->self = (struct handshake_self){
		.id = h->id,
		.name = link_name(h->link),
		.process = "router",
		.version = me->version,
		.secret = h->secret,
		.secret_always = s->secret_always,
		.certificates = h->cert && h->ca,
		.major = LINK_MAJOR,
		.minor = LINK_MINOR,
	};
	h->reaper = (struct loop_task){.fn = hub_reap, .arg = h};
	h->tick = loop_timer_new(h->loop, on_tick, h);
	tick_again(h, h->last_tick);
}

struct hub *hub_new(struct link *k, const struct hub_setup *s, char **ret_error)
{
	struct hub *h = xcalloc(1, sizeof(*h));

	h->link = k;
	set_up(h, s);
	link_local_attach(k, &hub_local_ops, h);
	if (resolve_users(h, ret_error) && hub_listen(h, s->socket, ret_error))
		return h;
	return hub_free(h);
}

struct hub *hub_free(struct hub *h)
{
	struct port *p, *next;

	if (!h)
		return NULL;
	for (unsigned i = 0; i < h->nlisteners; i++)
		listener_free(h->listeners[i].listener);
	HASH_ITER(hh, h->ports, p, next) {
		HASH_DEL(h->ports, p);
		port_free(p);
	}
	while (h->unproven)
		port_free(h->unproven);
	loop_task_cancel(h->loop, &h->reaper);
	loop_timer_free(h->tick);
	loop_timer_free(h->drain_timer);
	routes_free(h);
	if (h->secret)
		wipe(h->secret, strlen(h->secret));
	free(h->secret);
	free(h->cert);
	free(h->key);
	free(h->ca);
	free(h);
	return NULL;
}

static void look_drained(void *arg)
{
	struct hub *h = arg;
	struct port *p, *next;
	size_t queued = 0;

	HASH_ITER(hh, h->ports, p, next)
		queued += peer_queued(p->peer);
	if (queued && loop_now(h->loop) < h->drain_until)
		return;
	loop_timer_stop(h->drain_timer);
	h->drained(h->drained_arg);
}

void hub_drain(struct hub *h, loop_fn *done, void *arg)
{
	struct port *p, *next;

	for (unsigned i = 0; i < h->nlisteners; i++)
		listener_pause(h->listeners[i].listener, true);
	/* What is not read, its sender sends again by another way. */
	HASH_ITER(hh, h->ports, p, next)
		conn_pause(peer_conn(p->peer));
	h->drained = done;
	h->drained_arg = arg;
	h->drain_until = loop_now(h->loop) + DRAIN_MS;
	h->drain_timer = loop_timer_new(h->loop, look_drained, h);
	loop_timer_start(h->drain_timer, 0, DRAIN_LOOK_MS);
}

json_t *hub_stats(const struct hub *h)
{
	struct port *p, *next;
	size_t queued = 0;

	HASH_ITER(hh, h->ports, p, next)
		queued += peer_queued(p->peer);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "linked",
			 (json_int_t)HASH_COUNT(h->ports), "unproven", (json_int_t)h->nunproven,
			 "passed", (json_int_t)h->passed, "bounced", (json_int_t)h->bounced,
			 "refused", (json_int_t)h->refused, "queued", (json_int_t)queued);
}

json_t *hub_links(const struct hub *h)
{
	json_t *all = json_array();
	struct port *p, *next;

	HASH_ITER(hh, h->ports, p, next) {
		const struct peer_counts *c = peer_counts(p->peer);

		json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
				  "instance", p->name, "process", p->process, "version", p->version,
				  "host", p->host, "pid", (json_int_t)p->pid, "address",
				  conn_peer(peer_conn(p->peer)), "mechanism", p->mechanism,
				  "frames_in", (json_int_t)c->frames_in, "frames_out",
				  (json_int_t)c->frames_out, "bytes_in", (json_int_t)c->bytes_in,
				  "bytes_out", (json_int_t)c->bytes_out, "queued",
				  (json_int_t)peer_queued(p->peer), "bounced",
				  (json_int_t)p->bounced));
	}
	return all;
}

static void count_owner(json_t *owners, const char *name)
{
	json_t *count = json_object_get(owners, name);

	json_object_set_new(owners, name, json_integer(json_integer_value(count) + 1));
}

static json_t *owners_json(const struct hub *h, const struct hub_route *r)
{
	json_t *owners = json_object();

	for (unsigned i = 0; i < SHARDS; i++) {
		uint64_t id = r->shards[i].owner;
		struct port *p;

		HASH_FIND(hh, h->ports, &id, sizeof(id), p);
		if (p)
			count_owner(owners, p->name);
	}
	return owners;
}

json_t *hub_routes(const struct hub *h)
{
	json_t *all = json_object();
	struct port *p, *next;

	HASH_ITER(hh, h->ports, p, next) {
		for (size_t i = 0; i < p->nbinds; i++) {
			const char *name = p->binds[i].route.ptr;
			json_t *route = json_object_get(all, name);

			if (!route) {
				route = json_pack("{s:s, s:[]}", "mode",
						  p->binds[i].mode == 1 ? "shard" : "any", "instances");
				json_object_set_new(all, name, route);
			}
			json_array_append_new(json_object_get(route, "instances"),
					      json_string(p->name));
		}
	}
	for (struct hub_route *r = h->routes; r; r = r->next) {
		json_t *route = json_object_get(all, r->name);

		if (route)
			json_object_set_new(route, "shards", owners_json(h, r));
	}
	return all;
}
