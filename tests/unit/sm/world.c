/* SPDX-License-Identifier: MIT */
/* A session manager between doubles: what routers, storage, c2s and auth would do. */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>
#include "sm/sm_process.h"
#include "tests/unit/sm/world.h"

struct world w;
static const char *foreign_account;
bool world_relaxed;

/* --- what fake_link does not have ------------------------------------------------------------ */

int link_send(struct link *k, const struct frame *head, const void *m)
{
	struct frame f = *head;
	struct buf b = BUF_INIT;
	int r;

	if (m) {
		msg_encode(head->kind, m, &b);
		f.body = buf_str(&b);
	}
	r = link_send_body(k, &f);
	buf_free(&b);
	return r;
}

void link_reply(struct link *k, const struct frame *q, uint16_t kind, const void *m)
{
	struct frame f = {.kind = kind,
			  .flags = FRAME_REPLY | (q->flags & FRAME_CHANNEL),
			  .tag = q->tag,
			  .to = q->from,
			  .from_shard = q->to_shard,
			  .to_shard = q->from_shard,
			  .from_epoch = q->to_epoch,
			  .to_epoch = q->from_epoch,
			  .run = q->run,
			  .number = q->number};

	(void)link_send(k, &f, m);
}

void link_fail(struct link *k, const struct frame *request, int err, const char *text)
{
	struct msg_failed m = {.code = (uint16_t)(err < 0 ? -err : err), .text = str_z(text)};

	link_reply(k, request, MSG_FAILED, &m);
}

bool process_is_watched(void)
{
	return true;
}

void process_drained(struct app *app)
{
	(void)app;
	w.drained++;
}

/* --- frames --------------------------------------------------------------------------------- */

static void to_c2s(struct fake_frame *f, const void *m)
{
	if (w.full && !(f->f.flags & FRAME_REPLY) && w.full(f)) {
		fake_bounce(w.link, &f->f, 2, 0);
		return;
	}
	client_frame(f, m);
	if (f->f.flags & FRAME_REPLY && w.nother < sizeof w.other / sizeof *w.other)
		w.other[w.nother++] = *f; /* SESSION_RESUMED and failures */
}

static void look(size_t at)
{
	struct fake_frame *f = fake_out(w.link, at);
	struct pool *p = pool_new();
	void *m = pool_calloc(p, msg_size(f->f.kind));

	if (w.nother == sizeof w.other / sizeof *w.other)
		w.nother = 0;
	if (f->how == FAKE_SENT && f->f.kind == MSG_WRITE) {
		shelf_write(w.shelf, w.link, f);
	} else if (f->how == FAKE_SENT && (f->f.to == C2S_ID || f->f.to == C2S2_ID)) {
		ck_assert_int_eq(msg_decode(f->f.kind, p, f->f.body, m), 0);
		to_c2s(f, m);
	} else if (!(w.to_others && w.to_others(f)) &&
		   w.nother < sizeof w.other / sizeof *w.other) {
		w.other[w.nother++] = *f;
	}
	pool_free(p);
}

static void grant(size_t i, const struct msg_shard_epoch *asked, size_t n)
{
	struct msg_shard_epoch *list = xcalloc(SHARDS, sizeof *list);
	struct msg_leases r = {.shards = list, .write_epoch = 1, .relaxed = world_relaxed};

	for (size_t k = 0; k < n; k++) {
		if (foreign_account && asked[k].shard == shard_of(foreign_account))
			continue;
		list[r.nshards++] = (struct msg_shard_epoch){asked[k].shard, w.epoch};
	}
	fake_answer(w.link, i, 0, MSG_LEASES, &r);
	free(list);
}

static bool request(size_t i)
{
	struct fake_request *q = fake_request(w.link, i);
	struct pool *p = pool_new();
	struct msg_lease_take take;
	struct msg_lease_check check;
	struct msg_read read;
	struct msg_found found = {0};
	bool answered = false;

	if (q->f.kind == MSG_LEASE_TAKE && msg_decode(q->f.kind, p, q->f.body, &take) == 0) {
		grant(i, take.shards, take.nshards);
		answered = true;
	} else if (q->f.kind == MSG_LEASE_CHECK && !w.hold_leases &&
		   msg_decode(q->f.kind, p, q->f.body, &check) == 0) {
		grant(i, check.shards, check.nshards);
		answered = true;
	} else if (q->f.kind == MSG_READ && !w.shelf->hold_reads &&
		   msg_decode(q->f.kind, p, q->f.body, &read) == 0) {
		shelf_read(w.shelf, p, &read, &found);
		w.shelf->hold_reads = w.shelf->one_read;
		w.shelf->one_read = false;
		fake_answer(w.link, i, 0, MSG_FOUND, &found);
		answered = true;
	}
	pool_free(p);
	return answered;
}

void settle(void)
{
	bool more = true;

	while (more) {
		more = false;
		fake_turn(w.link);
		for (size_t i = 0; i < fake_requests(w.link) && !more; i++)
			more = request(i);
		for (; w.seen < fake_sent(w.link); w.seen++, more = true)
			look(w.seen);
	}
}

void reads_time_out(void)
{
	for (size_t i = fake_requests(w.link); i-- > 0;)
		if (fake_request(w.link, i)->f.kind == MSG_READ)
			fake_answer(w.link, i, -ETIMEDOUT, 0, NULL);
	settle();
}

void pass(uint64_t ms)
{
	settle();
	for (; ms > 50; ms -= 50) {
		fake_advance(w.link, 50);
		settle();
	}
	fake_advance(w.link, ms);
	settle();
}

uint16_t shard_of(const char *bare)
{
	return link_shard(str_z(bare));
}

struct frame frame_from(uint64_t from, uint16_t kind, const char *bare)
{
	struct frame f = {.kind = kind,
			  .from = from,
			  .to = FAKE_SELF,
			  .tag = ++w.tag,
			  .from_shard = SHARD_NONE,
			  .to_shard = SHARD_NONE};

	if (bare) {
		f.to_shard = shard_of(bare);
		f.to_epoch = w.epoch;
	}
	return f;
}

/* --- the world ------------------------------------------------------------------------------- */

static void swallow(void *arg, struct str line)
{
	(void)arg;
	(void)line;
}

static void event(void *arg, enum link_event e, const struct member *m)
{
	sm_process.event(arg, e, m);
}
static const struct link_ops ops = {.event = event};

static void announced(uint64_t c2s)
{
	struct msg_shard_epoch *list = xcalloc(SHARDS, sizeof *list);
	struct msg_announced m = {.shards = list, .nshards = SHARDS};

	for (uint16_t i = 0; i < SHARDS; i++)
		list[i] = (struct msg_shard_epoch){i, w.epoch};
	fake_receive(w.link, frame_from(c2s, MSG_ANNOUNCED, NULL), &m);
	free(list);
}

void announced_all(void)
{
	announced(C2S_ID);
	announced(C2S2_ID);
	settle();
}

static struct conf *configuration(const char *text)
{
	static const struct option none[] = {{NULL}};
	struct option_section list[32] = {{"", false, none}, {"sm", false, sm_process.options}};
	size_t n = 2;
	struct buf errors = BUF_INIT;
	char *all = xasprintf("sm {\n%s\n}\n", text ? text : "");
	struct conf *c;

	for (const struct option_section *s = sm_process.sections; s->name; s++)
		list[n++] = *s;
	c = conf_parse("test", all, list, NULL, &errors);
	ck_assert_msg(c != NULL, "%.*s", STR_ARG(buf_str(&errors)));
	free(all);
	return c;
}

void world_reconfigure(const char *text)
{
	struct buf changed = BUF_INIT, ignored = BUF_INIT;

	conf_free(w.app.conf);
	w.app.conf = configuration(text);
	sm_process.reload(w.sm, &changed, &ignored);
	buf_free(&changed);
	buf_free(&ignored);
}

void world_start_without(const char *config, const char *foreign)
{
	static char *domains[] = {(char *)"localhost", NULL};
	static struct common_config common;

	memset(&w, 0, sizeof w);
	log_capture(swallow, NULL);
	foreign_account = foreign;
	common.domains = domains;
	w.epoch = 1;
	w.link = fake_new(FAKE_SELF);
	w.shelf = shelf_new();
	w.app.loop = link_loop(w.link);
	w.app.link = w.link;
	w.app.process = &sm_process;
	w.app.instance = "sm-1";
	w.app.common = &common;
	w.app.conf = configuration(config);
	w.app.config = xcalloc(1, sm_process.config_size);
	conf_fill(w.app.conf, "sm", "sm-1", sm_process.options, w.app.config);
	w.app.state = w.sm = sm_process.init(&w.app);
	link_handlers(w.link, sm_process.handlers, w.sm);
	link_events(w.link, &ops, w.sm);
	fake_member(w.link, STORAGE_ID, "storage", "storage", false);
	fake_member(w.link, C2S_ID, "c2s", "c2s", false);
	fake_member(w.link, C2S2_ID, "c2s", "c2s", false);
	fake_member(w.link, AUTH_ID, "auth", "auth", false);
	fake_place(w.link, "sm", FAKE_SELF);
	if (foreign) {
		fake_member(w.link, PEER_ID, "sm", "sm", true);
		fake_owner(w.link, shard_of(foreign), PEER_ID, 1);
	}
	sm_process.ready(w.sm);
	pass(100);
	announced_all();
	ck_assert(w.sm->shards != NULL);
	w.nother = 0;
}

void world_start(const char *config)
{
	world_start_without(config, NULL);
}

void world_stop(void)
{
	struct client *c;

	sm_process.deinit(w.sm);
	shelf_free(w.shelf);
	fake_free(w.link);
	options_free(sm_process.options, w.app.config);
	free(w.app.config);
	conf_free(w.app.conf);
	while ((c = w.clients)) {
		w.clients = c->next;
		for (size_t i = 0; i < c->ngot; i++)
			free(c->got[i].xml);
		free(c->account);
		free(c->full);
		free(c->record);
		confirmed(c, c->in);
		free(c);
	}
	log_capture(NULL, NULL);
}

void account(const char *bare)
{
	struct msg_value v[COLS_ACCOUNT] = {value_text(str_z(bare)), value_int(1)};

	shelf_put(w.shelf, TABLE_ACCOUNT, v, COLS_ACCOUNT);
}
