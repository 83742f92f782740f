/* SPDX-License-Identifier: MIT */
/* Last Activity (XEP-0012): how long the server runs, and since when an account is offline. */
#include "sm/last.h"

struct last { /* an account that was never seen to leave has none */
	int64_t time;
	char status[];
};
static uint64_t started; /* clock_mono_us: the wall clock may be set after boot */

extern const struct module mod_last;

static struct last *last_set(struct user *u, int64_t time, struct str status)
{
	struct last *l = xcalloc(1, sizeof *l + status.len + 1);

	l->time = time;
	if (status.len)
		memcpy(l->status, status.ptr, status.len);
	free(user_data(u, &mod_last));
	user_data_set(u, &mod_last, l);
	return l;
}

int64_t last_left(const struct user *u)
{
	const struct last *l = user_data(u, &mod_last);

	return l ? l->time : 0;
}

static void user_load(struct user *u, const struct msg_rows *rows)
{
	const struct msg_value *v = rows[0].nrows ? rows[0].rows[0].values : NULL;

	if (v)
		last_set(u, v[COL_LAST_TIME].i, v[COL_LAST_STATUS].s);
}

static void user_free(struct user *u)
{
	free(user_data(u, &mod_last));
	user_data_set(u, &mod_last, NULL);
}

/* No less than 0: the wall clock may have been set back since, or an owner's elsewhere is ahead. */
static int64_t seconds_since(int64_t wall_us)
{
	int64_t seconds = (clock_wall_us() - wall_us) / 1000000;

	return seconds > 0 ? seconds : 0;
}

static void answer(struct packet *p, int64_t seconds, const char *status)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;

	xw_init(&w, &b);
	xw_start(&w, "query", NS_LAST);
	xw_attr_int(&w, "seconds", seconds);
	if (status)
		xw_text(&w, str_z(status));
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static bool available(const struct user *u)
{
	for (const struct session *s = user_sessions(u); s; s = session_next(s))
		if (session_available(s))
			return true;
	return false;
}

static void on_last(struct packet *p, const struct node *query)
{
	struct last *l;

	(void)query;
	if (!p->user) { /* 4: the server's uptime */
		answer(p, (int64_t)((clock_mono_us() - started) / 1000000), NULL);
		return;
	}
	/* 8: who may not see presence must not learn this either. */
	if (!p->own && run_presence_allowed(p->user, &p->from) != HANDLED) {
		packet_error(p, STANZA_E_FORBIDDEN);
		return;
	}
	l = user_data(p->user, &mod_last);
	/* 3: 0 while connected or available, "subject to local security policies": of a resource
	 * that has said that it is unavailable nobody learns that it is connected. */
	if (available(p->user))
		answer(p, 0, NULL);
	else if (l)
		answer(p, seconds_since(l->time), l->status);
	else
		packet_error(p, STANZA_E_ITEM_NOT_FOUND);
}

/* 4: neither may one learn it from a resource's own answer. */
static enum verdict in_iq(struct packet *p)
{
	if (p->st.type != IQ_GET || !p->to.resource.len || p->own || !user_exists(p->user) ||
	    !stanza_child(&p->st, "query", NS_LAST) ||
	    run_presence_allowed(p->user, &p->from) == HANDLED)
		return PASS;
	packet_error(p, STANZA_E_FORBIDDEN);
	return HANDLED;
}

static void note(struct user *u, struct packet *p)
{
	struct last *l;
	struct msg_value v[3];
	struct msg_write_op op = {
		.op = STORE_PUT, .table = TABLE_LAST, .values = v, .nvalues = 3};
	const struct xml_child *c = p ? stanza_child(&p->st, "status", NS_CLIENT) : NULL;
	struct node *n = NULL;

	if (c)
		(void)node_parse(p->pool, stanza_child_bytes(&p->st, c), NS_CLIENT, &n);
	l = last_set(u, clock_wall_us(), n ? n->text : STR_NONE);
	v[0] = value_text(user_jid(u));
	v[1] = value_int(l->time);
	v[2] = value_text(str_z(l->status));
	user_write_later(u, &op);
	user_write_soon(u);
}

static void presence_changed(struct session *s, bool initial, struct packet *p)
{
	struct user *u = session_user(s);

	(void)initial;
	if (!session_available(s) && !available(u) && user_exists(u))
		note(u, p);
}

static void start(struct sm *sm)
{
	(void)sm;
	started = clock_mono_us();
}

static const struct iq_handler iqs[] = {
	{"query", NS_LAST, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_GET, on_last},
	{NULL},
};
static const uint16_t preload[] = {TABLE_LAST, TABLE_NONE};
static const char *const xeps[] = {"0012 2.0", NULL};
static const char *const features[] = {NS_LAST, NULL};

const struct module mod_last = {
	.name = "last",
	.summary = "last activity",
	.xeps = xeps,
	.features = features,
	.preload = preload,
	.iqs = iqs,
	.hooks = {.user_load = user_load,
		  .user_free = user_free,
		  .in_iq = in_iq,
		  .presence_changed = presence_changed},
	.start = start,
};
