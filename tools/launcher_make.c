/* SPDX-License-Identifier: MIT */
/* What the launcher reads and makes before it starts anything, and gives back at the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/launcher_internal.h"

static void load(struct launcher *l)
{
	const struct process *const own[] = {&launcher_process, NULL};
	struct buf errors = BUF_INIT;

	l->sections = process_sections(own);
	l->conf = conf_load(l->args->file, l->sections, l->args->overrides, &errors);
	if (l->conf) {
		conf_fill(l->conf, "mercutio", NULL, launcher_process.options, &l->config);
		conf_fill(l->conf, "mercutio", NULL, common_options, &l->common);
		launcher_process.check(l->args->file, l->conf, &l->common, &l->config, &errors);
	}
	if (errors.len) {
		/* Each mistake is a line that names its place. */
		fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
		exit(EXIT_FAILURE);
	}
	buf_free(&errors);
	l->log_dir = l->args->log_dir ? l->args->log_dir : l->config.log_dir;
}

static void own_directory(const char *dir, const struct passwd *pw)
{
	if (mkdir(dir, 0750) == 0 && chown(dir, pw->pw_uid, pw->pw_gid) < 0)
		fatal("%s: %s", dir, strerror(errno));
}

/* The children change the user before they run: they could not be tied to our death after it. */
static void find_user(struct launcher *l)
{
	if (!*l->common.user || geteuid() != 0)
		return;
	errno = 0;
	l->user = getpwnam(l->common.user);
	if (!l->user)
		fatal("user \"%s\": %s", l->common.user,
		      errno ? strerror(errno) : "there is no such user");
	own_directory(l->common.run_dir, l->user);
	own_directory(l->common.data_dir, l->user);
}

static void make_instance(struct launcher *l, struct instance *i, const char *name)
{
	size_t n = 0, options = 0;

	while (l->args->options[options])
		options++;
	*i = (struct instance){.l = l, .name = name};
	i->process = launcher_process_of(name);
	i->program = launcher_program(l->config.bin_dir, name);
	if (!i->program)
		fatal("instance \"%s\": there is no program mercutio-%s", name, i->process);
	i->argv = xcalloc(options + 6, sizeof(*i->argv));
	i->argv[n++] = i->program;
	i->argv[n++] = "-c";
	i->argv[n++] = l->args->file;
	i->argv[n++] = "-i";
	i->argv[n++] = name;
	for (size_t o = 0; o < options; o++)
		i->argv[n++] = l->args->options[o];
}

static void make_instances(struct launcher *l)
{
	while (l->config.instances[l->n])
		l->n++;
	if (!l->n)
		fatal("no instances are configured for this host");
	l->instances = xcalloc(l->n, sizeof(*l->instances));
	for (size_t i = 0; i < l->n; i++)
		make_instance(l, &l->instances[i], l->config.instances[i]);
	l->ctl = launcher_ctl(l->config.bin_dir);
	if (!l->ctl)
		fatal("there is no program mercutioctl");
}

static void to_file(void *arg, struct str line)
{
	const struct launcher *l = arg;

	dprintf(l->log_fd, "%.*s\n", STR_ARG(line));
}

/* Our own events go where those of the instances go; standard error stays for whoever started us.
 */
static void open_log(struct launcher *l)
{
	char *path;
	int fd;

	log_threshold = (enum log_level)l->common.log_level;
	if (!*l->log_dir) {
		log_init("mercutio", (enum log_target)l->common.log_target,
			 (enum log_format)l->common.log_format);
		return;
	}
	path = xasprintf("%s/mercutio.log", l->log_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		fatal("%s: %s", path, strerror(errno));
	free(path);
	log_init("mercutio", LOG_TARGET_STDERR, (enum log_format)l->common.log_format);
	l->log_fd = fd;
	log_capture(to_file, l);
}

void launcher_make(struct launcher *l)
{
	load(l);
	find_user(l);
	l->loop = loop_new();
	l->sockets = sockets_new(l->loop);
	make_instances(l);
	open_log(l);
}

void launcher_unmake(struct launcher *l)
{
	loop_signal_free(l->chld);
	loop_signal_free(l->hup);
	loop_signal_free(l->intr);
	loop_signal_free(l->term);
	loop_timer_free(l->patience);
	loop_timer_free(l->pids_timer);
	loop_timer_free(l->helper_timer);
	if (*l->log_dir) {
		log_capture(NULL, NULL);
		close(l->log_fd);
	}
	free(l->ctl);
	for (size_t i = 0; i < l->n; i++) {
		loop_timer_free(l->instances[i].restart);
		handover_free(l->instances[i].sockets);
		free(l->instances[i].argv);
		free(l->instances[i].program);
		free(l->instances[i].process);
	}
	free(l->instances);
	sockets_free(l->sockets);
	loop_free(l->loop);
	options_free(launcher_process.options, &l->config);
	options_free(common_options, &l->common);
	conf_free(l->conf);
	free(l->sections);
}
