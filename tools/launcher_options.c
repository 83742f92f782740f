/* SPDX-License-Identifier: MIT */
/* The launcher's options, and what follows from them alone. */
#include "config.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/launcher.h"

#define AT(field) offsetof(struct launcher_config, field)

static const struct option options[] = {
	{"instances", OPT_LIST, AT(instances),
	 "{\"router-1\", \"storage-1\", \"auth-1\", \"sm-1\", \"c2s-1\", \"s2s-1\"}", 0, 1000, NULL, 0,
	 "The instances that run on this host, in the order of their start; each is a process's "
	 "name "
	 "and a number."},
	{"bin_dir", OPT_STR, AT(bin_dir), NULL, 0, 0, NULL, 0,
	 "Directory of the programs; none: where the launcher lies."},
	{"log_dir", OPT_STR, AT(log_dir), NULL, 0, 0, NULL, 0,
	 "Directory for a log file of each instance; none: all on standard error, each line with "
	 "the "
	 "instance's name."},
	{"pids", OPT_STR, AT(pids), NULL, 0, 0, NULL, 0,
	 "File that holds a line \"INSTANCE PID\" for each running instance; none: it is not "
	 "written."},
	{"backoff", OPT_TIME, AT(backoff), "100ms", 1, 60000, NULL, 0,
	 "Pause before an instance is started again that failed twice in a short time; it doubles "
	 "each "
	 "time. The first restart is immediate."},
	{"backoff_max", OPT_TIME, AT(backoff_max), "10s", 1, 3600000, NULL, 0,
	 "The longest such pause; an instance that ran longer than this has not failed."},
	{"patience", OPT_TIME, AT(patience), "10s", 100, 600000, NULL, 0,
	 "How long the instances of a process may take to stop before they are killed."},
	{NULL},
};

static void check(const char *file, const struct conf *conf, const struct common_config *common,
		  const void *own, struct buf *errors)
{
	char **all = ((const struct launcher_config *)own)->instances;

	for (char **i = all; *i; i++) {
		char *process = launcher_process_of(*i), **first = all;

		while (strcmp(*first, *i) != 0)
			first++;
		if (!process)
			buf_printf(errors,
				   "%s: option \"instances\": \"%s\" is not the name of a process and "
				   "a number\n",
				   file, *i);
		else if (first != i)
			buf_printf(errors, "%s: option \"instances\": \"%s\" is named twice\n", file, *i);
		free(process);
	}
}

const struct process launcher_process = {
	.name = "mercutio",
	.summary = "starts and watches the processes of one host",
	.options = options,
	.config_size = sizeof(struct launcher_config),
	.check = check,
};

char *launcher_process_of(const char *instance)
{
	size_t n = strcspn(instance, "-");

	if (!n || strchr(instance, '/') || !instance[n] || !instance[n + 1])
		return NULL;
	return xstrndup(instance, n);
}

static char *own_dir(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return xstrdup(SBINDIR);
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return xstrdup(path);
}

/* The first of the paths that can be run (taken); frees the others. */
static char *first_program(char *take_paths[], size_t n)
{
	char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!found && access(take_paths[i], X_OK) == 0)
			found = take_paths[i];
		else
			free(take_paths[i]);
	}
	return found;
}

char *launcher_program(const char *bin_dir, const char *instance)
{
	char *process = launcher_process_of(instance), *dir, *found;

	if (!process)
		return NULL;
	dir = bin_dir && *bin_dir ? xstrdup(bin_dir) : own_dir();
	found = first_program((char *[]){xasprintf("%s/mercutio-%s", dir, process),
					 xasprintf("%s/%s/mercutio-%s", dir, process, process),
					 xasprintf("%s/../%s/mercutio-%s", dir, process, process),
					 xasprintf("%s/../sbin/mercutio-%s", dir, process)},
			      4);
	free(dir);
	free(process);
	return found;
}

char *launcher_ctl(const char *bin_dir)
{
	char *dir = own_dir();
	const char *given = bin_dir && *bin_dir ? bin_dir : dir;
	char *found = first_program((char *[]){xasprintf("%s/mercutioctl", given),
					       xasprintf("%s/tools/mercutioctl", given),
					       xasprintf("%s/mercutioctl", dir),
					       xasprintf("%s/../bin/mercutioctl", dir),
					       xstrdup(BINDIR "/mercutioctl")},
				    5);

	free(dir);
	return found;
}

uint64_t launcher_delay(const struct launcher_config *c, unsigned failures)
{
	uint64_t ms = (uint64_t)c->backoff;

	if (failures < 2)
		return 0;
	for (unsigned i = 2; i < failures && ms < (uint64_t)c->backoff_max; i++)
		ms *= 2;
	return ms < (uint64_t)c->backoff_max ? ms : (uint64_t)c->backoff_max;
}
