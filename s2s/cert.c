/* SPDX-License-Identifier: MIT */
/* Names and verdicts of certificates. */
#include "s2s/cert.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include "base/alloc.h"
#include "xmpp/jid.h"

/* RFC 4985 section 2: the part before the domain in an SRV-ID. */
#define SRV_SERVICE "_xmpp-server."

/* --- names ------------------------------------------------------------------------------- */

bool cert_dns_matches(struct str pattern, struct str domain)
{
	ptrdiff_t dot;

	if (memchr(pattern.ptr ? pattern.ptr : "", '\0', pattern.len))
		return false;
	if (!str_starts(pattern, STR("*.")))
		return pattern.len && str_caseeq(pattern, domain);
	/* RFC 9525 section 6.3: a whole first label, one label, and no less than two behind it. */
	dot = str_find(domain, '.', 0);
	pattern = str_n(pattern.ptr + 2, pattern.len - 2);
	return dot > 0 && str_find(pattern, '.', 0) > 0 && str_find(pattern, '*', 0) < 0 &&
	       str_caseeq(pattern, str_n(domain.ptr + dot + 1, domain.len - (size_t)dot - 1));
}

static struct str text_of(const ASN1_STRING *s)
{
	return str_n((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool is_other(const GENERAL_NAME *n, int nid, int type, struct str *ret)
{
	const ASN1_TYPE *v;

	if (n->type != GEN_OTHERNAME || OBJ_obj2nid(n->d.otherName->type_id) != nid)
		return false;
	v = n->d.otherName->value;
	if (v->type != type)
		return false;
	*ret = text_of(v->value.asn1_string);
	return true;
}

static bool srv_matches(struct str name, struct str ascii)
{
	struct str service = STR(SRV_SERVICE);

	return name.len > service.len && str_caseeq(str_n(name.ptr, service.len), service) &&
	       cert_dns_matches(str_n(name.ptr + service.len, name.len - service.len), ascii);
}

static bool xmpp_address_matches(struct str name, struct str domain)
{
	struct buf b = BUF_INIT;
	bool same = jid_prep_domain(&b, name) == 0 && str_eq(buf_str(&b), domain);

	buf_free(&b);
	return same;
}

static bool ip_matches(const ASN1_OCTET_STRING *ip, const char *domain)
{
	unsigned char address[16];
	char literal[64];
	size_t n = strlen(domain);

	if (*domain == '[' && n > 2 && n < sizeof literal) {
		memcpy(literal, domain + 1, n - 2);
		literal[n - 2] = '\0';
		return inet_pton(AF_INET6, literal, address) == 1 && ip->length == 16 &&
		       memcmp(ip->data, address, 16) == 0;
	}
	return inet_pton(AF_INET, domain, address) == 1 && ip->length == 4 &&
	       memcmp(ip->data, address, 4) == 0;
}

/* *ret_named: it is a name of a kind that a server's certificate has. */
static bool name_matches(const GENERAL_NAME *n, struct str domain, struct str ascii,
			 bool *ret_named)
{
	struct str text;

	if (n->type == GEN_DNS) {
		*ret_named = true;
		return ascii.len && cert_dns_matches(text_of(n->d.dNSName), ascii);
	}
	if (is_other(n, NID_SRVName, V_ASN1_IA5STRING, &text)) {
		*ret_named = true;
		return ascii.len && srv_matches(text, ascii);
	}
	if (is_other(n, NID_XmppAddr, V_ASN1_UTF8STRING, &text)) {
		*ret_named = true;
		return xmpp_address_matches(text, domain);
	}
	return n->type == GEN_IPADD && ip_matches(n->d.iPAddress, domain.ptr);
}

/* RFC 6125 section 6.4.4, where the operator wants it. */
static bool common_name_matches(const X509 *cert, struct str ascii)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	/* More than one makes none of them the server's. */
	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return false;
	return cert_dns_matches(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))),
				ascii);
}

static bool is_for(const X509 *cert, const char *domain, bool common_name)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct buf b = BUF_INIT;
	struct str ascii;
	bool found = false, named = false;

	/* An address literal has no A-labels. */
	if (jid_domain_ascii(&b, str_z(domain)) < 0)
		buf_clear(&b);
	ascii = buf_str(&b);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
		found = name_matches(sk_GENERAL_NAME_value(names, i), str_z(domain), ascii, &named);
	if (!found && !named && common_name && ascii.len)
		found = common_name_matches(cert, ascii);
	GENERAL_NAMES_free(names);
	buf_free(&b);
	return found;
}

bool cert_is_for(const X509 *cert, const struct cert_wanted *w)
{
	return is_for(cert, w->domain, w->common_name) ||
	       (w->target && is_for(cert, w->target, w->common_name));
}

/* --- for people -------------------------------------------------------------------------- */

static void add_name(struct buf *b, size_t max, const char *what, struct str text)
{
	if (b->len + text.len + 16 > max)
		return;
	if (b->len)
		buf_lit(b, ", ");
	buf_printf(b, "%s", what);
	for (size_t i = 0; i < text.len; i++)
		buf_putc(b, (unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127 ? '?'
										   : text.ptr[i]);
}

void cert_names(const X509 *cert, size_t max, struct buf *b)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct buf own = BUF_INIT;
	struct str text;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS)
			add_name(&own, max, "", text_of(n->d.dNSName));
		else if (is_other(n, NID_SRVName, V_ASN1_IA5STRING, &text))
			add_name(&own, max, "SRV:", text);
		else if (is_other(n, NID_XmppAddr, V_ASN1_UTF8STRING, &text))
			add_name(&own, max, "XMPP:", text);
	}
	GENERAL_NAMES_free(names);
	if (!own.len) {
		char cn[256] = "";

		X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, cn,
					  sizeof cn);
		add_name(&own, max, "CN=", str_z(cn));
	}
	buf_str_append(b, str_utf8_valid(buf_str(&own)) ? buf_str(&own) : STR("?"));
	buf_free(&own);
}

void cert_expiry(const X509 *cert, char ret[32])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1 ||
	    !strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		memcpy(ret, "?", 2);
}

const char *cert_state_text(enum cert_state s)
{
	static const char *const texts[] = {
		[CERT_NONE] = "no certificate",
		[CERT_GOOD] = "valid",
		[CERT_DANE] = "valid by DANE",
		[CERT_SELF_SIGNED] = "self-signed",
		[CERT_UNTRUSTED] = "not issued by a trusted authority",
		[CERT_EXPIRED] = "expired",
		[CERT_EARLY] = "not valid yet",
		[CERT_OTHER_NAME] = "for another name",
		[CERT_OTHER_USE] = "for another use",
		[CERT_TLSA] = "not what its TLSA records say",
	};

	return texts[s];
}

/* --- the verdict ------------------------------------------------------------------------- */

static enum cert_state state_of(long result)
{
	switch (result) {
	case X509_V_OK:
		return CERT_GOOD;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CERT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CERT_EARLY;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return CERT_SELF_SIGNED;
	case X509_V_ERR_HOSTNAME_MISMATCH: /* looked at with TLSA alone */
		return CERT_OTHER_NAME;
	case X509_V_ERR_DANE_NO_MATCH:
		return CERT_TLSA;
	case X509_V_ERR_INVALID_PURPOSE:
		return CERT_OTHER_USE;
	default:
		return CERT_UNTRUSTED;
	}
}

/* RFC 6120 section 13.7.1.2 wants both usages, public authorities issue the server's alone: either
 * will do, in both directions. */
static bool use_fits(X509 *cert)
{
	return !(X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) ||
	       X509_get_extended_key_usage(cert) & (XKU_SSL_SERVER | XKU_SSL_CLIENT | XKU_ANYEKU);
}

struct cert_verdict cert_check(SSL *ssl, const struct cert_wanted *wanted)
{
	X509 *cert = ssl ? SSL_get0_peer_certificate(ssl) : NULL;
	struct cert_verdict v = {CERT_NONE, ""};
	long result;

	if (!cert)
		return v;
	result = SSL_get_verify_result(ssl);
	v.state = state_of(result);
	if (result != X509_V_OK) {
		v.detail = X509_verify_cert_error_string(result);
		return v;
	}
	/* RFC 7673 section 4: with TLSA of usage 3 names do not matter, OpenSSL has said so. */
	if (SSL_get0_dane_authority(ssl, NULL, NULL) >= 0)
		v.state = CERT_DANE;
	else if (!use_fits(cert))
		v.state = CERT_OTHER_USE;
	else if (wanted && !cert_is_for(cert, wanted))
		v.state = CERT_OTHER_NAME;
	return v;
}
