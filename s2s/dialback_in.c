/* SPDX-License-Identifier: MIT */
/* Dialback as receiving server (a key is given to us) and as authoritative server (a key of ours is
 * asked about): XEP-0220 sections 2.2 and 2.3. */
#include "s2s/dialback.h"
#include "s2s/steps.h"

void dialback_answer(struct stream *s, const char *what, struct str from, struct str to,
		     struct str id, const char *type, int error)
{
	struct buf *b = conn_out(s->conn);

	buf_printf(b, "<db:%s from='", what);
	xml_escape(b, from);
	buf_lit(b, "' to='");
	xml_escape(b, to);
	if (id.ptr) {
		buf_lit(b, "' id='");
		xml_escape(b, id);
	}
	buf_printf(b, "' type='%s'", type);
	if (error == NO_ERROR)
		buf_lit(b, "/>");
	else
		buf_printf(b, "><error type='%s'><%s xmlns='" NS_STANZAS "'/></error></db:%s>",
			   stanza_error_type((enum stanza_error)error),
			   stanza_error_name((enum stanza_error)error), what);
	stream_flush(s);
}

struct addresses {
	struct buf from, to;
	struct str id;
};

static void addresses_free(struct addresses *a)
{
	buf_free(&a->from);
	buf_free(&a->to);
}

static bool addresses_read(struct addresses *a, struct stream *s, const struct xml_element *e)
{
	*a = (struct addresses){.id = element_attr(e, "id")};
	if (jid_prep_domain(&a->from, element_attr(e, "from")) == 0 &&
	    jid_prep_domain(&a->to, element_attr(e, "to")) == 0)
		return true;
	addresses_free(a);
	stream_error(s, STREAM_E_IMPROPER_ADDRESSING, NULL);
	return false;
}

/* --- receiving ------------------------------------------------------------------------------ */

/* Each makes us open a stream to wherever a stranger says. */
static size_t pending(const struct stream *s)
{
	const struct proof *p;
	size_t n = 0;

	DL_FOREACH (s->proofs, p)
		n += !p->proven;
	return n;
}

/* Section 2.5's conditions of step 3; NO_ERROR: the key is to be verified. */
static int objection(struct stream *s, const struct addresses *a, struct str key)
{
	struct s2s *x = s->s2s;
	struct policy policy = s2s_policy(x, buf_str(&a->from));

	if (!s2s_own(x, buf_str(&a->to)))
		return STANZA_E_ITEM_NOT_FOUND;
	if (policy.denied || s2s_own(x, buf_str(&a->from)))
		return STANZA_E_POLICY_VIOLATION;
	if (!s->secure && policy.tls == NEED_REQUIRED)
		return STANZA_E_POLICY_VIOLATION;
	/* Theirs on this stream may be of no use to us; verify_answered() looks at that of the
	 * server which vouches for it. */
	if (!s->secure && policy.certificate == NEED_REQUIRED)
		return STANZA_E_NOT_AUTHORIZED;
	if (policy.dialback == NEED_FORBIDDEN)
		return STANZA_E_NOT_AUTHORIZED;
	if (!key.len || key.len > DIALBACK_KEY_MAX || !s->id)
		return STANZA_E_NOT_ACCEPTABLE;
	if (s->nproofs >= (size_t)x->config->max_pairs || pending(s) >= DIALBACKS_PENDING ||
	    (!pair_find(x, buf_str(&a->to), buf_str(&a->from)) && !pair_room(x)))
		return STANZA_E_RESOURCE_CONSTRAINT;
	return NO_ERROR;
}

static void verify_begin(struct stream *s, const struct addresses *a, struct str key)
{
	struct s2s *x = s->s2s;
	struct pair *p = pair_get(x, buf_str(&a->to), buf_str(&a->from));
	struct verify *v = xcalloc(1, sizeof *v);

	v->asker = s;
	v->id = xstrdup(s->id);
	v->key = str_dup(key);
	v->due = loop_now(x->loop) + (uint64_t)x->config->login_timeout;
	DL_APPEND(p->verifies, v);
	p->nverifies++;
	pair_need(p);
}

/* Our id of the stream: on one that we opened (XEP-0288) the other side made the id. */
void dialback_asked(struct stream *s, const struct xml_element *e)
{
	struct str key = element_text(s->s2s->scratch, e);
	struct addresses a;
	struct proof *known;
	int error;

	if (!stream_hears(s) || (s->out && s->phase != PHASE_READY)) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, "this stream goes one way");
		return;
	}
	if (!addresses_read(&a, s, e))
		return;
	attempt_domains(s->record, buf_str(&a.to), buf_str(&a.from));
	known = proof_find(s, buf_str(&a.to), buf_str(&a.from));
	error = objection(s, &a, key);
	if (error != NO_ERROR) {
		attempt_step(s->record, "dialback for %.*s refused: %s", STR_ARG(buf_str(&a.from)),
			     stanza_error_name((enum stanza_error)error));
		dialback_answer(s, "result", buf_str(&a.to), buf_str(&a.from), STR_NONE, "error",
				error);
	} else if (known && known->proven) {
		dialback_answer(s, "result", buf_str(&a.to), buf_str(&a.from), STR_NONE, "valid",
				NO_ERROR);
		proof_both_ways(s, buf_str(&a.to), buf_str(&a.from));
	} else if (!known) {
		attempt_step(s->record, "dialback asked for %.*s", STR_ARG(buf_str(&a.from)));
		s->s2s->stats.dialbacks++;
		proof_add(s, buf_str(&a.to), buf_str(&a.from), false);
		verify_begin(s, &a, key);
	}
	addresses_free(&a);
}

void dialback_verdict(struct stream *s, const char *own, const char *remote, bool valid, int error)
{
	struct proof *p = proof_find(s, str_z(own), str_z(remote));
	const char *type = error != NO_ERROR ? "error" : valid ? "valid" : "invalid";

	if (!p || p->proven || s->phase == PHASE_CLOSED)
		return;
	attempt_step(s->record, "dialback for %s: %s%s%s", remote, type,
		     error != NO_ERROR ? ", " : "",
		     error != NO_ERROR ? stanza_error_name((enum stanza_error)error) : "");
	dialback_answer(s, "result", str_z(own), str_z(remote), STR_NONE, type, error);
	if (error == NO_ERROR && valid) {
		if (!s->out)
			s->phase = PHASE_READY;
		attempt_result(s->record, true, "proven by dialback");
		proof_good(s, p);
		return;
	}
	s->s2s->stats.dialbacks_failed++;
	if (!s->was_external && s->nproofs == 1 && !s->out) {
		attempt_advise(
			s->record,
			"The domain could not be proven by asking its server: see the attempts "
			"out to it.");
		attempt_result(s->record, false, "dialback: %s", type);
	}
	proof_free(s, p);
	/* Section 2.2.2: invalid for its only pair ends a stream; an error never does. */
	if (error == NO_ERROR && !s->proofs && !s->was_external && !s->out)
		stream_close(s, "the dialback key is invalid");
}

/* --- authoritative -------------------------------------------------------------------------- */

static bool key_good(const struct s2s *x, const struct addresses *a, struct str key)
{
	char good[DIALBACK_KEY];

	dialback_key(str_n((const char *)x->secret, sizeof x->secret), buf_str(&a->from),
		     buf_str(&a->to), a->id, good);
	return key.len == DIALBACK_KEY - 1 && equal_const_time(good, key.ptr, key.len);
}

void verify_asked(struct stream *s, const struct xml_element *e)
{
	struct str key = element_text(s->s2s->scratch, e);
	struct s2s *x = s->s2s;
	struct addresses a;
	int error = NO_ERROR;
	bool good;

	if (!stream_hears(s)) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, "this stream goes one way");
		return;
	}
	if (!addresses_read(&a, s, e))
		return;
	if (!s2s_own(x, buf_str(&a.to)))
		error = STANZA_E_ITEM_NOT_FOUND;
	else if (!s->secure && s2s_policy(x, buf_str(&a.from)).tls == NEED_REQUIRED)
		error = STANZA_E_POLICY_VIOLATION;
	else if (!a.id.len)
		error = STANZA_E_NOT_ACCEPTABLE;
	good = error == NO_ERROR && key_good(x, &a, key);
	attempt_step(s->record, "asked whether a key for %.*s is ours: %s", STR_ARG(buf_str(&a.to)),
		     error != NO_ERROR ? "error"
		     : good	       ? "valid"
				       : "invalid");
	dialback_answer(s, "verify", buf_str(&a.to), buf_str(&a.from), a.id,
			error != NO_ERROR ? "error"
			: good		  ? "valid"
					  : "invalid",
			error);
	addresses_free(&a);
}
