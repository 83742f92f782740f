/* SPDX-License-Identifier: MIT */
/* Who may share a listening address: lock files tell our own processes from strangers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/conn_internal.h"

/* Locks of an open file description: unlike those of flock(2) they change from exclusive to shared
 * without a moment in between, and unlike others of fcntl(2) they are not lost by closing another
 * descriptor of the file. */
static int set_lock(int fd, short type, bool wait)
{
	struct flock f = {.l_type = type, .l_whence = SEEK_SET};
	int r;

	do
		r = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &f);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int open_lock(const char *address, const char *dir)
{
	char *path = xasprintf("%s/listen-%s.lock", dir, address);
	int fd;

	for (char *p = path + strlen(dir) + 1; *p; p++)
		if (*p == '/' || *p == '*' || *p == '[' || *p == ']')
			*p = '_';
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	free(path);
	return fd;
}

int listener_claim(const char *address, const char *dir, int *ret_claim)
{
	int fd = open_lock(address, dir), r;

	/* The first of ours finds out whether the address is free; the others find a lock. */
	if (fd < 0 || set_lock(fd, F_WRLCK, false) == 0) {
		r = listener_probe(address);
		if (r < 0) {
			listener_disclaim(fd);
			return r;
		}
	} else {
		r = set_lock(fd, F_RDLCK, true);
		if (r < 0) {
			listener_disclaim(fd);
			return r;
		}
	}
	*ret_claim = fd;
	return 0;
}

void listener_claimed(int claim)
{
	if (claim >= 0)
		(void)set_lock(claim, F_RDLCK, false);
}

void listener_disclaim(int claim)
{
	if (claim >= 0)
		close(claim);
}
