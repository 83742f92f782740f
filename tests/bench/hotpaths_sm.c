/* SPDX-License-Identifier: MIT */
/*
 * sm, between the doubles of its unit tests: route, a STANZA frame to the WRITE that appends the
 * message to the log; deliver, the answer to that to GIVE and DONE.
 */
#include "tests/bench/hotpaths.h"
#include "tests/unit/sm/world.h"

struct passing {
	struct client *romeo, *juliet;
	struct buf envelope;
	size_t write; /* the frame */
};

static void said(void *arg)
{
	struct passing *p = arg;
	struct msg_stanza m = {.sid = p->romeo->sid,
			       .attachment = p->romeo->attachment,
			       .n = ++p->romeo->in,
			       .envelope = buf_str(&p->envelope)};

	fake_receive(w.link, frame_from(C2S_ID, MSG_STANZA, p->romeo->account), &m);
	fake_turn(w.link);
}

static void answered(void *arg)
{
	struct passing *p = arg;
	struct msg_written m = {.status = STORE_COMMITTED};

	fake_reply(w.link, &fake_out(w.link, p->write)->f, MSG_WRITTEN, &m);
	fake_turn(w.link);
}

static size_t sent(size_t from, uint16_t kind)
{
	size_t i = from;

	while (i < fake_sent(w.link) && fake_out(w.link, i)->f.kind != kind)
		i++;
	ck_assert_msg(i < fake_sent(w.link), "no frame %u", kind);
	return i;
}

/* The client has it, which settles it. */
static void acknowledged(struct client *c)
{
	struct msg_sid_number n = {c->sid, ++c->out};
	struct msg_acked m = {.sessions = &n, .nsessions = 1};

	fake_receive(w.link, frame_from(C2S_ID, MSG_ACKED, NULL), &m);
	fake_turn(w.link);
}

static void pass_one(struct passing *p, bool routing)
{
	fake_forget(w.link);
	if (routing)
		measured(said, p);
	else
		said(p);
	p->write = sent(0, MSG_WRITE);
	if (routing)
		answered(p);
	else
		measured(answered, p);
	(void)sent(sent(p->write, MSG_GIVE), MSG_DONE);
	acknowledged(p->juliet);
}

static long messages;
static bool of_route;

START_TEST(path)
{
	static const char xml[] = CHAT("juliet@localhost/y");
	struct pool *pool = pool_new();
	struct passing p = {.envelope = BUF_INIT};
	struct stanza st;

	world_start(NULL);
	account("romeo@localhost");
	account("juliet@localhost");
	p.romeo = online("romeo@localhost", "x");
	p.juliet = online("juliet@localhost", "y");
	acknowledge_all(p.juliet);
	ck_assert_int_eq(stanza_parse(pool, str_z(xml), &st), 0);
	st.from = str_z(p.romeo->full);
	stanza_encode(&st, &p.envelope);
	while (messages--)
		pass_one(&p, of_route);
	confirmed(p.romeo, p.romeo->in);
	fake_forget(w.link);
	w.seen = 0;
	world_stop();
	buf_free(&p.envelope);
	pool_free(pool);
}
END_TEST

static void run(long n, bool routing)
{
	messages = n;
	of_route = routing;
	hotpath_in_test(path);
}

static void route(long n)
{
	run(n, true);
}

static void delivery(long n)
{
	run(n, false);
}

const struct hotpath hotpaths[] = {{"route", route}, {"deliver", delivery}, {NULL, NULL}};
