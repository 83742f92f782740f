/* SPDX-License-Identifier: MIT */
/* The stream: headers both ways, features, errors, and what comes over it (RFC 6120 section 4). */
#include "c2s/session.h"

#define VERSION "1.0" /* of XMPP */

void stream_restart(struct client *c)
{
	xml_reader_restart(c->reader);
	c->header_in = c->header_out = false;
	c->wait_offer = false;
	c->partial_since = 0;
	free(c->lang);
	c->lang = NULL;
}

/* --- what we send ------------------------------------------------------------------------ */

/* RFC 6120 section 4.7: `from` is ours, `to` mirrors the client's `from` (bare), the id is
 * unguessable and new for each stream. version is the client's when it is lower than ours, empty when
 * it has sent none (section 4.7.5: then neither do we). */
static void send_header(struct client *c, const struct jid *to, struct str version)
{
	char id[33];

	random_hex(id, 16);
	stream_head_write(conn_out(c->conn), &(struct stream_head){.content_ns = NS_CLIENT,
								   .id = str_z(id),
								   .from = str_z(c->domain->name),
								   .to = to ? to->bare : STR_NONE,
								   .version = version});
	c->header_out = true;
	client_flush(c);
}

static bool is_final(enum stream_error e)
{
	/* After these the client may resume elsewhere or later: the session is not over. */
	return e != STREAM_E_SYSTEM_SHUTDOWN && e != STREAM_E_CONNECTION_TIMEOUT &&
	       e != STREAM_E_RESET && e != STREAM_E_SEE_OTHER_HOST;
}

static void write_error(struct client *c, enum stream_error e, struct str content, const char *text,
			struct str app)
{
	const struct session *s = c->session;

	if (c->phase == PHASE_CLOSED)
		return;
	c->c2s->stats.stream_errors++;
	if (!c->reason)
		c->reason = stream_error_name(e);
	/* RFC 6120 section 4.9.1.2: the header comes before an error, also during setup. */
	if (!c->header_out)
		send_header(c, NULL, STR(VERSION));
	stream_error_write(conn_out(c->conn), e, content, text, app);
	client_flush(c);
	c->ended = is_final(e) || !s || !s->acks || !s->acks->resumable;
	client_shut(c);
}

void stream_error_app(struct client *c, enum stream_error e, const char *text, struct str app)
{
	write_error(c, e, STR_NONE, text, app);
}

void stream_error_see_other(struct client *c, const char *host)
{
	write_error(c, STREAM_E_SEE_OTHER_HOST, str_z(host), NULL, STR_NONE);
}

void stream_error(struct client *c, enum stream_error e, const char *text)
{
	stream_error_app(c, e, text, STR_NONE);
}

void stream_close(struct client *c)
{
	if (c->phase == PHASE_CLOSED)
		return;
	if (!c->header_out)
		send_header(c, NULL, STR(VERSION));
	conn_write(c->conn, "</stream:stream>", 16);
	c->ended = true;
	client_shut(c);
}

void stream_ping(struct client *c)
{
	struct buf *b = conn_out(c->conn);
	char id[17];

	random_hex(id, 8);
	buf_lit(b, "<iq type='get' id='");
	buf_append(b, id, 16);
	buf_lit(b, "' from='");
	xml_escape(b, str_z(c->domain->name));
	buf_lit(b, "' to='");
	xml_escape(b, str_n(c->session->jid, c->session->njid));
	buf_lit(b, "'><ping xmlns='" NS_PING "'/></iq>");
	client_flush(c);
}

/* --- the client's header ----------------------------------------------------------------- */

/* The one that we answer: the lower of both. */
static struct str version_answer(struct pool *p, struct str v)
{
	unsigned long long major, minor;

	if (!v.ptr)
		return v;
	if (!stream_version(v, &major, &minor) || major >= 1)
		return STR(VERSION);
	return pool_printf(p, "0.%llu", minor);
}

static bool lang_good(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.ptr[i] == '-' || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
		      ((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z')))
			return false;
	return s.len > 0 && s.len <= 64;
}

static struct domain *domain_find(struct c2s *x, struct str name)
{
	for (size_t i = 0; i < x->ndomains; i++)
		if (str_eqz(name, x->domains[i].name))
			return &x->domains[i];
	return NULL;
}

static bool domain_gone(const struct c2s *x, struct str name)
{
	struct buf b = BUF_INIT;
	bool gone = false;

	for (char **f = x->config->former_domains; *f && !gone; f++) {
		buf_clear(&b);
		gone = jid_prep_domain(&b, str_z(*f)) == 0 && str_eq(buf_str(&b), name);
	}
	buf_free(&b);
	return gone;
}

/* Fails when the header is one that we cannot go on with. */
struct header_check {
	bool failed;
	enum stream_error error;
	const char *text;
};

static struct header_check check_namespaces(const struct xml_header *h)
{
	if (!str_eqz(h->ns, NS_STREAM))
		return (struct header_check){true, STREAM_E_INVALID_NAMESPACE, "not a stream"};
	if (!str_eqz(h->name, "stream"))
		return (struct header_check){true, STREAM_E_BAD_FORMAT, "not a stream"};
	/* Section 4.8.2: without a default namespace for what comes, or with the stream's own, each
	 * element says its own ("prefix-free canonicalization"). */
	if (h->content_ns.len && !str_eqz(h->content_ns, NS_CLIENT) &&
	    !str_eqz(h->content_ns, NS_STREAM))
		return (struct header_check){true, STREAM_E_INVALID_NAMESPACE,
					     "the content namespace is " NS_CLIENT};
	return (struct header_check){0};
}

/* RFC 6120 section 4.9.3.9: after SASL the client is who it proved to be, at that domain. */
static struct header_check check_identity(struct client *c, const struct domain *d,
					  const struct jid *from)
{
	struct jid account;

	if (c->phase != PHASE_AUTHENTICATED || jid_split(str_z(c->login->account), &account) < 0)
		return (struct header_check){0};
	if (!str_eqz(account.domain, d->name))
		return (struct header_check){true, STREAM_E_NOT_AUTHORIZED,
					     "authenticated for another domain"};
	if (from && !jid_same_bare(from, &account))
		return (struct header_check){true, STREAM_E_INVALID_FROM, NULL};
	return (struct header_check){0};
}

/* Which of our domains the client wants. */
static struct header_check check_to(struct client *c, struct str to)
{
	struct header_check k = {0};
	struct domain *d;
	struct buf b = BUF_INIT;

	if (!to.len)
		return (struct header_check){true, STREAM_E_IMPROPER_ADDRESSING, "to is missing"};
	if (jid_prep_domain(&b, to) < 0)
		k = (struct header_check){true, STREAM_E_IMPROPER_ADDRESSING, NULL};
	else if ((d = domain_find(c->c2s, buf_str(&b))))
		c->domain = d;
	else if (domain_gone(c->c2s, buf_str(&b)))
		k = (struct header_check){true, STREAM_E_HOST_GONE, NULL};
	else
		k = (struct header_check){true, STREAM_E_HOST_UNKNOWN, NULL};
	buf_free(&b);
	return k;
}

static struct header_check check_header(struct client *c, const struct xml_header *h,
					const struct jid *from)
{
	struct header_check k = check_namespaces(h);

	if (!k.failed)
		k = check_to(c, header_attr(h, "", "to"));
	if (k.failed)
		return k;
	if (!stream_version_good(header_attr(h, "", "version")))
		return (struct header_check){true, STREAM_E_UNSUPPORTED_VERSION, NULL};
	return check_identity(c, c->domain, from);
}

static bool clear_login(const struct client *c)
{
	return c->phase == PHASE_CLEAR && c->c2s->config->tls == TLS_OPTIONAL;
}

static void on_header(void *arg, const struct xml_header *h)
{
	struct client *c = arg;
	struct pool *p = c->c2s->scratch;
	struct str from = header_attr(h, "", "from"), lang = header_attr(h, NS_XML, "lang");
	struct jid jid;
	/* Section 4.7.1: an account. What names none (XML::Stream of Perl says its host) says nothing. */
	bool has_from = from.len && jid_parse(p, from, &jid) == 0 && jid.local.len;
	struct header_check k;

	if (c->phase == PHASE_CLOSED)
		return;
	c->header_in = true;
	k = check_header(c, h, has_from ? &jid : NULL);
	if (!c->header_out)
		send_header(c, has_from ? &jid : NULL,
			    version_answer(p, header_attr(h, "", "version")));
	pool_reset(p);
	if (lang_good(lang))
		c->lang = str_dup(lang);
	if (k.failed)
		stream_error(c, k.error, k.text);
	else if (c->phase == PHASE_SECURE || clear_login(c))
		stream_offer_ready(c);
	else
		stream_features(c);
}

/* --- what comes over the stream ---------------------------------------------------------- */

static const struct step {
	const char *ns, *name;
	step_fn *fn;
} steps[] = {
	{NS_SM, "r", ack_request},
	{NS_SM, "a", ack_answer},
	{NS_SM, "enable", ack_enable},
	{NS_SM, "resume", ack_resume},
	{NS_TLS, "starttls", step_starttls},
	{NS_SASL, "auth", step_auth},
	{NS_SASL, "response", step_response},
	{NS_SASL, "abort", step_abort},
};

static bool is_stanza(const struct xml_element *e)
{
	return str_eqz(e->name, "message") || str_eqz(e->name, "presence") ||
	       str_eqz(e->name, "iq");
}

static void stanza_step(struct client *c, const struct xml_element *e)
{
	static step_fn *const by_phase[] = {
		[PHASE_CLEAR] = step_register,
		[PHASE_SECURE] = step_register,
		[PHASE_AUTHENTICATED] = step_bind,
		[PHASE_BOUND] = session_stanza,
	};

	by_phase[c->phase](c, e);
}

static void unknown_step(struct client *c, const struct xml_element *e)
{
	if (str_eqz(e->ns, NS_STREAM) && str_eqz(e->name, "error")) {
		c->reason = "the client reported a stream error";
		stream_close(c);
	} else if (str_eqz(e->ns, NS_SERVER) && is_stanza(e)) {
		stream_error(c, STREAM_E_INVALID_NAMESPACE, NULL);
	} else if (c->phase < PHASE_AUTHENTICATED && str_eqz(e->ns, NS_CLIENT)) {
		stream_error(c, STREAM_E_NOT_AUTHORIZED, NULL);
	} else {
		stream_error(c, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
	}
}

static void on_element(void *arg, const struct xml_element *e)
{
	struct client *c = arg;

	if (c->phase == PHASE_CLOSED)
		return;
	c->partial_since = 0;
	if (str_eqz(e->ns, NS_CLIENT) && is_stanza(e)) {
		stanza_step(c, e);
		return;
	}
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		if (str_eqz(e->name, steps[i].name) && str_eqz(e->ns, steps[i].ns)) {
			steps[i].fn(c, e);
			return;
		}
	}
	unknown_step(c, e);
}

static void on_end(void *arg)
{
	struct client *c = arg;

	if (c->phase == PHASE_CLOSED)
		return;
	if (!c->reason)
		c->reason = "the client closed its stream";
	stream_close(c);
}

static void on_error(void *arg, enum stream_error condition, const char *text)
{
	stream_error(arg, condition, text);
}

const struct xml_reader_ops stream_ops = {on_header, on_element, on_end, on_error};
