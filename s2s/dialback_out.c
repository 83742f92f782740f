/* SPDX-License-Identifier: MIT */
/* Dialback on streams that we open: giving our key, and asking about the keys of others. */
#include "s2s/dialback.h"
#include "s2s/steps.h"

/* --- our key ------------------------------------------------------------------------------ */

void dialback_give(struct stream *s, const char *own, const char *remote)
{
	const struct s2s *x = s->s2s;
	struct buf *b = conn_out(s->conn);
	char key[DIALBACK_KEY];

	dialback_key(str_n((const char *)x->secret, sizeof x->secret), str_z(remote), str_z(own),
		     str_z(s->id), key);
	buf_lit(b, "<db:result from='");
	xml_escape(b, str_z(own));
	buf_lit(b, "' to='");
	xml_escape(b, str_z(remote));
	buf_printf(b, "'>%s</db:result>", key);
	stream_flush(s);
}

void dialback_ask(struct stream *s)
{
	if (!s->id || !*s->id || !s->s2s->has_secret) {
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT,
			   "the remote server's stream has no id: dialback is not possible");
		return;
	}
	dialback_give(s, s->own, s->remote);
	s->phase = PHASE_DIALBACK;
	attempt_step(s->record, "dialback asked for");
}

static struct str condition_of(const struct xml_element *e, struct pool *p)
{
	struct node *n;
	const struct node *c;

	if (node_parse(p, pool_str(p, e->inner), NS_DIALBACK, &n) < 0 || !n)
		return STR("no condition");
	c = n->first;
	return c ? c->name : STR("no condition");
}

/* Of an answer that is not "valid". */
static struct str refusal(const struct xml_element *e, struct str type, struct pool *p)
{
	return str_eqz(type, "error") ? condition_of(e, p) : STR("invalid");
}

static void refused(struct stream *s, const struct xml_element *e, struct str type)
{
	struct pool *p = pool_new();
	struct str condition = refusal(e, type, p);
	char *text = xasprintf("the remote server refuses dialback: %.*s", STR_ARG(condition));

	/* It may not have reached us this time, or had too much to do. */
	s->lasting = !str_starts(condition, STR("remote-")) &&
		     !str_eqz(condition, "resource-constraint") &&
		     !str_eqz(condition, "internal-server-error");
	pool_free(p);
	if (str_eqz(type, "error")) {
		attempt_advise(
			s->record,
			"The remote server could not verify our domain: see that it can reach us "
			"(our DNS records, port 5269), and what it says above.");
		/* XEP-0220 section 2.5. */
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT, text);
	} else {
		attempt_advise(
			s->record,
			"The server that answers for our domain did not know our key: our DNS "
			"records must lead to this server, and all s2s must share one database.");
		out_failed(s, STANZA_E_NOT_AUTHORIZED, text);
	}
	free(text);
}

/* As domains are compared (RFC 7622 section 3.2): some answer in A-labels. What is none stays as it is. */
static struct str domain_of(struct stream *s, const struct xml_element *e, const char *name)
{
	struct str text = element_attr(e, name);
	struct buf b = BUF_INIT;

	if (jid_prep_domain(&b, text) == 0)
		text = pool_str(s->s2s->scratch, buf_str(&b));
	buf_free(&b);
	return text;
}

/* Section 4.1: an answer counts where it was asked for, and for that pair alone. */
void dialback_answered(struct stream *s, const struct xml_element *e)
{
	struct str type = element_attr(e, "type"), from = domain_of(s, e, "from"),
		   to = domain_of(s, e, "to");

	if (s->out && s->phase == PHASE_READY &&
	    join_answered(s, from, to, type, refusal(e, type, s->s2s->scratch)))
		return;
	if (!s->out || s->phase != PHASE_DIALBACK || !str_eqz(from, s->remote) ||
	    !str_eqz(to, s->own)) {
		attempt_step(s->record, "an answer to a dialback that was not asked for");
		return;
	}
	attempt_step(s->record, "dialback: %.*s", STR_ARG(type));
	if (str_eqz(type, "valid"))
		out_ready(s);
	else
		refused(s, e, type);
}

/* --- keys of others -------------------------------------------------------------------------- */

void verify_free(struct pair *p, struct verify *v)
{
	DL_DELETE(p->verifies, v);
	p->nverifies--;
	free(v->id);
	free(v->key);
	free(v);
}

void verifies_send(struct stream *s)
{
	struct verify *v;

	DL_FOREACH (s->pair->verifies, v) {
		struct buf *b = conn_out(s->conn);

		if (v->sent || !v->asker)
			continue;
		buf_lit(b, "<db:verify from='");
		xml_escape(b, str_z(s->own));
		buf_lit(b, "' to='");
		xml_escape(b, str_z(s->remote));
		buf_lit(b, "' id='");
		xml_escape(b, str_z(v->id));
		buf_lit(b, "'>");
		xml_escape(b, str_z(v->key));
		buf_lit(b, "</db:verify>");
		v->sent = true;
		stream_flush(s);
		s->last_out = loop_now(s->s2s->loop);
		attempt_step(s->record, "asked whether a key is theirs");
	}
}

void verifies_fail(struct pair *p, bool sent_only, enum stanza_error e, const char *why)
{
	struct verify *v, *next;

	DL_FOREACH_SAFE (p->verifies, v, next) {
		if (sent_only && !v->sent)
			continue;
		if (v->asker) {
			attempt_step(v->asker->record, "%s could not be asked: %s", p->remote, why);
			dialback_verdict(v->asker, p->own, p->remote, false, (int)e);
		}
		verify_free(p, v);
	}
}

void verifies_forget(struct stream *s)
{
	struct pair *p;
	struct proof *proof;
	struct verify *v, *after;

	DL_FOREACH (s->proofs, proof) {
		if (!proof->own)
			continue;
		p = pair_find(s->s2s, str_z(proof->own), str_z(proof->remote));
		if (!p)
			continue;
		DL_FOREACH_SAFE (p->verifies, v, after)
			if (v->asker == s)
				verify_free(p, v);
	}
}

void verify_answered(struct stream *s, const struct xml_element *e)
{
	struct str type = element_attr(e, "type"), id = element_attr(e, "id");
	struct verify *v = NULL;
	struct stream *asker;

	if (s->out && s->pair && str_eqz(domain_of(s, e, "from"), s->remote) &&
	    str_eqz(domain_of(s, e, "to"), s->own))
		DL_FOREACH (s->pair->verifies, v)
			if (v->sent && v->asker && str_eqz(id, v->id))
				break;
	if (!v) {
		attempt_step(s->record, "an answer about a key that was not asked for");
		return;
	}
	attempt_step(s->record, "a key is %.*s", STR_ARG(type));
	asker = v->asker;
	verify_free(s->pair, v);
	if (s2s_policy(s->s2s, str_z(s->remote)).certificate == NEED_REQUIRED &&
	    !cert_proves(s->verdict)) /* it was not yet when the stream began */
		dialback_verdict(asker, s->own, s->remote, false, STANZA_E_NOT_AUTHORIZED);
	else if (str_eqz(type, "valid") || str_eqz(type, "invalid"))
		dialback_verdict(asker, s->own, s->remote, str_eqz(type, "valid"), NO_ERROR);
	else
		dialback_verdict(asker, s->own, s->remote, false, STANZA_E_REMOTE_SERVER_NOT_FOUND);
}
