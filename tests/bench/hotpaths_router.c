/* SPDX-License-Identifier: MIT */
/* The router: pass, a frame from one process that goes to another. Counted is port_frame(): who gets
 * it, and into what waits for that link. */
#include "tests/bench/hotpaths.h"
#include "tests/unit/router/world.h"

enum { C2S = 900, SM = 902 };

static long messages;

START_TEST(path)
{
	static const char chat[] = CHAT(TO);
	struct msg_stanza m = {.sid = 1, .attachment = 1, .envelope = str_z(chat)};
	struct world *w = world_new();
	struct raw *c2s, *sm;

	router_start(w, 0);
	c2s = raw_new(w, "c2s-9", "c2s", C2S);
	sm = raw_new(w, "sm-9", "sm", SM);
	raw_await_linked(c2s);
	raw_await_linked(sm);
	while (messages--) {
		unsigned before = sm->frames;

		m.n++;
		raw_send(c2s, MSG_STANZA, SM, &m);
		await(w, sm->frames > before);
	}
	raw_free(c2s);
	raw_free(sm);
	world_free(w);
}
END_TEST

static void pass(long n)
{
	messages = n;
	hotpath_in_test(path);
}

const struct hotpath hotpaths[] = {{"pass", pass}, {NULL, NULL}};
