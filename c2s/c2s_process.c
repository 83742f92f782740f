/* SPDX-License-Identifier: MIT */
/* The process: its making, events, commands, statistics and end. */
#include "c2s/c2s_process.h"
#include <utlist.h>
#include "base/listeners.h"
#include "c2s/session.h"
#include "link/hosts.h"

static void domains_set(struct c2s *x)
{
	char **names = x->app->common->domains;

	while (names[x->ndomains])
		x->ndomains++;
	x->domains = xcalloc(x->ndomains, sizeof *x->domains);
	for (size_t i = 0; i < x->ndomains; i++)
		x->domains[i].name = xstrdup(names[i]);
}

/* What would end the process at its start; certificates are for mercutioctl cert check. */
static void c2s_check(const char *file, const struct conf *conf, const struct common_config *common,
		      const void *config, struct buf *errors)
{
	const struct c2s_config *o = config;
	char *error = NULL;

	listeners_check(file, "listen", o->listen, errors);
	listeners_check(file, "listen_tls", o->listen_tls, errors);
	tls_store_free(tls_make(o, &error));
	if (error)
		buf_printf(errors, "%s: c2s: %s\n", file, error);
	free(error);
}

static void *c2s_init(struct app *app)
{
	struct c2s *x = xcalloc(1, sizeof *x);

	x->sessions = KEYED(struct session, sid, sid_next);
	x->app = app;
	x->loop = app->loop;
	x->link = app->link;
	x->config = app->config;
	x->xml = xml_pool_new();
	x->scratch = pool_new();
	x->watch.fn = tls_watch;
	x->scan.fn = owners_scan;
	x->watch.arg = x->scan.arg = x;
	drain_init(x);
	x->throttle = loop_timer_new(x->loop, limits_tick, x);
	x->rescan = loop_timer_new(x->loop, owners_scan, x);
	x->retry = loop_timer_new(x->loop, pending_retry, x);
	x->ack_timer = loop_timer_new(x->loop, acks_flush, x);
	x->ask_timer = loop_timer_new(x->loop, ack_gather, x);
	domains_set(x);
	hosts_warn(app);
	tls_setup(x);
	listen_prepare(x);
	return x;
}

/* Clients are let in when the others are known: a login would only wait. */
static void c2s_ready(void *state)
{
	struct c2s *x = state;

	listen_start(x);
	owners_scan_later(x);
}

static bool serves(const struct member *m, const char *route)
{
	for (size_t i = 0; m && i < m->nbinds; i++)
		if (strcmp(m->binds[i].route, route) == 0)
			return true;
	return false;
}

static void c2s_event(void *state, enum link_event e, const struct member *m)
{
	struct c2s *x = state;

	if (e == LINK_PATH_LOST)
		owners_path_lost(x, m);
	else
		owners_scan_later(x);
	if ((e == LINK_MEMBER || e == LINK_MEMBER_LOST) && serves(m, "auth"))
		offers_changed(x);
	if (e == LINK_MEMBER || e == LINK_MEMBER_LOST)
		drain_members_changed(x);
	if (e == LINK_MEMBER && serves(m, "sm"))
		caps_ask(x);
}

static void c2s_reload(void *state, struct buf *changed, struct buf *ignored)
{
	struct c2s *x = state;

	hosts_warn(x->app);
	tls_reload(x);
}

static json_t *c2s_stats(void *state)
{
	const struct c2s *x = state;
	const struct c2s_stats *s = &x->stats;

	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "connections",
		(json_int_t)x->nclients, "sessions", (json_int_t)x->sessions.n, "unauthenticated",
		(json_int_t)x->nunauthenticated, "accepted", (json_int_t)s->connections, "logins",
		(json_int_t)s->logins, "login_failures", (json_int_t)s->login_failures, "resumed",
		(json_int_t)s->resumed, "stanzas_in", (json_int_t)s->stanzas_in, "stanzas_out",
		(json_int_t)s->stanzas_out, "stream_errors", (json_int_t)s->stream_errors,
		"refused_address", (json_int_t)s->refused_address, "refused_unauthenticated",
		(json_int_t)s->refused_unauthenticated, "throttled", (json_int_t)s->throttled);
}

static json_t *cmd_connections(void *state, const struct msg_control *m, char **ret_error)
{
	const struct c2s *x = state;
	size_t phases[PHASE_CLOSED + 1] = {0};
	const struct client *c;

	DL_FOREACH (x->clients, c)
		phases[c->phase]++;
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "clear", (json_int_t)phases[PHASE_CLEAR],
			 "secure", (json_int_t)phases[PHASE_SECURE], "authenticated",
			 (json_int_t)phases[PHASE_AUTHENTICATED], "bound",
			 (json_int_t)phases[PHASE_BOUND], "closing",
			 (json_int_t)phases[PHASE_CLOSED]);
}

static void *c2s_deinit(void *state)
{
	struct c2s *x = state;
	struct pending *p, *tmp;

	x->drained = true; /* nothing is to be told any more */
	listen_stop(x);
	while (x->clients) {
		struct client *c = x->clients;

		if (c->session)
			c->session->client = NULL;
		c->session = NULL;
		client_free(c);
	}
	DL_FOREACH_SAFE (x->pending, p, tmp)
		if (!p->session->listed)
			session_free(p->session);
	for (uint16_t i = 0; i < SHARDS; i++) {
		while (x->shards[i].sessions)
			session_free(x->shards[i].sessions);
	}
	keyed_free(&x->sessions);
	offers_free(x);
	starts_free(x);
	loop_timeout_stop(x->loop, &x->watch);
	drain_deinit(x);
	loop_task_cancel(x->loop, &x->scan);
	loop_timer_free(x->throttle);
	loop_timer_free(x->rescan);
	loop_timer_free(x->retry);
	loop_timer_free(x->ack_timer);
	loop_timer_free(x->ask_timer);
	tls_store_free(x->tls);
	xml_pool_free(x->xml);
	pool_free(x->scratch);
	for (size_t i = 0; i < x->ndomains; i++) {
		caps_free(&x->domains[i]);
		free(x->domains[i].name);
	}
	free(x->domains);
	free(x);
	return NULL;
}

static const struct msg_bind binds[] = {{.route = {"c2s", 3}, .mode = 0}, {.route = {NULL, 0}}};
static const char *const peers[] = {"router", "auth", "sm", "ctl", NULL};
static const struct link_handler handlers[] = {
	{MSG_GIVE, on_give},	   {MSG_GIVE_MANY, on_give_many},
	{MSG_DONE, on_done},	   {MSG_DONE_RECORD, on_done_record},
	{MSG_SETTLED, on_settled}, {MSG_SESSION_END, on_session_end},
	{MSG_SESSION_BREAK, on_session_break},
	{MSG_ANNOUNCE_AGAIN, on_announce_again},
	{MSG_OFFERS_CHANGED, on_offers_changed},
	{MSG_BOUNCE, on_bounce},   {0, NULL},
};
static const struct control_command commands[] = {
	{"connections", "counts connections by how far they are", cmd_connections},
	{NULL, NULL, NULL},
};

const struct process c2s_process = {
	.name = "c2s",
	.summary = "client connections of the Mercutio XMPP server",
	.batch = true,
	.options = c2s_options,
	.check = c2s_check,
	.config_size = sizeof(struct c2s_config),
	.binds = binds,
	.peers = peers,
	.handlers = handlers,
	.commands = commands,
	.init = c2s_init,
	.ready = c2s_ready,
	.event = c2s_event,
	.reload = c2s_reload,
	.drain = c2s_drain,
	.stats = c2s_stats,
	.deinit = c2s_deinit,
};
