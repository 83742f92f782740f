/* SPDX-License-Identifier: MIT */
/* The listening sockets of a process. */
#include "base/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/conn_internal.h"
#include "base/log.h"

struct listeners {
	struct loop *loop;
	const struct listeners_config c;
	struct inherited *inherited;
	size_t ninherited;
	struct listening {
		struct listener *listener;
		int claim; /* of a shared address, -1: none */
	} * open;
	size_t n;
};

void listeners_check(const char *file, const char *option, char *const *addresses, struct buf *errors)
{
	struct conn_address a;

	for (; addresses && *addresses; addresses++)
		if (conn_address_parse(*addresses, &a) < 0)
			buf_printf(errors, "%s: option \"%s\": \"%s\" is neither an IP address (or *) with a "
					   "port, as 192.0.2.1:5222 or [2001:db8::1]:5222, nor unix:/path\n",
				   file, option, *addresses);
}

static _Noreturn void cannot(const struct listeners *s, const char *address, int err)
{
	bool shared = err == -EADDRINUSE && s->c.reuse_port;

	fatal("cannot listen on %s: %s%s", address, strerror(-err),
	      shared ? ", and not by a process of this run_dir" : "");
}

static bool is_unix(const char *address)
{
	return strncmp(address, "unix:", 5) == 0;
}

static int claim(const struct listeners *s, const char *address, int *ret_claim)
{
	if (s->c.reuse_port && !is_unix(address))
		return listener_claim(address, s->c.dir, ret_claim);
	return listener_probe(address);
}

static void check(const struct listeners *s, char *const *addresses)
{
	for (; *addresses; addresses++) {
		int fd = -1, err = claim(s, *addresses, &fd);

		if (err < 0)
			cannot(s, *addresses, err);
		listener_disclaim(fd);
	}
}

struct listeners *listeners_new(struct loop *l, const struct listeners_config *c)
{
	struct listeners one = {.loop = l, .c = *c};

	if (listeners_inherited(&one.inherited, &one.ninherited) < 0)
		fatal("a socket that was handed over (LISTEN_FDS) does not listen");
	if (!one.ninherited) {
		check(&one, c->listen);
		check(&one, c->listen_tls);
	}
	return xmemdup(&one, sizeof one);
}

static void add(struct listeners *s, struct listener *l, int taken)
{
	listener_on_full(l, s->c.full);
	s->open = xrealloc(s->open, (s->n + 1) * sizeof *s->open);
	s->open[s->n++] = (struct listening){l, taken};
}

static void open_all(struct listeners *s, char *const *addresses, listener_fn *fn)
{
	for (; *addresses; addresses++) {
		int taken = -1, err = claim(s, *addresses, &taken);
		struct listener *l = NULL;

		if (err == 0)
			err = listener_new(s->loop, *addresses, s->c.reuse_port, fn, s->c.arg, &l);
		if (err < 0)
			cannot(s, *addresses, err);
		listener_claimed(taken);
		add(s, l, taken);
	}
}

static bool has_port(char *const *addresses, unsigned short port)
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
static bool begins_with_tls(const struct listeners *s, const struct inherited *i)
{
	if (strcmp(i->name, "listen_tls") == 0)
		return true;
	return strcmp(i->name, "listen") != 0 && has_port(s->c.listen_tls, i->port);
}

static void open_inherited(struct listeners *s)
{
	for (size_t i = 0; i < s->ninherited; i++) {
		const struct inherited *x = &s->inherited[i];
		listener_fn *fn = begins_with_tls(s, x) ? s->c.tls : s->c.plain;

		add(s, listener_from_fd(s->loop, x->fd, fn, s->c.arg), -1);
	}
}

void listeners_open(struct listeners *s)
{
	if (!s || s->n)
		return;
	if (s->ninherited) {
		open_inherited(s);
		return;
	}
	open_all(s, s->c.listen, s->c.plain);
	open_all(s, s->c.listen_tls, s->c.tls);
}

size_t listeners_count(const struct listeners *s)
{
	return s ? s->n : 0;
}

void listeners_pause(struct listeners *s, bool pause)
{
	for (size_t i = 0; s && i < s->n; i++)
		listener_pause(s->open[i].listener, pause);
}

struct listeners *listeners_free(struct listeners *s)
{
	if (!s)
		return NULL;
	for (size_t i = s->n; i < s->ninherited; i++) /* never opened */
		close(s->inherited[i].fd);
	while (s->n) {
		const struct listening *l = &s->open[--s->n];

		listener_free(l->listener);
		listener_disclaim(l->claim);
	}
	free(s->open);
	free(s->inherited);
	free(s);
	return NULL;
}
