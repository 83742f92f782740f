/* SPDX-License-Identifier: MIT */
/* The launcher: starts what the configuration names for this host, restarts what dies, ends all. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/launcher_internal.h"

enum {
	GIVE_UP = 3, /* starts that fail before the server has ever been ready */
	HELPER_ARGS = 16,
	HELPER_PAUSE_MS = 500,
	PIDS_PAUSE_MS = 1000
};

static void stop(struct launcher *l);
static void start_instance(void *arg);

/* --- pids ------------------------------------------------------------------------------------ */

/* The disk may be full, or the folder away, and nobody may end for days: it is tried until it is true again. */
static void pids_failed(struct launcher *l, int err)
{
	if (!l->pids_old)
		log_error("pids not written", LF_S("file", l->config.pids), LF_ERR(err));
	l->pids_old = true;
	loop_timer_start(l->pids_timer, PIDS_PAUSE_MS, 0);
}

static void write_pids(void *arg)
{
	struct launcher *l = arg;
	const char *path = l->config.pids;
	char *tmp;
	FILE *f;
	bool good;

	if (!*path)
		return;
	tmp = xasprintf("%s.new", path);
	f = fopen(tmp, "we");
	if (f) {
		for (size_t i = 0; i < l->n; i++) {
			if (l->instances[i].child)
				fprintf(f, "%s %ld\n", l->instances[i].name,
					(long)child_pid(l->instances[i].child));
		}
	}
	good = f && !ferror(f);
	if (f && fclose(f) != 0)
		good = false;
	if (!good || rename(tmp, path) < 0)
		pids_failed(l, -errno);
	else
		l->pids_old = false;
	free(tmp);
}

/* --- ready ----------------------------------------------------------------------------------- */

static void next_stage(struct launcher *l);

static void start_helper(void *arg)
{
	struct launcher *l = arg;
	struct child_spec spec = {.name = "mercutioctl", .input = -1, .log_dir = l->log_dir};
	size_t options = 0, n = 0;
	const char **argv;
	int err;

	if (l->stopping || l->helper)
		return;
	while (l->args->options[options])
		options++;
	spec.argv = argv = xcalloc(HELPER_ARGS + options, sizeof(*argv));
	argv[n++] = l->ctl;
	argv[n++] = "--config";
	argv[n++] = l->args->file;
	for (size_t i = 0; i < options; i++)
		argv[n++] = l->args->options[i];
	if (l->stage == STAGE_WAITING) {
		argv[n++] = "--timeout";
		argv[n++] = "60";
		argv[n++] = "wait";
	} else {
		argv[n++] = "--replace";
		argv[n++] = "user";
		argv[n++] = "import";
		argv[n++] = "-";
		spec.input = l->args->accounts;
		lseek(spec.input, 0, SEEK_SET);
	}
	err = child_start(l->loop, &spec, &l->helper);
	free(argv);
	if (err < 0) {
		log_error("mercutioctl not started", LF_ERR(err));
		loop_timer_start(l->helper_timer, HELPER_PAUSE_MS, 0);
	}
}

static void tell_ready(struct launcher *l)
{
	log_info("ready");
	if (puts("ready") < 0 || fflush(stdout) != 0)
		log_warn("standard output is closed");
}

static void next_stage(struct launcher *l)
{
	l->stage++;
	if (l->stage == STAGE_ACCOUNTS && l->args->accounts < 0)
		l->stage++;
	if (l->stage == STAGE_READY)
		tell_ready(l);
	else
		start_helper(l);
}

static void look_ready(struct launcher *l)
{
	for (size_t k = 0; k < l->n; k++) {
		if (!l->instances[k].ready && !l->instances[k].missed)
			return;
	}
	if (l->stage == STAGE_STARTING && !l->stopping)
		next_stage(l);
}

static void on_ready(void *arg)
{
	struct instance *i = arg;

	i->ready = true;
	look_ready(i->l);
}

/* Says on standard error why, for whoever has started us; the log file knows more. */
static void tell_failed(struct launcher *l, const char *name)
{
	char *why = *l->log_dir ? child_last_line(l->log_dir, name) : NULL;

	if (*l->log_dir)
		fprintf(stderr, "%s: %s\n", name, why ? why : "does not start");
	log_error("does not start", LF_S("instance", name));
	free(why);
}

static void give_up(struct launcher *l, const char *name)
{
	tell_failed(l, name);
	l->failed = true;
	stop(l);
}

/* Without the others clients can log in and write to each other. */
static bool essential(const struct instance *i)
{
	static const char *const processes[] = {"router", "storage", "auth", "sm", "c2s", NULL};

	for (const char *const *p = processes; *p; p++)
		if (strcmp(*p, i->process) == 0)
			return true;
	return false;
}

/* It is tried again and again, as one that fails later. */
static void go_without(struct instance *i)
{
	if (!i->missed)
		tell_failed(i->l, i->name);
	i->missed = true;
	look_ready(i->l);
}

static void helper_ended(struct launcher *l, int status)
{
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	l->helper = child_free(l->helper);
	if (l->stopping)
		return;
	if (good)
		next_stage(l);
	else if (l->stage == STAGE_ACCOUNTS)
		give_up(l, "mercutioctl");
	else
		loop_timer_start(l->helper_timer, HELPER_PAUSE_MS, 0);
}

/* --- instances ------------------------------------------------------------------------------- */

static void start_later(struct instance *i)
{
	struct launcher *l = i->l;
	uint64_t ms = launcher_delay(&l->config, i->failures);

	if (ms)
		log_info("starts again after a pause", LF_S("instance", i->name), LF_U("ms", ms));
	loop_timer_start(i->restart, ms, 0);
}

static void start_instance(void *arg)
{
	struct instance *i = arg;
	struct launcher *l = i->l;
	struct child_spec spec = {
		.name = i->name,
		.argv = i->argv,
		.input = -1,
		.log_dir = l->log_dir,
		.user = l->user,
		.ready = on_ready,
		.arg = i,
	};
	int err;

	if (l->stopping)
		return;
	i->ready = false;
	i->started = loop_now(l->loop);
	i->sockets = handover_renew(i->sockets, l->sockets, i->process, i->name, l->args);
	handover_give(i->sockets, &spec);
	err = child_start(l->loop, &spec, &i->child);
	if (err < 0) {
		log_error("not started", LF_S("instance", i->name), LF_ERR(err));
		i->failures++;
		start_later(i);
		return;
	}
	log_info("started", LF_S("instance", i->name), LF_I("pid", child_pid(i->child)));
	write_pids(l);
}

static void log_end(const struct instance *i, int status)
{
	if (WIFSIGNALED(status))
		log_warn("killed", LF_S("instance", i->name), LF_I("signal", WTERMSIG(status)));
	else if (WEXITSTATUS(status) == PROCESS_STOPPED || WEXITSTATUS(status) == PROCESS_RESTART)
		log_info("ended by an administrator", LF_S("instance", i->name));
	else if (WEXITSTATUS(status))
		log_warn("failed", LF_S("instance", i->name), LF_I("status", WEXITSTATUS(status)));
	else
		log_info("ended", LF_S("instance", i->name));
}

static void stop_next(struct launcher *l);

/* They end in an order of their own, each when nobody needs it any more. Who does not work is no member,
 * and has not been told. */
static void stop_when_over(struct launcher *l)
{
	bool any = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct instance *x = &l->instances[i];

		any |= x->over;
		if (!x->over && x->child && x->ready)
			return;
	}
	if (any)
		stop(l);
}

static void instance_ended(struct instance *i, int status)
{
	struct launcher *l = i->l;
	bool was_ready = i->ready;

	i->child = child_free(i->child);
	i->ready = false;
	i->over = WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_STOPPED;
	log_end(i, status);
	write_pids(l);
	if (l->stopping) {
		stop_next(l);
		return;
	}
	if (i->over) {
		handover_drop(i->sockets);
		stop_when_over(l);
		return;
	}
	if (loop_now(l->loop) - i->started > (uint64_t)l->config.backoff_max)
		i->failures = 0;
	i->failures++;
	if (was_ready || l->stage == STAGE_READY || i->failures < GIVE_UP) {
		start_later(i);
	} else if (essential(i)) {
		give_up(l, i->name);
	} else {
		start_later(i);
		go_without(i);
	}
	stop_when_over(l);
}

/* One signal may stand for several deaths; as process 1 we also inherit strangers. */
static void on_chld(void *arg)
{
	struct launcher *l = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (l->helper && child_pid(l->helper) == pid) {
			helper_ended(l, status);
			continue;
		}
		for (size_t i = 0; i < l->n; i++) {
			if (l->instances[i].child && child_pid(l->instances[i].child) == pid) {
				instance_ended(&l->instances[i], status);
				break;
			}
		}
	}
	if (l->stopping)
		stop_next(l);
}

/* --- end ------------------------------------------------------------------------------------- */

static void signal_all(struct launcher *l, const char *process, int signum)
{
	for (size_t i = 0; i < l->n; i++) {
		struct instance *x = &l->instances[i];

		if (x->child && (!process || strcmp(x->process, process) == 0))
			kill(child_pid(x->child), signum);
	}
}

static void on_patience(void *arg)
{
	struct launcher *l = arg;

	log_warn("killed because it did not stop in time", LF_S("process", l->stopping_process));
	signal_all(l, l->stopping_process, SIGKILL);
}

/* In the reverse order of the start, all instances of a process at once. */
static void stop_next(struct launcher *l)
{
	const char *process = NULL;

	for (size_t i = l->n; i > 0 && !process; i--) {
		if (l->instances[i - 1].child)
			process = l->instances[i - 1].process;
	}
	for (size_t i = 0; i < l->n && l->stopping_process; i++) {
		/* Some of these are still ending. */
		if (l->instances[i].child &&
		    strcmp(l->instances[i].process, l->stopping_process) == 0)
			return;
	}
	if (!process) {
		if (!l->helper)
			loop_stop(l->loop);
		return;
	}
	l->stopping_process = process;
	signal_all(l, process, SIGTERM);
	loop_timer_start(l->patience, (uint64_t)l->config.patience, 0);
}

static void stop(struct launcher *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	log_info("stopping");
	/* Who comes now is refused, not left waiting for an answer. */
	for (size_t i = 0; i < l->n; i++) {
		loop_timer_stop(l->instances[i].restart);
		handover_drop(l->instances[i].sockets);
	}
	loop_timer_stop(l->helper_timer);
	if (l->helper)
		kill(child_pid(l->helper), SIGKILL);
	stop_next(l);
}

static void on_term(void *arg)
{
	struct launcher *l = arg;

	if (l->stopping)
		signal_all(l, NULL, SIGKILL); /* asked twice: at once */
	else
		stop(l);
}

static void on_hup(void *arg)
{
	signal_all(arg, NULL, SIGHUP);
}

/* --- all of it ------------------------------------------------------------------------------- */

static void listen_for_events(struct launcher *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->instances[i].restart = loop_timer_new(l->loop, start_instance, &l->instances[i]);
	l->helper_timer = loop_timer_new(l->loop, start_helper, l);
	l->pids_timer = loop_timer_new(l->loop, write_pids, l);
	l->patience = loop_timer_new(l->loop, on_patience, l);
	l->term = loop_signal_new(l->loop, SIGTERM, on_term, l);
	l->intr = loop_signal_new(l->loop, SIGINT, on_term, l);
	l->hup = loop_signal_new(l->loop, SIGHUP, on_hup, l);
	l->chld = loop_signal_new(l->loop, SIGCHLD, on_chld, l);
}

int launcher_run(const struct launcher_args *args)
{
	struct launcher l = {.args = args};

	launcher_make(&l);
	listen_for_events(&l);
	for (size_t i = 0; i < l.n; i++)
		start_instance(&l.instances[i]);
	loop_run(l.loop);
	log_info("stopped");
	launcher_unmake(&l);
	return l.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
