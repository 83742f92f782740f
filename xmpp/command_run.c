/* SPDX-License-Identifier: MIT */
/* Requests for ad-hoc commands in work: their making, their answers, and what commands ask of them.
 */
#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/log.h"
#include "xmpp/command_internal.h"
#include "xmpp/forms.h"
#include "xmpp/ns.h"

void command_run_free(struct command_run *r)
{
	if (r->kept && r->kept_free)
		r->kept_free(r->kept);
	DL_DELETE(r->c->runs, r);
	buf_free(&r->notes);
	buf_wipe(&r->fields);
	pool_free(r->pool);
	free(r);
}

struct command_run *command_run_new(struct commands *c, const struct command_request *q,
				    struct command_session *s)
{
	struct command_run *r = xcalloc(1, sizeof *r);

	r->c = c;
	r->cmd = q->cmd;
	r->pool = pool_new();
	r->session = s;
	r->from = pool_str(r->pool, q->from);
	r->to = pool_str(r->pool, q->to);
	r->fn = q->fn;
	r->arg = q->arg;
	r->drop = q->drop;
	r->filled_tail = &r->filled;
	DL_APPEND(c->runs, r);
	if (s) {
		memcpy(r->id, s->id, sizeof r->id);
		r->stages = s->stages;
		r->stage = s->stage;
		s->busy = true;
	}
	return r;
}

/* The requester hears, then the run is gone. */
static void run_answer(struct command_run *r, const struct command_answer *a)
{
	r->fn(r->arg, a);
	command_run_free(r);
}

void command_fail(struct command_run *r, enum stanza_error e, const char *text)
{
	struct command_answer a = {.failed = true, .error = e, .text = text};

	if (r->session)
		command_session_free(r->c, r->session);
	run_answer(r, &a);
}

/* The form may be corrected and submitted again: the session stays. */
void command_bad_payload(struct command_run *r, const char *text)
{
	struct command_answer a = {.failed = true,
				   .error = STANZA_E_BAD_REQUEST,
				   .condition = "bad-payload",
				   .text = text};

	if (r->session)
		r->session->busy = false;
	run_answer(r, &a);
}

static void write_start(struct xml_writer *w, const struct command_run *r, const char *status)
{
	xw_start(w, "command", NS_COMMANDS);
	xw_attrz(w, "node", r->cmd->node);
	if (*r->id)
		xw_attrz(w, "sessionid", r->id);
	xw_attrz(w, "status", status);
	xw_attrz(w, "xml:lang", "en");
}

static void answer_xml(struct command_run *r, struct buf *b)
{
	struct command_answer a = {.xml = buf_str(b)};

	run_answer(r, &a);
	buf_wipe(b);
}

void command_done(struct command_run *r)
{
	struct buf b = BUF_INIT, result = BUF_INIT;
	struct xml_writer w;

	if (r->session)
		command_session_free(r->c, r->session);
	xw_init(&w, &b);
	write_start(&w, r, "completed");
	command_write_result(r, &result);
	xw_raw(&w, buf_str(&r->notes));
	xw_raw(&w, buf_str(&result));
	xw_end(&w);
	buf_wipe(&result);
	answer_xml(r, &b);
}

void command_cancelled(struct command_run *r)
{
	struct buf b = BUF_INIT;
	struct xml_writer w;

	xw_init(&w, &b);
	write_start(&w, r, "canceled");
	xw_end(&w);
	answer_xml(r, &b);
}

/* Section 3.4: what may be done in this stage, and what "execute" stands for. */
static void write_actions(struct xml_writer *w, const struct command_run *r)
{
	bool last = r->direct || r->stage + 1 == r->stages;

	xw_start(w, "actions", NULL);
	xw_attrz(w, "execute", last ? "complete" : "next");
	if (r->stage > 0)
		xw_leaf(w, "prev", NULL, STR_NONE);
	xw_leaf(w, last ? "complete" : "next", NULL, STR_NONE);
	xw_end(w);
}

void command_show(struct command_run *r)
{
	struct buf b = BUF_INIT, form = BUF_INIT;
	struct xml_writer w;

	if (r->session) {
		r->session->busy = false;
		r->session->stage = r->stage;
	}
	xw_init(&w, &b);
	write_start(&w, r, "executing");
	write_actions(&w, r);
	xw_raw(&w, buf_str(&r->notes));
	command_write_form(r, &form);
	xw_raw(&w, buf_str(&form));
	xw_end(&w);
	buf_free(&form);
	answer_xml(r, &b);
}

/* --- what commands ask ----------------------------------------------------------------------- */

void *command_app(const struct command_run *r)
{
	return r->c->app;
}

const struct command *command_of(const struct command_run *r)
{
	return r->cmd;
}

struct pool *command_pool(struct command_run *r)
{
	return r->pool;
}

struct str command_from(const struct command_run *r)
{
	return r->from;
}

struct str command_to(const struct command_run *r)
{
	return r->to;
}

void command_keep(struct command_run *r, void *take_state, void (*free_fn)(void *state))
{
	if (r->kept)
		bug("a command keeps two things");
	r->kept = take_state;
	r->kept_free = free_fn;
}

void command_keep_none(struct command_run *r)
{
	r->kept = NULL;
	r->kept_free = NULL;
}

void *command_kept(const struct command_run *r)
{
	return r->kept;
}
