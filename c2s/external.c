/* SPDX-License-Identifier: MIT */
/* Whom a client's certificate names (RFC 6120 section 13.7.1.4, XEP-0178), and what it is offered.
 */
#include <openssl/x509v3.h>
#include "c2s/client.h"

enum { MAX_JIDS = 8, ASK_MS = 5000 };

/* The certificate's, prepared: those that can be accounts. */
static void add_jid(struct login *l, const ASN1_UTF8STRING *text)
{
	struct pool *p = pool_new();
	struct jid jid;

	if (l->ncertificate_jids < MAX_JIDS &&
	    jid_parse(p, str_n((const char *)text->data, (size_t)text->length), &jid) == 0 &&
	    jid.local.len && jid_is_bare(&jid)) {
		l->certificate_jids = xrealloc(l->certificate_jids,
					       (l->ncertificate_jids + 1) * sizeof(struct str));
		l->certificate_jids[l->ncertificate_jids++] =
			str_n(str_dup(jid.bare), jid.bare.len);
	}
	pool_free(p);
}

void external_forget(struct login *l)
{
	for (size_t i = 0; i < l->ncertificate_jids; i++)
		free((char *)l->certificate_jids[i].ptr);
	free(l->certificate_jids);
	l->certificate_jids = NULL;
	l->ncertificate_jids = 0;
}

void external_look(struct client *c)
{
	SSL *ssl = conn_ssl(c->conn);
	X509 *cert = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
	GENERAL_NAMES *names;

	if (!cert || SSL_get_verify_result(ssl) != X509_V_OK)
		return;
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_OTHERNAME &&
		    OBJ_obj2nid(name->d.otherName->type_id) == NID_XmppAddr &&
		    name->d.otherName->value->type == V_ASN1_UTF8STRING)
			add_jid(c->login, name->d.otherName->value->value.utf8string);
	}
	GENERAL_NAMES_free(names);
}

void external_succeeded(struct client *c)
{
	SSL *ssl = conn_ssl(c->conn);

	/* RFC 6120 section 13.7.2.3: the stream does not outlive the certificates that it rests on.
	 */
	if (ssl)
		c->proven_until = now_s(c->c2s) + tls_chain_valid_s(ssl) + 1;
}

static void on_offer(void *arg, int err, uint16_t kind, const void *m)
{
	struct client *c = arg;
	struct login *l = c->login;

	l->asking = NULL;
	if (c->phase == PHASE_CLOSED)
		return;
	if (err < 0 || kind != MSG_AUTH_OFFER) {
		external_forget(l); /* the other mechanisms will do */
		stream_offer_ready(c);
		return;
	}
	offer_unref(l->offer);
	l->offer = offer_new(m);
	c->wait_offer = false;
	stream_features(c);
}

bool external_ask(struct client *c, unsigned bindings)
{
	struct login *l = c->login;
	struct str names[2];
	struct msg_auth_mechanisms m = {.domain = str_z(c->domain->name),
					.secure = true,
					.bindings = names,
					.certificate_jids = l->certificate_jids,
					.ncertificate_jids = l->ncertificate_jids};
	struct frame head = {.kind = MSG_AUTH_MECHANISMS,
			     .to = any_serving(c->c2s, "auth"),
			     .from_shard = SHARD_NONE,
			     .to_shard = SHARD_NONE};

	if (l->asking)
		return true;
	if (!l->ncertificate_jids || !head.to)
		return false;
	m.nbindings = offer_bindings(bindings, names);
	l->asking = link_request(c->c2s->link, &head, &m, ASK_MS, on_offer, c);
	return true;
}
