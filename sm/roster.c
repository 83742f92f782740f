/* SPDX-License-Identifier: MIT */
/* Rosters in memory and in storage. */
#include "sm/roster.h"

/* Columns of TABLE_ROSTER and TABLE_ROSTER_VERSION are named in link/tables.h. */

struct roster *roster_of(const struct user *u)
{
	return user_data(u, &mod_roster);
}

struct contact *roster_find(const struct user *u, struct str jid)
{
	struct contact *c;

	HASH_FIND(hh, roster_of(u)->contacts, jid.ptr, jid.len, c);
	return c;
}

bool contact_listed(const struct contact *c)
{
	return (c->state & (SUB_TO | SUB_FROM | SUB_ASK | CONTACT_LISTED)) != 0;
}

bool roster_sees_us(const struct user *u, const struct jid *who)
{
	struct contact *c;

	if (str_eq(who->bare, user_jid(u)))
		return true;
	c = roster_find(u, who->bare);
	return c && (c->state & SUB_FROM);
}

static void groups_write(struct xml_writer *w, const char *groups)
{
	json_t *list, *g;
	size_t i;

	/* Strings without escapes, nearly always: a parser costs more than all else of a roster. */
	if (!strchr(groups, '\\')) {
		const char *p = groups, *end;

		while ((p = strchr(p, '"')) && (end = strchr(p + 1, '"'))) {
			xw_leaf(w, "group", NS_ROSTER, str_n(p + 1, (size_t)(end - p - 1)));
			p = end + 1;
		}
		return;
	}
	list = json_loads(groups, 0, NULL);
	json_array_foreach(list, i, g)
	{
		xw_leaf(w, "group", NS_ROSTER,
			str_n(json_string_value(g), json_string_length(g)));
	}
	json_decref(list);
}

void contact_write(struct xml_writer *w, const struct contact *c)
{
	xw_start(w, "item", NS_ROSTER);
	xw_attrz(w, "jid", c->jid);
	xw_attrz(w, "name", c->name);
	xw_attrz(w, "subscription", sub_name(c->state));
	if (c->state & SUB_ASK)
		xw_attrz(w, "ask", "subscribe");
	if (c->state & SUB_APPROVED)
		xw_attrz(w, "approved", "true");
	groups_write(w, c->groups);
	xw_end(w);
}

/* The content of a push of that version, as the item is now. */
static char *push_text(const struct contact *c, int64_t version, bool removed)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;

	xw_init(&w, &b);
	xw_start(&w, "query", NS_ROSTER);
	xw_attr_int(&w, "ver", version);
	if (removed) {
		xw_start(&w, "item", NS_ROSTER);
		xw_attrz(&w, "jid", c->jid);
		xw_attrz(&w, "subscription", "remove");
		xw_end(&w);
	} else {
		contact_write(&w, c);
	}
	xw_end(&w);
	return buf_take(&b);
}

static void push_send(struct user *u, struct str payload)
{
	struct stanza st = {.kind = STANZA_IQ, .type = IQ_SET, .bytes = payload};
	char id[17];

	random_hex(id, 8);
	st.id = str_z(id);
	for (struct session *s = user_sessions(u); s; s = session_next(s)) {
		if (!session_flag(s, SESSION_ROSTER))
			continue;
		st.to = session_jid(s).full;
		session_send(s, &st);
	}
}

static int by_version(const void *a, const void *b)
{
	const struct contact *x = *(struct contact *const *)a, *y = *(struct contact *const *)b;

	return x->version < y->version ? -1 : x->version > y->version;
}

struct contact **roster_changes(const struct user *u, int64_t since, size_t *ret_n)
{
	struct contact **changed = xcalloc(roster_of(u)->n + 1, sizeof *changed), *c, *tmp;

	*ret_n = 0;
	HASH_ITER(hh, roster_of(u)->contacts, c, tmp)
	{
		if (contact_listed(c) && c->version > since)
			changed[(*ret_n)++] = c;
	}
	qsort(changed, *ret_n, sizeof *changed, by_version);
	return changed;
}

void roster_push_since(struct user *u, int64_t version)
{
	size_t n;
	struct contact **changed = roster_changes(u, version, &n);

	for (size_t i = 0; i < n; i++) {
		char *text = push_text(changed[i], changed[i]->version, false);

		push_send(u, str_z(text));
		free(text);
	}
	free(changed);
}

/* --- changes ---------------------------------------------------------------------------------------------- */

struct pushing { /* what is said after the commit */
	char *text;       /* of the push, or NULL. As it was then: a client that has a version must
			   * have all earlier ones (RFC 6121 section 2.6.3) */
	struct packet *p; /* the client's set, or NULL */
};

static void pushing_free(void *arg)
{
	struct pushing *p = arg;

	packet_free(p->p);
	free(p->text);
	free(p);
}

static void saved(struct user *u, int err, void *arg)
{
	struct pushing *q = arg;

	if (err) {
		if (q->p)
			packet_error(q->p, STANZA_E_INTERNAL_SERVER_ERROR);
		return;
	}
	if (q->text)
		push_send(u, str_z(q->text));
	if (q->p)
		packet_result(q->p, STR_NONE);
}

size_t contact_bytes(const struct contact *c)
{
	return strlen(c->jid) + strlen(c->groups) + (c->name ? strlen(c->name) : 0);
}

void contact_describe(struct roster *r, struct contact *c, char *take_name, char *take_groups)
{
	r->bytes -= contact_bytes(c);
	free(c->name);
	free(c->groups);
	c->name = take_name;
	c->groups = take_groups;
	r->bytes += contact_bytes(c);
}

void contact_request(struct roster *r, struct contact *c, char *take_pending)
{
	r->pending -= c->pending ? strlen(c->pending) : 0;
	free(c->pending);
	c->pending = take_pending;
	r->pending += c->pending ? strlen(c->pending) : 0;
}

static void contact_free(struct roster *r, struct contact *c)
{
	HASH_DEL(r->contacts, c);
	r->n--;
	r->bytes -= contact_bytes(c);
	contact_request(r, c, NULL);
	free(c->jid);
	free(c->name);
	free(c->groups);
	free(c->tell);
	free(c);
}

void roster_version_row(struct user *u, struct msg_value row[COLS_ROSTER_VERSION])
{
	row[COL_ROSTER_VERSION_ACCOUNT] = value_text(user_jid(u));
	row[COL_ROSTER_VERSION_VERSION] = value_int(roster_of(u)->version);
	row[COL_ROSTER_VERSION_REMOVED] = value_int(roster_of(u)->removed);
}

static struct msg_write_op version_op(struct user *u, struct msg_value v[COLS_ROSTER_VERSION])
{
	roster_version_row(u, v);
	return (struct msg_write_op){.op = STORE_PUT,
				     .table = TABLE_ROSTER_VERSION,
				     .values = v,
				     .nvalues = COLS_ROSTER_VERSION};
}

void roster_row(struct user *u, const struct contact *c, struct msg_value row[COLS_ROSTER])
{
	row[COL_ROSTER_ACCOUNT] = value_text(user_jid(u));
	row[COL_ROSTER_JID] = value_text(str_z(c->jid));
	row[COL_ROSTER_NAME] = c->name ? value_text(str_z(c->name)) : value_null();
	row[COL_ROSTER_GROUPS] = value_text(str_z(c->groups));
	row[COL_ROSTER_SUBSCRIPTION] = value_int(c->state);
	row[COL_ROSTER_PENDING] = c->pending ? value_text(str_z(c->pending)) : value_null();
	row[COL_ROSTER_VERSION] = value_int(c->version);
	row[COL_ROSTER_TELL] = c->tell ? value_text(str_z(c->tell)) : value_null();
}

/* Nothing is left to be known of it, or to be told. */
static bool is_over(const struct contact *c)
{
	return c->state == 0 && !c->tell;
}

static struct msg_write_op contact_op(struct user *u, const struct contact *c,
				      struct msg_value row[COLS_ROSTER])
{
	roster_row(u, c, row);
	if (is_over(c))
		return (struct msg_write_op){
			.op = STORE_DELETE, .table = TABLE_ROSTER, .values = row, .nvalues = 2};
	return (struct msg_write_op){
		.op = STORE_PUT, .table = TABLE_ROSTER, .values = row, .nvalues = COLS_ROSTER};
}

void roster_keep(struct user *u, struct contact *c)
{
	struct msg_value row[COLS_ROSTER];
	struct msg_write_op op = contact_op(u, c, row);

	user_write(u, NULL, &op, 1, NULL, NULL, NULL);
	if (is_over(c))
		contact_free(roster_of(u), c);
}

static void save(struct user *u, struct contact *c, struct txn *t, bool push, struct packet *p)
{
	struct roster *r = roster_of(u);
	struct pushing *q = xcalloc(1, sizeof *q);
	struct msg_value row[COLS_ROSTER], version[3];
	struct msg_write_op ops[2];

	c->version = ++r->version;
	q->text = push ? push_text(c, r->version, false) : NULL;
	q->p = p;
	ops[0] = contact_op(u, c, row);
	ops[1] = version_op(u, version);
	user_write(u, t, ops, 2, saved, q, pushing_free);
	if (is_over(c))
		contact_free(r, c);
}

void roster_save(struct user *u, struct contact *c, struct txn *t, bool push)
{
	save(u, c, t, push, NULL);
}

void roster_set_reply(struct packet *p, struct contact *c)
{
	save(p->user, c, p->txn, true, packet_keep(p));
}

static void contact_clear(struct roster *r, struct contact *c)
{
	c->state = 0;
	contact_describe(r, c, NULL, xstrdup("[]"));
	contact_request(r, c, NULL);
}

void roster_remove_reply(struct packet *p, struct contact *c)
{
	struct user *u = p->user;
	struct roster *r = roster_of(u);
	struct pushing *q = xcalloc(1, sizeof *q);
	struct msg_value row[COLS_ROSTER], version[3];
	struct msg_write_op ops[2];

	r->removed = ++r->version;
	q->text = push_text(c, r->version, true);
	q->p = packet_keep(p);
	contact_clear(r, c);
	ops[0] = contact_op(u, c, row);
	ops[1] = version_op(u, version);
	user_write(u, p->txn, ops, 2, saved, q, pushing_free);
	if (is_over(c))
		contact_free(r, c);
}

/* --- memory ------------------------------------------------------------------------------------------------ */

static struct contact *contact_new(struct roster *r, struct str jid)
{
	struct contact *c = xcalloc(1, sizeof *c);

	c->jid = str_dup(jid);
	c->groups = xstrdup("[]");
	HASH_ADD_KEYPTR(hh, r->contacts, c->jid, jid.len, c);
	r->n++;
	r->bytes += contact_bytes(c);
	return c;
}

struct contact *roster_need(struct user *u, struct str jid, bool pending)
{
	struct roster *r = roster_of(u);
	struct contact *c = roster_find(u, jid), *tmp;
	size_t most = pending ? roster_pending_max(user_sm(u)) : roster_items_max(user_sm(u)), n = 0;

	if (c)
		return c;
	if (!user_key_fits(u, jid))
		return NULL;
	if (r->n < most)
		return contact_new(r, jid);
	HASH_ITER(hh, r->contacts, c, tmp)
	{
		n += contact_listed(c) != pending;
	}
	return n < most ? contact_new(r, jid) : NULL;
}

void roster_load(struct user *u, const struct msg_rows *rows)
{
	struct roster *r = xcalloc(1, sizeof *r);
	bool untold = false;

	for (size_t i = 0; i < rows[0].nrows; i++) {
		const struct msg_value *v = rows[0].rows[i].values;
		struct contact *c = contact_new(r, v[COL_ROSTER_JID].s);

		contact_describe(r, c,
				 v[COL_ROSTER_NAME].type ? str_dup(v[COL_ROSTER_NAME].s) : NULL,
				 str_dup(v[COL_ROSTER_GROUPS].s));
		c->state = (unsigned)v[COL_ROSTER_SUBSCRIPTION].i;
		if (v[COL_ROSTER_PENDING].type)
			contact_request(r, c, str_dup(v[COL_ROSTER_PENDING].s));
		c->version = v[COL_ROSTER_VERSION].i;
		if (v[COL_ROSTER_TELL].type) {
			c->tell = str_dup(v[COL_ROSTER_TELL].s);
			untold = true;
		}
	}
	/* Without a row it begins with the time: never where a client has an earlier one of another roster, that of an
	 * account which had this name, or which another has replaced. */
	r->version = r->removed = clock_wall_us();
	if (rows[1].nrows) {
		r->version = rows[1].rows[0].values[COL_ROSTER_VERSION_VERSION].i;
		r->removed = rows[1].rows[0].values[COL_ROSTER_VERSION_REMOVED].i;
	}
	user_data_set(u, &mod_roster, r);
	if (untold)
		roster_tell_all(u);
}

void roster_free(struct user *u)
{
	struct roster *r = roster_of(u);
	struct contact *c, *tmp;

	if (!r)
		return;
	HASH_ITER(hh, r->contacts, c, tmp)
	{
		contact_free(r, c);
	}
	roster_tells_forget(r);
	free(r);
	user_data_set(u, &mod_roster, NULL);
}
