/* SPDX-License-Identifier: MIT */
/* Service Discovery (XEP-0030) of the domain and of accounts, and contact addresses (XEP-0157). */
#include "sm/module.h"

struct config {
	char *name;
	char **abuse, **admin, **support;
};

const struct option mod_disco_options[] = {
	{"server_name", OPT_STR, offsetof(struct config, name), "Mercutio", 0, 0, NULL, OPT_RELOAD,
	 "Name of the server in service discovery."},
	{"contact_abuse", OPT_LIST, offsetof(struct config, abuse), NULL, 0, 16, NULL, OPT_RELOAD,
	 "Addresses (URIs) to report abuse to (XEP-0157)."},
	{"contact_admin", OPT_LIST, offsetof(struct config, admin), NULL, 0, 16, NULL, OPT_RELOAD,
	 "Addresses (URIs) of the administrators (XEP-0157)."},
	{"contact_support", OPT_LIST, offsetof(struct config, support), NULL, 0, 16, NULL, OPT_RELOAD,
	 "Addresses (URIs) of the support (XEP-0157)."},
	{NULL},
};
extern const struct module mod_disco;

struct listing {
	struct xml_writer *w;
	bool account;
};

static void list_features(void *arg, const struct module *m)
{
	struct listing *l = arg;

	for (const char *const *f = m->features; f && *f; f++)
		disco_feature(l->w, *f);
	for (const char *const *f = l->account ? m->account_features : NULL; f && *f; f++)
		disco_feature(l->w, *f);
}

static void contact_field(struct xml_writer *w, const char *var, char *const *values)
{
	if (!values[0])
		return;
	xw_start(w, "field", NS_DATA);
	xw_attrz(w, "var", var);
	xw_attrz(w, "type", "list-multi");
	for (; *values; values++)
		xw_leaf(w, "value", NS_DATA, str_z(*values));
	xw_end(w);
}

static void contacts(struct xml_writer *w, const struct config *cf)
{
	if (!cf->abuse[0] && !cf->admin[0] && !cf->support[0])
		return;
	form_start(w, "result", "http://jabber.org/network/serverinfo", NULL);
	contact_field(w, "abuse-addresses", cf->abuse);
	contact_field(w, "admin-addresses", cf->admin);
	contact_field(w, "support-addresses", cf->support);
	form_end(w);
}

/* 8: strangers must not learn whether an account exists, nor anything of it. */
static bool refused(struct packet *p)
{
	if (!p->user || p->own || run_presence_allowed(p->user, &p->from) == HANDLED)
		return false;
	packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
	return true;
}

static void query_start(struct xml_writer *w, struct buf *b, const struct node *query)
{
	struct str node = node_attr(query, "node");

	xw_init(w, b);
	xw_start(w, "query", str_eqz(query->ns, NS_DISCO_INFO) ? NS_DISCO_INFO : NS_DISCO_ITEMS);
	if (node.ptr)
		xw_attr(w, "node", node);
}

static void on_info(struct packet *p, const struct node *query)
{
	static const struct disco_identity server = {"server", "im", NULL, NULL};
	static const struct disco_identity account = {"account", "registered", NULL, NULL};
	const struct config *cf = module_config(p->sm, &mod_disco);
	struct disco_identity named = server;
	struct buf b = BUF_INIT;
	struct xml_writer w;
	struct listing l = {&w, p->user != NULL};

	if (refused(p))
		return;
	if (node_attr(query, "node").len) { /* 7: no such node here */
		packet_error(p, STANZA_E_ITEM_NOT_FOUND);
		return;
	}
	named.name = cf->name;
	query_start(&w, &b, query);
	disco_identity(&w, p->user ? &account : &named);
	module_each(p->sm, list_features, &l);
	run_disco_info(p->user, p, &w);
	if (!p->user)
		contacts(&w, cf);
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static void on_items(struct packet *p, const struct node *query)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;

	/* To the bare JID of a stranger or of nobody: an empty result would tell them apart from
	 * each other no less than an error; both get the same one. */
	if (refused(p))
		return;
	if (node_attr(query, "node").len) {
		packet_error(p, STANZA_E_ITEM_NOT_FOUND);
		return;
	}
	query_start(&w, &b, query);
	for (struct session *s = p->user ? user_sessions(p->user) : NULL; s; s = session_next(s))
		if (session_available(s))
			disco_item(&w, session_jid(s)->full, NULL, STR_NONE);
	run_disco_items(p->user, p, &w);
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static const struct iq_handler iqs[] = {
	{"query", NS_DISCO_INFO, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_GET, on_info},
	{"query", NS_DISCO_ITEMS, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_GET, on_items},
	{NULL},
};
static const char *const xeps[] = {"0030 2.5.0", "0157 1.1.2", NULL};
static const char *const features[] = {NS_DISCO_INFO, NS_DISCO_ITEMS, NULL};

const struct module mod_disco = {
	.name = "disco",
	.summary = "service discovery",
	.xeps = xeps,
	.features = features,
	.options = mod_disco_options,
	.config_size = sizeof(struct config),
	.iqs = iqs,
};
