/* SPDX-License-Identifier: MIT */
/* Stanzas under way: their pools, their answers, keeping them for later. */
#include "sm/sm_internal.h"

enum { SCRATCH_MAX = 65536 };

struct buf *sm_scratch(struct sm *sm)
{
	if (sm->scratch.cap > SCRATCH_MAX)
		buf_free(&sm->scratch);
	buf_clear(&sm->scratch);
	return &sm->scratch;
}

struct pool *sm_pool(struct sm *sm)
{
	return sm->npools ? sm->pools[--sm->npools] : pool_new();
}

void sm_pool_back(struct sm *sm, struct pool *p)
{
	if (!p)
		return;
	if (sm->npools == sizeof sm->pools / sizeof sm->pools[0]) {
		pool_free(p);
		return;
	}
	pool_reset(p);
	sm->pools[sm->npools++] = p;
}

void packet_init(struct packet *p, struct sm *sm, struct pool *pool, struct txn *t)
{
	memset(p, 0, sizeof *p);
	p->sm = sm;
	p->pool = pool;
	p->txn = t;
	if (t)
		p->key = t->key;
}

void packet_addresses(struct packet *p)
{
	memset(&p->to, 0, sizeof p->to);
	memset(&p->from, 0, sizeof p->from);
	if (p->st.to.ptr && p->st.fault != STANZA_TO_MALFORMED)
		(void)jid_split(p->st.to, &p->to);
	if (p->st.from.ptr)
		(void)jid_split(p->st.from, &p->from);
}

void packet_result(struct packet *p, struct str bytes)
{
	struct stanza r;

	if (stanza_no_reply(&p->st) || !p->txn)
		return;
	r = stanza_result(&p->st, bytes);
	txn_answer(p->txn, &r);
}

void packet_error_ext(struct packet *p, enum stanza_error e, const char *type, const char *text,
		      struct str app)
{
	struct stanza r;

	if (stanza_no_reply(&p->st) || !p->txn)
		return;
	r = stanza_error_reply(p->pool, &p->st, e, type, text, app);
	txn_answer(p->txn, &r);
}

void packet_error_code(struct packet *p, enum stanza_error e)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;
	struct stanza r;

	if (stanza_no_reply(&p->st) || !p->txn)
		return;
	xw_init(&w, &b);
	xw_start(&w, "error", NULL);
	xw_attr_int(&w, "code", stanza_error_code(e));
	xw_attrz(&w, "type", stanza_error_type(e));
	xw_leaf(&w, stanza_error_name(e), NS_STANZAS, STR_NONE);
	xw_end(&w);
	r = stanza_error_reply(p->pool, &p->st, e, NULL, NULL, STR_NONE);
	stanza_cut(p->pool, &r, r.children);
	stanza_append(p->pool, &r, "error", NULL, buf_str(&b));
	buf_free(&b);
	txn_answer(p->txn, &r);
}

void packet_error(struct packet *p, enum stanza_error e)
{
	packet_error_ext(p, e, NULL, NULL, STR_NONE);
}

struct packet *packet_keep(const struct packet *p)
{
	struct pool *pool = sm_pool(p->sm);
	struct packet *k = pool_calloc(pool, sizeof *k);
	struct buf b = BUF_INIT;
	struct str copy;

	stanza_encode(&p->st, &b);
	copy = pool_str(pool, buf_str(&b));
	buf_free(&b);
	*k = *p;
	k->pool = pool;
	if (stanza_decode(pool, copy, &k->st) < 0)
		bug("a stanza that we encoded cannot be decoded");
	packet_addresses(k);
	txn_hold(k->txn);
	return k;
}

void packet_free(struct packet *p)
{
	struct sm *sm;
	struct pool *pool;
	struct txn *t;

	if (!p)
		return;
	sm = p->sm;
	pool = p->pool;
	t = p->txn;
	sm_pool_back(sm, pool);
	txn_release(t);
}
