/* SPDX-License-Identifier: MIT */
/* mercutio: starts the processes of this host in the foreground and watches them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/args.h"
#include "tools/launcher.h"

enum { CONFIG, OVERRIDE, LOG_DIR, ACCOUNTS, HELP, ABOUT };

static const struct arg table[] = {
	[CONFIG] = {"config", 'c', true},
	[OVERRIDE] = {"override", 'o', true},
	[LOG_DIR] = {"log-dir", 0, true},
	[ACCOUNTS] = {"accounts", 0, true},
	[HELP] = {"help", 'h', false},
	[ABOUT] = {"version", 'V', false},
	{NULL, 0, false},
};

static int usage(FILE *to, int status)
{
	fputs("usage: mercutio [--config FILE] [--override [SECTION.]OPTION=VALUE]... [--log-dir "
	      "DIR]\n"
	      "                [--accounts FILE]\n"
	      "Starts the processes of this host in the foreground, restarts what dies, and "
	      "prints\n"
	      "\"ready\" when clients can log in. FILE holds lines JID<TAB>PASSWORD.\n",
	      to);
	return status;
}

static int open_accounts(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fatal("%s: %s", file, strerror(errno));
	return fd;
}

int main(int argc, char **argv)
{
	struct args a = args_begin(table, argc, argv);
	const char **options = xcalloc((size_t)argc * 2 + 1, sizeof(*options));
	const char **overrides = xcalloc((size_t)argc + 1, sizeof(*overrides));
	struct launcher_args l = {.file = SYSCONFDIR "/mercutio.conf", .accounts = -1};
	size_t n = 0;
	int status;

	process_streams();
	for (int i; (i = args_next(&a)) != ARGS_END;) {
		if (i == CONFIG) {
			l.file = a.value;
		} else if (i == OVERRIDE) {
			options[2 * n] = "-o";
			options[2 * n + 1] = overrides[n] = a.value;
			n++;
		} else if (i == LOG_DIR) {
			l.log_dir = a.value;
		} else if (i == ACCOUNTS) {
			l.accounts = open_accounts(a.value);
		} else if (i == HELP) {
			return usage(stdout, EXIT_SUCCESS);
		} else if (i == ABOUT) {
			puts("mercutio " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		} else {
			return usage(stderr, 2);
		}
	}
	if (a.words)
		return usage(stderr, 2);
	/* What whoever started us has left open is not the processes' business. */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	l.options = options;
	l.overrides = overrides;
	status = launcher_run(&l);
	free(options);
	free(overrides);
	return status;
}
