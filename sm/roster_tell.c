/* SPDX-License-Identifier: MIT */
/*
 * What contacts have still to be told of a subscription (RFC 6121 section 3). It is kept in the
 * contact's row, written together with the change itself, and repeated until it is answered, also
 * by the next owner. A repetition changes nothing: by Appendix A it finds the state that the first
 * has made.
 */
#include <utlist.h>
#include "sm/roster.h"

/* The account stays in memory meanwhile: with few in the cache it would be told again each time that it is
 * loaded, for ever, were it to leave before the answer. */
struct telling {
	struct telling *prev, *next;
	struct user *user; /* NULL: its shard was lost; the next owner tells */
	char *contact;
	unsigned slot;
};

/* Of what goes one way only the last counts. */
static const char *const slots[ROSTER_TELLS] = {"to", "from"};

static unsigned slot_of(enum stanza_type type)
{
	return type == PRESENCE_SUBSCRIBE || type == PRESENCE_UNSUBSCRIBE ? 0 : 1;
}

static void set(struct contact *c, unsigned slot, json_t *xml)
{
	json_t *o = c->tell ? json_loads(c->tell, 0, NULL) : json_object();

	if (xml)
		json_object_set_new(o, slots[slot], xml);
	else
		json_object_del(o, slots[slot]);
	free(c->tell);
	c->tell = json_object_size(o) ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
}

void roster_tell_note(struct contact *c, const struct stanza *st)
{
	struct buf b = BUF_INIT;

	stanza_write(st, &b);
	set(c, slot_of(st->type), json_stringn(buf_ptr(&b), b.len));
	buf_free(&b);
}

static void told(void *arg, bool good)
{
	struct telling *t = arg;
	struct user *u = t->user;
	struct contact *c = u ? roster_find(u, str_z(t->contact)) : NULL;

	if (u)
		DL_DELETE(roster_of(u)->tellings, t);
	if (c && c->telling[t->slot] && !--c->telling[t->slot] && c->tell) {
		if (good) {
			set(c, t->slot, NULL);
			roster_keep(u, c);
		} else {
			roster_tell(u, c, NULL);
		}
	}
	if (u)
		user_let_go(u);
	free(t->contact);
	free(t);
}

void roster_tells_forget(struct roster *r)
{
	while (r->tellings) {
		struct telling *t = r->tellings;

		DL_DELETE(r->tellings, t);
		t->user = NULL;
	}
}

static void tell(struct user *u, struct contact *c, unsigned slot, const char *xml,
		 struct txn *parent)
{
	struct telling *t = xcalloc(1, sizeof *t);
	struct pool *pool = pool_new();
	struct stanza st;
	struct txn *txn;

	t->user = u;
	user_hold(u);
	DL_APPEND(roster_of(u)->tellings, t);
	t->contact = xstrdup(c->jid);
	t->slot = slot;
	c->telling[slot]++;
	txn = txn_call(user_sm(u), parent, told, t);
	if (stanza_parse(pool, str_z(xml), &st) < 0)
		log_error("malformed roster row", LF_STR("account", user_jid(u)),
			  LF_S("contact", c->jid));
	else
		sm_route(user_sm(u), txn, &st);
	pool_free(pool);
	txn_release(txn);
}

void roster_tell(struct user *u, struct contact *c, struct txn *t)
{
	json_t *o = c->tell ? json_loads(c->tell, 0, NULL) : NULL;
	char *jid = xstrdup(c->jid);

	for (unsigned slot = 0; slot < ROSTER_TELLS; slot++) {
		const char *xml = json_string_value(json_object_get(o, slots[slot]));

		/* To tell a contact of ours may be over at once, and c with it. */
		c = roster_find(u, str_z(jid));
		if (c && xml)
			tell(u, c, slot, xml, t);
	}
	free(jid);
	json_decref(o);
}

static void tell_loaded(void *arg, struct user *u)
{
	struct contact *c, *tmp;

	(void)arg;
	if (!u || !roster_of(u))
		return;
	HASH_ITER (hh, roster_of(u)->contacts, c, tmp) {
		if (c->tell && !c->telling[0] && !c->telling[1])
			roster_tell(u, c, NULL);
	}
}

void roster_tell_all(struct user *u)
{
	sm_with_user(user_sm(u), user_jid(u), tell_loaded, NULL);
}
