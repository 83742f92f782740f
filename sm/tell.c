/* SPDX-License-Identifier: MIT */
/* Stanzas between owners, over channels (DELIVERY rules 2, 3, 6). */
#include <errno.h>
#include <utlist.h>
#include "sm/components.h"

/* --- asking ------------------------------------------------------------------------------------------- */

struct asking {
	struct asking *prev, *next; /* those that speak for the same shard */
	struct sm *sm;
	struct channel_item *item;
	uint16_t shard; /* that it speaks for; SHARDS: none */
	struct txn *txn;
	uint16_t part; /* of the key */
	struct buf envelope; /* for the error when no answer comes in time */
};

static void asking_free(struct asking *q)
{
	DL_DELETE(q->sm->asks[q->shard], q);
	buf_free(&q->envelope);
	txn_release(q->txn);
	free(q);
}

/* Of what an inbound stanza only caused, its sender hears nothing. */
static bool answers(const struct asking *q)
{
	return q->txn && !(q->txn->kind == TXN_TELL && q->txn->key.part != q->part);
}

static void answer_envelope(struct asking *q, struct str envelope)
{
	struct pool *pool = sm_pool(q->sm);
	struct stanza st;

	if (stanza_decode(pool, envelope, &st) < 0)
		log_error("malformed answer to a stanza");
	else if (answers(q))
		txn_answer(q->txn, &st);
	sm_pool_back(q->sm, pool);
}

static void answer_timeout(struct asking *q)
{
	struct pool *pool = sm_pool(q->sm);
	struct stanza st, r;

	if (answers(q) && stanza_decode(pool, buf_str(&q->envelope), &st) == 0 &&
	    !stanza_no_reply(&st)) {
		r = stanza_error_reply(pool, &st, STANZA_E_REMOTE_SERVER_TIMEOUT, NULL, NULL,
				       STR_NONE);
		txn_answer(q->txn, &r);
	}
	sm_pool_back(q->sm, pool);
}

static void told(void *arg, int err, uint16_t kind, const void *m)
{
	struct asking *q = arg;

	if (err == 0 && kind == MSG_TOLD) {
		const struct msg_told *t = m;

		if (t->error.len)
			answer_envelope(q, t->error);
	} else if (q->txn && q->txn->kind == TXN_CALL) {
		q->txn->mute = true;
	} else {
		answer_timeout(q);
	}
	asking_free(q);
}

/* c: to and from which shard, what, and where in the channel. */
static void ask(struct sm *sm, struct txn *t, uint16_t part, struct channel_send c,
		struct str envelope)
{
	struct asking *q = xcalloc(1, sizeof *q);
	uint16_t from_shard = c.from_shard;

	c.route = "sm";
	c.deadline_ms = (uint32_t)sm->config->deadline;
	c.fn = told;
	c.arg = q;
	if (from_shard != SHARD_NONE)
		c.from_epoch = shards_epoch(sm->shards, from_shard);
	q->sm = sm;
	q->txn = t;
	q->part = part;
	q->shard = from_shard == SHARD_NONE ? SHARDS : from_shard;
	txn_hold(t);
	buf_str_append(&q->envelope, envelope);
	sm->stat_tells++;
	DL_APPEND(sm->asks[q->shard], q);
	q->item = channel_send(sm->channels, &c);
}

void tells_drop(struct sm *sm, uint16_t shard)
{
	struct asking *q;

	outgoing_drop(sm, shard);
	while ((q = sm->asks[shard])) {
		channel_forget(q->item);
		if (q->txn)
			q->txn->mute = true; /* nothing is known of what it asked */
		asking_free(q);
	}
}

/* A frame speaks for the shard of the account it is from, when that is ours. */
uint16_t tell_speaks_for(struct sm *sm, struct str from)
{
	struct jid j;
	uint16_t shard;

	if (!from.ptr || jid_split(from, &j) < 0 || !j.local.len ||
	    !sm_local_domain(sm, j.domain))
		return SHARD_NONE;
	shard = link_shard(j.bare);
	return shards_mine(sm->shards, shard) ? shard : SHARD_NONE;
}

/* Rule 5: what a session said that is lost, c2s says to its next owner, in its order. Is it lost already, or with
 * the account that it spoke to: its own, which it may have left out? */
static bool said_again(const struct packet *p, uint16_t speaks_for, struct str target, bool again)
{
	if (!p->txn || p->txn->kind != TXN_STANZA)
		return false;
	if (again && (!target.len || str_eq(target, p->from.bare)))
		return true;
	return speaks_for == SHARD_NONE && p->from.local.len && sm_local_domain(p->sm, p->from.domain);
}

/* again: it was with us, and comes before what was said since. */
static void tell(struct packet *p, uint16_t shard, struct str target, bool again)
{
	struct buf b = BUF_INIT;
	struct msg_tell m = {.key = p->key, .target = target};
	struct channel_send c = {.to_shard = shard,
				 .from_shard = tell_speaks_for(p->sm, p->st.from),
				 .kind = MSG_TELL,
				 .m = &m,
				 .first = again};

	if (said_again(p, c.from_shard, target, again))
		return;
	stanza_encode(&p->st, &b);
	m.envelope = buf_str(&b);
	ask(p->sm, p->txn, p->key.part, c, buf_str(&b));
	buf_free(&b);
}

void tell_send(struct packet *p, uint16_t shard, struct str target)
{
	tell(p, shard, target, false);
}

void tell_many(struct sm *sm, struct txn *t, const struct stanza *st, const struct str *to,
	       size_t n)
{
	struct buf b = BUF_INIT;
	struct msg_tell_many m = {
		.key = txn_key(sm, t), .targets = (struct str *)to, .ntargets = n};
	struct channel_send c = {.to_shard = link_shard(to[0]),
				 .from_shard = tell_speaks_for(sm, st->from),
				 .kind = MSG_TELL_MANY,
				 .m = &m};

	stanza_encode(st, &b);
	m.envelope = buf_str(&b);
	ask(sm, t, m.key.part, c, buf_str(&b));
	buf_free(&b);
}

void tell_again(struct sm *sm, struct txn *t, const struct msg_stanza_key *key, struct user *u,
		struct text *text)
{
	struct pool *pool = sm_pool(sm);
	struct packet p;

	packet_init(&p, sm, pool, t);
	p.key = *key;
	if (stanza_parse(pool, str_n(text->bytes, text->len), &p.st) < 0)
		bug("a message that we wrote cannot be parsed");
	packet_addresses(&p);
	/* What came while the shard was being let go is in the channel already. */
	tell(&p, u->shard, user_jid(u), true);
	sm_pool_back(sm, pool);
}

void packet_lost(struct packet *p)
{
	if (!txn_lost(p->txn))
		tell(p, link_shard(p->to.bare), p->to.bare, true); /* as in tell_again() */
}

/* --- being asked ---------------------------------------------------------------------------------------- */

static struct txn *tell_txn(struct sm *sm, const struct frame *f, const struct msg_stanza_key *key)
{
	struct txn *t = txn_new(sm, TXN_TELL, key);

	t->origin = frame_keep(f);
	return t;
}

/* Another server speaks for its own domains; s2s has seen to that, and this is the second lock: what comes
 * from an account of ours is believed to be its own. A component speaks for its domains. */
static bool speaks_for_others(struct sm *sm, const struct member *m, bool component, const struct packet *p)
{
	bool ours = !p->from.full.len || sm_local_domain(sm, p->from.domain);

	if (!m || (component ? components_may_say(sm->components, m, p->from.domain)
			     : strcmp(m->process, "s2s") != 0 || !ours))
		return false;
	log_error(ours ? "stanza of another server with an address of ours"
		       : "stanza of a component with an address of another",
		  LF_S("from", m->name));
	return true;
}

/* Others may have made it: its bytes may be no XML, or another stanza's as well, and its address that of an
 * account of another shard. */
static bool misleads(const struct txn *t, const struct member *m, struct str target, struct stanza *st,
		     struct pool *pool)
{
	struct jid to;

	if (stanza_reread(pool, st) == 0 && jid_split(st->to.ptr ? st->to : target, &to) == 0 &&
	    (!to.local.len || link_shard(to.bare) == t->origin.to_shard))
		return false;
	log_error("malformed stanza of a component", LF_S("from", m->name));
	return true;
}

static void tell_to(struct sm *sm, struct txn *t, const struct msg_stanza_key *key,
		    struct str envelope, struct str target)
{
	const struct member *m = link_member(sm->link, t->origin.from);
	bool component = m && components_is(m);
	struct pool *pool = sm_pool(sm);
	struct packet p;

	packet_init(&p, sm, pool, t);
	p.key = *key;
	if (stanza_decode(pool, envelope, &p.st) < 0) {
		log_error("malformed envelope from another owner");
	} else if (!component || !misleads(t, m, target, &p.st, pool)) {
		if (!p.st.to.ptr)
			p.st.to = target;
		packet_addresses(&p);
		if (speaks_for_others(sm, m, component, &p))
			; /* dropped */
		else if (p.to.local.len && sm_local_domain(sm, p.to.domain))
			packet_here(&p); /* admitted: it is ours */
		else if (p.to.full.len && sm_local_domain(sm, p.to.domain))
			packet_domain(&p);
	}
	sm_pool_back(sm, pool);
}

void on_tell(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_tell *m = msg;
	struct txn *t;

	if (!sm_admit(sm, f, false))
		return;
	t = tell_txn(sm, f, &m->key);
	tell_to(sm, t, &m->key, m->envelope, m->target);
	txn_release(t);
}

void on_tell_many(void *arg, const struct frame *f, const void *msg)
{
	struct sm *sm = arg;
	const struct msg_tell_many *m = msg;
	struct txn *t;

	if (!sm_admit(sm, f, false))
		return;
	t = tell_txn(sm, f, &m->key);
	for (size_t i = 0; i < m->ntargets; i++)
		tell_to(sm, t, &m->key, m->envelope, m->targets[i]);
	txn_release(t);
}
