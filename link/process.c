/* SPDX-License-Identifier: MIT */
/* The life of a process: options, log, user, link, work, drain, exit. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "link/process_internal.h"

/* --- what the link tells ----------------------------------------------------------------------- */

static void become_ready(struct running *r)
{
	const struct process *p = r->app.process;

	if (p->ready)
		p->ready(r->app.state);
	if (r->told_ready)
		return;
	r->told_ready = true;
	log_info("ready", LF_S("version", PACKAGE_VERSION));
	process_tell("READY=1");
	process_tell_ready_fd();
}

static void on_event(void *arg, enum link_event e, const struct member *m)
{
	struct running *r = arg;
	const struct process *p = r->app.process;

	if (e == LINK_READY)
		become_ready(r);
	/* A router's loss is told as that of the link, and operators' tools come and go. */
	if (e == LINK_MEMBER_LOST && !p->is_router && strcmp(m->process, "ctl") != 0 &&
	    strcmp(m->process, "router") != 0)
		log_info("member lost", LF_S("member", m->name));
	if (p->event)
		p->event(r->app.state, e, m);
}

static const char *member_name(struct running *r, uint64_t id)
{
	const struct member *m = r->app.link ? link_member(r->app.link, id) : NULL;

	return m ? m->name : "unknown";
}

static void on_notice(void *arg, const struct link_notice *n)
{
	struct running *r = arg;
	const char *text = n->text ? n->text : "";

	switch (n->kind) {
	case LINK_N_UP:
		log_info("link up", LF_S("router", n->router), LF_S("mechanism", text));
		break;
	case LINK_N_DOWN:
		log_warn("link lost", LF_S("router", n->router), LF_ERR(n->err),
			 LF_S("reason", text));
		break;
	case LINK_N_FAILED:
		log_warn("no link to a router", LF_S("router", n->router), LF_ERR(n->err),
			 LF_S("reason", text));
		break;
	case LINK_N_STOPPED:
		log_warn("this process did not run for long; its links are made anew");
		break;
	case LINK_N_MALFORMED:
		log_error("malformed message", LF_S("from", member_name(r, n->from)),
			  LF_S("message", msg_name(n->message)), LF_U("kind", n->message));
		break;
	case LINK_N_FORBIDDEN:
		log_error("message that its sender may not send",
			  LF_S("from", member_name(r, n->from)),
			  LF_S("message", msg_name(n->message)), LF_U("kind", n->message));
		break;
	}
}

/* --- reload, drain, end ---------------------------------------------------------------------------- */

static void set_words(json_t *o, const char *name, struct buf *words)
{
	json_t *array = json_array();
	struct str rest = buf_str(words), word;

	while (str_split(&rest, ' ', &word)) {
		if (word.len)
			json_array_append_new(array, json_stringn(word.ptr, word.len));
	}
	json_object_set_new(o, name, array);
}

static void log_mistakes(struct buf *errors)
{
	struct str rest = buf_str(errors), line;

	while (str_split(&rest, '\n', &line)) {
		if (line.len)
			log_error("configuration not reloaded", LF_STR("mistake", line));
	}
}

void process_reload(struct running *r, json_t **ret_result, char **ret_error)
{
	const struct process *p = r->app.process;
	struct buf changed = BUF_INIT, ignored = BUF_INIT, errors = BUF_INIT;

	if (process_reread(r, &changed, &ignored, &errors) < 0) {
		log_mistakes(&errors);
		if (ret_error)
			*ret_error = xstrndup(buf_ptr(&errors), errors.len - (errors.len > 0));
		goto out;
	}
	process_apply_log(r);
	if (p->reload)
		p->reload(r->app.state, &changed, &ignored);
	log_info("configuration reloaded", LF_STR("changed", str_trim(buf_str(&changed))),
		 LF_STR("needs_restart", str_trim(buf_str(&ignored))));
	if (ret_result) {
		*ret_result = json_object();
		set_words(*ret_result, "changed", &changed);
		set_words(*ret_result, "needs_restart", &ignored);
	}
out:
	buf_free(&changed);
	buf_free(&ignored);
	buf_free(&errors);
}

static void end(struct running *r)
{
	loop_stop(r->app.loop);
}

/* What was said last must leave before we do. */
static void on_flush(void *arg)
{
	struct running *r = arg;

	if (link_flushed(r->app.link) || loop_now(r->app.loop) >= r->flush_until)
		end(r);
}

void process_drained(struct app *app)
{
	struct running *r = (struct running *)app; /* app is its first member */

	if (r->drained)
		return;
	r->drained = true;
	loop_timer_stop(r->drain_timer);
	r->flush_until = loop_now(r->app.loop) + FLUSH_MAX_MS;
	loop_timer_start(r->flush_timer, 0, 10);
}

static void on_drain_timeout(void *arg)
{
	struct running *r = arg;

	log_warn("not everything was finished before the end");
	process_drained(&r->app);
}

void process_drain_time(struct app *app, uint64_t ms)
{
	struct running *r = (struct running *)app;

	loop_timer_start(r->drain_timer, ms, 0);
}

void process_drain(struct running *r)
{
	const struct process *p = r->app.process;

	if (r->draining)
		return;
	r->draining = true;
	log_info("stopping");
	process_tell("STOPPING=1");
	loop_timer_start(r->drain_timer, DRAIN_MAX_MS, 0);
	/* Nobody shall choose us for anything new. */
	link_bind(r->app.link, NULL, 0);
	if (p->drain)
		p->drain(r->app.state);
	else
		process_drained(&r->app);
}

static void on_term(void *arg)
{
	struct running *r = arg;

	if (r->draining)
		end(r); /* asked twice: at once */
	else
		process_drain(r);
}

static void on_hup(void *arg)
{
	process_reload(arg, NULL, NULL);
}

/* --- start ------------------------------------------------------------------------------------- */

static _Noreturn void usage(const struct process *p)
{
	fatal("usage: mercutio-%s [-c FILE] [-i INSTANCE] [-o [section.]option=value]... [-t] [-V]",
	      p->name);
}

static void parse_arguments(struct running *r, int argc, char **argv)
{
	const struct process *p = r->app.process;
	const char **overrides = xcalloc((size_t)argc + 1, sizeof(*overrides));
	size_t n = 0;
	int c;

	r->file = SYSCONFDIR "/mercutio.conf";
	r->overrides = overrides;
	opterr = 0;
	while ((c = getopt(argc, argv, "+c:i:o:tV")) != -1) {
		switch (c) {
		case 'c':
			r->file = optarg;
			break;
		case 'i':
			r->app.instance = optarg;
			break;
		case 'o':
			overrides[n++] = optarg;
			break;
		case 't':
			r->check = true;
			break;
		case 'V':
			printf("mercutio-%s %s\n", p->name, PACKAGE_VERSION);
			exit(EXIT_SUCCESS);
		default:
			usage(p);
		}
	}
	if (!process_has_instance(p, r->app.instance))
		fatal("-i %s: not %s, a hyphen and a number", r->app.instance, p->name);
	for (const struct process_task *t = p->tasks; optind < argc && t && t->name; t++)
		if (strcmp(t->name, argv[optind]) == 0)
			r->task = t;
	r->task_args = argv + optind + 1;
	if (optind != argc && !r->task)
		usage(p);
}

/* Mistakes are lines that name their place themselves. */
static void load_or_exit(struct running *r)
{
	struct buf errors = BUF_INIT;

	if (process_load(r, &errors)) {
		buf_free(&errors);
		return;
	}
	fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
	exit(EXIT_FAILURE);
}

static size_t count_binds(const struct msg_bind *b)
{
	size_t n = 0;

	while (b && b[n].route.ptr)
		n++;
	return n;
}

static void make_link(struct running *r)
{
	static const struct link_ops ops = {.event = on_event, .notice = on_notice};
	static const char *const none[] = {NULL};
	const struct process *p = r->app.process;
	const struct common_config *c = &r->common;
	char *secret = process_read_secret(c->secret_file);
	struct link_config lc = {
		.name = r->app.instance,
		.process = p->name,
		.version = PACKAGE_VERSION,
		.routers = p->is_router ? none : (const char *const *)c->routers,
		.secret = secret,
		.secret_always = c->secret_always,
		.cert_file = c->link_cert && *c->link_cert ? c->link_cert : NULL,
		.key_file = c->link_key && *c->link_key ? c->link_key : NULL,
		.ca_file = c->link_ca && *c->link_ca ? c->link_ca : NULL,
		.max_frame = (size_t)c->max_frame,
		.heartbeat_ms = c->heartbeat,
		.binds = p->binds,
		.nbinds = count_binds(p->binds),
		.peers = p->peers,
	};

	r->app.link = link_new(r->app.loop, &lc, &ops, process_control_handlers, r);
	if (secret)
		wipe(secret, strlen(secret));
	free(secret);
}

static void start(struct running *r)
{
	const struct process *p = r->app.process;

	r->started_us = clock_wall_us();
	r->app.loop = loop_new();
	r->drain_timer = loop_timer_new(r->app.loop, on_drain_timeout, r);
	r->flush_timer = loop_timer_new(r->app.loop, on_flush, r);
	make_link(r);
	r->app.state = p->init ? p->init(&r->app) : NULL;
	link_handlers(r->app.link, p->handlers, r->app.state);
	r->term = loop_signal_new(r->app.loop, SIGTERM, on_term, r);
	r->intr = loop_signal_new(r->app.loop, SIGINT, on_term, r);
	r->hup = loop_signal_new(r->app.loop, SIGHUP, on_hup, r);
	process_hangup(SIG_UNBLOCK);
	if (p->is_router)
		become_ready(r);
}

static void stop(struct running *r)
{
	const struct process *p = r->app.process;

	loop_signal_free(r->hup);
	loop_signal_free(r->intr);
	loop_signal_free(r->term);
	if (p->deinit)
		p->deinit(r->app.state);
	r->app.link = link_free(r->app.link);
	loop_timer_free(r->stop_timer);
	free(r->before);
	loop_timer_free(r->flush_timer);
	loop_timer_free(r->drain_timer);
	loop_free(r->app.loop);
}

static void run_task(struct running *r)
{
	int n = 0;

	while (r->task_args[n])
		n++;
	process_hangup(SIG_UNBLOCK);
	r->app.loop = loop_new();
	r->status = r->task->run(&r->app, n, r->task_args);
	loop_free(r->app.loop);
}

static void serve(struct running *r)
{
	start(r);
	loop_run(r->app.loop);
	stop(r);
	log_info("stopped");
}

int process_main(const struct process *p, int argc, char **argv)
{
	struct running r = {.app.process = p};
	char *default_instance = xasprintf("%s-1", p->name);

	process_streams();
	process_hangup(SIG_BLOCK);
	r.app.instance = default_instance;
	parse_arguments(&r, argc, argv);
	load_or_exit(&r);
	if (r.check) {
		printf("%s: good\n", r.file);
	} else {
		log_init(r.app.instance, (enum log_target)r.common.log_target,
			 (enum log_format)r.common.log_format);
		process_apply_log(&r);
		process_limits();
		process_scheduling(p, &r.common);
		process_become_user(&r.common);
		if (r.task)
			run_task(&r);
		else
			serve(&r);
	}
	process_options_free(&r);
	free((void *)r.overrides);
	free(default_instance);
	return r.status;
}
