/* SPDX-License-Identifier: MIT */
/* The sessions of ad-hoc commands and what may be done with them (XEP-0050 sections 2.4, 3.3, 4).
 */
#include "xmpp/command.h"

#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "xmpp/command_internal.h"
#include "xmpp/forms.h"
#include "xmpp/ns.h"

enum action { EXECUTE, NEXT, PREV, COMPLETE, CANCEL, ACTIONS };
static const char *const action_names[ACTIONS] = {"execute", "next", "prev", "complete", "cancel"};

/* --- sessions -------------------------------------------------------------------------------- */

void command_session_free(struct commands *c, struct command_session *s)
{
	HASH_DEL(c->sessions, s);
	DL_DELETE(c->first, s);
	for (unsigned i = 0; i < COMMAND_STAGES; i++)
		free(s->forms[i]);
	free(s->from);
	free(s->to);
	free(s);
}

/* An id of ours can be told from any other without remembering it: what has ended is "no longer
 * active", what never was "cannot be accepted" (section 4.4). */
static void id_tag(const struct commands *c, const char *random, char ret[2 * SESSION_TAG + 1])
{
	uint8_t mac[32];

	hmac_sha256(c->key, sizeof c->key, random, (size_t)2 * SESSION_RANDOM, mac);
	hex_encode(ret, mac, SESSION_TAG);
}

static void id_make(const struct commands *c, char ret[SESSION_ID + 1])
{
	random_hex(ret, SESSION_RANDOM);
	id_tag(c, ret, ret + (size_t)2 * SESSION_RANDOM);
}

static bool id_was_ours(const struct commands *c, struct str id)
{
	char tag[2 * SESSION_TAG + 1];

	if (id.len != SESSION_ID)
		return false;
	id_tag(c, id.ptr, tag);
	return memcmp(id.ptr + (size_t)2 * SESSION_RANDOM, tag, (size_t)2 * SESSION_TAG) == 0;
}

static void sessions_expire(struct commands *c, const struct command_config *config, uint64_t now)
{
	struct command_session *s, *tmp;

	DL_FOREACH_SAFE (c->first, s, tmp) {
		if (now - s->used < config->lifetime)
			return;
		if (!s->busy)
			command_session_free(c, s);
	}
}

/* False: there are too many. */
static bool make_room(struct commands *c, const struct command_config *config, struct str from)
{
	struct command_session *s, *oldest = NULL;
	size_t n = 0;

	DL_FOREACH (c->first, s) {
		if (!str_eqz(from, s->from))
			continue;
		n++;
		if (!oldest && !s->busy)
			oldest = s;
	}
	if (n >= config->each) {
		if (!oldest)
			return false;
		command_session_free(c, oldest);
	}
	return HASH_COUNT(c->sessions) < config->all;
}

static struct command_session *session_new(struct commands *c, const struct command_request *q)
{
	struct command_session *s = xcalloc(1, sizeof *s);

	s->cmd = q->cmd;
	s->from = str_dup(q->from);
	s->to = str_dup(q->to);
	s->used = q->now;
	id_make(c, s->id);
	while (q->cmd->forms && q->cmd->forms[s->stages].title)
		s->stages++;
	if (s->stages > COMMAND_STAGES)
		bug("command %s has more forms than COMMAND_STAGES", q->cmd->node);
	HASH_ADD_STR(c->sessions, id, s);
	DL_APPEND(c->first, s);
	return s;
}

struct commands *commands_new(void *app)
{
	struct commands *c = xcalloc(1, sizeof *c);

	c->app = app;
	random_bytes(c->key, sizeof c->key);
	return c;
}

size_t commands_sessions(const struct commands *c)
{
	return HASH_COUNT(c->sessions);
}

struct commands *commands_free(struct commands *c)
{
	if (!c)
		return NULL;
	while (c->runs) {
		struct command_run *r = c->runs;

		if (r->drop)
			r->drop(r->arg);
		command_run_free(r);
	}
	while (c->first)
		command_session_free(c, c->first);
	free(c);
	return NULL;
}

/* --- requests -------------------------------------------------------------------------------- */

static struct node *parse(struct pool *p, struct str xml)
{
	struct node *n = NULL;

	if (node_parse(p, pool_str(p, xml), NS_CLIENT, &n) < 0)
		bug("a form that was accepted cannot be parsed");
	return n;
}

static void load_forms(struct command_run *r)
{
	for (unsigned i = 0; r->session && i < r->stages; i++)
		if (r->session->forms[i])
			r->forms[i] = parse(r->pool, str_z(r->session->forms[i]));
}

static void show(struct command_run *r)
{
	if (r->cmd->prepare)
		r->cmd->prepare(r, r->stage);
	else
		command_show(r);
}

static void refuse(const struct command_request *q, enum stanza_error e, const char *condition,
		   const char *text)
{
	struct command_answer a = {
		.failed = true, .error = e, .condition = condition, .text = text};

	q->fn(q->arg, &a);
}

static bool action_of(const struct node *command, enum action *ret)
{
	struct str name = node_attr(command, "action");

	*ret = EXECUTE;
	if (!name.ptr)
		return true;
	for (int i = 0; i < ACTIONS; i++) {
		if (str_eqz(name, action_names[i])) {
			*ret = (enum action)i;
			return true;
		}
	}
	return false;
}

/* Section 3.7: English is what we have. Only what the element itself asks for is refused; an iq has
 * the language of its stream, which says nothing about what its sender can read. */
static bool speaks(const struct node *command)
{
	for (size_t i = 0; i < command->nattrs; i++) {
		const struct xml_attr *a = &command->attrs[i];
		struct str v = a->value;

		if (!str_eqz(a->ns, NS_XML) || !str_eqz(a->name, "lang") || !v.len)
			continue;
		return str_eqz(v, "*") || (v.len >= 2 && str_caseeq(str_n(v.ptr, 2), STR("en")) &&
					   (v.len == 2 || v.ptr[2] == '-'));
	}
	return true;
}

static void start(struct commands *c, const struct command_config *config,
		  const struct command_request *q, enum action action)
{
	struct command_session *s;
	struct command_run *r;

	if (action != EXECUTE) {
		refuse(q, STANZA_E_BAD_REQUEST, "bad-action", "There is no session yet.");
		return;
	}
	if (!speaks(q->element)) {
		refuse(q, STANZA_E_BAD_REQUEST, "bad-locale", "English only.");
		return;
	}
	if (!make_room(c, config, q->from)) {
		refuse(q, STANZA_E_RESOURCE_CONSTRAINT, NULL, "Too many commands are under way.");
		return;
	}
	s = session_new(c, q);
	r = command_run_new(c, q, s);
	if (s->stages)
		show(r);
	else
		q->cmd->run(r);
}

static void cancel(struct commands *c, const struct command_request *q, struct command_session *s)
{
	struct command_run *r = command_run_new(c, q, NULL);

	memcpy(r->id, s->id, sizeof r->id);
	command_session_free(c, s);
	command_cancelled(r);
}

static void go_back(struct commands *c, const struct command_request *q, struct command_session *s)
{
	struct command_run *r = command_run_new(c, q, s);

	r->stage--;
	load_forms(r); /* the values are remembered */
	show(r);
}

/* The only form of a request; *ret_why says what is wrong. */
static const struct node *submitted(const struct node *command, const struct command_form *form,
				    struct pool *p, const char **ret_why)
{
	const struct node *x = node_child(command, "x", NS_DATA);

	*ret_why = "The form is missing.";
	if (!x)
		return NULL;
	*ret_why = "One form, and nothing else.";
	if (x->next || command->first != x)
		return NULL;
	/* Section 3.6.1: "consider any <x type='cancel'/> to be <x type='submit'/>". */
	*ret_why = "The form must be of type submit.";
	if (!str_eqz(node_attr(x, "type"), "submit") && !str_eqz(node_attr(x, "type"), "cancel"))
		return NULL;
	*ret_why = command_check_form(p, form, x);
	return *ret_why ? NULL : x;
}

static void go_on(struct commands *c, const struct command_request *q, struct command_session *s)
{
	struct pool *p = pool_new();
	const char *why;
	const struct node *x = submitted(q->element, &s->cmd->forms[s->stage], p, &why);
	struct command_run *r;

	if (!x) {
		refuse(q, STANZA_E_BAD_REQUEST, "bad-payload", why);
		pool_free(p);
		return;
	}
	r = command_run_new(c, q, s);
	load_forms(r);
	r->forms[s->stage] = parse(r->pool, x->outer);
	if (s->stage + 1 == s->stages) {
		s->cmd->run(r);
	} else {
		free(s->forms[s->stage]);
		s->forms[s->stage] = str_dup(x->outer);
		r->stage++;
		show(r);
	}
	pool_free(p);
}

/* Is it among the actions that write_actions offers? */
static bool is_allowed(const struct command_session *s, enum action a)
{
	bool last = s->stage + 1 == s->stages;

	if (s->busy)
		return false;
	return a == EXECUTE || a == CANCEL || (a == PREV && s->stage > 0) || (a == NEXT && !last) ||
	       (a == COMPLETE && last);
}

static void resume(struct commands *c, const struct command_request *q, struct str id,
		   enum action action)
{
	struct command_session *s;

	HASH_FIND (hh, c->sessions, id.ptr, id.len, s)
		;
	if (!s && id_was_ours(c, id)) {
		refuse(q, STANZA_E_NOT_ALLOWED, "session-expired", NULL);
		return;
	}
	/* Section 3.3: "valid only between one requester/responder pair". */
	if (!s || s->cmd != q->cmd || !str_eqz(q->from, s->from) || !str_eqz(q->to, s->to)) {
		refuse(q, STANZA_E_BAD_REQUEST, "bad-sessionid", NULL);
		return;
	}
	if (!is_allowed(s, action)) {
		refuse(q, STANZA_E_BAD_REQUEST, "bad-action", NULL);
		return;
	}
	s->used = q->now;
	DL_DELETE(c->first, s);
	DL_APPEND(c->first, s);
	if (action == CANCEL)
		cancel(c, q, s);
	else if (action == PREV)
		go_back(c, q, s);
	else
		go_on(c, q, s);
}

void commands_request(struct commands *c, const struct command_config *config,
		      const struct command_request *q)
{
	struct str id = node_attr(q->element, "sessionid");
	enum action action;

	sessions_expire(c, config, q->now);
	if (!action_of(q->element, &action))
		refuse(q, STANZA_E_BAD_REQUEST, "malformed-action", NULL);
	else if (id.ptr)
		resume(c, q, id, action);
	else
		start(c, config, q, action);
}

void commands_direct(struct commands *c, const struct command_request *q)
{
	const struct node *x = node_child(q->element, "x", NS_DATA);
	struct command_run *r = command_run_new(c, q, NULL);
	const char *why = NULL;

	r->direct = true;
	while (q->cmd->forms && q->cmd->forms[r->stages].title)
		r->stages++;
	if (r->stages && !x) {
		show(r);
		return;
	}
	if (r->stages)
		r->forms[0] = parse(r->pool, x->outer);
	for (unsigned i = 0; i < r->stages && !why; i++)
		why = command_check_form(r->pool, &q->cmd->forms[i], r->forms[0]);
	if (why)
		command_bad_payload(r, why);
	else
		q->cmd->run(r);
}
