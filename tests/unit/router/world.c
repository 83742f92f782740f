/* SPDX-License-Identifier: MIT */
/* Routers and processes' links in one loop. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "link/messages.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/router/world.h"

static struct buf logged;

static void on_log(void *arg, struct str line)
{
	buf_str_append(&logged, line);
	buf_putc(&logged, '\n');
}

void log_forget(void)
{
	buf_clear(&logged);
}

unsigned log_count(const char *text)
{
	unsigned n = 0;
	const char *at;

	buf_putc(&logged, '\0');
	for (at = buf_ptr(&logged); (at = strstr(at, text)); at++)
		n++;
	logged.len--;
	return n;
}

struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	log_capture(on_log, NULL);
	log_threshold = LOG_LEVEL_INFO;
	w->loop = loop_new();
	w->dir = temp_dir();
	w->heartbeat_ms = 2000;
	for (unsigned i = 0; i < WORLD_ROUTERS; i++) {
		struct world_router *r = &w->routers[i];

		r->config.queue = 64 << 20;
		r->config.links_max = 100;
		r->config.unproven_max = 10;
	}
	return w;
}

struct world *world_free(struct world *w)
{
	for (unsigned i = 0; i < WORLD_NODES; i++)
		node_free(w->nodes[i]);
	for (unsigned i = 0; i < WORLD_ROUTERS; i++) {
		router_stop(w, i);
		free(w->routers[i].address);
	}
	loop_free(w->loop);
	temp_dir_remove(w->dir);
	free(w);
	log_capture(NULL, NULL);
	buf_free(&logged);
	return NULL;
}

static void make_router(struct world *w, unsigned i, char **ret_error)
{
	struct world_router *r = &w->routers[i];
	const char *const none[] = {NULL};
	struct link_config c = {
		.name = i ? "router-2" : "router-1",
		.process = "router",
		.version = "1",
		.routers = none,
		.max_frame = 1 << 20,
		.heartbeat_ms = w->heartbeat_ms,
	};

	if (!r->address)
		r->address = xasprintf("unix:%s/router-%u", w->dir, i);
	r->setup.config = &r->config;
	r->setup.heartbeat_ms = w->heartbeat_ms;
	r->setup.socket = r->address;
	r->link = link_new(w->loop, &c, NULL, NULL, NULL);
	r->hub = hub_new(r->link, &r->setup, ret_error);
}

void router_start(struct world *w, unsigned i)
{
	char *error = NULL;

	make_router(w, i, &error);
	ck_assert_msg(w->routers[i].hub != NULL, "%s", error);
}

char *router_start_error(struct world *w, unsigned i)
{
	char *error = NULL;

	make_router(w, i, &error);
	ck_assert_ptr_null(w->routers[i].hub);
	return error;
}

void router_stop(struct world *w, unsigned i)
{
	struct world_router *r = &w->routers[i];

	r->hub = hub_free(r->hub);
	r->link = link_free(r->link);
}

/* --- nodes ------------------------------------------------------------------------------------- */

static void set(char **to, const char *text)
{
	free(*to);
	*to = text ? xstrdup(text) : NULL;
}

static void on_event(void *arg, enum link_event e, const struct member *m)
{
	struct node *n = arg;

	if (e == LINK_READY)
		n->ready++;
	if (e == LINK_MEMBER)
		n->members++;
	if (e == LINK_SHARDS)
		n->shards++;
	if (e == LINK_PATH_LOST && m)
		n->path_lost++;
	if (e == LINK_PATH_LOST && !m)
		n->all_paths_lost++;
	if (e == LINK_MEMBER_LOST) {
		n->lost++;
		set(&n->last_lost, m->name);
		ck_assert_ptr_null(link_member(n->link, m->id));
	}
}

static void on_notice(void *arg, const struct link_notice *notice)
{
	struct node *n = arg;

	if (notice->kind == LINK_N_UP)
		n->up++;
	if (notice->kind == LINK_N_DOWN)
		n->down++;
	if (notice->kind == LINK_N_MALFORMED)
		n->malformed++;
	if (notice->kind == LINK_N_FORBIDDEN)
		n->forbidden++;
	if (notice->kind == LINK_N_FAILED || notice->kind == LINK_N_DOWN) {
		n->failed += notice->kind == LINK_N_FAILED;
		set(&n->failure, notice->text);
	}
}

static void on_request(void *arg, const struct frame *f, const void *m)
{
	struct node *n = arg;
	struct msg_auth_offer offer = {.mechanisms = &((const struct msg_auth_mechanisms *)m)->bindings[0],
				       .nmechanisms = 1};

	n->got++;
	n->frame = frame_keep(f);
	if (n->silent)
		return;
	if (((const struct msg_auth_mechanisms *)m)->nbindings == 1)
		link_reply(n->link, f, MSG_AUTH_OFFER, &offer);
	else
		link_fail(n->link, f, EINVAL, "one binding is wanted");
}

static void on_stanza(void *arg, const struct frame *f, const void *m)
{
	struct node *n = arg;

	n->stanzas++;
	n->frame = frame_keep(f);
}

static void on_bounce(void *arg, const struct frame *f, const void *m)
{
	const struct msg_bounce *b = m;
	struct node *n = arg;

	n->bounces++;
	n->bounced_kind = b->kind;
	n->bounced_why = b->why;
	n->frame = frame_keep(f);
}

static void on_trace(void *arg, const struct frame *f, const void *m)
{
	const struct msg_trace *t = m;
	struct node *n = arg;

	n->traces++;
	free(n->trace);
	n->trace = str_dup(t->line);
}

static const struct link_handler handlers[] = {
	{MSG_AUTH_MECHANISMS, on_request},
	{MSG_STANZA, on_stanza},
	{MSG_BOUNCE, on_bounce},
	{MSG_TRACE, on_trace},
	{0, NULL},
};

struct node *node_new_with(struct world *w, const struct link_config *c)
{
	static const struct link_ops ops = {.event = on_event, .notice = on_notice};
	struct node *n = xcalloc(1, sizeof(*n));

	n->world = w;
	for (unsigned i = 0; i < WORLD_NODES; i++) {
		if (!w->nodes[i]) {
			w->nodes[i] = n;
			break;
		}
	}
	n->link = link_new(w->loop, c, &ops, handlers, n);
	return n;
}

struct node *node_new(struct world *w, const char *name, const char *process)
{
	const char *routers[WORLD_ROUTERS + 1] = {NULL};
	struct msg_bind bind = {.route = str_z(process), .mode = strcmp(process, "sm") == 0};
	struct link_config c = {
		.name = name,
		.process = process,
		.version = "1",
		.routers = routers,
		.max_frame = 1 << 20,
		.heartbeat_ms = w->heartbeat_ms,
		.binds = &bind,
		.nbinds = 1,
	};
	unsigned n = 0;

	for (unsigned i = 0; i < WORLD_ROUTERS; i++) {
		if (w->routers[i].address)
			routers[n++] = w->routers[i].address;
	}
	return node_new_with(w, &c);
}

struct node *node_free(struct node *n)
{
	if (!n)
		return NULL;
	for (unsigned i = 0; i < WORLD_NODES; i++) {
		if (n->world->nodes[i] == n)
			n->world->nodes[i] = NULL;
	}
	link_free(n->link);
	free(n->last_lost);
	free(n->failure);
	free(n->trace);
	free(n);
	return NULL;
}

uint64_t await_start(struct world *w)
{
	return clock_mono_ms() + 20000;
}

/* --- raw links --------------------------------------------------------------------------------- */

static void raw_frame(void *arg, const struct frame *f, struct str bytes)
{
	struct raw *r = arg;

	r->frames++;
	r->last = frame_keep(f);
	if (f->kind == MSG_MEMBER_UP)
		r->members++;
	buf_putc(&r->kinds, (char)f->kind);
}

static void raw_down(void *arg, int err, const char *reason)
{
	struct raw *r = arg;

	r->down = true;
}

static const struct peer_ops raw_ops = {.frame = raw_frame, .down = raw_down};

static void raw_done(void *arg, int err, const char *reason, const struct handshake_other *o)
{
	struct raw *r = arg;

	if (err < 0) {
		r->refused = true;
		r->reason = xstrdup(reason);
		return;
	}
	r->linked = true;
	peer_set_ops(r->peer, &raw_ops, r);
	peer_set_max(r->peer, 1 << 20);
}

static void raw_dialled(void *arg, int take_fd_or_err)
{
	static const struct handshake_ops ops = {.done = raw_done};
	struct raw *r = arg;

	ck_assert_int_ge(take_fd_or_err, 0);
	r->dial = dial_free(r->dial);
	r->peer = peer_new(r->world->loop, take_fd_or_err, 1 << 20, &raw_ops, r);
	r->handshake = handshake_new(r->peer, false, &r->self, &ops, r);
}

struct raw *raw_new(struct world *w, const char *name, const char *process, uint64_t id)
{
	struct raw *r = xcalloc(1, sizeof(*r));

	r->world = w;
	r->self = (struct handshake_self){
		.id = id,
		.name = name,
		.process = process,
		.version = "raw",
		.major = LINK_MAJOR,
		.minor = LINK_MINOR,
	};
	r->dial = dial_new(w->loop, w->routers[0].address, raw_dialled, r);
	return r;
}

struct raw *raw_free(struct raw *r)
{
	dial_free(r->dial);
	handshake_free(r->handshake);
	peer_free(r->peer);
	buf_free(&r->kinds);
	free(r->reason);
	free(r);
	return NULL;
}

void raw_await_linked(struct raw *r)
{
	struct msg_bind bind = {.route = str_z(r->self.process)};
	struct msg_binds m = {.binds = &bind, .nbinds = 1};

	await(r->world, r->linked);
	raw_send(r, MSG_BINDS, 0, &m);
}

void raw_send(struct raw *r, uint16_t kind, uint64_t to, const void *m)
{
	struct frame f = {
		.kind = kind,
		.from = r->self.id,
		.to = to,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};

	peer_send(r->peer, &f, m);
}
