/* SPDX-License-Identifier: MIT */
/* The link's double, and the bed around the process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>
#include "link/message.h"
#include "tests/unit/base/base_tests.h"
#include "tests/unit/c2s/bed.h"

struct link {
	uint64_t owner;
	uint32_t epoch;
	bool auth, others, unreachable;
	size_t max_frame;
	struct sent *sent;
};

struct link_request {
	struct link *link;
	link_reply_fn *fn;
	void *arg;
	struct sent *sent;
};

struct bed {
	struct app app;
	struct link link;
	struct common_config common;
	struct c2s_config config;
	struct loop_timer *clock;
	char *dir;
	bool drained;
};

/* --- the link's functions ---------------------------------------------------------------- */

static const struct member_bind auth_binds[] = {{"auth", false}};
static const struct member_bind sm_binds[] = {{"sm", true}};
static const struct member_bind c2s_binds[] = {{"c2s", false}};
static const struct member members[] = {
	{.id = AUTH_ID, .name = "auth-1", .process = "auth", .nbinds = 1, .binds = auth_binds},
	{.id = SM_ID, .name = "sm-1", .process = "sm", .nbinds = 1, .binds = sm_binds},
	{.id = SM2_ID, .name = "sm-2", .process = "sm", .nbinds = 1, .binds = sm_binds},
	{.id = C2S2_ID, .name = "c2s-2", .process = "c2s", .nbinds = 1, .binds = c2s_binds},
};

const struct option host_options[] = {
	{"certificate", OPT_STR, offsetof(struct host_config, certificate)},
	{"key", OPT_STR, offsetof(struct host_config, key)},
	{NULL},
};

const struct member *link_member(const struct link *k, uint64_t id)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (members[i].id == id)
			return &members[i];
	return NULL;
}

size_t link_max_frame(const struct link *k)
{
	return k->max_frame ? k->max_frame : 1 << 20;
}

void link_serving(const struct link *k, const char *route,
		  void (*fn)(void *arg, const struct member *m), void *arg)
{
	if (k->auth && strcmp(route, "auth") == 0)
		fn(arg, &members[0]);
	if (k->others && strcmp(route, "c2s") == 0)
		fn(arg, &members[3]);
	if (k->owner && strcmp(route, "sm") == 0)
		fn(arg, link_member(k, k->owner));
}

uint64_t link_place(const struct link *k, const char *route, uint64_t key)
{
	return k->auth ? AUTH_ID : 0;
}

uint64_t link_owner(const struct link *k, const char *route, uint16_t shard, uint32_t *ret_epoch)
{
	*ret_epoch = k->epoch;
	return k->owner;
}

static struct sent *keep(struct link *k, const struct frame *head, const void *m)
{
	struct sent *s = xcalloc(1, sizeof *s);
	struct buf b = BUF_INIT;

	s->head = *head;
	s->pool = pool_new();
	s->m = pool_calloc(s->pool, msg_size(head->kind));
	msg_encode(head->kind, m, &b);
	ck_assert_int_eq(msg_decode(head->kind, s->pool, pool_str(s->pool, buf_str(&b)), s->m), 0);
	buf_free(&b);
	DL_APPEND(k->sent, s);
	return s;
}

int link_send(struct link *k, const struct frame *head, const void *m)
{
	if (k->unreachable)
		return -EHOSTUNREACH;
	if (FRAME_HEAD + msg_length(head->kind, m) > link_max_frame(k))
		return -EMSGSIZE;
	keep(k, head, m);
	return 0;
}

struct link_request *link_request(struct link *k, const struct frame *head, const void *m,
				  uint32_t timeout_ms, link_reply_fn *fn, void *arg)
{
	struct link_request *r = xcalloc(1, sizeof *r);

	r->link = k;
	r->fn = fn;
	r->arg = arg;
	r->sent = keep(k, head, m);
	r->sent->request = r;
	return r;
}

void link_cancel(struct link_request *r)
{
	if (!r)
		return;
	r->sent->request = NULL;
	free(r);
}

void process_drain_time(struct app *app, uint64_t ms)
{
}

void process_drained(struct app *app)
{
	((struct bed *)app)->drained = true;
}

/* --- the bed ----------------------------------------------------------------------------- */

static void nothing(void *arg)
{
}

static void configure(struct bed *b, const char *config)
{
	static const struct option none[] = {{NULL}};
	static const struct option_section sections[] = {
		{"", false, none},
		{"host", true, host_options},
		{"c2s", false, c2s_options},
		{NULL, false, NULL},
	};
	struct buf errors = BUF_INIT;
	char *text = xasprintf("host \"example.net\" {\ncertificate = \"%s/net.crt\"\n"
			       "key = \"%s/net.key\"\n}\nc2s {\ntls = optional\n"
			       "listen = {}\nlisten_tls = {}\n%s\n}\n",
			       b->dir, b->dir, config ? config : "");

	b->app.conf = conf_parse("test", text, sections, NULL, &errors);
	ck_assert_msg(b->app.conf != NULL, "%.*s", STR_ARG(buf_str(&errors)));
	conf_fill(b->app.conf, "c2s", NULL, c2s_options, &b->config);
	buf_free(&errors);
	free(text);
}

struct bed *bed_new(const char *config)
{
	static char *domains[] = {(char *)"example.com", (char *)"example.net", NULL};
	struct bed *b = xcalloc(1, sizeof *b);

	b->dir = temp_dir();
	cert_make(b->dir, "com", CERT_EC);
	cert_make(b->dir, "net", CERT_EC);
	configure(b, config);
	b->common.domains = domains;
	b->common.run_dir = b->dir;
	b->common.certificate = path_in(b->dir, "com.crt");
	b->common.key = path_in(b->dir, "com.key");
	b->app.loop = loop_new();
	b->app.link = &b->link;
	b->app.process = &c2s_process;
	b->app.common = &b->common;
	b->app.config = &b->config;
	b->link.auth = true;
	b->link.owner = SM_ID;
	b->link.epoch = 7;
	b->app.state = c2s_process.init(&b->app);
	b->clock = loop_timer_new(b->app.loop, nothing, NULL);
	loop_timer_start(b->clock, 1, 1);
	owners_scan(b->app.state);
	return b;
}

void bed_forget(struct bed *b)
{
	struct sent *s, *tmp;

	DL_FOREACH_SAFE (b->link.sent, s, tmp) {
		if (s->request)
			continue;
		DL_DELETE(b->link.sent, s);
		pool_free(s->pool);
		free(s);
	}
}

void bed_free(struct bed *b)
{
	c2s_process.deinit(b->app.state);
	loop_timer_free(b->clock);
	bed_forget(b);
	ck_assert_ptr_null(b->link.sent);
	loop_run_once(b->app.loop);
	loop_free(b->app.loop);
	options_free(c2s_options, &b->config);
	conf_free(b->app.conf);
	free(b->common.certificate);
	free(b->common.key);
	temp_dir_remove(b->dir);
	free(b);
}

struct c2s *bed_c2s(struct bed *b)
{
	return b->app.state;
}

void bed_turn(struct bed *b)
{
	for (int i = 0; i < 6; i++)
		loop_run_once(b->app.loop);
}

void bed_wait(struct bed *b, unsigned ms)
{
	uint64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until)
		loop_run_once(b->app.loop);
}

const char *bed_dir(const struct bed *b)
{
	return b->dir;
}

bool bed_drained(struct bed *b)
{
	return b->drained;
}

void bed_event(struct bed *b, enum link_event e, uint64_t member)
{
	c2s_process.event(b->app.state, e, link_member(&b->link, member));
	bed_turn(b);
}

void bed_owner(struct bed *b, uint64_t owner, uint32_t epoch)
{
	b->link.owner = owner;
	b->link.epoch = epoch;
	bed_event(b, LINK_SHARDS, owner);
}

void bed_auth(struct bed *b, bool there)
{
	b->link.auth = there;
	bed_event(b, there ? LINK_MEMBER : LINK_MEMBER_LOST, AUTH_ID);
}

void bed_others(struct bed *b, bool there)
{
	b->link.others = there;
	bed_event(b, there ? LINK_MEMBER : LINK_MEMBER_LOST, C2S2_ID);
}

void bed_max_frame(struct bed *b, size_t bytes)
{
	b->link.max_frame = bytes;
}

void bed_unreachable(struct bed *b, bool on)
{
	b->link.unreachable = on;
}

static struct sent *find(struct bed *b, uint16_t kind)
{
	struct sent *s;

	DL_FOREACH (b->link.sent, s)
		if (s->head.kind == kind && !(s->head.flags & FRAME_REPLY))
			return s;
	return NULL;
}

struct sent *bed_sent(struct bed *b, uint16_t kind)
{
	struct sent *s = find(b, kind);

	for (int i = 0; i < 100 && !s; i++) {
		bed_turn(b);
		s = find(b, kind);
	}
	ck_assert_msg(s != NULL, "no %s was sent", msg_name(kind));
	s->head.flags |= FRAME_REPLY; /* marks it as looked at */
	return s;
}

size_t bed_count(struct bed *b, uint16_t kind)
{
	struct sent *s;
	size_t n = 0;

	bed_turn(b);
	DL_FOREACH (b->link.sent, s)
		n += s->head.kind == kind && !(s->head.flags & FRAME_REPLY);
	return n;
}

void bed_reply(struct bed *b, struct sent *s, int err, uint16_t kind, const void *m)
{
	struct link_request *r = s->request;

	ck_assert_msg(r != NULL, "nobody waits for an answer");
	s->request = NULL;
	r->fn(r->arg, err, kind, m);
	free(r);
	bed_turn(b);
}

void bed_deliver(struct bed *b, uint64_t from, uint32_t epoch, uint16_t kind, const void *m)
{
	struct session *any = keyed_first(&bed_c2s(b)->sessions);
	struct frame f = {.kind = kind,
			  .from = from,
			  .from_shard = epoch && any ? any->shard : SHARD_NONE,
			  .to_shard = SHARD_NONE,
			  .from_epoch = epoch};
	const struct link_handler *h = c2s_process.handlers;

	while (h->kind != kind)
		h++;
	h->fn(b->app.state, &f, m);
	bed_turn(b);
}

void bed_give(struct bed *b, uint64_t sid, uint32_t m, uint64_t log, bool committed,
	      const char *xml)
{
	struct msg_give g = {.sid = sid,
			     .attachment = 1,
			     .m = m,
			     .key = {77, m, 0},
			     .log = log,
			     .committed = committed,
			     .xml = str_z(xml)};

	bed_deliver(b, b->link.owner, b->link.epoch, MSG_GIVE, &g);
}

void bed_give_long(struct bed *b, uint64_t sid, uint32_t m, size_t bytes)
{
	char *body = xmalloc(bytes + 1), *xml;

	memset(body, 'x', bytes);
	body[bytes] = '\0';
	xml = xasprintf("<message><body>%s</body></message>", body);
	bed_give(b, sid, m, 0, true, xml);
	free(body);
	free(xml);
}

void bed_done(struct bed *b, uint64_t sid, uint32_t n)
{
	struct msg_sid_number one = {sid, n};
	struct msg_done m = {.sessions = &one, .nsessions = 1};

	bed_deliver(b, b->link.owner, 0, MSG_DONE, &m);
}
