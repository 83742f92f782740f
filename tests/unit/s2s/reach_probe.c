/* SPDX-License-Identifier: MIT */
/* Reaches a domain and prints what happened, line by line: for tests/integration/reach_test.py.
 *	reach_probe SERVER ANCHOR TRIES DOMAIN [DOMAIN=ADDRESS…]	ANCHOR "" for none */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "s2s/reach.h"

struct probe {
	struct loop *loop;
	int tries;
};

static void on_line(void *arg, const char *line)
{
	(void)arg;
	printf("line %s\n", line);
}

static void on_result(void *arg, struct reach *r, const struct reach_result *res)
{
	struct probe *p = arg;

	if (res->err) {
		printf("failed %d %d %s\n", -res->err, res->no_service, res->text);
	} else {
		printf("reached %s %s %s %s", res->address, res->target,
		       res->direct_tls ? "direct" : "starttls", res->secure ? "secure" : "insecure");
		for (size_t i = 0; i < res->ntlsa; i++)
			printf(" %u.%u.%u.%zu", res->tlsa[i].usage, res->tlsa[i].selector,
			       res->tlsa[i].matching, res->tlsa[i].data.len);
		putchar('\n');
		close(res->fd);
	}
	if (!res->err && --p->tries > 0) {
		reach_next(r);
		return;
	}
	reach_free(r);
	loop_stop(p->loop);
}

int main(int argc, char **argv)
{
	struct reach_static statics[8];
	struct resolver_config dns = {.timeout_ms = 3000, .hosts = "/dev/null"};
	struct reach_config c = {
		.statics = statics, .ipv4 = true, .ipv6 = true, .connect_ms = 3000, .total_ms = 8000};
	struct probe p = {loop_new(), 0};
	struct reaches *all;
	char *error = NULL;

	if (argc < 5)
		return 2;
	dns.server = argv[1];
	dns.anchor = argv[2];
	p.tries = atoi(argv[3]);
	for (int i = 5; i < argc && c.nstatics < 8; i++) {
		char *equals = strchr(argv[i], '=');

		if (!equals)
			return 2;
		*equals = '\0';
		statics[c.nstatics++] = (struct reach_static){argv[i], equals + 1, false};
	}
	c.resolver = resolver_new(p.loop, &dns, &error);
	if (!c.resolver) {
		printf("error %s\n", error);
		free(error);
		loop_free(p.loop);
		return 1;
	}
	all = reaches_new(p.loop, &c);
	reach_new(all, argv[4], on_line, on_result, &p);
	loop_run(p.loop);
	reaches_free(all);
	resolver_free(c.resolver);
	loop_free(p.loop);
	return 0;
}
