/* SPDX-License-Identifier: MIT */
/* Blocking Command (XEP-0191). */
#include <uthash.h>
#include "sm/module.h"

struct config {
	int64_t items;
};

const struct option mod_blocking_options[] = {
	{"blocking_max", OPT_INT, offsetof(struct config, items), "1000", 1, 100000, NULL, OPT_RELOAD,
	 "Most addresses that one account may block."},
	{NULL},
};
extern const struct module mod_blocking;

struct blocked {
	UT_hash_handle hh;
	char jid[];
};
struct list {
	struct blocked *all;
	size_t n;
};

static struct list *list_of(const struct user *u)
{
	return user_data(u, &mod_blocking);
}

static void list_add(struct list *l, struct str jid)
{
	struct blocked *b;

	HASH_FIND(hh, l->all, jid.ptr, jid.len, b);
	if (b)
		return;
	b = xcalloc(1, sizeof *b + jid.len + 1);
	memcpy(b->jid, jid.ptr, jid.len);
	HASH_ADD_KEYPTR(hh, l->all, b->jid, jid.len, b);
	l->n++;
}

static void list_remove(struct list *l, struct blocked *b)
{
	HASH_DEL(l->all, b);
	l->n--;
	free(b);
}

static void user_load(struct user *u, const struct msg_rows *rows)
{
	struct list *l = xcalloc(1, sizeof *l);

	for (size_t i = 0; i < rows[0].nrows; i++)
		list_add(l, rows[0].rows[i].values[COL_BLOCKING_JID].s);
	user_data_set(u, &mod_blocking, l);
}

static void user_free(struct user *u)
{
	struct list *l = list_of(u);
	struct blocked *b, *tmp;

	if (!l)
		return;
	HASH_ITER(hh, l->all, b, tmp)
	{
		list_remove(l, b);
	}
	free(l);
	user_data_set(u, &mod_blocking, NULL);
}

static bool has(const struct list *l, struct str jid)
{
	struct blocked *b;

	HASH_FIND(hh, l->all, jid.ptr, jid.len, b);
	return b != NULL;
}

/* 3.1: full JID, bare JID, domain with resource, domain. */
static bool matches(const struct list *l, const struct jid *j)
{
	char with_resource[2100];

	if (!l->n || !j->full.len)
		return false;
	if (has(l, j->full) || has(l, j->bare) || has(l, j->domain))
		return true;
	if (!j->resource.len)
		return false;
	(void)snprintf(with_resource, sizeof with_resource, "%.*s/%.*s", STR_ARG(j->domain),
		       STR_ARG(j->resource));
	return has(l, str_z(with_resource));
}

static enum verdict is_blocked(struct user *u, const struct jid *who)
{
	/* One's own resources, and the server that one is a user of, are never blocked. */
	if (str_eq(who->bare, user_jid(u)) ||
	    (!who->local.len && sm_local_domain(user_sm(u), who->domain)))
		return PASS;
	return matches(list_of(u), who) ? HANDLED : PASS;
}

/* --- stanzas -------------------------------------------------------------------------------------------------- */

static enum verdict in_stanza(struct packet *p)
{
	if (p->own || is_blocked(p->user, &p->from) == PASS)
		return PASS;
	/* 3.2: presence is not delivered, messages and IQs are answered as by nobody. */
	if (p->st.kind != STANZA_PRESENCE)
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
	return HANDLED;
}

static enum verdict out_stanza(struct packet *p)
{
	/* 3.3: what is sent to a blocked contact does not go out; leaving is no message. */
	if (!p->to.full.len || is_blocked(p->user, &p->to) == PASS)
		return PASS;
	if (p->st.kind == STANZA_PRESENCE && p->st.type == PRESENCE_UNAVAILABLE)
		return HANDLED;
	packet_error_ext(p, STANZA_E_NOT_ACCEPTABLE, "cancel", NULL,
			 STR("<blocked xmlns='" NS_BLOCKING_ERRORS "'/>"));
	return HANDLED;
}

/* --- commands -------------------------------------------------------------------------------------------------- */

static void on_list(struct packet *p, const struct node *query)
{
	struct blocked *e, *tmp;
	struct buf b = BUF_INIT;
	struct xml_writer w;

	(void)query;
	xw_init(&w, &b);
	xw_start(&w, "blocklist", NS_BLOCKING);
	HASH_ITER(hh, list_of(p->user)->all, e, tmp)
	{
		xw_start(&w, "item", NS_BLOCKING);
		xw_attrz(&w, "jid", e->jid);
		xw_end(&w);
	}
	xw_end(&w);
	if (p->session) /* 3.2: who asked for the list hears of changes */
		session_flag_set(p->session, SESSION_BLOCKLIST, true);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static void push(struct user *u, struct str payload)
{
	struct stanza st = {.kind = STANZA_IQ, .type = IQ_SET, .bytes = payload};
	char id[17];

	random_hex(id, 8);
	st.id = str_z(id);
	for (struct session *s = user_sessions(u); s; s = session_next(s)) {
		if (!session_flag(s, SESSION_BLOCKLIST))
			continue;
		st.to = session_jid(s)->full;
		session_send(s, &st);
	}
}

static void free_packet(void *arg)
{
	packet_free(arg);
}

static void committed(struct user *u, int err, void *arg)
{
	struct packet *p = arg;

	if (err) {
		packet_error(p, STANZA_E_INTERNAL_SERVER_ERROR);
		return;
	}
	packet_result(p, STR_NONE);
	push(u, p->st.bytes);
}

/* Contacts who see us: to the blocked we go offline, to the unblocked we come back. */
static void tell_presence(struct packet *p, struct str jid, bool blocked)
{
	struct jid who;

	if (jid_split(jid, &who) < 0 || run_presence_allowed(p->user, &who) != HANDLED)
		return;
	for (struct session *s = user_sessions(p->user); s; s = session_next(s)) {
		const struct stanza *now = session_presence(s);
		struct stanza st;

		if (!now)
			continue;
		st = *now;
		st.to = jid;
		if (blocked)
			st = (struct stanza){.kind = STANZA_PRESENCE,
					     .type = PRESENCE_UNAVAILABLE,
					     .from = session_jid(s)->full,
					     .to = jid};
		sm_route(p->sm, p->txn, &st);
	}
}

static bool read_jids(struct packet *p, const struct node *payload, struct str *ret, size_t *ret_n,
		      size_t max)
{
	size_t n = 0;

	for (const struct node *i = node_child(payload, "item", NS_BLOCKING); i;
	     i = node_next(i, "item", NS_BLOCKING)) {
		struct jid j;

		if (n == max || jid_parse(p->pool, node_attr(i, "jid"), &j) < 0) {
			packet_error(p, n == max ? STANZA_E_RESOURCE_CONSTRAINT
						 : STANZA_E_JID_MALFORMED);
			return false;
		}
		ret[n++] = j.full;
	}
	*ret_n = n;
	return true;
}

static void write_changes(struct packet *p, struct str *jids, size_t n, uint8_t op)
{
	struct msg_value *v = pool_calloc(p->pool, (2 * n + 1) * sizeof *v);
	struct msg_write_op *ops = pool_calloc(p->pool, (n + 1) * sizeof *ops);

	for (size_t i = 0; i < n; i++) {
		v[2 * i] = value_text(user_jid(p->user));
		v[2 * i + 1] = value_text(jids[i]);
		ops[i] = (struct msg_write_op){
			.op = op, .table = TABLE_BLOCKING, .values = v + 2 * i, .nvalues = 2};
	}
	user_write(p->user, NULL, ops, n, committed, packet_keep(p), free_packet);
}

static void on_block(struct packet *p, const struct node *payload)
{
	const struct config *cf = module_config(p->sm, &mod_blocking);
	struct list *l = list_of(p->user);
	size_t max = (size_t)cf->items > l->n ? (size_t)cf->items - l->n : 0, n = 0;
	struct str *jids = pool_calloc(p->pool, (max + 1) * sizeof *jids);

	if (!read_jids(p, payload, jids, &n, max))
		return;
	if (!n) { /* 3.3: at least one item */
		packet_error(p, STANZA_E_BAD_REQUEST);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!has(l, jids[i])) /* before it is blocked, or it would not go out */
			tell_presence(p, jids[i], true);
		list_add(l, jids[i]);
	}
	write_changes(p, jids, n, STORE_PUT);
}

static void on_unblock(struct packet *p, const struct node *payload)
{
	struct list *l = list_of(p->user);
	struct str *jids = pool_calloc(p->pool, (l->n + 33) * sizeof *jids);
	struct blocked *b, *tmp;
	size_t n = 0;

	if (!read_jids(p, payload, jids, &n, l->n + 32))
		return;
	if (!payload->first) /* 3.5: no item means all */
		HASH_ITER(hh, l->all, b, tmp)
		{
			jids[n++] = pool_str(p->pool, str_z(b->jid));
		}
	for (size_t i = 0; i < n; i++) {
		HASH_FIND(hh, l->all, jids[i].ptr, jids[i].len, b);
		if (!b)
			continue;
		list_remove(l, b);
		tell_presence(p, jids[i], false);
	}
	if (n)
		write_changes(p, jids, n, STORE_DELETE);
	else
		packet_result(p, STR_NONE);
}

static const struct iq_handler iqs[] = {
	{"blocklist", NS_BLOCKING, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_GET, on_list},
	{"block", NS_BLOCKING, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_SET, on_block},
	{"unblock", NS_BLOCKING, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_SET, on_unblock},
	{NULL},
};
static const uint16_t preload[] = {TABLE_BLOCKING, TABLE_NONE};
static const char *const xeps[] = {"0191 1.3", NULL};
static const char *const features[] = {NS_BLOCKING, NULL};

const struct module mod_blocking = {
	.name = "blocking",
	.summary = "blocking command",
	.xeps = xeps,
	.features = features,
	.options = mod_blocking_options,
	.config_size = sizeof(struct config),
	.preload = preload,
	.iqs = iqs,
	.hooks = {.priority = 50,
		  .user_load = user_load,
		  .user_free = user_free,
		  .out_message = out_stanza,
		  .out_presence = out_stanza,
		  .out_iq = out_stanza,
		  .in_message = in_stanza,
		  .in_presence = in_stanza,
		  .in_iq = in_stanza,
		  .is_blocked = is_blocked},
};
