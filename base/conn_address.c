/* SPDX-License-Identifier: MIT */
/* Socket addresses as text: literals only, no name is ever looked up. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>
#include "base/alloc.h"
#include "base/conn_internal.h"

static int parse_unix(struct str path, struct conn_address *ret)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->ss;

	if (!path.len)
		return -EINVAL;
	if (path.len >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.ptr, path.len);
	ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	return 0;
}

static int parse_host(const char *host, unsigned short port, struct conn_address *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ret->ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->ss;

	if (strcmp(host, "*") == 0) {
		ret->any = true;
		in6->sin6_addr = in6addr_any;
	} else if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		ret->len = sizeof(*in);
		return 0;
	} else if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1) {
		return -EINVAL;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	ret->len = sizeof(*in6);
	return 0;
}

int conn_address_parse(const char *text, struct conn_address *ret)
{
	struct str s = str_z(text), host;
	struct conn_address a = {0};
	unsigned long long port;
	char name[64];
	size_t colon;
	int r;

	if (str_starts(s, STR("unix:"))) {
		r = parse_unix(str_n(s.ptr + 5, s.len - 5), &a);
	} else {
		const char *at = strrchr(text, ':');

		if (!at)
			return -EINVAL;
		colon = (size_t)(at - text);
		host = str_n(text, colon);
		if (!str_u64(str_z(at + 1), &port) || port > 65535)
			return -EINVAL;
		/* An IPv6 address wears brackets, or its last group could be the port. */
		if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
			host = str_n(host.ptr + 1, host.len - 2);
		else if (str_find(host, ':', 0) >= 0)
			return -EINVAL;
		if (host.len >= sizeof(name))
			return -EINVAL;
		memcpy(name, host.ptr, host.len);
		name[host.len] = '\0';
		r = parse_host(name, (unsigned short)port, &a);
	}
	if (r == 0)
		*ret = a;
	return r;
}

bool conn_address_valid(const char *address)
{
	struct conn_address a;

	return conn_address_parse(address, &a) == 0 && !a.any;
}

char *conn_peer_name(int fd)
{
	char text[INET6_ADDRSTRLEN] = "unknown";
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

	if (getpeername(fd, (struct sockaddr *)&ss, &len) < 0)
		return xstrdup(text);
	if (ss.ss_family == AF_UNIX) {
		struct ucred cred = {0};

		len = sizeof(cred);
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
		return xasprintf("unix:%ld", (long)cred.pid);
	}
	if (ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&ss)->sin_addr, text, sizeof(text));
	else if (ss.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], text, sizeof(text));
	else if (ss.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	return xstrdup(text);
}
