/* SPDX-License-Identifier: MIT */
/* Commands that mercutioctl may send to every process, and the way to each process's own. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "link/process_internal.h"

enum { ANSWER_ROOM = 4096 }; /* bytes of a frame that are not the answer's text */

typedef json_t *builtin_fn(struct running *r, const struct msg_control *m, char **ret_error);

static json_t *links_json(struct running *r)
{
	struct link_stats s[32];
	size_t n = link_stats(r->app.link, s, 32);
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(
			array,
			json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "router", s[i].router, "up",
				  s[i].up, "frames_in", (json_int_t)s[i].frames_in, "frames_out",
				  (json_int_t)s[i].frames_out, "bytes_in", (json_int_t)s[i].bytes_in,
				  "bytes_out", (json_int_t)s[i].bytes_out, "queued",
				  (json_int_t)s[i].queued));
	}
	return array;
}

static json_t *status(struct running *r, const struct msg_control *m, char **ret_error)
{
	const struct process *p = r->app.process;
	int64_t up = (clock_wall_us() - r->started_us) / 1000000;

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:b, s:o, s:o}", "instance", r->app.instance,
			 "process", r->app.process->name, "version", PACKAGE_VERSION, "pid",
			 (json_int_t)getpid(), "uptime", (json_int_t)up, "ready",
			 link_ready(r->app.link), "draining", r->draining, "links", links_json(r),
			 "problems", p->problems ? p->problems(r->app.state) : json_array());
}

static json_t *stats(struct running *r, const struct msg_control *m, char **ret_error)
{
	const struct process *p = r->app.process;
	json_t *all = p->stats ? p->stats(r->app.state) : NULL;
	struct rusage use;

	if (!all)
		all = json_object();
	if (getrusage(RUSAGE_SELF, &use) == 0) {
		double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
			     (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;

		json_object_set_new(all, "cpu_seconds", json_real(cpu));
		json_object_set_new(all, "memory_max_kb", json_integer(use.ru_maxrss));
	}
	json_object_set_new(all, "links", links_json(r));
	return all;
}

static json_t *log_level(struct running *r, const struct msg_control *m, char **ret_error)
{
	enum log_level level;

	if (m->nargs > 1 || (m->nargs == 1 && !log_level_parse(m->args[0], &level))) {
		*ret_error = xstrdup("log-level takes debug, info, warn or error");
		return NULL;
	}
	if (m->nargs == 1) {
		log_threshold = level;
		log_info("log level set", LF_S("level", log_level_name(level)));
	}
	return json_pack("{s:s}", "level", log_level_name(log_threshold));
}

static json_t *reload(struct running *r, const struct msg_control *m, char **ret_error)
{
	json_t *result = NULL;

	process_reload(r, &result, ret_error);
	return result;
}

/* The answer leaves before the end: draining waits for the link's queues. */
static json_t *drain(struct running *r, const struct msg_control *m, char **ret_error)
{
	process_drain(r);
	return json_pack("{s:b}", "draining", 1);
}

static json_t *options(struct running *r, const struct msg_control *m, char **ret_error)
{
	json_t *all = process_options_json(common_options, &r->common);
	json_t *own = process_options_json(r->app.process->options, r->app.config);

	json_object_set_new(all, r->app.process->name, own);
	return all;
}

static json_t *help(struct running *r, const struct msg_control *m, char **ret_error);

static const struct builtin {
	const char *name, *help;
	builtin_fn *run;
} builtins[] = {
	{"status", "who this is, since when, and its links", status},
	{"stats", "its counters", stats},
	{"log-level", "[LEVEL] shows or sets what is logged until the next reload or restart",
	 log_level},
	{"reload", "reads the configuration again", reload},
	{"drain", "finishes its work and exits", drain},
	{"options", "effective options, secrets masked", options},
	{"help", "all commands of this process", help},
};

enum { BUILTINS = sizeof(builtins) / sizeof(builtins[0]) };

static json_t *help(struct running *r, const struct msg_control *m, char **ret_error)
{
	const struct control_command *c = r->app.process->commands;
	json_t *all = json_object();

	for (unsigned i = 0; i < BUILTINS; i++)
		json_object_set_new(all, builtins[i].name, json_string(builtins[i].help));
	for (; c && c->name; c++)
		json_object_set_new(all, c->name, json_string(c->help));
	return all;
}

static json_t *run_command(struct running *r, const struct msg_control *m, char **ret_error)
{
	const struct control_command *c = r->app.process->commands;

	for (unsigned i = 0; i < BUILTINS; i++) {
		if (str_eqz(m->command, builtins[i].name))
			return builtins[i].run(r, m, ret_error);
	}
	for (; c && c->name; c++) {
		if (str_eqz(m->command, c->name))
			return c->run(r->app.state, m, ret_error);
	}
	*ret_error = xasprintf("no such command: %.*s", STR_ARG(m->command));
	return NULL;
}

static void on_control(void *arg, const struct frame *f, const void *body)
{
	struct running *r = arg;
	struct msg_controlled answer = {0};
	char *error = NULL, *text = NULL;
	json_t *result = run_command(r, body, &error);

	if (result)
		text = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(result);
	if (!text && !error)
		error = xstrdup("the command failed");
	if (text && strlen(text) + ANSWER_ROOM > link_max_frame(r->app.link)) {
		free(text);
		text = NULL;
		error = xstrdup("the answer is larger than a frame may be");
	}
	answer.good = text != NULL;
	answer.text = str_z(text ? text : error);
	link_reply(r->app.link, f, MSG_CONTROLLED, &answer);
	free(text);
	free(error);
}

const struct link_handler process_control_handlers[] = {
	{MSG_CONTROL, on_control},
	{MSG_STOP, process_on_stop},
	{0, NULL},
};
