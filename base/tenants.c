/* SPDX-License-Identifier: MIT */
/* Connections by address. */
#include "base/tenants.h"

#include "base/alloc.h"
/* uthash would exit without a word; here running out of memory aborts. */
#define uthash_malloc(size)    xmalloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uthash.h>

struct tenant {
	UT_hash_handle hh;
	uint8_t key[9];
	unsigned n;
};

static bool tenant_key(int fd, uint8_t ret[9])
{
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof ss;
	const uint8_t *v6;

	if (getpeername(fd, (struct sockaddr *)&ss, &n) < 0)
		return false;
	memset(ret, 0, 9);
	if (ss.ss_family == AF_INET) {
		ret[0] = 4;
		memcpy(ret + 1, &((struct sockaddr_in *)&ss)->sin_addr, 4);
		return true;
	}
	if (ss.ss_family != AF_INET6)
		return false;
	v6 = ((struct sockaddr_in6 *)&ss)->sin6_addr.s6_addr;
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)v6)) {
		ret[0] = 4;
		memcpy(ret + 1, v6 + 12, 4);
	} else {
		ret[0] = 6;
		memcpy(ret + 1, v6, 8);
	}
	return true;
}

struct tenant *tenants_enter(struct tenant **all, int fd, size_t limit, bool *ret_full)
{
	uint8_t key[9];
	struct tenant *t;

	*ret_full = false;
	if (!tenant_key(fd, key))
		return NULL;
	HASH_FIND (hh, *all, key, sizeof key, t)
		;
	if (t && limit && t->n >= limit) {
		*ret_full = true;
		return NULL;
	}
	if (!t) {
		t = xcalloc(1, sizeof *t);
		memcpy(t->key, key, sizeof key);
		HASH_ADD(hh, *all, key, sizeof key, t);
	}
	t->n++;
	return t;
}

void tenants_leave(struct tenant **all, struct tenant *t)
{
	if (!t || --t->n)
		return;
	HASH_DEL(*all, t);
	free(t);
}
