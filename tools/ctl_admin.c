/* SPDX-License-Identifier: MIT */
/* mercutioctl admin: the commands of service administration (XEP-0133), the same that clients run.
 */
#include <stdlib.h>
#include "base/alloc.h"
#include "base/random.h"
#include "link/hosts.h"
#include "tools/ctl_admin.h"
#include "xmpp/error.h"
#include "xmpp/forms.h"
#include "xmpp/ns.h"

struct reply {
	struct ctl *c;
	int status;
};

/* What others have said, among what we say. */
static void put(FILE *to, const char *before, struct str text, const char *behind)
{
	fputs(before, to);
	ctl_put(to, text);
	fputs(behind, to);
}

/* --- the answer, for a person ----------------------------------------------------------------- */

static void print_notes(const struct node *command)
{
	const struct node *n = node_child(command, "note", NS_COMMANDS);

	fflush(stdout);
	for (; n; n = node_next(n, "note", NS_COMMANDS))
		put(stderr, str_eqz(node_attr(n, "type"), "info") ? "" : "mercutioctl: ", n->text, "\n");
}

static bool has_error(const struct node *command)
{
	const struct node *n = node_child(command, "note", NS_COMMANDS);

	for (; n; n = node_next(n, "note", NS_COMMANDS))
		if (str_eqz(node_attr(n, "type"), "error"))
			return true;
	return false;
}

/* A roster inside of the form. */
static void print_items(const struct node *query)
{
	const struct node *i = node_child(query, "item", NS_ROSTER);

	for (; i; i = node_next(i, "item", NS_ROSTER)) {
		put(stdout, "", node_attr(i, "jid"), "\t");
		put(stdout, "", node_attr(i, "subscription"), "\t");
		put(stdout, "", node_attr(i, "name"), "\n");
	}
}

/* A form of one field is its values; more have their names in front. */
static void print_form(const struct node *x)
{
	size_t fields = 0;

	for (const struct node *f = x->first; f; f = f->next)
		fields += !str_eqz(node_attr(f, "type"), "hidden") && str_eqz(f->name, "field");
	for (const struct node *f = x->first; f; f = f->next) {
		const struct node *v = node_child(f, "value", NS_DATA);

		if (str_eqz(f->name, "query"))
			print_items(f);
		if (!str_eqz(f->name, "field") || str_eqz(node_attr(f, "type"), "hidden"))
			continue;
		for (; v; v = node_next(v, "value", NS_DATA)) {
			if (fields > 1)
				printf("%.*s: ", STR_ARG(node_attr(f, "var")));
			put(stdout, "", v->text, "\n");
		}
	}
}

/* What has to be said: the form as an operator fills it in. */
static void print_wanted(const struct node *x)
{
	fprintf(stderr, "%.*s\n", STR_ARG(node_child_text(x, "title", NS_DATA)));
	for (const struct node *f = node_child(x, "field", NS_DATA); f;
	     f = node_next(f, "field", NS_DATA)) {
		const struct node *v = node_child(f, "value", NS_DATA);

		if (str_eqz(node_attr(f, "type"), "hidden"))
			continue;
		put(stderr, "  ", node_attr(f, "var"), "=");
		put(stderr, "", v ? v->text : STR_NONE, "  ");
		put(stderr, "", node_attr(f, "label"),
		    node_child(f, "required", NS_DATA) ? " (required)\n" : "\n");
		for (v = v ? node_next(v, "value", NS_DATA) : NULL; v;
		     v = node_next(v, "value", NS_DATA)) {
			put(stderr, "  ", node_attr(f, "var"), "=");
			put(stderr, "", v->text, "\n");
		}
	}
}

static json_t *text_json(struct str s)
{
	return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static json_t *answer_json(const struct node *command, const struct node *x)
{
	json_t *o = json_pack("{s:{}, s:[], s:[]}", "fields", "notes", "roster");
	const struct node *n = node_child(command, "note", NS_COMMANDS);

	for (; n; n = node_next(n, "note", NS_COMMANDS))
		json_array_append_new(json_object_get(o, "notes"),
				      json_pack("{s:o, s:o}", "type",
						text_json(node_attr(n, "type")), "text",
						text_json(n->text)));
	for (const struct node *f = x ? x->first : NULL; f; f = f->next) {
		const struct node *v = node_child(f, "value", NS_DATA);
		const struct node *i = node_child(f, "item", NS_ROSTER);
		char *name = str_dup(node_attr(f, "var"));
		json_t *values = json_object_get(json_object_get(o, "fields"), name);

		for (; i; i = node_next(i, "item", NS_ROSTER))
			json_array_append_new(
				json_object_get(o, "roster"),
				json_pack("{s:o, s:o, s:o}", "jid", text_json(node_attr(i, "jid")),
					  "name", text_json(node_attr(i, "name")), "subscription",
					  text_json(node_attr(i, "subscription"))));
		if (*name && !str_eqz(node_attr(f, "type"), "hidden")) {
			if (!values) {
				values = json_array();
				json_object_set_new(json_object_get(o, "fields"), name, values);
			}
			for (; v; v = node_next(v, "value", NS_DATA))
				json_array_append_new(values, text_json(v->text));
		}
		free(name);
	}
	return o;
}

static void on_done(void *arg, int err, uint16_t kind, const void *msg)
{
	struct reply *r = arg;
	const struct msg_admin_done *m = msg;
	struct pool *p = pool_new();
	struct node *command = NULL;
	const struct node *x;
	char *why;

	(void)kind;
	if (err) {
		why = ctl_reason(err, msg);
		r->status = ctl_error("%s", why);
		free(why);
	} else if (m->error) {
		r->status = ctl_error("%.*s", STR_ARG(m->text));
	} else if (node_parse(p, m->command, NS_CLIENT, &command) < 0 || !command) {
		r->status = ctl_error("a strange answer");
	} else {
		x = node_child(command, "x", NS_DATA);
		if (str_eqz(node_attr(command, "status"), "executing")) {
			ctl_error("this command takes FIELD=VALUE:");
			print_wanted(x);
			r->status = CTL_USAGE;
		} else if (r->c->json) {
			ctl_print_json(answer_json(command, x));
		} else {
			if (x)
				print_form(x);
			print_notes(command);
		}
		if (has_error(command))
			r->status = CTL_FAILED;
	}
	pool_free(p);
}

/* --- asking ---------------------------------------------------------------------------------- */

int ctl_admin_run(struct ctl *c, struct str domain, const char *node,
		  const struct msg_admin_field *fields, size_t n)
{
	struct msg_admin_run m = {.domain = domain,
				  .node = str_z(node),
				  .fields = (struct msg_admin_field *)fields,
				  .nfields = n};
	struct frame head = ctl_head(MSG_ADMIN_RUN, ctl_serving(c, "sm"));
	struct reply r = {c, CTL_GOOD};

	if (!head.to)
		return ctl_error("no sm process is there");
	ctl_ask(c, &head, &m, on_done, &r);
	ctl_finish(c);
	return r.status;
}

/* FIELD=VALUE; a password may come from the terminal: it would be seen among the processes. */
static bool take_field(const char *word, struct msg_admin_field *ret, struct buf *password)
{
	const char *at = strchr(word, '=');

	if (!at) {
		ctl_error("%s is not FIELD=VALUE", word);
		return false;
	}
	ret->var = str_n(word, (size_t)(at - word));
	ret->value = str_z(at + 1);
	if (!str_starts(ret->var, STR("password")) || strcmp(at + 1, "-") != 0)
		return true;
	if (!password->len && !ctl_password(password))
		return false;
	ret->value = buf_str(password);
	return true;
}

static int admin(struct ctl *c, int argc, char **argv)
{
	struct str domain = str_z(argc > 1 ? hosts_own(&c->common, argv[0]) : NULL);
	struct msg_admin_field *fields = xcalloc((size_t)argc + 1, sizeof(*fields));
	struct buf password = BUF_INIT;
	int status = CTL_GOOD, first = 0;
	size_t n = 0;

	if (domain.len)
		first++;
	for (int i = first + 1; i < argc && status == CTL_GOOD; i++)
		if (!take_field(argv[i], &fields[n++], &password))
			status = CTL_FAILED;
	if (status == CTL_GOOD)
		status = ctl_admin_run(c, domain, argv[first], fields, n);
	buf_wipe(&password);
	free(fields);
	return status;
}

const struct ctl_command ctl_admin_commands[] = {
	{"admin", "[DOMAIN] COMMAND [FIELD=VALUE...]", 1, -1, CTL_LINK, admin,
	 "runs a command of service administration (XEP-0133); without fields it tells which it "
	 "takes"},
	{NULL, NULL, 0, 0, 0, NULL, NULL},
};
