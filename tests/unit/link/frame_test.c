/* SPDX-License-Identifier: MIT */
/* Headers of frames, and frames cut out of a stream that arrives in any pieces. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "link/messages.h"
#include "link/peer.h"

static const struct frame sample = {
	.kind = MSG_STANZA,
	.flags = FRAME_REPLY | FRAME_CHANNEL,
	.tag = 0x01020304,
	.remaining_ms = 30000,
	.trace = UINT64_C(0x1122334455667788),
	.from = UINT64_C(0xfffffffffffffff1),
	.to = 2,
	.from_shard = 1023,
	.to_shard = SHARD_NONE,
	.from_epoch = 7,
	.to_epoch = UINT32_MAX,
	.run = 3,
	.number = 9,
	.body = {"hello", 5},
};

static struct buf bytes_of(const struct frame *f)
{
	struct buf b = BUF_INIT;

	frame_head_write(f, f->body.len, buf_reserve(&b, FRAME_HEAD));
	buf_added(&b, FRAME_HEAD);
	buf_str_append(&b, f->body);
	return b;
}

static void assert_sample(const struct frame *f)
{
	ck_assert_uint_eq(f->kind, sample.kind);
	ck_assert_uint_eq(f->flags, sample.flags);
	ck_assert_uint_eq(f->tag, sample.tag);
	ck_assert_uint_eq(f->remaining_ms, sample.remaining_ms);
	ck_assert_uint_eq(f->trace, sample.trace);
	ck_assert_uint_eq(f->from, sample.from);
	ck_assert_uint_eq(f->to, sample.to);
	ck_assert_uint_eq(f->from_shard, sample.from_shard);
	ck_assert_uint_eq(f->to_shard, sample.to_shard);
	ck_assert_uint_eq(f->from_epoch, sample.from_epoch);
	ck_assert_uint_eq(f->to_epoch, sample.to_epoch);
	ck_assert_uint_eq(f->run, sample.run);
	ck_assert_uint_eq(f->number, sample.number);
	ck_assert(str_eq(f->body, sample.body));
}

START_TEST(head)
{
	struct buf b = bytes_of(&sample);
	struct frame f;

	ck_assert_uint_eq(b.len, FRAME_HEAD + 5);
	ck_assert_int_eq(buf_ptr(&b)[0], FRAME_HEAD + 5); /* little-endian */
	ck_assert_int_eq(buf_ptr(&b)[8], 4);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(frame_read(str_n(buf_ptr(&b), n), 1024, &f), 0);
	ck_assert_int_eq(frame_read(buf_str(&b), 1024, &f), (long)b.len);
	assert_sample(&f);
	ck_assert_int_eq(frame_read(buf_str(&b), b.len - 1, &f), -EPROTO);
	buf_ptr(&b)[0] = FRAME_HEAD - 1;
	ck_assert_int_eq(frame_read(buf_str(&b), 1024, &f), -EPROTO);
	buf_free(&b);
}
END_TEST

/* --- peers on a socket pair -------------------------------------------------------------------- */

struct end {
	struct peer *peer;
	size_t frames;
	int err;
	bool down, check;
	struct buf kinds; /* a byte each */
};

static void on_frame(void *arg, const struct frame *f, struct str bytes)
{
	struct end *e = arg;

	ck_assert_uint_eq(bytes.len, FRAME_HEAD + f->body.len);
	if (e->check)
		assert_sample(f);
	buf_putc(&e->kinds, (char)f->kind);
	e->frames++;
}

static void on_down(void *arg, int err, const char *reason)
{
	struct end *e = arg;

	e->down = true;
	e->err = err;
}

static const struct peer_ops ops = {.frame = on_frame, .down = on_down};

static void make_pair(int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void end_free(struct end *e)
{
	peer_free(e->peer);
	buf_free(&e->kinds);
}

START_TEST(split_at_every_byte)
{
	struct loop *l = loop_new();
	struct buf b = bytes_of(&sample), two = bytes_of(&sample);

	buf_str_append(&two, buf_str(&b));
	for (size_t n = 1; n < two.len; n++) {
		struct end e = {.check = true};
		int fds[2];

		make_pair(fds);
		e.peer = peer_new(l, fds[0], 1024, &ops, &e);
		ck_assert_int_eq(write(fds[1], buf_ptr(&two), n), (ssize_t)n);
		loop_run_once(l);
		ck_assert_int_eq(write(fds[1], buf_ptr(&two) + n, two.len - n), (ssize_t)(two.len - n));
		while (e.frames < 2)
			loop_run_once(l);
		end_free(&e);
		close(fds[1]);
	}
	buf_free(&b);
	buf_free(&two);
	loop_free(l);
}
END_TEST

START_TEST(too_long_ends_it)
{
	struct loop *l = loop_new();
	struct end e = {0};
	int fds[2];

	make_pair(fds);
	e.peer = peer_new(l, fds[0], 100, &ops, &e);
	ck_assert_int_eq(write(fds[1], "\145\0\0\0", 4), 4);
	while (!e.down)
		loop_run_once(l);
	ck_assert_int_eq(e.err, -EPROTO);
	end_free(&e);
	close(fds[1]);
	loop_free(l);
}
END_TEST

/* Sent, it would end the link. */
START_TEST(too_long_is_not_sent)
{
	struct loop *l = loop_new();
	struct end a = {0}, b = {0};
	static char block[1024];
	struct frame f = {.kind = 50, .body = {block, 1024 - FRAME_HEAD + 1}};
	struct msg_trace m = {.line = {block, sizeof(block)}};
	struct frame trace = {.kind = MSG_TRACE};
	int fds[2];

	make_pair(fds);
	a.peer = peer_new(l, fds[0], 1024, &ops, &a);
	b.peer = peer_new(l, fds[1], 1024, &ops, &b);
	ck_assert_int_eq(peer_send_body(a.peer, &f), -EMSGSIZE);
	ck_assert_int_eq(peer_send(a.peer, &trace, &m), -EMSGSIZE);
	ck_assert_uint_eq(peer_queued(a.peer), 0);
	f.body.len--;
	ck_assert_int_eq(peer_send_body(a.peer, &f), 0);
	while (!b.frames)
		loop_run_once(l);
	ck_assert(!a.down && !b.down);
	end_free(&a);
	end_free(&b);
	loop_free(l);
}
END_TEST

/* 4 MB of data wait; a control frame comes before most of them, and all arrive, in order. */
START_TEST(control_goes_first)
{
	struct loop *l = loop_new();
	struct end a = {0}, b = {0};
	static char block[16384];
	struct frame data = {.kind = 50, .body = {block, sizeof(block)}};
	struct frame control = {.kind = 51, .flags = FRAME_CONTROL};
	const char *at;
	int fds[2];

	make_pair(fds);
	a.peer = peer_new(l, fds[0], 1 << 20, &ops, &a);
	b.peer = peer_new(l, fds[1], 1 << 20, &ops, &b);
	for (int i = 0; i < 256; i++)
		peer_send_body(a.peer, &data);
	peer_send_body(a.peer, &control);
	data.kind = 52;
	peer_send_body(a.peer, &data);
	while (b.frames < 258)
		loop_run_once(l);
	at = memchr(buf_ptr(&b.kinds), 51, b.kinds.len);
	ck_assert_ptr_nonnull(at);
	ck_assert_int_le(at - buf_ptr(&b.kinds), 20); /* 256 KB are ahead at the most */
	ck_assert_int_eq(buf_ptr(&b.kinds)[257], 52);
	ck_assert_uint_eq(peer_queued(a.peer), 0);
	end_free(&a);
	end_free(&b);
	loop_free(l);
}
END_TEST

/* A frame behind one that the kernel takes whole. */
START_TEST(behind_a_long_one)
{
	struct loop *l = loop_new();
	struct end a = {0}, b = {0};
	static char block[256 << 10];
	struct frame f = {.kind = 50, .body = {block, sizeof(block)}};
	int fds[2], room = 1 << 20;

	make_pair(fds);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	a.peer = peer_new(l, fds[0], 1 << 20, &ops, &a);
	b.peer = peer_new(l, fds[1], 1 << 20, &ops, &b);
	peer_send_body(a.peer, &f);
	f.body.len = 0;
	peer_send_body(a.peer, &f);
	while (b.frames < 2)
		loop_run_once(l);
	ck_assert_uint_eq(peer_queued(a.peer), 0);
	end_free(&a);
	end_free(&b);
	loop_free(l);
}
END_TEST

Suite *frame_suite(void);
Suite *frame_suite(void)
{
	Suite *s = suite_create("frame");
	TCase *t = tcase_create("frame");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, head);
	tcase_add_test(t, split_at_every_byte);
	tcase_add_test(t, too_long_ends_it);
	tcase_add_test(t, too_long_is_not_sent);
	tcase_add_test(t, control_goes_first);
	tcase_add_test(t, behind_a_long_one);
	suite_add_tcase(s, t);
	return s;
}
