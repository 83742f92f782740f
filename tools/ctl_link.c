/* SPDX-License-Identifier: MIT */
/* mercutioctl on the link: configuration, connection, requests. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/random.h"
#include "tools/ctl.h"

enum { OWNER_TRIES = 20, OWNER_RETRY_MS = 250 };

/* --- configuration -------------------------------------------------------------------------------
 */

bool ctl_load(struct ctl *c)
{
	struct buf errors = BUF_INIT;

	c->sections = process_sections(all_processes);
	c->conf = conf_load(c->file, c->sections, c->overrides, &errors);
	if (!c->conf) {
		/* Each mistake is a line that names its place. */
		fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
		buf_free(&errors);
		return false;
	}
	buf_free(&errors);
	conf_fill(c->conf, "", NULL, common_options, &c->common);
	if (!c->common.routers[0]) {
		free(c->common.routers);
		c->common.routers = xcalloc(2, sizeof(*c->common.routers));
		c->common.routers[0] = xasprintf("unix:%s/router.sock", c->common.run_dir);
	}
	if (process_prepare(c->file, &c->common, &errors))
		return true;
	fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
	buf_free(&errors);
	return false;
}

/* --- connection ------------------------------------------------------------------------------ */

static void on_event(void *arg, enum link_event e, const struct member *m)
{
	/* What waits looks again after each turn of the loop. */
}

static void on_notice(void *arg, const struct link_notice *n)
{
	struct ctl *c = arg;

	if (n->kind != LINK_N_FAILED)
		return;
	c->routers_failed++;
	free(c->why_failed);
	c->why_failed =
		xasprintf("%s: %s", n->router, n->text && *n->text ? n->text : strerror(-n->err));
}

static void on_timer(void *arg)
{
	struct ctl *c = arg;

	c->timed_out = true;
}

bool ctl_wait(struct ctl *c, uint32_t ms, ctl_done_fn *done, void *arg)
{
	c->timed_out = false;
	if (ms)
		loop_timer_start(c->timer, ms, 0);
	while (!done(c, arg) && !c->timed_out)
		loop_run_once(c->loop);
	loop_timer_stop(c->timer);
	return !c->timed_out;
}

static bool linked(struct ctl *c, void *arg)
{
	size_t routers = 0;

	while (c->common.routers[routers])
		routers++;
	return link_ready(c->link) || (!arg && c->routers_failed >= routers);
}

bool ctl_connect(struct ctl *c, bool patient)
{
	static const struct link_ops ops = {.event = on_event, .notice = on_notice};
	static const struct link_handler none[] = {{0, NULL}};
	const struct common_config *o = &c->common;
	char *name = xasprintf("ctl-%ld", (long)getpid());
	char *secret = process_read_secret(o->secret_file);
	struct link_config lc = {
		.name = name,
		.process = "ctl",
		.version = PACKAGE_VERSION,
		.routers = (const char *const *)o->routers,
		.secret = secret,
		.secret_always = o->secret_always,
		.cert_file = *o->link_cert ? o->link_cert : NULL,
		.key_file = *o->link_key ? o->link_key : NULL,
		.ca_file = *o->link_ca ? o->link_ca : NULL,
		.max_frame = (size_t)o->max_frame,
		.heartbeat_ms = o->heartbeat,
	};

	c->loop = loop_new();
	c->timer = loop_timer_new(c->loop, on_timer, c);
	c->link = link_new(c->loop, &lc, &ops, none, c);
	free(name);
	if (secret)
		wipe(secret, strlen(secret));
	free(secret);
	ctl_wait(c, c->timeout_ms, linked, patient ? c : NULL);
	if (link_ready(c->link))
		return true;
	ctl_error("no router answers: %s", c->why_failed ? c->why_failed : "time is over");
	ctl_disconnect(c);
	return false;
}

void ctl_disconnect(struct ctl *c)
{
	c->link = c->link ? link_free(c->link) : NULL;
	if (c->timer)
		c->timer = loop_timer_free(c->timer);
	c->loop = loop_free(c->loop);
	free(c->why_failed);
	c->why_failed = NULL;
	if (c->conf)
		options_free(common_options, &c->common);
	c->common = (struct common_config){0};
	c->conf = conf_free(c->conf);
	free(c->sections);
	c->sections = NULL;
}

/* --- requests -------------------------------------------------------------------------------- */

struct ask {
	struct ctl *c;
	link_reply_fn *fn;
	void *arg;
};

static void on_reply(void *arg, int err, uint16_t kind, const void *m)
{
	struct ask *a = arg;

	a->fn(a->arg, err, kind, m);
	a->c->pending--;
	free(a);
}

void ctl_ask(struct ctl *c, const struct frame *head, const void *m, link_reply_fn *fn, void *arg)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	*a = (struct ask){c, fn, arg};
	c->pending++;
	link_request(c->link, head, m, c->timeout_ms, on_reply, a);
}

static bool none_pending(struct ctl *c, void *arg)
{
	return c->pending == 0;
}

void ctl_finish(struct ctl *c)
{
	ctl_wait(c, 0, none_pending, NULL);
}

struct frame ctl_head(uint16_t kind, uint64_t to)
{
	return (struct frame){
		.kind = kind, .to = to, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};
}

char *ctl_reason(int err, const void *m)
{
	const struct msg_failed *f = m;

	if (err == -EREMOTEIO && f && f->text.len)
		return str_dup(f->text);
	if (err == -EREMOTEIO && f)
		return xstrdup(strerror(f->code));
	if (err == -ETIMEDOUT)
		return xstrdup("no answer in time");
	if (err == -EHOSTUNREACH)
		return xstrdup("it went away before it answered");
	return xstrdup(strerror(-err));
}

struct pick {
	uint64_t ids[64];
	size_t n;
};

static void add_pick(void *arg, const struct member *m)
{
	struct pick *p = arg;

	if (p->n < sizeof(p->ids) / sizeof(p->ids[0]))
		p->ids[p->n++] = m->id;
}

uint64_t ctl_serving(struct ctl *c, const char *route)
{
	struct pick p = {.n = 0};

	link_serving(c->link, route, add_pick, &p);
	return p.n ? p.ids[random_u64() % p.n] : 0;
}

/* --- the owner of an account ----------------------------------------------------------------- */

struct owner_ask {
	uint16_t shard;
	bool again;
	uint16_t code;
	char *error;
	void (*good)(void *arg, const void *answer);
	void *arg;
};

static void owner_replied(void *arg, int err, uint16_t kind, const void *m)
{
	struct owner_ask *a = arg;

	if (err == 0) {
		if (a->good)
			a->good(a->arg, m);
		return;
	}
	if (err == -EREMOTEIO && m)
		a->code = ((const struct msg_failed *)m)->code;
	/* It may have lost the shard on the way, or may be about to. */
	a->again = err == -EHOSTUNREACH ||
		   (err == -EREMOTEIO && m && ((const struct msg_failed *)m)->code == EAGAIN);
	a->error = ctl_reason(err, m);
}

static bool has_owner(struct ctl *c, void *arg)
{
	const struct owner_ask *a = arg;
	uint32_t epoch;

	return link_owner(c->link, "sm", a->shard, &epoch) != 0;
}

static bool never(struct ctl *c, void *arg)
{
	return false;
}

char *ctl_ask_owner(struct ctl *c, struct str bare, uint16_t kind, const void *m)
{
	return ctl_ask_owner_for(c, bare, kind, m, NULL, NULL, NULL);
}

char *ctl_ask_owner_for(struct ctl *c, struct str bare, uint16_t kind, const void *m,
			void (*good)(void *arg, const void *answer), void *arg, uint16_t *ret_code)
{
	struct owner_ask a = {.shard = link_shard(bare), .good = good, .arg = arg};

	for (int i = 0; i < OWNER_TRIES; i++) {
		struct frame head = ctl_head(kind, 0);

		if (i)
			ctl_wait(c, OWNER_RETRY_MS, never, NULL);
		free(a.error);
		a.error = NULL;
		a.again = false;
		a.code = 0;
		if (!ctl_wait(c, c->timeout_ms, has_owner, &a))
			return xstrdup("no session manager owns the account");
		head.to = link_owner(c->link, "sm", a.shard, &head.to_epoch);
		head.to_shard = a.shard;
		ctl_ask(c, &head, m, owner_replied, &a);
		ctl_finish(c);
		if (!a.again)
			break;
	}
	if (ret_code)
		*ret_code = a.code;
	return a.error;
}
