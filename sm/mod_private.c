/* SPDX-License-Identifier: MIT */
/* Private XML Storage (XEP-0049). */
#include "sm/module.h"

struct config {
	int64_t size, items;
};

const struct option mod_private_options[] = {
	{"private_max", OPT_SIZE, offsetof(struct config, size), "64k", 256, 1 << 24, NULL, OPT_RELOAD,
	 "Largest element of private XML storage."},
	{"private_items_max", OPT_INT, offsetof(struct config, items), "200", 1, 100000, NULL, OPT_RELOAD,
	 "Most elements in one account's private XML storage."},
	{NULL},
};
extern const struct module mod_private;

enum { SET_MAX = 16 }; /* elements stored by one request */

static bool acceptable(struct user *u, const struct node *e)
{
	const struct config *cf = module_config(user_sm(u), &mod_private);
	struct msg_value key[3] = {value_text(user_jid(u)), value_text(e->ns), value_text(e->name)};

	return e->ns.len && e->outer.len <= (size_t)cf->size && store_key_fits(key, 3);
}

static void got(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct packet *p = arg;
	const struct node *asked = stanza_payload(p->pool, &p->st)->first;
	struct buf b = BUF_INIT;
	struct xml_writer w;

	(void)u;
	if (err) {
		packet_error(p, STANZA_E_INTERNAL_SERVER_ERROR);
		return;
	}
	xw_init(&w, &b);
	xw_start(&w, "query", NS_PRIVATE);
	if (rows[0].nrows)
		xw_raw(&w, rows[0].rows[0].values[COL_PRIVATE_DATA].s);
	else /* example 6: what was never stored is returned empty */
		xw_raw(&w, asked->outer);
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static void get(struct packet *p, const struct node *query)
{
	const struct node *n = query->first;
	struct msg_value key[3] = {value_text(user_jid(p->user)), value_text(n->ns), value_text(n->name)};
	struct msg_read_op op = {.op = STORE_GET, .table = TABLE_PRIVATE, .key = key, .nkey = 3};

	user_read(p->user, &op, 1, got, p, packet_turn_over);
}

static void on_get(struct packet *p, const struct node *query)
{
	if (query->first && !query->first->next)
		packet_in_turn(p, TABLE_PRIVATE, get);
	else /* 2: exactly one element is asked for */
		packet_error(p, STANZA_E_BAD_REQUEST);
}

static void store(struct user *u, struct packet *p, const struct node *query)
{
	struct msg_value v[SET_MAX][4];
	struct msg_write_op ops[SET_MAX];
	size_t n = 0;

	for (const struct node *e = query->first; e; e = e->next, n++) {
		v[n][0] = value_text(user_jid(u));
		v[n][1] = value_text(e->ns);
		v[n][2] = value_text(e->name);
		v[n][3] = value_text(e->outer);
		ops[n] = (struct msg_write_op){
			.op = STORE_PUT, .table = TABLE_PRIVATE, .values = v[n], .nvalues = 4};
	}
	user_write_reply(u, p, ops, n);
}

/* How many there are, and which of those to be set exist. */
static void counted(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct packet *p = arg;
	const struct config *cf = module_config(p->sm, &mod_private);
	const struct node *query = stanza_payload(p->pool, &p->st);
	int64_t total;
	size_t at = 1;

	if (err || !rows[0].nrows) {
		packet_error(p, STANZA_E_INTERNAL_SERVER_ERROR);
		return;
	}
	total = rows[0].rows[0].values[0].i;
	for (const struct node *e = query->first; e; e = e->next)
		total += rows[at++].nrows == 0;
	if (total > cf->items)
		packet_error(p, STANZA_E_RESOURCE_CONSTRAINT);
	else
		store(u, p, query);
}

static void set(struct packet *p, const struct node *query)
{
	struct msg_value key[SET_MAX + 1][3];
	struct msg_read_op ops[SET_MAX + 1];
	size_t n = 0;

	key[0][0] = value_text(user_jid(p->user));
	ops[n++] = (struct msg_read_op){
		.op = STORE_COUNT, .table = TABLE_PRIVATE, .key = key[0], .nkey = 1};
	for (const struct node *e = query->first; e; e = e->next, n++) {
		key[n][0] = key[0][0];
		key[n][1] = value_text(e->ns);
		key[n][2] = value_text(e->name);
		ops[n] = (struct msg_read_op){
			.op = STORE_GET, .table = TABLE_PRIVATE, .key = key[n], .nkey = 3};
	}
	user_read(p->user, ops, n, counted, p, packet_turn_over);
}

static void on_set(struct packet *p, const struct node *query)
{
	bool good = query->first != NULL; /* 2.3: "at least one child element" */
	size_t n = 0;

	/* 2.3: each in a namespace of its own. */
	for (const struct node *e = query->first; e; e = e->next)
		good &= ++n <= SET_MAX && acceptable(p->user, e) && !str_eqz(e->ns, NS_CLIENT) &&
			!str_eqz(e->ns, NS_PRIVATE);
	if (good)
		packet_in_turn(p, TABLE_PRIVATE, set);
	else
		packet_error(p, STANZA_E_NOT_ACCEPTABLE);
}

static const struct iq_handler iqs[] = {
	{"query", NS_PRIVATE, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_GET, on_get},
	{"query", NS_PRIVATE, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_SET, on_set},
	{NULL},
};

/* --- in a file (XEP-0227 section 3.5) --- */

static void give(struct user *u, const struct msg_row *row, size_t at, struct buf *b)
{
	(void)u;
	(void)at;
	buf_str_append(b, row->values[COL_PRIVATE_DATA].s);
}

static void take(struct user *u, const struct node *query, struct taking *t)
{
	for (const struct node *e = query->first; e; e = e->next) {
		struct msg_value v[COLS_PRIVATE] = {value_text(user_jid(u)), value_text(e->ns),
						    value_text(e->name), value_text(e->outer)};

		if (!acceptable(u, e))
			taking_note(t,
				    "private data: <%.*s/> is larger than private_max, in no namespace, "
				    "or in too long a one",
				    STR_ARG(e->name));
		else
			taking_put(t, TABLE_PRIVATE, v, COLS_PRIVATE);
	}
}

static const struct portable portables[] = {
	{"query", NS_PRIVATE, TABLE_PRIVATE, "<query xmlns='" NS_PRIVATE "'>", "</query>", give,
	 take, NULL},
	{NULL},
};
static const char *const xeps[] = {"0049 1.2", NULL};
static const char *const features[] = {NS_PRIVATE, NULL};

const struct module mod_private = {
	.name = "private",
	.summary = "private XML storage",
	.xeps = xeps,
	.features = features,
	.options = mod_private_options,
	.config_size = sizeof(struct config),
	.iqs = iqs,
	.portables = portables,
};
