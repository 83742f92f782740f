/* SPDX-License-Identifier: MIT */
/*
 * What every chat message passes, without processes and sockets, for counting instructions.
 *
 *	hotpaths NAME [REPETITIONS]     valgrind counts inside of measured() only
 *	hotpaths                        lists the names
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "link/frame.h"
#include "link/messages.h"
#include "link/store_client.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/xml_read.h"

#define FROM "romeo@montague.example/orchard"
#define TO   "juliet@capulet.example/balcony"
#define TEXT                                                                                       \
	"But, soft! what light through yonder window breaks? It is the east, and Juliet is the "   \
	"sun &amp; more"

static const char header[] = "<stream:stream to='montague.example' version='1.0' xmlns='jabber:client' "
			     "xmlns:stream='" NS_STREAM "'>";
/* 250 bytes, as a client with chat states writes it. */
static const char chat[] = "<message to='" TO "' type='chat' id='ktx72v49'><body>" TEXT "</body>"
			   "<active xmlns='http://jabber.org/protocol/chatstates'/></message>";

struct world {
	struct pool *pool;
	struct xml_pool *parsers;
	struct xml_reader *reader;
	struct stanza stanza; /* the last one read */
	struct buf envelope, out;
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

	must(stanza_from_element(w->pool, e, &w->stanza) == 0);
	w->stanza.from = STR(FROM);
	buf_clear(&w->envelope);
	stanza_encode(&w->stanza, &w->envelope);
	w->seen++;
}

static void on_end(void *arg)
{
}

static void on_error(void *arg, enum stream_error condition, const char *text)
{
	abort();
}

static void frame_out(struct world *w, uint16_t kind, const void *m)
{
	struct frame f = {.kind = kind, .from = 11, .to = 12, .from_shard = SHARD_NONE, .to_shard = 17,
			  .to_epoch = 3};
	size_t len = msg_length(kind, m);

	buf_clear(&w->out);
	frame_head_write(&f, len, buf_reserve(&w->out, FRAME_HEAD + len));
	msg_put(kind, m, buf_ptr(&w->out) + FRAME_HEAD);
	buf_added(&w->out, FRAME_HEAD + len);
}

static void frame_in(struct world *w, uint16_t kind, void *ret_m)
{
	struct frame f;

	must(frame_read(buf_str(&w->out), 1 << 20, &f) == (long)w->out.len && f.kind == kind);
	must(msg_decode(kind, w->pool, f.body, ret_m) == 0);
}

/* --- the paths: one message each ------------------------------------------------------------- */

static void parse(struct world *w)
{
	unsigned before = w->seen;

	xml_reader_feed(w->reader, chat, sizeof(chat) - 1);
	must(w->seen == before + 1);
}

/* c2s to sm, and what sm reads of it. */
static void route(struct world *w)
{
	struct msg_stanza m = {.sid = 1, .attachment = 1, .n = 7, .envelope = buf_str(&w->envelope)};
	struct stanza st;

	frame_out(w, MSG_STANZA, &m);
	frame_in(w, MSG_STANZA, &m);
	must(stanza_decode(w->pool, m.envelope, &st) == 0 && st.type == MESSAGE_CHAT);
}

/* The stanza as text, sm to c2s. */
static void deliver(struct world *w)
{
	struct buf xml = BUF_INIT;
	struct msg_give m = {.sid = 2, .attachment = 1, .m = 8, .key = {1, 7, 0}, .log = 99};
	struct stanza st;

	must(stanza_decode(w->pool, buf_str(&w->envelope), &st) == 0);
	stanza_write(&st, &xml);
	m.xml = buf_str(&xml);
	frame_out(w, MSG_GIVE, &m);
	frame_in(w, MSG_GIVE, &m);
	must(m.xml.len == xml.len);
	buf_free(&xml);
}

/* An entry of the log, sm to storage. */
static void store(struct world *w)
{
	struct msg_value values[] = {
		value_text(STR("juliet@capulet.example")), value_int(1LL << 41), value_int(1),
		value_text(STR(FROM)), value_int(1), value_int(7), value_int(0), value_int(0),
		value_text(buf_str(&w->envelope)),
	};
	struct msg_write_op op = {.op = STORE_LOG_APPEND, .table = TABLE_LOG, .values = values,
				  .nvalues = sizeof(values) / sizeof(values[0])};
	struct msg_write m = {.ops = &op, .nops = 1, .request = 1234567, .write_epoch = 1}, back;

	frame_out(w, MSG_WRITE, &m);
	frame_in(w, MSG_WRITE, &back);
	must(back.nops == 1 && back.ops[0].nvalues == op.nvalues);
}

static const struct {
	const char *name;
	void (*one)(struct world *w);
} paths[] = {{"parse", parse}, {"route", route}, {"deliver", deliver}, {"store", store}};

/* Its name is what valgrind is told. */
void measured(struct world *w, void (*one)(struct world *w), long n) __attribute__((noinline));
void measured(struct world *w, void (*one)(struct world *w), long n)
{
	for (long i = 0; i < n; i++) {
		one(w);
		pool_reset(w->pool);
	}
}

static void run(void (*one)(struct world *w), long n)
{
	static const struct xml_limits limits = {.stanza_bytes = 65536, .header_bytes = 4096, .depth = 50,
						 .attrs = 50, .children = 1000, .ns_decls = 100};
	static const struct xml_reader_ops ops = {on_header, on_element, on_end, on_error};
	struct world w = {.pool = pool_new(), .parsers = xml_pool_new()};

	w.reader = xml_reader_new(w.parsers, &limits, &ops, &w);
	xml_reader_feed(w.reader, header, sizeof(header) - 1);
	/* Pools and buffers get their sizes, and lazy binding is done, before the count. */
	for (int i = 0; i < 3; i++)
		parse(&w);
	one(&w);
	pool_reset(w.pool);
	measured(&w, one, n);
	xml_reader_free(w.reader);
	xml_pool_free(w.parsers);
	pool_free(w.pool);
	buf_free(&w.envelope);
	buf_free(&w.out);
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (argc < 2)
			puts(paths[i].name);
		else if (strcmp(argv[1], paths[i].name) == 0)
			return run(paths[i].one, n), 0;
	}
	return argc > 1;
}
