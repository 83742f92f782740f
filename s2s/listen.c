/* SPDX-License-Identifier: MIT */
/* Listening sockets. */
#include "base/listeners.h"
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

void listen_prepare(struct s2s *x)
{
	const struct listeners_config c = {
		.listen = x->config->listen,
		.listen_tls = x->config->listen_tls,
		.reuse_port = x->config->reuse_port,
		.dir = x->app->common->run_dir,
		.plain = accept_plain,
		.tls = accept_tls,
		.full = on_full,
		.arg = x,
	};

	x->listeners = listeners_new(x->loop, &c);
}

void listen_start(struct s2s *x)
{
	listeners_open(x->listeners);
}

void listen_stop(struct s2s *x)
{
	x->listeners = listeners_free(x->listeners);
}
