/* SPDX-License-Identifier: MIT */
/* Listening sockets that the init system has made (sd_listen_fds(3)). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/conn.h"

enum { FIRST_FD = 3, MAX_FDS = 64 };

static bool number(const char *name, unsigned long long *ret)
{
	const char *text = getenv(name);

	return text && str_u64(str_z(text), ret);
}

static void forget_environment(void)
{
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

static bool option_is(int fd, int name, int want)
{
	int value = 0;
	socklen_t n = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &n) == 0 && value == want;
}

static unsigned short port_of(int fd)
{
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n) < 0)
		return 0;
	if (ss.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&ss)->sin_port);
	return ss.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&ss)->sin6_port) : 0;
}

int listeners_inherited(struct inherited **ret, size_t *ret_n)
{
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned long long pid, n;
	struct inherited *all;
	struct str rest, name;
	char *text;
	size_t len;

	if (!number("LISTEN_PID", &pid) || pid != (unsigned long long)getpid() ||
	    !number("LISTEN_FDS", &n) || !n || n > MAX_FDS) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	names = names ? names : "";
	len = strlen(names);
	all = xcalloc(1, (size_t)n * sizeof(*all) + len + 1);
	text = (char *)(all + n);
	memcpy(text, names, len + 1);
	rest = str_n(text, len);
	for (int i = 0; i < (int)n; i++) {
		all[i].fd = FIRST_FD + i;
		all[i].name = "";
		if (str_split(&rest, ':', &name)) {
			all[i].name = name.ptr;
			text[name.ptr + name.len - text] = '\0';
		}
		if (!option_is(all[i].fd, SO_ACCEPTCONN, 1) ||
		    !option_is(all[i].fd, SO_TYPE, SOCK_STREAM)) {
			free(all);
			return -ENOTSOCK;
		}
		all[i].port = port_of(all[i].fd);
		fcntl(all[i].fd, F_SETFD, FD_CLOEXEC);
	}
	forget_environment();
	*ret = all;
	*ret_n = (size_t)n;
	return 0;
}
