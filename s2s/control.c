/* SPDX-License-Identifier: MIT */
/* Commands of mercutioctl: streams there are, closing them, what happened with a domain, a trial.
 */
#include "s2s/self.h"
#include "s2s/steps.h"

enum { SHARED_SHOWN = 50 };

static const char *phase_name(const struct stream *s)
{
	static const char *const names[] = {"reaching", "clear",    "tls",   "secure", "open",
					    "external", "dialback", "ready", "closing"};

	return names[s->phase];
}

static bool is_header_pair(const struct stream *s, const char *own, const char *remote)
{
	return s->own && s->remote && !strcmp(own, s->own) && !strcmp(remote, s->remote);
}

/* Of pairs of domains beside that of its header there may be many. */
static void add_shared(json_t *list, const struct stream *s, const char *own, const char *remote)
{
	if (json_array_size(list) < SHARED_SHOWN && !is_header_pair(s, own, remote))
		json_array_append_new(list, json_pack("{s:s, s:s}", "own", own, "remote", remote));
}

static json_t *shared_json(const struct s2s *x, const struct stream *s)
{
	json_t *list = json_array();
	const struct proof *proof;
	const struct pair *p;

	DL_FOREACH2(s->pairs, p, snext)
	add_shared(list, s, p->own, p->remote);
	DL_FOREACH (s->proofs, proof) {
		if (!proof->proven || !proof->own)
			continue;
		p = pair_find((struct s2s *)x, str_z(proof->own), str_z(proof->remote));
		if (!p || p->via != s)
			add_shared(list, s, proof->own, proof->remote);
	}
	return list;
}

static json_t *stream_json(const struct s2s *x, const struct stream *s)
{
	uint64_t now = loop_now(x->loop);
	size_t queued = 0;
	const struct pair *p;

	DL_FOREACH2(s->pairs, p, snext)
	queued += p->nqueued;
	if (s->pair && !s->pair->via)
		queued += s->pair->nqueued;
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:s, s:I, s:I, s:I, "
			 "s:I, s:I, s:o}",
			 "direction", s->out ? "out" : "in", "own", s->own ? s->own : "", "remote",
			 s->remote ? s->remote : "", "address", s->conn ? conn_peer(s->conn) : "",
			 "state", phase_name(s), "secure", s->secure, "bidi", s->bidi,
			 "acknowledged", s->sm, "resumable", s->resumable != NULL, "resumed",
			 s->resumed, "certificate",
			 s->secure ? cert_state_text(s->verdict.state) : "", "age_s",
			 (json_int_t)((now - s->began) / 1000), "in", (json_int_t)s->taken, "out",
			 (json_int_t)s->sm_out, "queued", (json_int_t)queued, "unacknowledged",
			 (json_int_t)s->ncarried, "shared", shared_json(x, s));
}

static json_t *cmd_list(void *state, const struct msg_control *m, char **ret_error)
{
	const struct s2s *x = state;
	json_t *list = json_array();
	const struct stream *s;

	(void)m;
	(void)ret_error;
	DL_FOREACH (x->streams, s)
		json_array_append_new(list, stream_json(x, s));
	return list;
}

static bool domain_arg(const struct msg_control *m, size_t i, struct buf *b, char **ret_error)
{
	if (m->nargs <= i || jid_prep_domain(b, m->args[i]) < 0) {
		*ret_error = xstrdup("a domain is wanted");
		return false;
	}
	return true;
}

static bool speaks_for(const struct stream *s, struct str remote)
{
	const struct proof *proof;
	const struct pair *p;

	if (s->remote && str_eqz(remote, s->remote))
		return true;
	DL_FOREACH (s->proofs, proof)
		if (str_eqz(remote, proof->remote))
			return true;
	DL_FOREACH2(s->pairs, p, snext)
	if (str_eqz(remote, p->remote))
		return true;
	return false;
}

static json_t *cmd_close(void *state, const struct msg_control *m, char **ret_error)
{
	struct s2s *x = state;
	struct buf b = BUF_INIT;
	struct stream *s, *next;
	json_int_t n = 0;

	if (!domain_arg(m, 0, &b, ret_error))
		return NULL;
	DL_FOREACH_SAFE (x->streams, s, next) {
		if (s->phase == PHASE_CLOSED || !speaks_for(s, buf_str(&b)))
			continue;
		s->orderly = s->ready;
		s->useful = s->lasting = true; /* no other target instead, now or later */
		if (s->out && !s->ready)
			out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT, "closed by the operator");
		else
			stream_end(s, "closed by the operator");
		n++;
	}
	buf_free(&b);
	return json_pack("{s:I}", "closed", n);
}

/* The domain for which the stream was opened that takes its stanzas as well; "": its own. */
static const char *shared_with(const struct pair *p)
{
	return p->via && p->via->remote && strcmp(p->via->remote, p->remote) != 0 ? p->via->remote : "";
}

static json_t *pairs_json(const struct s2s *x, struct str remote)
{
	uint64_t now = loop_now(x->loop);
	json_t *list = json_array();

	for (const struct pair *p = x->pairs; p; p = p->hh.next) {
		if (!str_eqz(remote, p->remote) || p->test)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:b, s:s, s:I, s:s}", "own", p->own, "queued",
				  (json_int_t)p->nqueued, "failures", (json_int_t)p->failures,
				  "stream", p->via != NULL, "why", p->why ? p->why : "", "retry_s",
				  (json_int_t)(p->retry_at > now ? (p->retry_at - now + 999) / 1000
								 : 0),
				  "shared_with", shared_with(p)));
	}
	return list;
}

static json_t *cmd_why(void *state, const struct msg_control *m, char **ret_error)
{
	static const char *const needs[] = {"required", "optional", "forbidden"};
	const struct s2s *x = state;
	struct buf b = BUF_INIT;
	unsigned long long number = 0;
	struct policy p;
	json_t *j;

	if (!domain_arg(m, 0, &b, ret_error))
		return NULL;
	if (m->nargs > 1)
		(void)str_u64(m->args[1], &number);
	p = s2s_policy(x, buf_str(&b));
	j = json_pack("{s:s%, s:{s:b, s:s, s:s, s:s}, s:o, s:o}", "remote", buf_ptr(&b), b.len,
		      "policy", "denied", p.denied, "tls", needs[p.tls], "certificate",
		      needs[p.certificate], "dialback", needs[p.dialback], "pairs",
		      pairs_json(x, buf_str(&b)), "attempts",
		      attempts_json(x->attempts, buf_str(&b), number));
	buf_free(&b);
	return j;
}

/* A domain of ours is looked at as others see it; a remote one as OWN, else our first. */
static bool test_domains(struct s2s *x, const struct msg_control *m, struct buf *remote,
			 struct buf *own, char **ret_error)
{
	if (!domain_arg(m, 0, remote, ret_error) ||
	    (m->nargs > 1 && !domain_arg(m, 1, own, ret_error)))
		return false;
	if (!own->len && !s2s_own(x, buf_str(remote)))
		buf_str_append(own, str_z(x->domains[0]));
	if (own->len && (!s2s_own(x, buf_str(own)) || s2s_own(x, buf_str(remote))))
		*ret_error = xstrdup("a remote domain and one of ours are wanted");
	else if (x->nopened >= (size_t)x->config->max_streams)
		*ret_error = xstrdup("too many streams to other servers");
	else
		return true;
	return false;
}

static uint64_t test_remote(struct s2s *x, struct str own, struct str remote)
{
	struct pair *p = pair_test(x, own, remote);

	out_start(p);
	return attempt_number(p->out ? p->out->record : NULL);
}

static json_t *cmd_test(void *state, const struct msg_control *m, char **ret_error)
{
	struct s2s *x = state;
	struct buf remote = BUF_INIT, own = BUF_INIT;
	json_t *j = NULL;

	if (test_domains(x, m, &remote, &own, ret_error)) {
		uint64_t number = own.len ? test_remote(x, buf_str(&own), buf_str(&remote))
					  : self_test_start(x, buf_str(&remote), ret_error);

		if (number)
			j = json_pack("{s:I}", "number", (json_int_t)number);
	}
	buf_free(&remote);
	buf_free(&own);
	return j;
}

const struct control_command s2s_commands[] = {
	{"s2s-list", "streams from and to other servers", cmd_list},
	{"s2s-close", "DOMAIN ends all streams with it", cmd_close},
	{"s2s-why", "DOMAIN [NUMBER] what happened with it", cmd_why},
	{"s2s-test", "DOMAIN [OWN] opens a stream to it, for a trial", cmd_test},
	{NULL, NULL, NULL},
};
