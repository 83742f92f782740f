/* SPDX-License-Identifier: MIT */
/* In-band registration before login (XEP-0077 section 3.1), where the operator has opened it. */
#include <errno.h>
#include "c2s/client.h"
#include "xmpp/forms.h"
#include "xmpp/node.h"

enum { REGISTER_MS = 30000 };

static void result(struct client *c, struct str id, bool fields)
{
	struct xml_writer w;

	xw_init(&w, conn_out(c->conn));
	xw_start(&w, "iq", NULL);
	xw_attrz(&w, "type", "result");
	xw_attr(&w, "id", id);
	if (fields) {
		xw_start(&w, "query", NS_REGISTER);
		xw_leaf(&w, "instructions", NULL, STR("Choose a name and a password."));
		xw_leaf(&w, "username", NULL, STR_NONE);
		xw_leaf(&w, "password", NULL, STR_NONE);
		form_start(&w, "form", NS_REGISTER, "Registration");
		form_field(&w, "username", "text-single", "Name", true, STR_NONE);
		form_field(&w, "password", "text-private", "Password", true, STR_NONE);
		form_end(&w);
		xw_end(&w);
	}
	xw_end(&w);
	client_flush(c);
}

static enum stanza_error error_of(int code)
{
	static const struct {
		int code;
		enum stanza_error error;
	} errors[] = {
		{EEXIST, STANZA_E_CONFLICT},
		{EINVAL, STANZA_E_NOT_ACCEPTABLE},
		{EPERM, STANZA_E_NOT_ALLOWED},
		{EOPNOTSUPP, STANZA_E_NOT_ALLOWED}, /* this domain's are kept elsewhere */
		{EAGAIN, STANZA_E_RESOURCE_CONSTRAINT},
	};

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].code == code)
			return errors[i].error;
	return STANZA_E_INTERNAL_SERVER_ERROR;
}

static void on_answer(void *arg, int err, uint16_t kind, const void *m)
{
	struct client *c = arg;
	struct login *l = c->login;
	const struct msg_account_result *r = m;
	struct stanza st = {.id = str_z(l->registration_id)};
	int code = err < 0 || kind != MSG_ACCOUNT_RESULT || !r->ncodes ? EIO : r->codes[0];

	l->registration = NULL;
	if (c->phase == PHASE_CLOSED)
		return;
	if (code) {
		step_iq_error(c, &st, error_of(code), NULL);
		return;
	}
	log_info("account registered in-band", LF_S("domain", c->domain->name),
		 LF_S("address", conn_peer(c->conn)));
	result(c, st.id, false);
}

/* Appends NAME@DOMAIN; -EINVAL when the name cannot be one. */
static int account_of(const struct client *c, struct str name, struct buf *b)
{
	if (jid_prep_local(b, name) < 0)
		return -EINVAL;
	buf_putc(b, '@');
	buf_str_append(b, str_z(c->domain->name));
	return 0;
}

static void create(struct client *c, const struct stanza *st, struct str name, struct str password)
{
	struct login *l = c->login;
	struct buf account = BUF_INIT;
	struct msg_new_account one = {.password = password};
	struct msg_account_add m = {
		.accounts = &one, .naccounts = 1, .address = str_z(conn_peer(c->conn))};
	struct frame head = {
		.kind = MSG_ACCOUNT_ADD, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};

	if (!name.len || !password.len || account_of(c, name, &account) < 0) {
		step_iq_error(c, st, STANZA_E_NOT_ACCEPTABLE, "a name and a password are needed");
		buf_free(&account);
		return;
	}
	one.account = buf_str(&account);
	head.to = link_place(c->c2s->link, "auth", jid_key(one.account));
	free(l->registration_id);
	l->registration_id = str_dup(st->id);
	if (head.to)
		l->registration = link_request(c->c2s->link, &head, &m, REGISTER_MS, on_answer, c);
	else
		step_iq_error(c, st, STANZA_E_INTERNAL_SERVER_ERROR, NULL);
	buf_free(&account);
}

static void register_set(struct client *c, const struct stanza *st, const struct node *query)
{
	const struct node *form = node_child(query, "x", NS_DATA);
	struct str name, password;

	if (node_child(query, "remove", NS_REGISTER)) {
		/* XEP-0077 section 3.2, table 2: nobody is registered on this stream. */
		step_iq_error(c, st, STANZA_E_UNEXPECTED_REQUEST, NULL);
		return;
	}
	if (c->login->registration) {
		step_iq_error(c, st, STANZA_E_RESOURCE_CONSTRAINT, "one at a time");
		return;
	}
	name = form ? form_value(form, "username")
		    : node_child_text(query, "username", NS_REGISTER);
	password = form ? form_value(form, "password")
			: node_child_text(query, "password", NS_REGISTER);
	create(c, st, name, password);
}

static void register_iq(struct client *c, const struct stanza *st, const struct node *query)
{
	if (!st->id.ptr)
		step_iq_error(c, st, STANZA_E_BAD_REQUEST, NULL);
	else if (!c->c2s->config->register_open)
		step_iq_error(c, st, STANZA_E_SERVICE_UNAVAILABLE, NULL);
	else if (c->phase != PHASE_SECURE)
		step_iq_error(c, st, STANZA_E_NOT_ALLOWED, "not without TLS");
	else if (st->type == IQ_GET)
		result(c, st->id, true);
	else
		register_set(c, st, query);
}

void step_register(struct client *c, const struct xml_element *e)
{
	struct pool *p = c->c2s->scratch;
	const struct node *query = NULL;
	struct stanza st;

	if (stanza_from_element(p, e, &st) == 0 && st.kind == STANZA_IQ &&
	    (st.type == IQ_GET || st.type == IQ_SET))
		query = stanza_payload(p, &st);
	/* With us: nothing goes to anybody else before a login. */
	if (query && str_eqz(query->name, "query") && str_eqz(query->ns, NS_REGISTER) &&
	    (!st.to.ptr || str_eqz(st.to, c->domain->name)))
		register_iq(c, &st, query);
	else /* RFC 6120 section 4.9.3.12 */
		stream_error(c, STREAM_E_NOT_AUTHORIZED, "log in first");
	pool_reset(p);
}
