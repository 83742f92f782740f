/* SPDX-License-Identifier: MIT */
/* The storage process: opens the engine, tells its trouble, drains it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/alloc.h"
#include "storage/storage_internal.h"
#include "storage/target.h"

enum { TROUBLE_OVER_MS = 1000 };

char *storage_path(const struct app *app, const struct storage_config *c)
{
	const char *dir = app->common->data_dir;

	if (c->path && *c->path)
		return xstrdup(c->path);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		fatal("cannot make data_dir %s: %s", dir, strerror(errno));
	return xasprintf("%s/mercutio.db", dir);
}

static void engine_start(struct storage *s)
{
	const struct storage_config *c = s->config;
	static const struct engine_ops *const engines[] = {&engine_sqlite, &engine_memory,
							   &engine_pgsql};
	const struct engine_ops *ops = engines[c->engine];
	struct buf error = BUF_INIT;
	struct engine_config ec = {
		.loop = s->app->loop,
		.connect = c->connect,
		.connections = (size_t)c->connections,
		.connect_timeout = c->connect_timeout,
		.statement_timeout = c->statement_timeout,
		.commit_max = (size_t)c->commit_max,
		.commit_delay = c->commit_delay,
		.readers = (size_t)c->readers,
		.read_rows = (size_t)c->read_rows,
		.read_bytes = link_max_frame(s->link) - FRAME_HEAD,
		.keep_requests = c->keep_requests,
		.cache = (size_t)c->cache,
		.no_migration = !c->migrate,
	};

	/* SQLite's readers, writer and backup; PostgreSQL's connections while they are made, partitions, and
	 * a sweep of them. */
	loop_workers(2 + (size_t)(ops == &engine_pgsql ? c->connections : c->readers));
	if (ops == &engine_sqlite)
		s->path = storage_path(s->app, c);
	ec.path = s->path;
	if (engine_open(ops, &ec, &error, &s->engine) < 0)
		fatal("%.*s", STR_ARG(buf_str(&error)));
	buf_free(&error);
	log_info("database open", LF_S("engine", ops->name), LF_S("path", s->path ? s->path : ""),
		 LF_I("schema", SCHEMA_VERSION));
}

static void tell_trouble(struct storage *s)
{
	uint64_t now = loop_now(s->app->loop);
	struct engine_stats st;

	engine_stats(s->engine, &st);
	if (st.failing && !s->failing) {
		s->failing = true;
		s->failing_since = now;
		log_error("database takes no writes", LF_S("reason", st.trouble));
	}
	if (st.failing)
		s->failed_at = now;
	/* A nearly full disk takes a small write between large ones: that is one episode. */
	if (s->failing && now - s->failed_at >= TROUBLE_OVER_MS) {
		s->failing = false;
		log_info("database takes writes again", LF_U("after_ms", now - s->failing_since));
	}
}

/* --- retention -------------------------------------------------------------------------------- */

enum { FIRST_PASS_MS = 600000 }; /* after the start, which has other things to do */

static void limits_fill(struct storage *s)
{
	retention_limits_fill(&s->limits, &s->config->retention, s->app->conf);
}

static void retention_later(struct storage *s, uint64_t ms)
{
	uint64_t every = (uint64_t)s->config->retention_every;

	loop_timer_start(s->retention_due, ms < every ? ms : every, 0);
}

static void retention_due(void *arg)
{
	struct storage *s = arg;

	limits_fill(s);
	retention_run(s->retention);
}

static void retention_over(void *arg)
{
	struct storage *s = arg;
	const struct retention_stats *st = retention_stats(s->retention);

	if (st->trouble && !s->draining)
		log_warn("retention was cut short", LF_S("reason", st->trouble));
	if (st->pass_removed || st->pass_partitions)
		log_info("retention has removed messages from the log",
			 LF_U("messages", st->pass_removed),
			 LF_U("undelivered", st->pass_undelivered),
			 LF_U("partitions", st->pass_partitions),
			 LF_U("accounts", st->pass_accounts));
	if (!s->draining)
		retention_later(s, st->trouble ? FIRST_PASS_MS : UINT64_MAX);
	else if (s->pending == 0)
		process_drained(s->app);
}

static void retention_start(struct storage *s)
{
	limits_fill(s);
	s->retention = retention_new(s->engine, &s->limits, retention_over, s);
	s->retention_due = loop_timer_new(s->app->loop, retention_due, s);
	retention_later(s, FIRST_PASS_MS);
}

static bool retention_busy(const struct storage *s)
{
	return retention_stats(s->retention)->busy;
}

/* ---------------------------------------------------------------------------------------------- */

static void *init(struct app *app)
{
	struct storage *s = xcalloc(1, sizeof(*s));

	/* A limit on the size of files is an error of the write, as a full disk is. */
	signal(SIGXFSZ, SIG_IGN);
	s->app = app;
	s->config = app->config;
	s->link = app->link;
	s->channels = channels_new(app->link);
	engine_start(s);
	retention_start(s);
	/* A server may be away already. */
	tell_trouble(s);
	return s;
}

void storage_answered(struct storage *s)
{
	tell_trouble(s);
	s->pending--;
	if (s->draining && s->pending == 0 && !retention_busy(s))
		process_drained(s->app);
}

static void event(void *state, enum link_event e, const struct member *m)
{
	if (e == LINK_MEMBER_LOST && m)
		serve_member_lost(state, m->id);
}

static void drain(void *state)
{
	struct storage *s = state;

	s->draining = true;
	if (s->backup)
		s->backup->cancel = true;
	loop_timer_stop(s->retention_due);
	retention_stop(s->retention);
	if (s->pending == 0 && !retention_busy(s))
		process_drained(s->app);
}

static void reload(void *state, struct buf *changed, struct buf *ignored)
{
	struct storage *s = state;

	s->engine->config.commit_delay = s->config->commit_delay;
	if (!retention_busy(s) && !s->draining)
		retention_later(s, FIRST_PASS_MS);
}

static void put(json_t *o, const char *name, uint64_t value)
{
	json_object_set_new(o, name, json_integer((json_int_t)value));
}

static json_t *stats(void *state)
{
	struct storage *s = state;
	json_t *o = json_object();
	const struct retention_stats *rs = retention_stats(s->retention);
	struct engine_stats st;

	engine_stats(s->engine, &st);
	put(o, "reads", st.reads);
	put(o, "read_ops", st.read_ops);
	put(o, "rows", st.rows);
	put(o, "writes", st.batches);
	put(o, "write_ops", st.write_ops);
	put(o, "committed", st.committed);
	put(o, "failed", st.failed);
	put(o, "commits", st.commits);
	put(o, "batches_per_commit", st.commits ? st.commit_batches / st.commits : 0);
	put(o, "commit_us", st.commits ? st.commit_us / st.commits : 0);
	put(o, "commit_us_max", st.commit_us_max);
	put(o, "waiting", st.waiting);
	put(o, "bounced", s->bounced);
	put(o, "failing", st.failing);
	put(o, "retention_passes", rs->passes);
	put(o, "retention_removed", rs->removed);
	put(o, "retention_removed_undelivered", rs->undelivered);
	put(o, "retention_partitions", rs->partitions);
	put(o, "retention_busy", rs->busy);
	return o;
}

static void problem(json_t *list, char *take_text)
{
	json_array_append_new(list, json_string(take_text));
	free(take_text);
}

static json_t *problems(void *state)
{
	const struct storage *s = state;
	json_t *list = json_array();
	struct engine_stats st;

	engine_stats(s->engine, &st);
	if (st.failing)
		problem(list, xasprintf("the database takes no writes (%s); they wait, and senders get "
					"an error for what waits too long",
					st.trouble ? st.trouble : "no reason is known"));
	if (s->read_failing)
		problem(list, xasprintf("the database cannot be read (%s); accounts that are not "
					"loaded cannot log in",
					s->read_reason));
	return list;
}

static void *deinit(void *state)
{
	struct storage *s = state;

	/* What is at the database ends first, also when the drain was cut short. */
	s->draining = true;
	if (s->backup)
		s->backup->cancel = true;
	retention_stop(s->retention);
	while (s->pending || retention_busy(s))
		loop_run_once(s->app->loop);
	retention_free(s->retention);
	retention_limits_free(&s->limits);
	loop_timer_free(s->retention_due);
	engine_close(s->engine);
	serve_free(s);
	channels_free(s->channels);
	free(s->path);
	free(s);
	return NULL;
}

static const struct msg_bind binds[] = {{.route = {"storage", 7}, .mode = 0}, {.route = {NULL, 0}}};
static const char *const peers[] = {"auth", "sm",	 "muc",	 "pubsub", "s2s",
				    "c2s",  "component", "http", "ctl",	   NULL};

static const struct process_task tasks[] = {
	{"migrate", task_migrate}, {"copy", task_copy}, {NULL, NULL}};

const struct process storage_process = {
	.name = "storage",
	.summary = "keeps accounts, rosters, the message log and leases in the database",
	.batch = true,
	.options = storage_options,
	.config_size = sizeof(struct storage_config),
	.sections = retention_sections,
	.binds = binds,
	.peers = peers,
	.handlers = storage_handlers,
	.init = init,
	.event = event,
	.reload = reload,
	.drain = drain,
	.stats = stats,
	.problems = problems,
	.tasks = tasks,
	.deinit = deinit,
};
