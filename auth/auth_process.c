/* SPDX-License-Identifier: MIT */
/* mercutio-auth: every SASL mechanism, the keys of accounts, and nothing else. */
#include "auth/auth_internal.h"
#include "auth/auth_process.h"

enum { DRAIN_MS = 3000 };

static void warn_mechanisms(const struct auth_config *c)
{
	for (char **z = c->mechanisms; *z; z++) {
		if (!mech_type(str_z(*z)))
			log_warn("unknown mechanism in option mechanisms", LF_S("mechanism", *z));
	}
}

static void check(const char *file, const struct conf *conf, const struct common_config *common,
		  const void *config, struct buf *errors)
{
	sources_check(file, conf, common, config, errors);
}

static void open_sources(struct auth *a)
{
	struct buf errors = BUF_INIT;

	a->sources = sources_free(a->sources);
	a->sources = sources_new(a, a->app->conf, &errors);
	if (!a->sources)
		fatal("credentials: %.*s", STR_ARG(str_trim(buf_str(&errors))));
	buf_free(&errors);
}

static void *init(struct app *app)
{
	struct auth *a = auth_new(app->loop, app->link, app->common, app->config);

	if (!a)
		fatal("libgsasl does not start");
	a->app = app;
	open_sources(a);
	warn_mechanisms(app->config);
	return a;
}

static void ready(void *state)
{
	auth_ready(state);
}

static void event(void *state, enum link_event e, const struct member *m)
{
	if (e == LINK_MEMBER_LOST && m)
		exchanges_drop(state, m->id);
}

static void reload(void *state, struct buf *changed, struct buf *ignored)
{
	struct auth *a = state;

	warn_mechanisms(a->config);
	offers_announce(a);
	if (sources_differ(a, a->app->conf))
		log_warn("sections credentials have changed: they take effect at the next start");
}

static void drained(void *arg)
{
	struct auth *a = arg;

	a->drain_timer = loop_timer_free(a->drain_timer);
	process_drained(a->app);
}

/* A client in the middle of a login gets that long; the others ask another instance. */
static void drain_ends(void *arg)
{
	auth_drain(arg, NULL, NULL);
	drained(arg);
}

static void drain(void *state)
{
	struct auth *a = state;

	a->drain_timer = loop_timer_new(a->loop, drain_ends, a);
	loop_timer_start(a->drain_timer, DRAIN_MS, 0);
	auth_drain(a, drained, a);
}

static json_t *stats(void *state)
{
	return auth_stats(state);
}

static json_t *problems(void *state)
{
	struct auth *a = state;

	return sources_problems(a->sources);
}

static void *deinit(void *state)
{
	struct auth *a = state;

	a->drain_timer = loop_timer_free(a->drain_timer);
	return auth_free(a);
}

static const struct msg_bind binds[] = {{.route = {"auth", 4}, .mode = 0}, {.route = {NULL, 0}}};
static const char *const peers[] = {"storage", "c2s", "s2s", "sm", "ctl", NULL};

const struct process auth_process = {
	.name = "auth",
	.summary = "checks who clients are: SASL mechanisms, passwords, accounts",
	.options = auth_options,
	.sections = auth_sections,
	.check = check,
	.config_size = sizeof(struct auth_config),
	.binds = binds,
	.peers = peers,
	.handlers = auth_handlers,
	.init = init,
	.ready = ready,
	.event = event,
	.reload = reload,
	.drain = drain,
	.stats = stats,
	.problems = problems,
	.deinit = deinit,
};
