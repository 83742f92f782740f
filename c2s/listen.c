/* SPDX-License-Identifier: MIT */
/* Listening sockets, and how many connections there may be. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
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
	for (size_t i = 0; i < x->nlisteners; i++)
		listener_pause(x->listeners[i].listener, pause);
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

static void add(struct c2s *x, struct listener *l, int claim)
{
	listener_on_full(l, on_full);
	x->listeners = xrealloc(x->listeners, (x->nlisteners + 1) * sizeof *x->listeners);
	x->listeners[x->nlisteners++] = (struct listening){l, claim};
}

static _Noreturn void cannot_listen(const struct c2s *x, const char *address, int err)
{
	if (err == -EADDRINUSE && x->config->reuse_port)
		fatal("cannot listen on %s: %s, and not by a c2s of this run_dir", address,
		      strerror(-err));
	fatal("cannot listen on %s: %s", address, strerror(-err));
}

static bool is_unix(const char *address)
{
	return strncmp(address, "unix:", 5) == 0;
}

static int claim(const struct c2s *x, const char *address)
{
	int fd = -1, err = 0;

	if (x->config->reuse_port && !is_unix(address))
		err = listener_claim(address, x->app->common->run_dir, &fd);
	else
		err = listener_probe(address);
	if (err < 0)
		cannot_listen(x, address, err);
	return fd;
}

static void check_all(const struct c2s *x, char **addresses)
{
	for (; *addresses; addresses++)
		listener_disclaim(claim(x, *addresses));
}

static void listen_all(struct c2s *x, char **addresses, listener_fn *fn)
{
	for (; *addresses; addresses++) {
		int taken = claim(x, *addresses), err;
		struct listener *l;

		err = listener_new(x->loop, *addresses, x->config->reuse_port, fn, x, &l);
		if (err < 0)
			cannot_listen(x, *addresses, err);
		listener_claimed(taken);
		add(x, l, taken);
	}
}

static bool has_port(char **addresses, unsigned short port)
{
	for (; port && *addresses; addresses++) {
		const char *colon = strrchr(*addresses, ':');
		unsigned long long n;

		if (!is_unix(*addresses) && colon && str_u64(str_z(colon + 1), &n) && n == port)
			return true;
	}
	return false;
}

/* Its name tells, else the option that has its port. */
static bool begins_with_tls(const struct c2s *x, const struct inherited *s)
{
	if (strcmp(s->name, "listen_tls") == 0 || strcmp(s->name, "listen") == 0)
		return s->name[6] != '\0';
	return has_port(x->config->listen_tls, s->port);
}

void listen_prepare(struct c2s *x)
{
	if (listeners_inherited(&x->inherited, &x->ninherited) < 0)
		fatal("a socket that was handed over (LISTEN_FDS) does not listen");
	if (x->ninherited)
		return;
	check_all(x, x->config->listen);
	check_all(x, x->config->listen_tls);
}

void listen_start(struct c2s *x)
{
	for (size_t i = 0; i < x->ninherited; i++) {
		const struct inherited *s = &x->inherited[i];
		listener_fn *fn = begins_with_tls(x, s) ? accept_tls : accept_plain;

		add(x, listener_from_fd(x->loop, s->fd, fn, x), -1);
	}
	if (x->ninherited)
		return;
	listen_all(x, x->config->listen, accept_plain);
	listen_all(x, x->config->listen_tls, accept_tls);
}

void listen_stop(struct c2s *x)
{
	while (x->nlisteners) {
		struct listening *l = &x->listeners[--x->nlisteners];

		listener_free(l->listener);
		listener_disclaim(l->claim);
	}
	free(x->listeners);
	x->listeners = NULL;
	free(x->inherited);
	x->inherited = NULL;
	x->ninherited = 0;
}
