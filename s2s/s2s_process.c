/* SPDX-License-Identifier: MIT */
/* The process: its making, events, statistics and end. */
#include "s2s/s2s_process.h"

#include "base/clock.h"
#include "base/listeners.h"
#include "s2s/resume.h"
#include "s2s/self.h"
#include "s2s/steps.h"

bool s2s_own(const struct s2s *x, struct str domain)
{
	for (const char *const *d = x->domains; *d; d++)
		if (str_eqz(domain, *d))
			return true;
	return false;
}

/* What would end the process at its start; certificates are for mercutioctl cert check. */
static void s2s_check(const char *file, const struct conf *conf, const struct common_config *common,
		      const void *config, struct buf *errors)
{
	const struct s2s_config *o = config;
	const struct app app = {.config = (void *)o, .conf = (struct conf *)conf};
	char *error = NULL;

	listeners_check(file, "listen", o->listen, errors);
	listeners_check(file, "listen_tls", o->listen_tls, errors);
	tls_store_free(certs_make(o, &error));
	if (!error)
		policies_free(policies_new(&app, &error));
	if (error)
		buf_printf(errors, "%s: %s\n", file, error);
	free(error);
}

static void load_policies(struct s2s *x)
{
	char *error = NULL;

	x->policies = policies_new(x->app, &error);
	if (!x->policies)
		fatal("%s", error);
}

static void *s2s_init(struct app *app)
{
	struct s2s *x = xcalloc(1, sizeof *x);

	x->started = clock_wall_us();
	x->app = app;
	x->loop = app->loop;
	x->link = app->link;
	x->config = app->config;
	x->domains = (const char *const *)app->common->domains;
	x->channels = channels_new(app->link);
	x->xml = xml_pool_new();
	x->scratch = pool_new();
	x->attempts = attempts_new();
	attempts_limit(x->attempts, (size_t)x->config->records);
	x->throttle = loop_timer_new(x->loop, limits_tick, x);
	x->tick = loop_timer_new(x->loop, pairs_tick, x);
	x->flushing = loop_timer_new(x->loop, pairs_flush_ready, x);
	load_policies(x);
	certs_init(x);
	net_init(x);
	listen_prepare(x);
	return x;
}

/* Nobody is let in before we could answer for our own keys. */
static void got_secret(void *arg, const uint8_t key[SEAL_KEY])
{
	struct s2s *x = arg;

	x->getting = NULL;
	memcpy(x->secret, key, sizeof x->secret);
	x->has_secret = true;
	listen_start(x);
}

static void s2s_ready(void *state)
{
	struct s2s *x = state;

	if (!x->has_secret && !x->getting)
		x->getting = secret_get_from(x->link, x->channels, TABLE_S2S_SECRET, "dialback",
					     got_secret, x);
}

/* Others who asked us about stanzas and are gone need no answer. */
static void forget_member(struct s2s *x, uint64_t id)
{
	struct item *i, *next;

	HASH_ITER (hh, x->items, i, next) {
		size_t n = 0;

		for (size_t k = 0; k < i->nwaiters; k++)
			if (i->waiters[k].from != id)
				i->waiters[n++] = i->waiters[k];
		i->nwaiters = n;
	}
}

static void s2s_event(void *state, enum link_event e, const struct member *m)
{
	if (e == LINK_MEMBER_LOST && m)
		forget_member(state, m->id);
}

static void s2s_reload(void *state, struct buf *changed, struct buf *ignored)
{
	struct s2s *x = state;
	char *error = NULL;
	struct policies *p = policies_new(x->app, &error);

	if (p) {
		policies_free(x->policies);
		x->policies = p;
		net_reload(x);
		policies_enforce(x);
	} else {
		log_error("policies not taken over", LF_S("reason", error));
		free(error);
	}
	attempts_limit(x->attempts, (size_t)x->config->records);
	certs_reload(x);
}

/* --- the end ----------------------------------------------------------------------------- */

/* How long stanzas may be on their way to us that were sent before their senders heard of our drain. */
enum { STRAGGLERS_MS = 500 };

static bool busy(const struct s2s *x)
{
	const struct stream *s;
	const struct item *i;

	if (x->orphans || loop_now(x->loop) < x->last_tell + STRAGGLERS_MS)
		return true;
	/* What is held is another's when we are gone. */
	for (i = x->items; i; i = i->hh.next)
		if (!i->held)
			return true;
	DL_FOREACH (x->streams, s)
		if (s->works)
			return true;
	return false;
}

static void close_all(struct s2s *x)
{
	struct stream *s, *next;

	DL_FOREACH_SAFE (x->streams, s, next) {
		s->orderly = true;
		if (s->phase == PHASE_REACH)
			stream_break(s, 0, "this server is going down");
		else
			stream_error(s, STREAM_E_SYSTEM_SHUTDOWN, NULL);
	}
}

void drain_look(struct s2s *x)
{
	if (!x->draining || x->drained)
		return;
	if (!x->closing) {
		if (busy(x) && loop_now(x->loop) < x->drain_until)
			return;
		x->closing = true;
		close_all(x);
	}
	if (x->streams && loop_now(x->loop) < x->drain_until + (uint64_t)x->config->close_timeout)
		return;
	x->drained = true;
	process_drained(x->app);
}

static void s2s_drain(void *state)
{
	static const struct msg_bind none[1];
	struct s2s *x = state;

	x->draining = true;
	x->drain_until = loop_now(x->loop) + (uint64_t)x->config->drain_time;
	process_drain_time(x->app,
			   (uint64_t)(x->config->drain_time + x->config->close_timeout) + 1000);
	listen_stop(x);
	/* New stanzas go to the others; what is here is finished. */
	link_bind(x->link, none, 0);
	x->last_tell = loop_now(x->loop);
	resumables_end(x);
	pairs_look(x);
	drain_look(x);
}

static void *s2s_deinit(void *state)
{
	struct s2s *x = state;

	x->draining = x->closing = x->drained = true;
	secret_get_cancel(x->getting);
	listen_stop(x);
	self_tests_end(x);
	while (x->streams) {
		struct stream *s = x->streams;

		if (s->pair)
			s->pair->out = NULL;
		s->pair = NULL;
		stream_free(s);
	}
	resumables_end(x);
	works_free(x);
	pairs_free(x);
	answered_free(x);
	net_deinit(x);
	attempts_free(x->attempts);
	loop_timeout_stop(x->loop, &x->watch);
	loop_timer_free(x->throttle);
	loop_timer_free(x->tick);
	loop_timer_free(x->flushing);
	policies_free(x->policies);
	tls_store_free(x->tls);
	channels_free(x->channels);
	xml_pool_free(x->xml);
	pool_free(x->scratch);
	wipe(x->secret, sizeof x->secret);
	free(x);
	return NULL;
}

/* --- what the process says of itself ------------------------------------------------------ */

static json_t *s2s_stats(void *state)
{
	const struct s2s *x = state;
	const struct s2s_stats *s = &x->stats;

	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
		"streams",
		(json_int_t)x->nstreams, "streams_out", (json_int_t)x->nopened, "unproven",
		(json_int_t)x->nunproven, "pairs", (json_int_t)HASH_COUNT(x->pairs), "queued",
		(json_int_t)HASH_COUNT(x->items), "accepted", (json_int_t)s->accepted, "opened",
		(json_int_t)s->opened, "stanzas_in", (json_int_t)s->stanzas_in, "stanzas_out",
		(json_int_t)s->stanzas_out, "returned", (json_int_t)s->returned, "repeated",
		(json_int_t)s->repeated, "stream_errors", (json_int_t)s->stream_errors,
		"refused_address", (json_int_t)s->refused_address, "refused_unproven",
		(json_int_t)s->refused_unproven, "dialbacks_failed",
		(json_int_t)s->dialbacks_failed, "throttled", (json_int_t)s->throttled, "resumed",
		(json_int_t)s->resumed, "detached", (json_int_t)x->ndetached, "shared",
		(json_int_t)s->shared);
}

static const struct msg_bind binds[] = {{.route = {"s2s", 3}, .mode = 0}, {.route = {NULL, 0}}};
static const char *const peers[] = {"router",	 "sm",	"s2s", "storage",
				    "component", "muc", "ctl", NULL};
static const struct link_handler handlers[] = {
	{MSG_TELL, on_tell},
	{0, NULL},
};
static const struct option_section sections[] = {
	{"remote", true, remote_options, false},
	{NULL},
};

const struct process s2s_process = {
	.name = "s2s",
	.summary = "streams with other servers for the Mercutio XMPP server",
	.options = s2s_options,
	.config_size = sizeof(struct s2s_config),
	.sections = sections,
	.check = s2s_check,
	.binds = binds,
	.peers = peers,
	.handlers = handlers,
	.commands = s2s_commands,
	.init = s2s_init,
	.ready = s2s_ready,
	.event = s2s_event,
	.reload = s2s_reload,
	.drain = s2s_drain,
	.stats = s2s_stats,
	.deinit = s2s_deinit,
};
