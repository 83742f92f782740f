/* SPDX-License-Identifier: MIT */
/* Listening sockets, and how many connections there may be. */
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/listeners.h"
#include "base/tenants.h"
#include "c2s/client.h"

struct tenant *tenant_enter(struct c2s *x, int fd, bool *ret_full)
{
	int64_t limit = x->app->common->unlimited ? 0 : x->config->per_address;

	return tenants_enter(&x->tenants, fd, (size_t)limit, ret_full);
}

void tenant_leave(struct c2s *x, struct tenant *t)
{
	tenants_leave(&x->tenants, t);
}

/* --- sockets ----------------------------------------------------------------------------- */

static void accept_plain(void *arg, int fd)
{
	client_accept(arg, fd, false);
}

static void accept_tls(void *arg, int fd)
{
	client_accept(arg, fd, true);
}

/* Some descriptors stay for our own needs: a lost link is made anew, certificates are read. */
static int spare_descriptors(rlim_t limit)
{
	enum { SPARE = 32 };

	return limit / 4 < SPARE ? (int)(limit / 4) : SPARE;
}

static void tell_full(struct c2s *x)
{
	if (x->full_told)
		return;
	x->full_told = true;
	x->full_at = x->nclients;
	log_error("no more connections are accepted: the limit of open files is reached",
		  LF_U("connections", x->nclients));
}

static void on_full(void *arg)
{
	tell_full(arg);
}

static void pause_all(struct c2s *x, bool pause)
{
	x->full = pause;
	listeners_pause(x->listeners, pause);
}

void listen_taken(struct c2s *x, int fd)
{
	struct rlimit limit;

	if (x->full || getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX ||
	    fd + 1 < (int)limit.rlim_cur - spare_descriptors(limit.rlim_cur))
		return;
	tell_full(x);
	x->full_at = x->nclients;
	pause_all(x, true);
}

void listen_given_back(struct c2s *x)
{
	if (x->full && x->nclients < x->full_at)
		pause_all(x, false);
	/* One that comes for each that goes is no news. */
	if (x->full_told && x->nclients < x->full_at - x->full_at / 8)
		x->full_told = false;
}

void listen_prepare(struct c2s *x)
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

void listen_start(struct c2s *x)
{
	listeners_open(x->listeners);
}

void listen_stop(struct c2s *x)
{
	x->listeners = listeners_free(x->listeners);
}
