/* SPDX-License-Identifier: MIT */
/* In-band registration (XEP-0077) of those who have an account: what is on file, a new password,
 * cancellation. Making accounts is c2s's, before login. */
#include <errno.h>
#include "sm/module.h"

struct config {
	bool open;
};

const struct option mod_register_options[] = {
	{"register", OPT_BOOL, offsetof(struct config, open), "false", 0, 0, NULL, OPT_RELOAD,
	 "Let accounts change their password and cancel themselves in-band (XEP-0077)."},
	{NULL},
};
extern const struct module mod_register;

enum { AUTH_TIMEOUT_MS = 20000 };

static void on_get(struct packet *p)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;

	xw_init(&w, &b);
	xw_start(&w, "query", NS_REGISTER);
	xw_leaf(&w, "registered", NS_REGISTER, STR(""));
	xw_leaf(&w, "instructions", NS_REGISTER,
		STR("You are registered. Send your name with another password to change it."));
	xw_leaf(&w, "username", NS_REGISTER, p->from.local);
	xw_leaf(&w, "password", NS_REGISTER, STR(""));
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static struct frame to_auth(struct packet *p, uint16_t kind)
{
	struct str account = user_jid(p->user);

	return (struct frame){.kind = kind,
			      .to = link_place(sm_link(p->sm), "auth", jid_key(account)),
			      .from_shard = SHARD_NONE,
			      .to_shard = SHARD_NONE};
}

static void changed(void *arg, int err, uint16_t kind, const void *m)
{
	struct packet *p = arg;
	const struct msg_account_result *r = m;
	uint16_t code = !err && kind == MSG_ACCOUNT_RESULT && r->ncodes == 1 ? r->codes[0] : EIO;

	switch (code) {
	case 0:
		packet_result(p, STR_NONE);
		break;
	case EINVAL:
		packet_error_code(p, STANZA_E_NOT_ACCEPTABLE);
		break;
	case EPERM:
	case EOPNOTSUPP: /* the password is kept elsewhere */
		packet_error_code(p, STANZA_E_NOT_ALLOWED);
		break;
	default:
		packet_error_code(p, STANZA_E_INTERNAL_SERVER_ERROR);
	}
	packet_free(p);
}

static void change_password(struct packet *p, struct str username, struct str password)
{
	struct msg_new_account account = {.account = user_jid(p->user), .password = password};
	struct msg_account_add add = {.accounts = &account, .naccounts = 1, .mode = 1};
	struct frame head = to_auth(p, MSG_ACCOUNT_ADD);
	struct buf local = BUF_INIT;

	/* 3.3: username and password, both; another's is not one's to change. */
	if (!username.len || !password.len) {
		packet_error_code(p, STANZA_E_BAD_REQUEST);
	} else if (jid_prep_local(&local, username) < 0 || !str_eq(buf_str(&local), p->from.local)) {
		packet_error_code(p, STANZA_E_NOT_ALLOWED);
	} else {
		(void)link_request(sm_link(p->sm), &head, &add, AUTH_TIMEOUT_MS, changed,
				   packet_keep(p));
	}
	buf_free(&local);
}

static void remove_now(void *arg, struct user *u)
{
	(void)arg;
	if (u)
		user_remove(u);
}

/* The credentials are gone: nobody can log in; now the answer, then the data and the sessions. */
static void cancelled(void *arg, int err, uint16_t kind, const void *m)
{
	struct packet *p = arg;
	const struct msg_failed *f = m;

	(void)kind;
	if (err == -EREMOTEIO && f->code == EOPNOTSUPP) { /* accounts of that domain are made elsewhere */
		packet_error_code(p, STANZA_E_NOT_ALLOWED);
	} else if (err) {
		packet_error_code(p, STANZA_E_INTERNAL_SERVER_ERROR);
	} else {
		packet_result(p, STR_NONE);
		sm_with_user(p->sm, p->from.bare, remove_now, NULL);
	}
	packet_free(p);
}

static void cancel(struct packet *p)
{
	struct msg_account_del del = {.account = user_jid(p->user)};
	struct frame head = to_auth(p, MSG_ACCOUNT_DEL);

	(void)link_request(sm_link(p->sm), &head, &del, AUTH_TIMEOUT_MS, cancelled, packet_keep(p));
}

static void on_query(struct packet *p, const struct node *query)
{
	const struct config *cf = module_config(p->sm, &mod_register);
	const struct node *remove = node_child(query, "remove", NS_REGISTER);

	if (!cf->open || !p->session) {
		packet_error_code(p, STANZA_E_SERVICE_UNAVAILABLE);
	} else if (p->st.type == IQ_GET) {
		on_get(p);
	} else if (!session_secure(p->session)) { /* 3.3: nothing of it in the clear */
		packet_error_code(p, STANZA_E_NOT_AUTHORIZED);
	} else if (remove && (remove->next || query->first != remove)) {
		packet_error_code(p, STANZA_E_BAD_REQUEST); /* 3.2: alone */
	} else if (remove) {
		cancel(p);
	} else {
		change_password(p, node_child_text(query, "username", NS_REGISTER),
				node_child_text(query, "password", NS_REGISTER));
	}
}

/* Clients send it to the server, or to nobody. To the domain, p->user is not set. */
static void on_domain_query(struct packet *p, const struct node *query)
{
	if (p->session)
		p->user = session_user(p->session);
	on_query(p, query);
}

static void disco_info(struct user *u, struct packet *p, struct xml_writer *w)
{
	const struct config *cf = module_config(p->sm, &mod_register);

	if (!u && cf->open)
		disco_feature(w, NS_REGISTER);
}

static const struct iq_handler iqs[] = {
	{"query", NS_REGISTER, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_GET | IQ_IS_SET, on_query},
	{"query", NS_REGISTER, IQ_TO_DOMAIN, IQ_IS_GET | IQ_IS_SET, on_domain_query},
	{NULL},
};
static const char *const xeps[] = {"0077 2.4", NULL};

const struct module mod_register = {
	.name = "register",
	.summary = "in-band registration",
	.xeps = xeps,
	.options = mod_register_options,
	.config_size = sizeof(struct config),
	.iqs = iqs,
	.hooks = {.disco_info = disco_info},
};
