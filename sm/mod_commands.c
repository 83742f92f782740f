/* SPDX-License-Identifier: MIT */
/* Ad-hoc commands (XEP-0050) of the domain and of one's own account: those that modules declare. */
#include "sm/module.h"
#include "sm/service.h"

struct config {
	int64_t each, all, lifetime;
};

const struct option mod_commands_options[] = {
	{"commands_each", OPT_INT, offsetof(struct config, each), "10", 1, 1000, NULL, OPT_RELOAD,
	 "Most ad-hoc commands that a client may have under way; the oldest goes for a new one."},
	{"commands_all", OPT_INT, offsetof(struct config, all), "1000", 1, 100000, NULL, OPT_RELOAD,
	 "Most ad-hoc commands under way at once in a process; further ones are refused."},
	{"commands_lifetime", OPT_TIME, offsetof(struct config, lifetime), "10m", 1000, 86400000,
	 NULL, OPT_RELOAD, "How long an ad-hoc command waits for its form to be filled in."},
	{NULL},
};
extern const struct module mod_commands;

/* --- who sees what --------------------------------------------------------------------------- */

struct lookup {
	struct str node;
	const struct command *found;
};

static void look(void *arg, const struct module *m)
{
	struct lookup *l = arg;

	for (const struct command *const *t = m->commands; t && *t; t++)
		for (const struct command *c = *t; c->node; c++)
			if (str_eqz(l->node, c->node))
				l->found = c;
}

const struct command *sm_command_find(struct sm *sm, struct str node)
{
	struct lookup l = {node, NULL};

	module_each(sm, look, &l);
	return l.found;
}

static bool may(const struct packet *p, const struct command *c)
{
	/* Of an account that is not one's own nobody sees any. */
	if (p->user && !p->own)
		return false;
	return !(c->who & COMMAND_FOR_ADMINS) || service_is_admin(sm_service(p->sm), p->from.bare);
}

/* --- requests -------------------------------------------------------------------------------- */

static void answer(void *arg, const struct command_answer *a)
{
	struct packet *p = arg;
	struct buf app = BUF_INIT;
	struct xml_writer w;

	if (!a->failed) {
		packet_result(p, a->xml);
	} else {
		xw_init(&w, &app);
		if (a->condition)
			xw_leaf(&w, a->condition, NS_COMMANDS, STR_NONE);
		packet_error_ext(p, a->error, NULL, a->text, buf_str(&app));
		buf_free(&app);
	}
	packet_free(p);
}

static void drop(void *arg)
{
	packet_free(arg);
}

/* XEP-0050 has item-not-found for what is no command; for those of service administration that are
 * not there XEP-0133 section 5 names another error. */
static void unknown(struct packet *p, struct str node)
{
	bool admin = str_starts(node, STR(NS_ADMIN "#")) &&
		     service_is_admin(sm_service(p->sm), p->from.bare);

	packet_error(p, admin ? STANZA_E_FEATURE_NOT_IMPLEMENTED : STANZA_E_ITEM_NOT_FOUND);
}

static void on_command(struct packet *p, const struct node *element)
{
	const struct config *cf = module_config(p->sm, &mod_commands);
	struct command_config config = {.each = (size_t)cf->each,
					.all = (size_t)cf->all,
					.lifetime = (uint64_t)cf->lifetime};
	struct str node = node_attr(element, "node");
	struct command_request q = {.cmd = sm_command_find(p->sm, node),
				    .element = element,
				    .from = p->from.full,
				    .to = p->user ? user_jid(p->user) : p->to.bare,
				    .now = loop_now(sm_loop(p->sm)),
				    .fn = answer,
				    .drop = drop};

	if (!node.len) { /* section 4.1: "MUST be present" */
		packet_error(p, STANZA_E_BAD_REQUEST);
	} else if (!q.cmd) {
		unknown(p, node);
	} else if (!may(p, q.cmd)) {
		packet_error(p, STANZA_E_FORBIDDEN);
	} else {
		q.arg = packet_keep(p);
		commands_request(sm_command_sessions(p->sm), &config, &q);
	}
}

/* --- discovery ------------------------------------------------------------------------------- */

struct listing {
	struct packet *p;
	struct xml_writer *w;
};

static void list(void *arg, const struct module *m)
{
	struct listing *l = arg;
	struct str jid = l->p->user ? user_jid(l->p->user) : l->p->to.bare;

	for (const struct command *const *t = m->commands; t && *t; t++)
		for (const struct command *c = *t; c->node; c++)
			if (may(l->p, c))
				disco_item(l->w, jid, c->node, str_z(c->name));
}

static void reply(struct packet *p, const char *ns, struct str node, struct str inside)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;

	xw_init(&w, &b);
	xw_start(&w, "query", ns);
	xw_attr(&w, "node", node);
	xw_raw(&w, inside);
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

/* Section 2.3: the list; who may execute nothing gets an empty one. */
static void items(struct packet *p, struct str node)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;
	struct listing l = {p, &w};

	xw_init_in(&w, &b, NS_DISCO_ITEMS);
	module_each(p->sm, list, &l);
	reply(p, NS_DISCO_ITEMS, node, buf_str(&b));
	buf_free(&b);
}

static enum verdict disco_node(struct packet *p, const struct node *query)
{
	bool info = str_eqz(query->ns, NS_DISCO_INFO);
	struct str node = node_attr(query, "node");
	const struct command *c = sm_command_find(p->sm, node);
	bool all = str_eqz(node, NS_COMMANDS);
	struct buf b = BUF_INIT;

	if (!c && !all)
		return PASS;
	if (c && !may(p, c)) { /* section 2.2 */
		packet_error(p, STANZA_E_FORBIDDEN);
	} else if (all && !info) {
		items(p, node);
	} else {
		if (info && all)
			command_list_info(&b);
		else if (info)
			command_node_info(c, &b);
		reply(p, info ? NS_DISCO_INFO : NS_DISCO_ITEMS, node, buf_str(&b));
	}
	buf_free(&b);
	return HANDLED;
}

static const struct iq_handler iqs[] = {
	{"command", NS_COMMANDS, IQ_TO_DOMAIN, IQ_IS_SET, on_command},
	{"command", NS_COMMANDS, IQ_TO_ACCOUNT | IQ_FROM_OWNER, IQ_IS_SET, on_command},
	{NULL},
};
static const char *const xeps[] = {"0050 1.3.0", NULL};
static const char *const features[] = {NS_COMMANDS, NULL};

const struct module mod_commands = {
	.name = "commands",
	.summary = "ad-hoc commands",
	.xeps = xeps,
	.features = features,
	.options = mod_commands_options,
	.config_size = sizeof(struct config),
	.iqs = iqs,
	.hooks = {.disco_node = disco_node},
};
