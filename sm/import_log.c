/* SPDX-License-Identifier: MIT */
/* Messages out of a file (XEP-0227) into an account's log, with the time that they had. */
#include <stdlib.h>
#include "base/clock.h"
#include "base/random.h"
#include "sm/inbox.h"
#include "sm/port_internal.h"

/* Section 3.4 and XEP-0203: what the server that stored it has added; XEP-0359: its id there. */
static struct str cut_id(struct pool *p, struct stanza *st, struct str account)
{
	struct str id = STR_NONE;
	struct node *n;

	for (size_t i = 0; i < st->nchildren; i++) {
		const struct xml_child *c = &st->children[i];

		if (!str_eqz(c->name, "stanza-id") || !str_eqz(c->ns, NS_SID) ||
		    node_parse(p, stanza_child_bytes(st, c), NS_CLIENT, &n) < 0 || !n ||
		    !str_eq(node_attr(n, "by"), account))
			continue;
		id = node_attr(n, "id");
		stanza_cut(p, st, c);
		break;
	}
	return id;
}

static bool cut_delay(struct pool *p, struct stanza *st, struct str domain, int64_t *ret_time)
{
	struct node *n;

	for (size_t i = st->nchildren; i-- > 0;) {
		const struct xml_child *c = &st->children[i];
		struct str from;

		if (!str_eqz(c->name, "delay") || !str_eqz(c->ns, NS_DELAY) ||
		    node_parse(p, stanza_child_bytes(st, c), NS_CLIENT, &n) < 0 || !n)
			continue;
		from = node_attr(n, "from");
		if ((from.len && !str_eq(from, domain)) ||
		    clock_parse(node_attr(n, "stamp"), ret_time) < 0)
			continue;
		stanza_cut(p, st, c);
		return true;
	}
	return false;
}

enum { LAST_NUMBER, LAST_ORIGIN, LAST_ORIGIN_NUMBER }; /* of STORE_LOG_LAST */

enum { SEEN_KEPT = 256 }; /* keys: as many as a repeated request may bring, and more */

static uint64_t file_origin(void)
{
	return hash64("xep-0227", 8);
}

/* The same message in the archive and among those not delivered has the same key. */
static struct msg_stanza_key key_of(const struct taking *t, const struct stanza *st, struct str id,
				    int64_t time)
{
	struct buf b = BUF_INIT;
	struct msg_stanza_key key = {.origin = file_origin()};

	stanza_write(st, &b);
	if (id.len)
		buf_str_append(&b, id);
	else
		buf_printf(&b, "%lld", (long long)time);
	key.number = hash64_pair(hash64(buf_ptr(&b), b.len), jid_key(str_z(t->account)));
	buf_free(&b);
	return key;
}

static struct taken_entry *entry_find(struct taking *t, const struct msg_stanza_key *key)
{
	for (size_t i = 0; i < t->nentries; i++)
		if (t->entries[i].key.number == key->number)
			return &t->entries[i];
	return NULL;
}

void taking_known(struct taking *t, const struct msg_rows *newest)
{
	t->known = xcalloc(newest->nrows + 1, sizeof *t->known);
	for (size_t i = 0; i < newest->nrows; i++) {
		const struct msg_value *v = newest->rows[i].values;

		if ((uint64_t)v[LAST_ORIGIN].i == file_origin())
			t->known[t->nknown++] = (struct known_entry){
				(uint64_t)v[LAST_ORIGIN_NUMBER].i, (uint64_t)v[LAST_NUMBER].i};
	}
}

/* Its number in the log; 0: it is not there. */
static uint64_t known_log(const struct taking *t, const struct msg_stanza_key *key)
{
	struct seen *s = seen_find(t->user, key);

	for (size_t i = 0; !s && i < t->nknown; i++)
		if (t->known[i].number == key->number)
			return t->known[i].log;
	return s ? s->log : 0;
}

static void entry_add(struct taking *t, const struct taken_entry *e)
{
	if (t->nentries == t->entries_cap) {
		t->entries_cap = t->entries_cap ? 2 * t->entries_cap : 32;
		t->entries = xrealloc(t->entries, t->entries_cap * sizeof *t->entries);
	}
	t->entries[t->nentries++] = *e;
}

static uint32_t target_of(const struct user *u, const struct stanza *st)
{
	struct jid to;

	return jid_split(st->to, &to) == 0 ? message_target(u, &to) : 0;
}

static void append(struct taking *t, const struct stanza *st, const struct msg_stanza_key *key,
		   int64_t time, bool offline)
{
	struct user *u = t->user;
	struct sm *sm = t->sm;
	struct taken_entry e = {.key = *key, .offline = offline};
	struct buf xml = BUF_INIT;
	struct msg_value v[COLS_LOG] = {{0}};
	struct jid from;
	bool sent = jid_split(st->from, &from) == 0 && str_eq(from.bare, user_jid(u));

	e.op = t->n;
	e.log = (uint64_t)shards_epoch(sm->shards, u->shard) << 40 | ++sm->counter;
	e.target = offline ? target_of(u, st) : TARGET_NOBODY;
	stanza_write(st, &xml);
	v[COL_LOG_ACCOUNT] = value_text(user_jid(u));
	v[COL_LOG_NUMBER] = value_int((int64_t)e.log);
	v[COL_LOG_TIME] = value_int(time);
	v[COL_LOG_PEER] = value_text(sent ? st->to : st->from);
	v[COL_LOG_ORIGIN] = value_int((int64_t)key->origin);
	v[COL_LOG_ORIGIN_NUMBER] = value_int((int64_t)key->number);
	v[COL_LOG_PART] = value_int(key->part);
	v[COL_LOG_FLAGS] = value_int(e.target);
	v[COL_LOG_STANZA] = value_text(buf_str(&xml));
	taking_put(t, TABLE_LOG, v, COLS_LOG);
	entry_add(t, &e);
	buf_free(&xml);
}

/* The same request has appended it, as one that everybody has seen. */
static void append_offline(struct taking *t, struct taken_entry *e, const struct stanza *st)
{
	struct msg_value *v = (struct msg_value *)t->ops[e->op].values;

	e->offline = true;
	e->target = target_of(t->user, st);
	v[COL_LOG_FLAGS].i = e->target;
}

/* An earlier one has. */
static void undeliver(struct taking *t, uint64_t log)
{
	struct user *u = t->user;

	if (!inbox_entry(u->inbox, log))
		inbox_add(u->inbox, log, 0);
	t->undelivered = t->marked = true;
}

static void take_message(struct taking *t, const struct node *message, struct str id, int64_t time,
			 bool offline)
{
	struct pool *p = t->pool;
	struct taken_entry *here;
	struct msg_stanza_key key;
	uint64_t known;
	struct stanza st;
	struct str own_id;
	struct jid own;

	if (stanza_parse(p, message->outer, &st) < 0 || st.kind != STANZA_MESSAGE ||
	    jid_split(user_jid(t->user), &own) < 0) {
		taking_note(t, "ignored: something that is no message");
		return;
	}
	if (!st.to.len)
		st.to = own.bare;
	if (!st.from.len)
		st.from = own.domain;
	own_id = cut_id(p, &st, own.bare);
	if (!id.len)
		id = own_id;
	if (offline && !cut_delay(p, &st, own.domain, &time))
		time = clock_wall_us();
	key = key_of(t, &st, id, time);
	here = entry_find(t, &key);
	known = here ? 0 : known_log(t, &key);
	if (!here && !known)
		append(t, &st, &key, time, offline);
	else if (offline && here)
		append_offline(t, here, &st);
	else if (offline)
		undeliver(t, known);
}

void taking_offline(struct taking *t, const struct node *child)
{
	for (const struct node *m = child->first; m; m = m->next)
		take_message(t, m, STR_NONE, 0, true);
}

void taking_archive(struct taking *t, const struct node *child)
{
	for (const struct node *r = child->first; r; r = r->next) {
		const struct node *f = node_child(r, "forwarded", NS_FORWARD);
		const struct node *d = node_child(f, "delay", NS_DELAY);
		const struct node *m = node_child(f, "message", NS_CLIENT);
		int64_t time;

		if (!m || !d || clock_parse(node_attr(d, "stamp"), &time) < 0)
			taking_note(t,
				    "ignored: an entry of the archive without a message or time");
		else
			take_message(t, m, node_attr(r, "id"), time, false);
	}
}

void taking_position(struct taking *t)
{
	struct buf list = BUF_INIT;
	struct msg_value row[COLS_POSITION];

	if (!t->marked)
		return;
	inbox_position(t->user, &list, row);
	taking_put(t, TABLE_POSITION, row, COLS_POSITION);
	buf_free(&list);
}

void taking_logged(struct taking *t)
{
	struct user *u = t->user;

	for (size_t i = 0; i < t->nentries; i++) {
		const struct taken_entry *e = &t->entries[i];

		if (!seen_find(u, &e->key))
			seen_add(u, &e->key, e->log)->committed = true;
		if (e->offline)
			inbox_add(u->inbox, e->log, e->target);
		t->undelivered |= e->offline;
		if (e->log > u->inbox->top)
			u->inbox->top = e->log;
	}
	seen_trim(u, file_origin(), SEEN_KEPT);
	/* The position is written soon, so that a reader of the account need not look at all these.
	 */
	if (t->nentries)
		u->inbox->version++;
	if (!t->undelivered)
		return;
	/* As entries of the log that nobody was given they go to whoever takes messages now. */
	for (struct session *s = u->sessions; s; s = s->next)
		if (!s->closing && s->presence && s->priority >= 0)
			inbox_flush(s);
}
