/* SPDX-License-Identifier: MIT */
/* Listening sockets. */
#include <errno.h>
#include "s2s/steps.h"

static void accept_plain(void *arg, int fd)
{
	in_accept(arg, fd, false);
}

static void accept_tls(void *arg, int fd)
{
	in_accept(arg, fd, true);
}

static void on_full(void *arg)
{
	const struct s2s *x = arg;

	log_error("no more connections are accepted: the limit of open files is reached",
		  LF_U("streams", x->nstreams));
}

static _Noreturn void cannot_listen(const struct s2s *x, const char *address, int err)
{
	if (err == -EADDRINUSE && x->config->reuse_port)
		fatal("cannot listen on %s: %s, and not by an s2s of this run_dir", address,
		      strerror(-err));
	fatal("cannot listen on %s: %s", address, strerror(-err));
}

static int claim(const struct s2s *x, const char *address)
{
	int fd = -1, err;

	if (x->config->reuse_port && strncmp(address, "unix:", 5) != 0)
		err = listener_claim(address, x->app->common->run_dir, &fd);
	else
		err = listener_probe(address);
	if (err < 0)
		cannot_listen(x, address, err);
	return fd;
}

void listen_prepare(struct s2s *x)
{
	for (char **a = x->config->listen; *a; a++)
		listener_disclaim(claim(x, *a));
	for (char **a = x->config->listen_tls; *a; a++)
		listener_disclaim(claim(x, *a));
}

static void listen_all(struct s2s *x, char **addresses, listener_fn *fn)
{
	for (; *addresses; addresses++) {
		int taken = claim(x, *addresses), err;
		struct listener *l;

		err = listener_new(x->loop, *addresses, x->config->reuse_port, fn, x, &l);
		if (err < 0)
			cannot_listen(x, *addresses, err);
		listener_claimed(taken);
		listener_on_full(l, on_full);
		x->listeners = xrealloc(x->listeners, (x->nlisteners + 1) * sizeof *x->listeners);
		x->listeners[x->nlisteners++] = (struct listening){l, taken};
	}
}

void listen_start(struct s2s *x)
{
	listen_all(x, x->config->listen, accept_plain);
	listen_all(x, x->config->listen_tls, accept_tls);
}

void listen_stop(struct s2s *x)
{
	while (x->nlisteners) {
		struct listening *l = &x->listeners[--x->nlisteners];

		listener_free(l->listener);
		listener_disclaim(l->claim);
	}
	free(x->listeners);
	x->listeners = NULL;
}
