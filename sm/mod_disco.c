/* SPDX-License-Identifier: MIT */
/* Service Discovery (XEP-0030) of the domain and of accounts, and contact addresses (XEP-0157). */
#include "sm/module.h"

struct config {
	char *name;
	char **abuse, **admin, **feedback, **sales, **security, **status, **support;
};

const struct option mod_disco_options[] = {
	{"server_name", OPT_STR, offsetof(struct config, name), "Mercutio", 0, 0, NULL, OPT_RELOAD,
	 "Name of the server in service discovery."},
	{"contact_abuse", OPT_LIST, offsetof(struct config, abuse), NULL, 0, 16, NULL,
	 OPT_RELOAD | OPT_URI, "Addresses (URIs) to report abuse to (XEP-0157)."},
	{"contact_admin", OPT_LIST, offsetof(struct config, admin), NULL, 0, 16, NULL,
	 OPT_RELOAD | OPT_URI, "Addresses (URIs) of the administrators (XEP-0157)."},
	{"contact_feedback", OPT_LIST, offsetof(struct config, feedback), NULL, 0, 16, NULL,
	 OPT_RELOAD | OPT_URI, "Addresses (URIs) for customers' feedback (XEP-0157)."},
	{"contact_sales", OPT_LIST, offsetof(struct config, sales), NULL, 0, 16, NULL,
	 OPT_RELOAD | OPT_URI, "Addresses (URIs) for sales (XEP-0157)."},
	{"contact_security", OPT_LIST, offsetof(struct config, security), NULL, 0, 16, NULL,
	 OPT_RELOAD | OPT_URI, "Addresses (URIs) to report weaknesses to (XEP-0157)."},
	{"contact_status", OPT_LIST, offsetof(struct config, status), NULL, 0, 16, NULL,
	 OPT_RELOAD | OPT_URI, "Addresses (URIs) that tell whether the service is well (XEP-0157)."},
	{"contact_support", OPT_LIST, offsetof(struct config, support), NULL, 0, 16, NULL,
	 OPT_RELOAD | OPT_URI, "Addresses (URIs) of the support (XEP-0157)."},
	{NULL},
};
extern const struct module mod_disco;

#define CAPS_NODE "urn:mercutio" /* names the software in XEP-0115 */

struct listing {
	struct xml_writer *w;
	bool account;
};

static void list_features(void *arg, const struct module *m)
{
	struct listing *l = arg;

	for (const char *const *f = m->features; f && *f; f++)
		disco_feature(l->w, *f);
	for (const char *const *f = l->account ? m->account_features : m->domain_features; f && *f; f++)
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
	const struct {
		const char *var;
		char *const *values;
	} fields[] = {
		{"abuse-addresses", cf->abuse},       {"admin-addresses", cf->admin},
		{"feedback-addresses", cf->feedback}, {"sales-addresses", cf->sales},
		{"security-addresses", cf->security}, {"status-addresses", cf->status},
		{"support-addresses", cf->support},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		n += fields[i].values[0] != NULL;
	if (!n)
		return;
	form_start(w, "result", "http://jabber.org/network/serverinfo", NULL);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		contact_field(w, fields[i].var, fields[i].values);
	form_end(w);
}

/* 8: strangers must not learn whether an account exists, nor anything of it. */
static bool stranger(struct packet *p)
{
	return p->user && !p->own &&
	       (!user_exists(p->user) || run_presence_allowed(p->user, &p->from) != HANDLED);
}

/* 3.2: the node of the question is mirrored. */
static void query_start(struct xml_writer *w, struct buf *b, const char *ns, struct str node)
{
	xw_init(w, b);
	xw_start(w, "query", ns);
	if (node.ptr)
		xw_attr(w, "node", node);
}

static void write_info(struct packet *p, struct str node, struct buf *b)
{
	static const struct disco_identity server = {"server", "im", NULL, NULL};
	static const struct disco_identity account = {"account", "registered", NULL, NULL};
	static const struct disco_identity anonymous = {"account", "anonymous", NULL, NULL};
	const struct config *cf = module_config(p->sm, &mod_disco);
	struct disco_identity named = server;
	struct xml_writer w;
	struct listing l = {&w, p->user != NULL};

	named.name = cf->name;
	query_start(&w, b, NS_DISCO_INFO, node);
	disco_identity(&w, !p->user ? &named : user_temporary(p->user) ? &anonymous : &account);
	module_each(p->sm, list_features, &l);
	run_disco_info(p->user, p, &w);
	if (!p->user)
		contacts(&w, cf);
	xw_end(&w);
}

void disco_caps(struct sm *sm, struct buf *ret_node, struct buf *ret_ver)
{
	struct pool *pool = pool_new();
	struct packet p = {.sm = sm, .pool = pool};
	struct buf b = BUF_INIT;
	struct node *n = NULL;

	write_info(&p, STR_NONE, &b);
	if (node_parse(pool, buf_str(&b), NS_CLIENT, &n) == 0 && n) {
		buf_lit(ret_node, CAPS_NODE);
		caps_ver(n, ret_ver);
	}
	buf_free(&b);
	pool_free(pool);
}

/* XEP-0115 section 6.2: asked for NODE#VER with the present verification string, what stands behind
 * it is what it was made of. */
static bool is_caps_node(struct packet *p, struct str node)
{
	struct buf want = BUF_INIT, ver = BUF_INIT;
	bool same;

	if (p->user || node.len <= sizeof CAPS_NODE)
		return false;
	disco_caps(p->sm, &want, &ver);
	buf_putc(&want, '#');
	buf_str_append(&want, buf_str(&ver));
	same = str_eq(node, buf_str(&want));
	buf_free(&want);
	buf_free(&ver);
	return same;
}

static void on_info(struct packet *p, const struct node *query)
{
	struct str node = node_attr(query, "node");
	struct buf b = BUF_INIT;

	/* XEP-0175 section 4: whoever asks must be told that an account is temporary. */
	if (stranger(p) && !(p->user && user_temporary(p->user))) {
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
		return;
	}
	if (node.len && !is_caps_node(p, node)) {
		if (run_disco_node(p, query) == PASS) /* 7: no such node here */
			packet_error(p, STANZA_E_ITEM_NOT_FOUND);
		return;
	}
	write_info(p, node, &b);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static void on_items(struct packet *p, const struct node *query)
{
	struct str node = node_attr(query, "node");
	struct buf b = BUF_INIT;
	struct xml_writer w;
	bool hidden = stranger(p);

	if (!hidden && node.len) {
		if (run_disco_node(p, query) == PASS)
			packet_error(p, STANZA_E_ITEM_NOT_FOUND);
		return;
	}
	/* 8, rule 2: an empty result, whether there is such an account or not. */
	query_start(&w, &b, NS_DISCO_ITEMS, node);
	for (struct session *s = p->user && !hidden ? user_sessions(p->user) : NULL; s;
	     s = session_next(s))
		if (session_available(s))
			disco_item(&w, session_jid(s).full, NULL, STR_NONE);
	if (!hidden)
		run_disco_items(p->user, p, &w);
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

/* An account that does not exist answers disco#items as one that hides (8, rule 2). */
static enum verdict in_iq(struct packet *p)
{
	const struct node *query;

	if (user_exists(p->user) || p->st.type != IQ_GET || p->to.resource.len ||
	    !stanza_child(&p->st, "query", NS_DISCO_ITEMS))
		return PASS;
	query = stanza_payload(p->pool, &p->st);
	if (!query || !str_eqz(query->ns, NS_DISCO_ITEMS))
		return PASS;
	on_items(p, query);
	return HANDLED;
}

static const struct iq_handler iqs[] = {
	{"query", NS_DISCO_INFO, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_GET, on_info},
	{"query", NS_DISCO_ITEMS, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_GET, on_items},
	{NULL},
};
static const char *const xeps[] = {"0030 2.5.0", "0115 1.6.0", "0128 1.0.1", "0157 1.1.1", NULL};
static const char *const features[] = {NS_DISCO_INFO, NS_DISCO_ITEMS, NULL};

const struct module mod_disco = {
	.name = "disco",
	.summary = "service discovery",
	.xeps = xeps,
	.features = features,
	.options = mod_disco_options,
	.config_size = sizeof(struct config),
	.iqs = iqs,
	.hooks = {.in_iq = in_iq},
};
