/* SPDX-License-Identifier: MIT */
/* Private XML Storage (XEP-0049). */
#include "sm/module.h"

struct config {
	int64_t size;
};

const struct option mod_private_options[] = {
	{"private_max", OPT_SIZE, offsetof(struct config, size), "64k", 256, 1 << 24, NULL, OPT_RELOAD,
	 "Largest element of private XML storage."},
	{NULL},
};
extern const struct module mod_private;

enum { SET_MAX = 16 }; /* elements stored by one request */

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

static void free_packet(void *arg)
{
	packet_free(arg);
}

static void on_get(struct packet *p, const struct node *query)
{
	struct msg_value key[3];
	struct msg_read_op op = {.op = STORE_GET, .table = TABLE_PRIVATE, .key = key, .nkey = 3};
	const struct node *n = query->first;

	if (!n || n->next) { /* 2: exactly one element is asked for */
		packet_error(p, STANZA_E_BAD_REQUEST);
		return;
	}
	key[0] = value_text(user_jid(p->user));
	key[1] = value_text(n->ns);
	key[2] = value_text(n->name);
	user_read(p->user, &op, 1, got, packet_keep(p), free_packet);
}

static void on_set(struct packet *p, const struct node *query)
{
	const struct config *cf = module_config(p->sm, &mod_private);
	struct msg_value v[SET_MAX][4];
	struct msg_write_op ops[SET_MAX];
	size_t n = 0;

	for (const struct node *e = query->first; e; e = e->next, n++) {
		/* Example 8: an element in a namespace of the protocol itself is refused. */
		if (n == SET_MAX || !e->ns.len || str_eqz(e->ns, NS_CLIENT) ||
		    str_eqz(e->ns, NS_PRIVATE) || e->outer.len > (size_t)cf->size) {
			packet_error(p, STANZA_E_NOT_ACCEPTABLE);
			return;
		}
		v[n][0] = value_text(user_jid(p->user));
		v[n][1] = value_text(e->ns);
		v[n][2] = value_text(e->name);
		v[n][3] = value_text(e->outer);
		ops[n] = (struct msg_write_op){
			.op = STORE_PUT, .table = TABLE_PRIVATE, .values = v[n], .nvalues = 4};
	}
	if (n)
		user_write_reply(p->user, p, ops, n);
	else
		packet_error(p, STANZA_E_BAD_REQUEST);
}

static const struct iq_handler iqs[] = {
	{"query", NS_PRIVATE, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_GET, on_get},
	{"query", NS_PRIVATE, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_SET, on_set},
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
};
