/* SPDX-License-Identifier: MIT */
/* Links over TCP: TLS 1.3 with certificates on both sides, or with the shared secret. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/router/world.h"

/* A port that was free a moment ago. */
static char *free_address(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	close(fd);
	return xasprintf("127.0.0.1:%u", ntohs(in.sin_port));
}

struct tls_world {
	struct world *w;
	char *crt, *key, *other_crt, *other_key;
};

static struct tls_world make(bool ca, const char *secret)
{
	struct tls_world t = {.w = world_new()};
	struct world_router *r = &t.w->routers[0];

	cert_make(t.w->dir, "links", CERT_EC);
	cert_make(t.w->dir, "other", CERT_EC);
	t.crt = path_in(t.w->dir, "links.crt");
	t.key = path_in(t.w->dir, "links.key");
	t.other_crt = path_in(t.w->dir, "other.crt");
	t.other_key = path_in(t.w->dir, "other.key");
	r->address = free_address();
	r->setup.tls = (struct link_tls_files){t.crt, t.key, ca ? t.crt : NULL};
	r->setup.secret = secret;
	return t;
}

static void end(struct tls_world *t)
{
	free(t->crt);
	free(t->key);
	free(t->other_crt);
	free(t->other_key);
	world_free(t->w);
}

static struct node *join(struct tls_world *t, const char *crt, const char *key, const char *ca,
			 const char *secret)
{
	const char *routers[] = {t->w->routers[0].address, NULL};
	struct link_config c = {
		.name = "sm-1",
		.process = "sm",
		.version = "1",
		.routers = routers,
		.secret = secret,
		.cert_file = crt,
		.key_file = key,
		.ca_file = ca,
		.max_frame = 1 << 20,
		.heartbeat_ms = 2000,
	};

	return node_new_with(t->w, &c);
}

START_TEST(certificates)
{
	struct tls_world t = make(true, NULL);
	struct world *w = t.w;
	struct node *n;

	router_start(w, 0);
	n = join(&t, t.crt, t.key, t.crt, NULL);
	await(w, n->ready == 1);
	ck_assert_uint_eq(log_count("mechanism=CERTIFICATE"), 1);
	node_free(n);
	/* A certificate of nobody that we know. */
	n = join(&t, t.other_crt, t.other_key, t.crt, NULL);
	await(w, n->failed >= 1);
	ck_assert_uint_eq(n->up, 0);
	node_free(n);
	/* A router of nobody that the process knows. */
	n = join(&t, t.crt, t.key, t.other_crt, NULL);
	await(w, n->failed >= 1);
	ck_assert_uint_eq(n->up, 0);
	node_free(n);
	/* Nothing to show at all. */
	n = join(&t, NULL, NULL, t.crt, NULL);
	await(w, n->failed >= 1);
	ck_assert_uint_eq(n->up, 0);
	end(&t);
}
END_TEST

START_TEST(secret)
{
	struct tls_world t = make(false, "a secret of the whole cluster");
	struct world *w = t.w;
	struct node *n;

	router_start(w, 0);
	n = join(&t, NULL, NULL, NULL, "a secret of the whole cluster");
	await(w, n->ready == 1);
	ck_assert_uint_eq(log_count("mechanism=SCRAM-SHA-256-PLUS"), 1);
	node_free(n);
	n = join(&t, NULL, NULL, NULL, "a secret of another cluster");
	await(w, n->failed == 1);
	ck_assert_ptr_nonnull(strstr(n->failure, "secret"));
	node_free(n);
	/* Credentials count on Unix sockets alone. */
	n = join(&t, NULL, NULL, NULL, NULL);
	await(w, n->failed == 1);
	ck_assert_ptr_nonnull(strstr(n->failure, "needs a certificate or the shared secret"));
	end(&t);
}
END_TEST

/* A router that is not proved by certificate must know the secret. */
START_TEST(false_router)
{
	struct tls_world t = make(false, "a secret that was guessed");
	struct world *w = t.w;
	struct node *n;

	router_start(w, 0);
	n = join(&t, NULL, NULL, NULL, "a secret of the whole cluster");
	await(w, n->failed == 1);
	ck_assert_uint_eq(n->up, 0);
	end(&t);
}
END_TEST

START_TEST(no_way_to_prove)
{
	struct tls_world t = make(false, NULL);
	char *error = router_start_error(t.w, 0);

	ck_assert_ptr_nonnull(strstr(error, "needs secret_file or link_ca"));
	free(error);
	router_stop(t.w, 0);
	t.w->routers[0].setup.tls.cert = t.w->routers[0].setup.tls.key = NULL;
	error = router_start_error(t.w, 0);
	ck_assert_ptr_nonnull(strstr(error, "needs link_certificate"));
	free(error);
	end(&t);
}
END_TEST

Suite *tls_link_suite(void);
Suite *tls_link_suite(void)
{
	Suite *s = suite_create("tls_link");
	TCase *t = tcase_create("tls_link");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, certificates);
	tcase_add_test(t, secret);
	tcase_add_test(t, false_router);
	tcase_add_test(t, no_way_to_prove);
	suite_add_tcase(s, t);
	return s;
}
