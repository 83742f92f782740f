/* SPDX-License-Identifier: MIT */
/* Questions to libunbound, whose thread tells by a descriptor that answers are there. */
#include "s2s/resolve.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unbound.h>
#include "base/alloc.h"
#include "s2s/resolve_internal.h"

struct resolver {
	struct loop *loop;
	struct ub_ctx *ub;
	struct loop_io *io;
	uint64_t timeout_ms;
};

struct dns_lookup {
	struct resolver *resolver;
	struct loop_timer *timer;
	struct loop_task task; /* tells of a question that could not be asked */
	dns_fn *fn;
	void *arg;
	enum dns_type type;
	int id, err;
	bool asked;
};

const char *dns_status_name(enum dns_status s)
{
	static const char *const names[] = {
		[DNS_FOUND] = "found",
		[DNS_NONE] = "no such record",
		[DNS_BOGUS] = "forged (DNSSEC)",
		[DNS_FAILED] = "no answer from the name servers",
		[DNS_TIMEOUT] = "name servers too slow",
	};

	return names[s];
}

static void on_io(void *arg, unsigned events)
{
	struct resolver *r = arg;

	(void)events;
	ub_process(r->ub);
}

static bool given(const char *z)
{
	return z && *z;
}

static const struct {
	const char *name, *value;
} settings[] = {
	{"do-not-query-localhost:", "no"},
	{"cache-max-negative-ttl:", "300"},
	/* Many names whose servers are silent must not make the one resolver that all are asked of
	 * look dead. */
	{"infra-host-ttl:", "0"},
};

/* Nor must they take the sockets that other names are asked for with: each question has one until
 * it is answered or given up, which takes seconds. A library gets 16 by itself. */
static int make_room(struct ub_ctx *ub, size_t questions)
{
	enum { LEAST = 64, MOST = 30000 };
	struct rlimit files;
	char number[24];
	int err;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && questions > files.rlim_cur / 2)
		questions = files.rlim_cur / 2;
	if (questions < LEAST)
		questions = LEAST;
	if (questions > MOST)
		questions = MOST;
	snprintf(number, sizeof number, "%zu", questions);
	err = ub_ctx_set_option(ub, "outgoing-range:", number);
	return err ? err : ub_ctx_set_option(ub, "num-queries-per-thread:", number);
}

/* The first step that fails, in words, or NULL. */
static const char *set_up(struct ub_ctx *ub, const struct resolver_config *c, const char **ret_what)
{
	int err = ub_ctx_async(ub, 1); /* before what finishes the context: a thread, not a fork */

	*ret_what = "DNS resolver";
	for (size_t i = 0; !err && i < sizeof settings / sizeof *settings; i++)
		err = ub_ctx_set_option(ub, settings[i].name, settings[i].value);
	if (!err)
		err = make_room(ub, c->questions);
	if (!err) {
		*ret_what = given(c->hosts) ? c->hosts : "/etc/hosts";
		err = ub_ctx_hosts(ub, given(c->hosts) ? c->hosts : NULL);
		if (err == UB_READFILE && !given(c->hosts))
			err = 0;
	}
	if (!err && given(c->server)) {
		*ret_what = c->server;
		err = ub_ctx_set_fwd(ub, c->server);
	} else if (!err) {
		*ret_what = given(c->resolv_conf) ? c->resolv_conf : "/etc/resolv.conf";
		err = ub_ctx_resolvconf(ub, given(c->resolv_conf) ? c->resolv_conf : NULL);
		if (err == UB_READFILE && !given(c->resolv_conf))
			err = 0; /* asks the root servers itself */
	}
	if (!err && given(c->anchor)) {
		*ret_what = c->anchor;
		err = ub_ctx_add_ta_file(ub, c->anchor);
	}
	if (!err && c->lenient)
		err = ub_ctx_set_option(ub, "val-permissive-mode:", "yes");
	/* Whoever names a server of his own may have zones that the library answers by itself. */
	if (!err && given(c->server))
		err = ub_ctx_zone_add(ub, "test.", "nodefault");
	return err ? ub_strerror(err) : NULL;
}

struct resolver *resolver_new(struct loop *l, const struct resolver_config *c, char **ret_error)
{
	struct ub_ctx *ub = ub_ctx_create();
	const char *what, *error;
	struct resolver *r;

	if (!ub) {
		*ret_error = xstrdup("DNS resolver: cannot be made");
		return NULL;
	}
	error = set_up(ub, c, &what);
	if (error) {
		*ret_error = xasprintf("%s: %s", what, error);
		ub_ctx_delete(ub);
		return NULL;
	}
	r = xcalloc(1, sizeof *r);
	r->loop = l;
	r->ub = ub;
	r->timeout_ms = (uint64_t)c->timeout_ms;
	r->io = loop_io_new(l, ub_fd(ub), on_io, r);
	loop_io_set(r->io, LOOP_READ);
	return r;
}

struct resolver *resolver_free(struct resolver *r)
{
	if (!r)
		return NULL;
	loop_io_free(r->io);
	ub_ctx_delete(r->ub);
	free(r);
	return NULL;
}

/* Takes the lookup apart, then tells. */
static void finish(struct dns_lookup *q, const struct dns_answer *a)
{
	dns_fn *fn = q->fn;
	void *arg = q->arg;

	q->asked = false;
	dns_lookup_free(q);
	fn(arg, a);
}

static enum dns_status status_of(const struct ub_result *u)
{
	enum { NOERROR = 0, NXDOMAIN = 3 };

	if (u->bogus)
		return DNS_BOGUS;
	if (u->rcode != NOERROR && u->rcode != NXDOMAIN)
		return DNS_FAILED;
	return u->havedata ? DNS_FOUND : DNS_NONE;
}

static void on_answer(void *arg, int err, struct ub_result *u)
{
	struct dns_lookup *q = arg;
	struct dns_records *v = xcalloc(1, sizeof *v);
	struct dns_answer a = {.status = DNS_FAILED, .why = err ? ub_strerror(err) : ""};
	enum dns_type type = q->type;

	if (!err && u) {
		a.status = status_of(u);
		a.secure = u->secure;
		a.why = u->why_bogus ? u->why_bogus : "";
	}
	if (a.status == DNS_FOUND) {
		dns_records_parse(v, type, u->data, u->len);
		a.n = v->n;
		a.srv = v->srv;
		if (!a.n) {
			a.status = DNS_FAILED;
			a.why = "malformed records";
		}
	}
	finish(q, &a);
	dns_records_clear(v, type);
	free(v);
	if (u)
		ub_resolve_free(u);
}

static void on_timeout(void *arg)
{
	struct dns_answer a = {.status = DNS_TIMEOUT, .why = ""};
	struct dns_lookup *q = arg;

	ub_cancel(q->resolver->ub, q->id);
	finish(q, &a);
}

static void on_task(void *arg)
{
	struct dns_lookup *q = arg;
	struct dns_answer a = {.status = DNS_FAILED, .why = ub_strerror(q->err)};

	finish(q, &a);
}

struct dns_lookup *dns_lookup(struct resolver *r, const char *name, enum dns_type type, dns_fn *fn,
			      void *arg)
{
	enum { CLASS_IN = 1 };
	struct dns_lookup *q = xcalloc(1, sizeof *q);

	q->resolver = r;
	q->fn = fn;
	q->arg = arg;
	q->type = type;
	q->task = (struct loop_task){.fn = on_task, .arg = q};
	q->err = ub_resolve_async(r->ub, name, (int)type, CLASS_IN, q, on_answer, &q->id);
	if (q->err) {
		loop_defer(r->loop, &q->task);
		return q;
	}
	q->asked = true;
	q->timer = loop_timer_new(r->loop, on_timeout, q);
	loop_timer_start(q->timer, r->timeout_ms, 0);
	return q;
}

struct dns_lookup *dns_lookup_free(struct dns_lookup *q)
{
	if (!q)
		return NULL;
	if (q->asked)
		ub_cancel(q->resolver->ub, q->id);
	loop_timer_free(q->timer);
	loop_task_cancel(q->resolver->loop, &q->task);
	free(q);
	return NULL;
}
