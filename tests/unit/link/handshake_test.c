/* SPDX-License-Identifier: MIT */
/* Who may link: secrets, credentials, versions, what comes too early. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "link/handshake.h"
#include "link/messages.h"

struct side {
	struct peer *peer;
	struct handshake *handshake;
	bool done;
	int err;
	char *reason, *name, *mechanism;
	uint16_t minor;
	const char *refuse;
};

static const char *on_admit(void *arg, const struct handshake_other *o)
{
	struct side *s = arg;

	return s->refuse;
}

static void on_done(void *arg, int err, const char *reason, const struct handshake_other *o)
{
	struct side *s = arg;

	ck_assert(!s->done);
	s->done = true;
	s->err = err;
	s->reason = reason ? xstrdup(reason) : NULL;
	s->name = o->name ? xstrdup(o->name) : NULL;
	s->mechanism = o->mechanism ? xstrdup(o->mechanism) : NULL;
	s->minor = o->minor;
}

static const struct handshake_ops ops = {.admit = on_admit, .done = on_done};

struct world {
	struct loop *loop;
	struct handshake_self me[2]; /* 0: the router */
	struct side side[2];
};

static struct world *new_world(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->loop = loop_new();
	w->me[0] = (struct handshake_self){1, "router-1", "router", "1.0"};
	w->me[1] = (struct handshake_self){2, "sm-1", "sm", "1.0"};
	for (int i = 0; i < 2; i++) {
		w->me[i].secret_always = true;
		w->me[i].major = LINK_MAJOR;
		w->me[i].minor = LINK_MINOR;
	}
	return w;
}

static void free_world(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		handshake_free(w->side[i].handshake);
		peer_free(w->side[i].peer);
		free(w->side[i].reason);
		free(w->side[i].name);
		free(w->side[i].mechanism);
	}
	loop_free(w->loop);
	free(w);
}

static void shake(struct world *w)
{
	static const struct peer_ops none = {NULL};
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	for (int i = 0; i < 2; i++) {
		struct side *s = &w->side[i];

		s->peer = peer_new(w->loop, fds[i], 1024, &none, s);
		s->handshake = handshake_new(s->peer, i == 0, &w->me[i], &ops, s);
	}
	while (!w->side[0].done || !w->side[1].done)
		loop_run_once(w->loop);
}

START_TEST(credentials)
{
	struct world *w = new_world();

	shake(w);
	ck_assert_int_eq(w->side[0].err, 0);
	ck_assert_int_eq(w->side[1].err, 0);
	ck_assert_str_eq(w->side[0].name, "sm-1");
	ck_assert_str_eq(w->side[1].name, "router-1");
	free_world(w);
}
END_TEST

START_TEST(same_secret)
{
	struct world *w = new_world();

	w->me[0].secret = w->me[1].secret = "correct horse battery";
	shake(w);
	ck_assert_int_eq(w->side[0].err, 0);
	ck_assert_int_eq(w->side[1].err, 0);
	ck_assert_str_eq(w->side[0].mechanism, "SCRAM-SHA-256");
	free_world(w);
}
END_TEST

/* The secret is for those whom the system does not vouch for. */
START_TEST(same_user)
{
	struct world *w = new_world();

	w->me[0].secret = w->me[1].secret = "correct horse battery";
	w->me[0].secret_always = w->me[1].secret_always = false;
	shake(w);
	ck_assert_int_eq(w->side[0].err, 0);
	ck_assert_int_eq(w->side[1].err, 0);
	ck_assert_str_eq(w->side[0].mechanism, "PEER");
	free_world(w);
}
END_TEST

START_TEST(same_user_without_secret)
{
	struct world *w = new_world();

	w->me[0].secret = "correct horse battery";
	shake(w);
	ck_assert_int_eq(w->side[0].err, -EACCES);
	ck_assert_int_eq(w->side[1].err, -EACCES);
	ck_assert_ptr_nonnull(strstr(w->side[1].reason, "secret_always"));
	free_world(w);
}
END_TEST

START_TEST(other_secret)
{
	struct world *w = new_world();

	w->me[0].secret = "correct horse battery";
	w->me[1].secret = "correct horse batterx";
	shake(w);
	ck_assert_int_eq(w->side[0].err, -EACCES);
	ck_assert_int_eq(w->side[1].err, -EACCES);
	ck_assert_ptr_nonnull(strstr(w->side[1].reason, "the shared secret is another"));
	free_world(w);
}
END_TEST

START_TEST(router_without_secret)
{
	struct world *w = new_world();

	w->me[1].secret = "correct horse battery";
	shake(w);
	ck_assert_int_eq(w->side[0].err, -EACCES);
	ck_assert_int_eq(w->side[1].err, -EACCES);
	ck_assert_ptr_nonnull(strstr(w->side[1].reason, "no shared secret"));
	free_world(w);
}
END_TEST

START_TEST(other_major)
{
	struct world *w = new_world();

	w->me[1].major = LINK_MAJOR + 1;
	shake(w);
	ck_assert_int_eq(w->side[0].err, -EPROTONOSUPPORT);
	ck_assert_int_lt(w->side[1].err, 0);
	ck_assert_ptr_nonnull(strstr(w->side[0].reason, "version"));
	ck_assert_ptr_nonnull(strstr(w->side[1].reason, "version"));
	free_world(w);
}
END_TEST

START_TEST(other_minor)
{
	struct world *w = new_world();

	w->me[0].minor = 7;
	w->me[1].minor = 4;
	shake(w);
	ck_assert_int_eq(w->side[0].err, 0);
	ck_assert_uint_eq(w->side[0].minor, 4);
	ck_assert_uint_eq(w->side[1].minor, 4);
	free_world(w);
}
END_TEST

START_TEST(refused_by_rule)
{
	struct world *w = new_world();

	w->side[0].refuse = "not you";
	shake(w);
	ck_assert_int_eq(w->side[0].err, -EPERM);
	ck_assert_int_eq(w->side[1].err, -EACCES);
	ck_assert_str_eq(w->side[1].reason, "the router refuses: not you");
	free_world(w);
}
END_TEST

/* What a stranger may say first; the router refuses each and goes on. */
static void first_words(uint16_t kind, const void *m, struct str body, int err)
{
	static const struct peer_ops none = {NULL};
	struct world *w = new_world();
	struct side *s = &w->side[0];
	struct frame f = {.kind = kind, .body = body};
	struct buf b = BUF_INIT;
	int fds[2];

	if (m)
		msg_encode(kind, m, &b);
	if (m)
		f.body = buf_str(&b);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s->peer = peer_new(w->loop, fds[0], 1024, &none, s);
	s->handshake = handshake_new(s->peer, true, &w->me[0], &ops, s);
	w->side[1].peer = peer_new(w->loop, fds[1], 1024, &none, s);
	peer_send_body(w->side[1].peer, &f);
	conn_pause(peer_conn(w->side[1].peer));
	while (!s->done)
		loop_run_once(w->loop);
	ck_assert_int_eq(s->err, err);
	buf_free(&b);
	free_world(w);
}

START_TEST(strangers)
{
	struct msg_proof proof = {.data = STR("n,,n=sm-1,r=x")};
	struct msg_hello nameless = {.major = LINK_MAJOR, .id = 5, .process = STR("sm")};
	struct msg_hello blank = {
		.major = LINK_MAJOR, .id = 5, .name = STR("a b"), .process = STR("sm")};
	struct msg_hello no_id = {.major = LINK_MAJOR, .name = STR("sm-1"), .process = STR("sm")};
	struct msg_hello odd = {
		.major = LINK_MAJOR,
		.id = 5,
		.name = STR("sm-1"),
		.process = STR("sm"),
		.mechanism = STR("CERTIFICATE"),
	};

	first_words(MSG_PROOF, &proof, STR_NONE, -EPROTO);
	first_words(MSG_STANZA, NULL, STR_NONE, -EPROTO);
	first_words(MSG_HELLO, NULL, STR("\1"), -EPROTO);
	first_words(MSG_HELLO, NULL, STR_NONE, -EPROTONOSUPPORT);
	first_words(MSG_HELLO, &nameless, STR_NONE, -EPROTO);
	first_words(MSG_HELLO, &blank, STR_NONE, -EPROTO);
	first_words(MSG_HELLO, &no_id, STR_NONE, -EPROTO);
	first_words(MSG_HELLO, &odd, STR_NONE, -EACCES);
}
END_TEST

Suite *handshake_suite(void);
Suite *handshake_suite(void)
{
	Suite *s = suite_create("handshake");
	TCase *t = tcase_create("handshake");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, credentials);
	tcase_add_test(t, same_secret);
	tcase_add_test(t, same_user);
	tcase_add_test(t, same_user_without_secret);
	tcase_add_test(t, other_secret);
	tcase_add_test(t, router_without_secret);
	tcase_add_test(t, other_major);
	tcase_add_test(t, other_minor);
	tcase_add_test(t, refused_by_rule);
	tcase_add_test(t, strangers);
	suite_add_tcase(s, t);
	return s;
}
