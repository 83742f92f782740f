/* SPDX-License-Identifier: MIT */
/* In-band registration (XEP-0077) of those who have an account: what is on file, a new password,
 * cancellation. Making accounts is c2s's, before login. */
#include <errno.h>
#include <stdlib.h>
#include "sm/ask.h"

struct config {
	bool open;
};

const struct option mod_register_options[] = {
	{"register", OPT_BOOL, offsetof(struct config, open), "false", 0, 0, NULL, OPT_RELOAD,
	 "Let accounts change their password and cancel themselves in-band (XEP-0077)."},
	{NULL},
};
extern const struct module mod_register;

/* What a client waits; and auth, where it still writes what it was asked, which it does without an end. */
enum { AUTH_TIMEOUT_MS = 20000, AUTH_GONE_MS = 3600000, ASK_AGAIN_S = 5 };

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

static struct frame to_auth(struct sm *sm, struct str account, uint16_t kind)
{
	return (struct frame){.kind = kind,
			      .to = link_place(sm_link(sm), "auth", jid_key(account)),
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
	case EAGAIN: /* too many at once */
		packet_error_code(p, STANZA_E_RESOURCE_CONSTRAINT);
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
	struct frame head = to_auth(p->sm, account.account, MSG_ACCOUNT_ADD);
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

/* --- cancellation ---------------------------------------------------------------------------- */

/* Auth writes it without a deadline: the credentials may go long after the client was told that it takes too
 * long, and then the data must go, too. So whoever began it waits for the end of it. */
struct cancellation {
	struct sm *sm;
	struct packet *p; /* NULL: it has its answer */
	char *account;
	struct loop_timeout wait; /* until the client is told; then until auth is asked again */
	bool sent;		  /* the request under way: there was an auth */
	bool unsure;		  /* one got no answer: it may be done yet */
	int64_t created;	  /* when the account that is meant was made; 0: not looked up yet */
};

static void cancellation_fail(struct cancellation *c, enum stanza_error error)
{
	loop_timeout_stop(sm_loop(c->sm), &c->wait);
	if (c->p)
		packet_error_code(c->p, error);
	packet_free(c->p);
	c->p = NULL;
}

static void cancellation_free(struct cancellation *c)
{
	free(c->account);
	free(c);
}

static void data_removed(void *arg, int err, const void *m)
{
	struct cancellation *c = arg;

	(void)m;
	if (err)
		log_error("data of an account that was removed are left", LF_S("account", c->account),
			  LF_ERR(err));
	cancellation_free(c);
}

static void remove_now(void *arg, struct user *u)
{
	struct cancellation *c = arg;
	struct msg_user_remove remove = {.account = str_z(c->account)};

	if (u) {
		user_remove(u);
		cancellation_free(c);
	} else { /* the account is another's by now */
		(void)ask_owner(c->sm, remove.account, MSG_USER_REMOVE, &remove, data_removed, c);
	}
}

static void too_long(void *arg)
{
	cancellation_fail(arg, STANZA_E_INTERNAL_SERVER_ERROR);
}

static void cancellation_ask(void *arg);
static void cancellation_look(void *arg);

static void look_later(struct cancellation *c)
{
	c->wait.fn = cancellation_look;
	loop_timeout_start(sm_loop(c->sm), &c->wait, ASK_AGAIN_S);
}

/* Its client knows of an error, and may have the name anew by now, as may anybody: that account stays. */
static void looked(void *arg, int err, const struct msg_rows *results, size_t n)
{
	struct cancellation *c = arg;
	int64_t before = c->created;

	if (err || n != 1) {
		look_later(c);
	} else if (!results[0].nrows) {
		sm_with_user(c->sm, str_z(c->account), remove_now, c);
	} else if (c->created = results[0].rows[0].values[COL_ACCOUNT_CREATED].i, !before) {
		look_later(c); /* what is under way at storage may end it yet */
	} else if (c->created == before) {
		cancellation_ask(c);
	} else {
		log_info("account not removed: it was made anew meanwhile", LF_S("account", c->account));
		cancellation_free(c);
	}
}

static void cancellation_look(void *arg)
{
	struct cancellation *c = arg;
	struct msg_value key = value_text(str_z(c->account));
	struct msg_read_op op = {.op = STORE_GET, .table = TABLE_ACCOUNT, .key = &key, .nkey = 1};

	(void)store_read(sm_link(c->sm), &op, 1, AUTH_TIMEOUT_MS, looked, c);
}

/* The credentials are gone: nobody can log in; now the answer, then the data and the sessions. So it is when
 * there were none: an earlier request whose answer came too late, or never, has removed them. */
static void cancelled(void *arg, int err, uint16_t kind, const void *m)
{
	struct cancellation *c = arg;
	const struct msg_failed *f = m;
	int code = err == -EREMOTEIO ? (int)f->code : 0;

	(void)kind;
	if (!err || code == ENOENT) {
		loop_timeout_stop(sm_loop(c->sm), &c->wait);
		if (c->p)
			packet_result(c->p, STR_NONE);
		packet_free(c->p);
		sm_with_user(c->sm, str_z(c->account), remove_now, c);
		return;
	}
	c->unsure |= c->sent && !code;
	/* EOPNOTSUPP: accounts of that domain are made elsewhere. */
	cancellation_fail(c, code == EOPNOTSUPP ? STANZA_E_NOT_ALLOWED
						: STANZA_E_INTERNAL_SERVER_ERROR);
	if (c->unsure)
		cancellation_look(c);
	else
		cancellation_free(c);
}

static void cancellation_ask(void *arg)
{
	struct cancellation *c = arg;
	struct msg_account_del del = {.account = str_z(c->account)};
	struct frame head = to_auth(c->sm, del.account, MSG_ACCOUNT_DEL);

	c->sent = head.to != 0;
	(void)link_request(sm_link(c->sm), &head, &del, AUTH_GONE_MS, cancelled, c);
}

static void cancel(struct packet *p)
{
	struct cancellation *c = xcalloc(1, sizeof *c);

	c->sm = p->sm;
	c->p = packet_keep(p);
	c->account = str_dup(user_jid(p->user));
	c->wait = (struct loop_timeout){.fn = too_long, .arg = c};
	loop_timeout_start(sm_loop(c->sm), &c->wait, AUTH_TIMEOUT_MS / 1000);
	cancellation_ask(c);
}

/* --- requests -------------------------------------------------------------------------------- */

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

/* Clients send it to the server, or to nobody. To the domain, p->user is not set. With other domains of this
 * server they have no account. */
static void on_domain_query(struct packet *p, const struct node *query)
{
	if (p->session && str_eq(p->to.domain, p->from.domain)) {
		p->user = session_user(p->session);
		on_query(p, query);
	} else {
		packet_error_code(p, STANZA_E_SERVICE_UNAVAILABLE);
	}
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
