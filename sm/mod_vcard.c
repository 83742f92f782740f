/* SPDX-License-Identifier: MIT */
/* vcard-temp (XEP-0054). */
#include "sm/module.h"

struct config {
	int64_t size;
};

const struct option mod_vcard_options[] = {
	{"vcard_max", OPT_SIZE, offsetof(struct config, size), "128k", 256, 1 << 24, NULL, OPT_RELOAD,
	 "Largest vCard."},
	{NULL},
};
extern const struct module mod_vcard;

static void got(struct user *u, int err, const struct msg_rows *rows, void *arg)
{
	struct packet *p = arg;

	(void)u;
	if (err)
		packet_error(p, STANZA_E_INTERNAL_SERVER_ERROR);
	else if (rows[0].nrows)
		packet_result(p, rows[0].rows[0].values[COL_VCARD_VCARD].s);
	else if (p->own) /* 3.1: an empty vCard, or item-not-found, for one's own */
		packet_result(p, STR("<vCard xmlns='vcard-temp'/>"));
	else /* 3.3: as where there is no such user */
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
}

/* Not preloaded: it is large and seldom asked for. */
static void get(struct packet *p, const struct node *vcard)
{
	struct msg_value key = value_text(user_jid(p->user));
	struct msg_read_op op = {.op = STORE_GET, .table = TABLE_VCARD, .key = &key, .nkey = 1};

	(void)vcard;
	user_read(p->user, &op, 1, got, p, packet_turn_over);
}

static void on_get(struct packet *p, const struct node *vcard)
{
	(void)vcard;
	packet_in_turn(p, TABLE_VCARD, get);
}

static void set(struct packet *p, const struct node *vcard)
{
	struct msg_value v[2] = {value_text(user_jid(p->user)), value_text(vcard->outer)};
	struct msg_write_op op = {
		.op = STORE_PUT, .table = TABLE_VCARD, .values = v, .nvalues = 2};

	user_write_reply(p->user, p, &op, 1);
	packet_turn_over(p);
}

static void on_set(struct packet *p, const struct node *vcard)
{
	const struct config *cf = module_config(p->sm, &mod_vcard);

	if (!p->own) /* 3.2: "SHOULD be forbidden" to set another's */
		packet_error(p, STANZA_E_FORBIDDEN);
	else if (vcard->outer.len > (size_t)cf->size)
		packet_error(p, STANZA_E_NOT_ACCEPTABLE);
	else
		packet_in_turn(p, TABLE_VCARD, set);
}

static const struct iq_handler iqs[] = {
	{"vCard", NS_VCARD, IQ_TO_ACCOUNT, IQ_IS_GET, on_get},
	{"vCard", NS_VCARD, IQ_TO_ACCOUNT, IQ_IS_SET, on_set},
	{NULL},
};

/* --- in a file (XEP-0227 section 3.6) --- */

static void give(struct user *u, const struct msg_row *row, size_t at, struct buf *b)
{
	(void)u;
	(void)at;
	buf_str_append(b, row->values[COL_VCARD_VCARD].s);
}

static void take(struct user *u, const struct node *vcard, struct taking *t)
{
	const struct config *cf = module_config(user_sm(u), &mod_vcard);
	struct msg_value v[COLS_VCARD] = {value_text(user_jid(u)), value_text(vcard->outer)};

	if (vcard->outer.len > (size_t)cf->size)
		taking_note(t, "the vCard is larger than vcard_max");
	else
		taking_put(t, TABLE_VCARD, v, COLS_VCARD);
}

static const struct portable portables[] = {
	{"vCard", NS_VCARD, TABLE_VCARD, NULL, NULL, give, take, NULL},
	{NULL},
};
static const char *const xeps[] = {"0054 1.3.0", NULL};
static const char *const features[] = {NS_VCARD, NULL};

const struct module mod_vcard = {
	.name = "vcard",
	.summary = "vcard-temp",
	.xeps = xeps,
	.features = features,
	.options = mod_vcard_options,
	.config_size = sizeof(struct config),
	.iqs = iqs,
	.portables = portables,
};
