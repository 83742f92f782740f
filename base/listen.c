/* SPDX-License-Identifier: MIT */
/* Listening sockets: made, taken over, accepted from. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/conn_internal.h"

#define ACCEPTS_PER_TURN 32
#define RETRY_MS	 1000

struct listener {
	struct loop *loop;
	struct loop_io *io;
	struct loop_timer *retry;
	listener_fn *fn;
	loop_fn *full_fn;
	void *arg;
	char *path; /* of a Unix socket that we made */
	dev_t dev;
	ino_t ino;
	int fd;
	bool paused, full, freed, busy;
};

static void interest(struct listener *s)
{
	loop_io_set(s->io, s->paused || s->full ? 0 : LOOP_READ);
}

static void on_retry(void *arg)
{
	struct listener *s = arg;

	/* The episode ends when something could be accepted, not before. */
	loop_io_set(s->io, s->paused ? 0 : LOOP_READ);
}

static void no_descriptors(struct listener *s)
{
	bool told = s->full;

	s->full = true;
	interest(s);
	loop_timer_start(s->retry, RETRY_MS, 0);
	if (!told && s->full_fn)
		s->full_fn(s->arg);
}

static bool is_lack(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* accept(2), "Error handling": failures that belong to the one connection. */
static bool is_of_peer(int err)
{
	return err == EINTR || err == ECONNABORTED || err == EPROTO || err == ENETDOWN ||
	       err == ENOPROTOOPT || err == EHOSTDOWN || err == ENONET || err == EHOSTUNREACH ||
	       err == ENETUNREACH || err == EPERM;
}

static void accept_some(struct listener *s)
{
	for (unsigned i = 0; i < ACCEPTS_PER_TURN && !s->paused && !s->freed; i++) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			s->full = false;
			s->fn(s->arg, fd);
		} else if (is_lack(errno)) {
			no_descriptors(s);
			return;
		} else if (!is_of_peer(errno)) {
			s->full = false;
			return;
		}
	}
}

static void on_io(void *arg, unsigned events)
{
	struct listener *s = arg;

	s->busy = true;
	accept_some(s);
	s->busy = false;
	if (s->freed)
		free(s);
	else
		interest(s);
}

struct listener *listener_from_fd(struct loop *l, int take_fd, listener_fn *fn, void *arg)
{
	struct listener *s = xcalloc(1, sizeof(*s));

	fcntl(take_fd, F_SETFL, fcntl(take_fd, F_GETFL) | O_NONBLOCK);
	fcntl(take_fd, F_SETFD, FD_CLOEXEC);
	s->loop = l;
	s->fd = take_fd;
	s->fn = fn;
	s->arg = arg;
	s->io = loop_io_new(l, take_fd, on_io, s);
	s->retry = loop_timer_new(l, on_retry, s);
	interest(s);
	return s;
}

/* 0 when nobody listens at the socket file any more and it is gone. */
static int remove_stale(const struct conn_address *a, const char *path)
{
	struct stat st;
	int fd, err = 0;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&a->ss, a->len) < 0)
		err = errno;
	close(fd);
	if (err == ENOENT)
		return 0;
	if (err != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_to(int fd, const struct conn_address *a, const char *path)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->ss;
	int r;

	if (bind(fd, sa, a->len) == 0)
		return 0;
	if (errno != EADDRINUSE || !path)
		return -errno;
	r = remove_stale(a, path);
	if (r < 0)
		return r;
	return bind(fd, sa, a->len) < 0 ? -errno : 0;
}

/* Where the system has no IPv6, "*" is all of IPv4. */
static int any_socket(struct conn_address *a)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in *in = (struct sockaddr_in *)&a->ss;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 || errno != EAFNOSUPPORT)
		return fd;
	memcpy(&in6, &a->ss, sizeof(in6));
	memset(&a->ss, 0, sizeof(a->ss));
	in->sin_family = AF_INET;
	in->sin_port = in6.sin6_port;
	a->len = sizeof(*in);
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int bound_socket(struct conn_address *a, const char *path, bool reuse_port, int *ret_fd)
{
	int fd, r, one = 1, v6only = !a->any;

	fd = a->any ? any_socket(a)
		    : socket(a->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!path) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (a->ss.ss_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
		if (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0) {
			r = -errno;
			close(fd);
			return r;
		}
	}
	r = bind_to(fd, a, path);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int listener_probe(const char *address)
{
	struct conn_address a;
	int fd = -1, r = conn_address_parse(address, &a);

	if (r < 0 || a.ss.ss_family == AF_UNIX)
		return r;
	r = bound_socket(&a, NULL, false, &fd);
	if (r == 0)
		close(fd);
	return r;
}

int listener_new(struct loop *l, const char *address, bool reuse_port, listener_fn *fn, void *arg,
		 struct listener **ret)
{
	struct conn_address a;
	const char *path = NULL;
	struct listener *s;
	struct stat st;
	int fd = -1, r;

	r = conn_address_parse(address, &a);
	if (r < 0)
		return r;
	if (a.ss.ss_family == AF_UNIX)
		path = ((struct sockaddr_un *)&a.ss)->sun_path;
	r = bound_socket(&a, path, reuse_port, &fd);
	if (r < 0)
		return r;
	if (listen(fd, SOMAXCONN) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	s = listener_from_fd(l, fd, fn, arg);
	if (path && lstat(path, &st) == 0) {
		s->path = xstrdup(path);
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
	*ret = s;
	return 0;
}

int listener_fd(const struct listener *s)
{
	return s->fd;
}

void listener_on_full(struct listener *s, loop_fn *full)
{
	s->full_fn = full;
}

void listener_pause(struct listener *s, bool pause)
{
	s->paused = pause;
	interest(s);
}

struct listener *listener_free(struct listener *s)
{
	struct stat st;

	if (!s || s->freed)
		return NULL;
	s->freed = true;
	loop_io_free(s->io);
	loop_timer_free(s->retry);
	close(s->fd);
	/* Not the file of a successor that has already taken the name. */
	if (s->path && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	free(s->path);
	if (!s->busy)
		free(s);
	return NULL;
}
