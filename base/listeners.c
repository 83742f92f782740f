/* SPDX-License-Identifier: MIT */
/* The listening sockets of a process. */
#include "base/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"

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

static int cannot(const struct listeners *s, const char *address, int err, char **ret_error)
{
	bool shared = err == -EADDRINUSE && s->c.reuse_port;

	*ret_error = xasprintf("cannot listen on %s: %s%s", address, strerror(-err),
			       shared ? ", and not by a process of this run_dir" : "");
	return err;
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

static int check(const struct listeners *s, char *const *addresses, char **ret_error)
{
	for (; *addresses; addresses++) {
		int fd = -1, err = claim(s, *addresses, &fd);

		if (err < 0)
			return cannot(s, *addresses, err, ret_error);
		listener_disclaim(fd);
	}
	return 0;
}

struct listeners *listeners_new(struct loop *l, const struct listeners_config *c, char **ret_error)
{
	struct listeners one = {.loop = l, .c = *c};

	if (listeners_inherited(&one.inherited, &one.ninherited) < 0) {
		*ret_error = xstrdup("a socket that was handed over (LISTEN_FDS) does not listen");
		return NULL;
	}
	if (!one.ninherited &&
	    (check(&one, c->listen, ret_error) < 0 || check(&one, c->listen_tls, ret_error) < 0))
		return NULL;
	return xmemdup(&one, sizeof one);
}

static void add(struct listeners *s, struct listener *l, int taken)
{
	listener_on_full(l, s->c.full);
	s->open = xrealloc(s->open, (s->n + 1) * sizeof *s->open);
	s->open[s->n++] = (struct listening){l, taken};
}

static int open_all(struct listeners *s, char *const *addresses, listener_fn *fn, char **ret_error)
{
	for (; *addresses; addresses++) {
		int taken = -1, err = claim(s, *addresses, &taken);
		struct listener *l;

		if (err == 0)
			err = listener_new(s->loop, *addresses, s->c.reuse_port, fn, s->c.arg, &l);
		if (err < 0) {
			listener_disclaim(taken);
			return cannot(s, *addresses, err, ret_error);
		}
		listener_claimed(taken);
		add(s, l, taken);
	}
	return 0;
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

int listeners_open(struct listeners *s, char **ret_error)
{
	int err;

	if (s->ninherited) {
		open_inherited(s);
		return 0;
	}
	err = open_all(s, s->c.listen, s->c.plain, ret_error);
	return err < 0 ? err : open_all(s, s->c.listen_tls, s->c.tls, ret_error);
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
