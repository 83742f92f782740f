/* SPDX-License-Identifier: MIT */
/* Outgoing connections to literal addresses. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/conn_internal.h"

struct dial {
	struct loop *loop;
	struct loop_io *io;
	struct loop_task task; /* tells a result that was there at once */
	dial_fn *fn;
	void *arg;
	int fd, err;
};

static void on_io(void *arg, unsigned events)
{
	struct dial *d = arg;
	int fd = d->fd, err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	d->io = loop_io_free(d->io);
	d->fd = -1;
	if (err) {
		close(fd);
		fd = -err;
	}
	d->fn(d->arg, fd); /* may free d */
}

static void on_task(void *arg)
{
	struct dial *d = arg;
	int fd = d->fd;

	d->fd = -1;
	d->fn(d->arg, d->err ? d->err : fd); /* may free d */
}

/* 0: connected or being connected (*ret_waits). */
static int start(const char *address, int *ret_fd, bool *ret_waits)
{
	struct conn_address a;
	int fd, r;

	r = conn_address_parse(address, &a);
	if (r < 0)
		return r;
	if (a.any)
		return -EINVAL;
	fd = socket(a.ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (struct sockaddr *)&a.ss, a.len);
	if (r < 0 && errno != EINPROGRESS && errno != EINTR) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	*ret_waits = r < 0;
	return 0;
}

struct dial *dial_new(struct loop *l, const char *address, dial_fn *fn, void *arg)
{
	struct dial *d = xcalloc(1, sizeof(*d));
	bool waits = false;

	d->loop = l;
	d->fn = fn;
	d->arg = arg;
	d->fd = -1;
	d->task.fn = on_task;
	d->task.arg = d;
	d->err = start(address, &d->fd, &waits);
	if (waits) {
		d->io = loop_io_new(l, d->fd, on_io, d);
		loop_io_set(d->io, LOOP_WRITE);
	} else {
		loop_defer(l, &d->task);
	}
	return d;
}

struct dial *dial_free(struct dial *d)
{
	if (!d)
		return NULL;
	loop_task_cancel(d->loop, &d->task);
	loop_io_free(d->io);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
	return NULL;
}
