/* SPDX-License-Identifier: MIT */
/*
 * A double of s2s for tests: serves route s2s, shows what it is told and does what it is told. With
 * STUB_ROUTE in the environment it is a component that serves that domain.
 *
 * One JSON object a line. It prints {"got": N, "xml": …, "lane": L, "key": […], "repeated": B,
 * "remaining": MS} for each TELL (N counts), {"told": N, "error": XML} for the answer to its own,
 * and
 * {"ready": true}. It takes
 *   {"auto": true}                   answers every TELL at once, without an error
 *   {"answer": N, "error": XML}      answers one; error may be missing
 *   {"held": [N, …]}, {"writing": [N, …]}
 *   {"tell": N, "xml": XML}          tells sm a stanza of a remote account, with key N
 *   {"back": [OWN, REMOTE, BEFORE]}  S2S_BACK
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/random.h"
#include "link/channel.h"
#include "link/process.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

enum { LINE_MAX_BYTES = 1 << 20 };

struct got {
	struct got *prev, *next;
	json_int_t n;
	struct frame f;
	struct msg_stanza_key key;
};

struct stub {
	struct app *app;
	struct channels *channels;
	struct loop_io *input;
	struct buf line;
	struct got *got;
	json_int_t count;
	uint64_t origin;
	bool automatic;
};

struct telling {
	struct stub *stub;
	json_int_t n;
};

static void print(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	puts(text);
	fflush(stdout);
	free(text);
	json_decref(o);
}

static char *xml_of(struct str envelope)
{
	struct pool *pool = pool_new();
	struct buf b = BUF_INIT;
	struct stanza st;

	if (stanza_decode(pool, envelope, &st) < 0)
		fatal("malformed envelope");
	stanza_write(&st, &b);
	pool_free(pool);
	return buf_take(&b);
}

static void envelope_of(const char *xml, struct buf *b)
{
	struct pool *pool = pool_new();
	struct stanza st;

	if (xml && stanza_parse(pool, str_z(xml), &st) < 0)
		fatal("not a stanza: %s", xml);
	if (xml)
		stanza_encode(&st, b);
	pool_free(pool);
}

/* --- what sm says ----------------------------------------------------------------------------- */

static void answer(struct stub *s, struct got *g, const char *xml)
{
	struct buf b = BUF_INIT;
	struct msg_told m;

	envelope_of(xml, &b);
	m = (struct msg_told){.error = buf_str(&b)};
	link_reply(s->app->link, &g->f, MSG_TOLD, &m);
	buf_free(&b);
	DL_DELETE(s->got, g);
	free(g);
}

static void on_tell(void *arg, const struct frame *f, const void *msg)
{
	struct stub *s = arg;
	const struct msg_tell *m = msg;
	struct got *g;
	char *xml;

	if (!channels_take(s->channels, f))
		return;
	g = xcalloc(1, sizeof *g);
	g->n = ++s->count;
	g->f = frame_keep(f);
	g->key = m->key;
	DL_APPEND(s->got, g);
	xml = xml_of(m->envelope);
	print(json_pack("{sI ss si s[III] sb sI}", "got", g->n, "xml", xml, "lane", f->to_shard,
			"key", (json_int_t)m->key.origin, (json_int_t)m->key.number,
			(json_int_t)m->key.part, "repeated", (f->flags & FRAME_REPEATED) != 0,
			"remaining", (json_int_t)f->remaining_ms));
	free(xml);
	if (s->automatic)
		answer(s, g, NULL);
}

static const struct link_handler handlers[] = {{MSG_TELL, on_tell}, {0, NULL}};

/* --- what the test says ----------------------------------------------------------------------- */

static struct got *got_find(struct stub *s, json_int_t n)
{
	struct got *g;

	DL_FOREACH (s->got, g) {
		if (g->n == n)
			return g;
	}
	fatal("there is no unanswered %lld", (long long)n);
}

static void do_auto(struct stub *s, const json_t *o, const json_t *value)
{
	struct got *g, *tmp;

	(void)o;
	s->automatic = json_is_true(value);
	if (!s->automatic)
		return;
	DL_FOREACH_SAFE (s->got, g, tmp) {
		answer(s, g, NULL);
	}
}

static void do_answer(struct stub *s, const json_t *o, const json_t *value)
{
	answer(s, got_find(s, json_integer_value(value)),
	       json_string_value(json_object_get(o, "error")));
}

/* To whoever sent the first of them. */
static void say(struct stub *s, const json_t *list, uint16_t kind)
{
	struct msg_stanza_key keys[64];
	struct msg_held m = {.keys = keys};
	struct frame head = {.kind = kind, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};
	const json_t *n;
	size_t i;

	json_array_foreach (list, i, n) {
		struct got *g = got_find(s, json_integer_value(n));

		head.to = g->f.from;
		keys[m.nkeys++] = g->key;
	}
	if (kind == MSG_HELD)
		(void)link_send(s->app->link, &head, &m);
	else
		(void)link_send(s->app->link, &head,
				&(struct msg_writing){.keys = keys, .nkeys = m.nkeys});
}

static void do_held(struct stub *s, const json_t *o, const json_t *value)
{
	(void)o;
	say(s, value, MSG_HELD);
}

static void do_writing(struct stub *s, const json_t *o, const json_t *value)
{
	(void)o;
	say(s, value, MSG_WRITING);
}

static void told(void *arg, int err, uint16_t kind, const void *m)
{
	struct telling *t = arg;
	const struct msg_told *a = m;
	bool good = err == 0 && kind == MSG_TOLD;
	char *xml = good && a->error.len ? xml_of(a->error) : NULL;

	print(json_pack("{sI ss? si}", "told", t->n, "error", xml, "failed", good ? 0 : -err));
	free(xml);
	free(t);
}

/* As s2s places them: by the account, or by the sender where it is for the domain itself. */
static void do_tell(struct stub *s, const json_t *o, const json_t *value)
{
	const char *xml = json_string_value(json_object_get(o, "xml"));
	struct telling *t = xcalloc(1, sizeof *t);
	struct pool *pool = pool_new();
	struct buf b = BUF_INIT;
	struct stanza st;
	struct jid to, from;
	struct msg_tell m = {.flags = 1};

	if (!xml || stanza_parse(pool, str_z(xml), &st) < 0 || jid_split(st.to, &to) < 0 ||
	    jid_split(st.from, &from) < 0)
		fatal("not a stanza with addresses: %s", xml ? xml : "");
	t->stub = s;
	t->n = json_integer_value(value);
	stanza_encode(&st, &b);
	m.key = (struct msg_stanza_key){s->origin, (uint64_t)t->n, 0};
	m.target = to.bare;
	m.envelope = buf_str(&b);
	channel_send(s->channels,
		     &(struct channel_send){
			     .route = "sm",
			     .to_shard = link_shard(to.local.len ? to.bare : from.bare),
			     .from_shard = SHARD_NONE,
			     .kind = MSG_TELL,
			     .m = &m,
			     .deadline_ms = 60000,
			     .fn = told,
			     .arg = t,
		     });
	buf_free(&b);
	pool_free(pool);
}

struct back {
	struct stub *stub;
	struct msg_s2s_back m;
};

static void back_to(void *arg, const struct member *m)
{
	struct back *b = arg;
	struct frame head = {.kind = MSG_S2S_BACK,
			     .to = m->id,
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};

	(void)link_send(b->stub->app->link, &head, &b->m);
}

static void do_back(struct stub *s, const json_t *o, const json_t *value)
{
	struct back b = {.stub = s,
			 .m = {.own = str_z(json_string_value(json_array_get(value, 0))),
			       .remote = str_z(json_string_value(json_array_get(value, 1))),
			       .before = json_integer_value(json_array_get(value, 2))}};

	(void)o;
	link_serving(s->app->link, "sm", back_to, &b);
}

static const struct {
	const char *name;
	void (*run)(struct stub *s, const json_t *o, const json_t *value);
} commands[] = {
	{"auto", do_auto},	 {"answer", do_answer}, {"held", do_held},
	{"writing", do_writing}, {"tell", do_tell},	{"back", do_back},
};

static void command(struct stub *s, struct str line)
{
	json_t *o = json_loadb(line.ptr, line.len, 0, NULL);

	if (!o)
		fatal("not JSON: %.*s", (int)line.len, line.ptr);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		const json_t *value = json_object_get(o, commands[i].name);

		if (value)
			commands[i].run(s, o, value);
	}
	json_decref(o);
}

static void on_input(void *arg, unsigned events)
{
	struct stub *s = arg;
	char bytes[65536];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
	char *end;

	(void)events;
	if (n <= 0) /* whoever ran us is gone */
		exit(0);
	buf_append(&s->line, bytes, (size_t)n);
	if (s->line.len > LINE_MAX_BYTES)
		fatal("a line is too long");
	while ((end = memchr(buf_ptr(&s->line), '\n', s->line.len))) {
		size_t len = (size_t)(end - buf_ptr(&s->line));

		command(s, str_n(buf_ptr(&s->line), len));
		buf_consume(&s->line, len + 1);
	}
}

/* --- the process ------------------------------------------------------------------------------ */

static void *stub_init(struct app *app)
{
	struct stub *s = xcalloc(1, sizeof *s);

	s->app = app;
	s->origin = random_u64();
	s->channels = channels_new(app->link);
	return s;
}

static void stub_ready(void *state)
{
	struct stub *s = state;

	if (s->input)
		return;
	s->input = loop_io_new(s->app->loop, STDIN_FILENO, on_input, s);
	loop_io_set(s->input, LOOP_READ);
	print(json_pack("{sb}", "ready", true));
}

static void *stub_deinit(void *state)
{
	struct stub *s = state;
	struct got *g, *tmp;

	DL_FOREACH_SAFE (s->got, g, tmp) {
		free(g);
	}
	loop_io_free(s->input);
	channels_free(s->channels);
	buf_free(&s->line);
	free(s);
	return NULL;
}

static const struct option options[] = {{NULL}};
static struct msg_bind binds[] = {{.route = {"s2s", 3}}, {.route = {NULL, 0}}};
static const char *const peers[] = {"router", "sm", "ctl", NULL};

static struct process stub_process = {
	.name = "s2s",
	.summary = "a double of s2s for tests",
	.options = options,
	.binds = binds,
	.peers = peers,
	.handlers = handlers,
	.init = stub_init,
	.ready = stub_ready,
	.deinit = stub_deinit,
};

int main(int argc, char **argv)
{
	const char *route = getenv("STUB_ROUTE");

	if (route) {
		stub_process.name = "component";
		binds[0].route = str_z(route);
	}
	return process_main(&stub_process, argc, argv);
}
