/* SPDX-License-Identifier: MIT */
/* c2s: parse, a client's bytes to a stanza; encode, that to the frame for sm. */
#include <stdlib.h>
#include "link/frame.h"
#include "link/messages.h"
#include "tests/bench/hotpaths.h"
#include "xmpp/ns.h"
#include "xmpp/xml_read.h"

static const char header[] =
	"<stream:stream to='montague.example' version='1.0' xmlns='jabber:client' "
	"xmlns:stream='" NS_STREAM "'>";

struct world {
	struct pool *pool, *kept;
	struct xml_pool *parsers;
	struct xml_reader *reader;
	struct stanza stanza; /* the first one, in kept */
	struct buf out;
	unsigned seen;
};

static void must(bool good)
{
	if (!good)
		abort();
}

static void on_header(void *arg, const struct xml_header *h)
{
}

static void on_element(void *arg, const struct xml_element *e)
{
	struct world *w = arg;
	struct stanza st;

	must(stanza_from_element(w->pool, e, &st) == 0);
	st.from = STR(FROM);
	if (!w->seen++) {
		struct buf b = BUF_INIT;

		stanza_encode(&st, &b);
		must(stanza_decode(w->kept, pool_str(w->kept, buf_str(&b)), &w->stanza) == 0);
		buf_free(&b);
	}
}

static void on_end(void *arg)
{
}

static void on_error(void *arg, enum stream_error condition, const char *text)
{
	abort();
}

static void parse(void *arg)
{
	static const char chat[] = CHAT(TO);
	struct world *w = arg;
	unsigned before = w->seen;

	xml_reader_feed(w->reader, chat, sizeof(chat) - 1);
	must(w->seen == before + 1);
	pool_reset(w->pool);
}

static void encode(void *arg)
{
	struct world *w = arg;
	struct frame f = {.kind = MSG_STANZA,
			  .from = 11,
			  .to = 12,
			  .from_shard = SHARD_NONE,
			  .to_shard = 17,
			  .to_epoch = 3};
	struct buf b = BUF_INIT;
	struct msg_stanza m = {.sid = 1, .attachment = 1, .n = 7};
	size_t len;

	stanza_encode(&w->stanza, &b);
	m.envelope = buf_str(&b);
	len = msg_length(MSG_STANZA, &m);
	buf_clear(&w->out);
	frame_head_write(&f, len, buf_reserve(&w->out, FRAME_HEAD + len));
	msg_put(MSG_STANZA, &m, buf_ptr(&w->out) + FRAME_HEAD);
	buf_added(&w->out, FRAME_HEAD + len);
	buf_free(&b);
}

static void run(void (*one)(void *), long n)
{
	static const struct xml_limits limits = {.stanza_bytes = 65536,
						 .header_bytes = 4096,
						 .depth = 50,
						 .attrs = 50,
						 .children = 1000,
						 .ns_decls = 100};
	static const struct xml_reader_ops ops = {on_header, on_element, on_end, on_error};
	struct world w = {.pool = pool_new(), .kept = pool_new(), .parsers = xml_pool_new()};

	w.reader = xml_reader_new(w.parsers, &limits, &ops, &w);
	xml_reader_feed(w.reader, header, sizeof(header) - 1);
	parse(&w); /* what there is to encode */
	while (n--)
		measured(one, &w);
	xml_reader_free(w.reader);
	xml_pool_free(w.parsers);
	pool_free(w.pool);
	pool_free(w.kept);
	buf_free(&w.out);
}

static void run_parse(long n)
{
	run(parse, n);
}

static void run_encode(long n)
{
	run(encode, n);
}

const struct hotpath hotpaths[] = {{"parse", run_parse}, {"encode", run_encode}, {NULL, NULL}};
