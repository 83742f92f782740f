/* SPDX-License-Identifier: MIT */
/* Links that are proved: who joins, what he binds, who leaves, and telling it to all others. */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/log.h"
#include "router/hub_internal.h"

static struct port *find_id(struct hub *h, uint64_t id)
{
	struct port *p;

	HASH_FIND(hh, h->ports, &id, sizeof(id), p);
	return p;
}

static struct port *find_name(struct hub *h, const char *name)
{
	struct port *p, *next;

	HASH_ITER(hh, h->ports, p, next) {
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

const char *port_admit(struct hub *h, struct port *p, const struct handshake_other *o)
{
	struct port *other = find_id(h, o->id);

	if (o->id == h->id || (other && strcmp(other->name, o->name) != 0))
		return "another instance has this id";
	if (strcmp(o->process, "router") == 0 || strcmp(o->name, h->self.name) == 0)
		return "that name is the router's";
	/* The operator's tool works whatever the rules are: he could change them. */
	p->may_all = strcmp(o->process, "ctl") == 0 && strcmp(o->mechanism, "PEER") == 0;
	if (!p->may_all && !allow_link(h->config, o->name, o->process))
		return "no rule of option allow lets this instance link";
	return NULL;
}

/* Operators' tools come and go. */
static enum log_level level_for(const struct port *p)
{
	return strcmp(p->process, "ctl") == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

static struct msg_member_up describe(const struct port *p)
{
	return (struct msg_member_up){
		.id = p->id,
		.name = str_z(p->name),
		.process = str_z(p->process),
		.version = str_z(p->version),
		.host = str_z(p->host),
		.pid = p->pid,
		.binds = p->binds,
		.nbinds = p->nbinds,
	};
}

/* The newer one is right: a restarted process meets its own remains, or an operator has started a
 * second one, and then the first must not go on unnoticed. */
static void replace_old(struct port *p)
{
	struct hub *h = p->hub;
	struct port *old = find_name(h, p->name);

	if (!old)
		return;
	if (old->id != p->id)
		log_warn("instance replaced by a newer one of that name", LF_S("instance", p->name),
			 LF_U("old_pid", old->pid), LF_U("pid", p->pid));
	port_send_away(old, "another instance of that name has linked");
}

void port_join(struct port *p)
{
	struct hub *h = p->hub;
	struct msg_members_end end = {0};
	struct port *other, *next;

	replace_old(p);
	HASH_ADD(hh, h->ports, id, sizeof(p->id), p);
	log_at(level_for(p), "linked", LF_S("instance", p->name), LF_S("process", p->process),
		 LF_S("version", p->version), LF_S("mechanism", p->mechanism),
		 LF_S("address", conn_peer(peer_conn(p->peer))));
	HASH_ITER(hh, h->ports, other, next) {
		if (other != p && other->announced) {
			struct msg_member_up m = describe(other);

			port_send(p, MSG_MEMBER_UP, &m);
		}
	}
	hub_shards_tell_all(p);
	port_send(p, MSG_MEMBERS_END, &end);
}

/* No member from here on. */
static void take_out(struct port *p, const char *reason)
{
	struct hub *h = p->hub;
	struct msg_member_down m = {.id = p->id, .reason = str_z(reason)};

	log_at(level_for(p), "unlinked", LF_S("instance", p->name), LF_S("reason", reason));
	HASH_DEL(h->ports, p);
	if (p->announced)
		hub_publish(h, NULL, MSG_MEMBER_DOWN, &m);
	hub_shards_orphaned(h, p->id);
}

void port_leave(struct port *p, const char *reason)
{
	take_out(p, reason);
	port_free(p);
}

void port_send_away(struct port *p, const char *reason)
{
	struct msg_proof away = {.state = 2, .reason = str_z(reason)};

	port_send(p, MSG_PROOF, &away);
	take_out(p, reason);
	port_linger(p);
}

void port_doom(struct port *p, const char *reason)
{
	if (!p->doom)
		p->doom = reason;
	loop_defer(p->hub->loop, &p->hub->reaper);
}

void hub_reap(void *arg)
{
	struct hub *h = arg;
	struct port *p, *next, *found;

	/* Telling of one may doom another, so the walk begins anew each time. */
	do {
		found = NULL;
		HASH_ITER(hh, h->ports, p, next) {
			if (p->doom)
				found = p;
		}
		if (found) {
			log_warn("link dropped", LF_S("instance", found->name),
				 LF_S("reason", found->doom));
			port_leave(found, found->doom);
		}
	} while (found);
}

static bool good_binds(struct port *p, const struct msg_binds *m)
{
	if (m->nbinds > HUB_BINDS)
		return false;
	for (size_t i = 0; i < m->nbinds; i++) {
		struct str route = m->binds[i].route;

		if (str_empty(route) || route.len > 1023 || str_find(route, '\0', 0) >= 0 ||
		    !str_utf8_valid(route))
			return false;
	}
	return true;
}

void port_binds(struct port *p, const struct msg_binds *m)
{
	struct hub *h = p->hub;
	struct msg_member_up up;

	if (!good_binds(p, m)) {
		port_doom(p, "malformed binds");
		return;
	}
	for (size_t i = 0; i < m->nbinds; i++) {
		if (p->may_all || allow_bind(h->config, p->name, p->process, m->binds[i].route))
			continue;
		log_warn("route refused", LF_S("instance", p->name),
			 LF_STR("route", m->binds[i].route));
		port_send_away(p, "no rule of option allow lets it bind that");
		return;
	}
	pool_free(p->binds_pool);
	p->binds_pool = pool_new();
	p->binds = pool_calloc(p->binds_pool, (m->nbinds + 1) * sizeof(*p->binds));
	p->nbinds = m->nbinds;
	for (size_t i = 0; i < m->nbinds; i++) {
		p->binds[i].route = pool_str(p->binds_pool, m->binds[i].route);
		p->binds[i].mode = m->binds[i].mode;
	}
	p->announced = true;
	up = describe(p);
	hub_publish(h, p, MSG_MEMBER_UP, &up);
}
