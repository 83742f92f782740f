/* SPDX-License-Identifier: MIT */
/* The router as a process: its options, commands, start and end. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "base/alloc.h"
#include "base/listeners.h"
#include "link/process.h"
#include "router/hub.h"
#include "router/router_process.h"

#define AT(field) offsetof(struct router_config, field)

static const struct option options[] = {
	{"listen", OPT_LIST, AT(listen), NULL, 0, 16, NULL, 0,
	 "Addresses for links, as unix:/path or IP address:port; none: router.sock in run_dir."},
	{"allow", OPT_LIST, AT(allow), NULL, 0, 1000, NULL, OPT_RELOAD,
	 "Rules \"NAME PROCESS ROUTE...\" with * and ?, of which one must match an instance and each "
	 "route that it binds; none: whoever proves himself may bind anything."},
	{"trusted", OPT_LIST, AT(trusted), NULL, 0, 64, NULL, 0,
	 "Users whose processes on this host need no secret, besides root and the router's own."},
	{"queue", OPT_SIZE, AT(queue), "64M", 1 << 20, (int64_t)16 << 30, NULL, OPT_RELOAD,
	 "Bytes that may wait for one process; what comes beyond returns to its sender."},
	{"links", OPT_INT, AT(links_max), "1024", 1, 100000, NULL, OPT_RELOAD, "Most links."},
	{"unproven", OPT_INT, AT(unproven_max), "64", 1, 10000, NULL, OPT_RELOAD,
	 "Most connections that have not proved who they are."},
	{NULL},
};

struct router {
	struct app *app;
	struct hub *hub;
};

static const char *given(const char *z)
{
	return z && *z ? z : NULL;
}

static void check(const char *file, const struct conf *conf, const struct common_config *common,
		  const void *config, struct buf *errors)
{
	const struct router_config *o = config;
	uid_t uid;

	listeners_check(file, "listen", o->listen, errors);
	for (char **u = o->trusted; *u; u++)
		if (!hub_user(*u, &uid))
			buf_printf(errors, "%s: option \"trusted\": there is no user \"%s\"\n", file, *u);
}

static void *init(struct app *app)
{
	struct router *r = xcalloc(1, sizeof(*r));
	const struct common_config *c = app->common;
	char *secret = process_read_secret(c->secret_file), *error = NULL;
	struct hub_setup setup = {
		.config = app->config,
		.secret = secret,
		.secret_always = c->secret_always,
		.tls = {given(c->link_cert), given(c->link_key), given(c->link_ca)},
		.heartbeat_ms = c->heartbeat,
	};
	/* Where nobody says, every process looks for the router there. */
	char *socket = xasprintf("unix:%s/router.sock", c->run_dir);

	if (mkdir(c->run_dir, 0750) < 0 && errno != EEXIST)
		fatal("run_dir %s: %s", c->run_dir, strerror(errno));
	setup.socket = socket;
	r->app = app;
	r->hub = hub_new(app->link, &setup, &error);
	if (!r->hub)
		fatal("%s", error);
	if (secret)
		wipe(secret, strlen(secret));
	free(secret);
	free(socket);
	return r;
}

static void drained(void *arg)
{
	struct router *r = arg;

	process_drained(r->app);
}

static void drain(void *state)
{
	struct router *r = state;

	hub_drain(r->hub, drained, r);
}

static json_t *stats(void *state)
{
	struct router *r = state;

	return hub_stats(r->hub);
}

static void *deinit(void *state)
{
	struct router *r = state;

	r->hub = hub_free(r->hub);
	free(r);
	return NULL;
}

static json_t *cmd_links(void *state, const struct msg_control *m, char **ret_error)
{
	struct router *r = state;

	return hub_links(r->hub);
}

static json_t *cmd_routes(void *state, const struct msg_control *m, char **ret_error)
{
	struct router *r = state;

	return hub_routes(r->hub);
}

static const struct control_command commands[] = {
	{"links", "every process that is linked, with counters and its queue", cmd_links},
	{"routes", "every route with its instances and the number of shards of each", cmd_routes},
	{NULL, NULL, NULL},
};

static const struct link_handler no_handlers[] = {{0, NULL}};

const struct process router_process = {
	.name = "router",
	.summary = "passes messages between all other processes",
	.options = options,
	.check = check,
	.config_size = sizeof(struct router_config),
	.handlers = no_handlers,
	.commands = commands,
	.init = init,
	.drain = drain,
	.stats = stats,
	.deinit = deinit,
	.is_router = true,
};
