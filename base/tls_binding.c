/* SPDX-License-Identifier: MIT */
/* Channel bindings of a connection. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include "base/alloc.h"
#include "base/tls.h"

#define EXPORTER_LABEL "EXPORTER-Channel-Binding"
#define EXPORTER_LEN 32

bool tls_has_exporter(SSL *ssl)
{
	int version = SSL_version(ssl);

	/* RFC 9266 section 4.2: before TLS 1.3 only with the extended master secret, or two
	 * connections of an attacker could share the value. */
	return SSL_is_init_finished(ssl) &&
	       (version >= TLS1_3_VERSION ||
		(version == TLS1_2_VERSION && SSL_get_extms_support(ssl) == 1));
}

int tls_exporter(SSL *ssl, struct buf *b)
{
	unsigned char value[EXPORTER_LEN];

	if (!tls_has_exporter(ssl))
		return -ENOTSUP;
	/* RFC 9266 section 2: the context value is the empty string. */
	if (SSL_export_keying_material(ssl, value, sizeof(value), EXPORTER_LABEL,
				       sizeof(EXPORTER_LABEL) - 1, (const unsigned char *)"", 0,
				       1) != 1) {
		ERR_clear_error();
		return -ENOTSUP;
	}
	buf_append(b, value, sizeof(value));
	wipe(value, sizeof(value));
	return 0;
}

static X509 *server_certificate(SSL *ssl)
{
	return SSL_is_server(ssl) ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
}

/* The hash function of tls-server-end-point; NULL: it has none. */
static const EVP_MD *end_point_md(X509 *cert)
{
	int nid = NID_undef;

	if (!cert || X509_get_signature_info(cert, &nid, NULL, NULL, NULL) != 1)
		return NULL;
	/* RFC 5929 section 4.1: MD5 and SHA-1 are replaced; a signature without a hash function
	 * (Ed25519) leaves the binding undefined. */
	if (nid == NID_md5 || nid == NID_sha1)
		nid = NID_sha256;
	return nid == NID_undef ? NULL : EVP_get_digestbynid(nid);
}

bool tls_has_server_end_point(SSL *ssl)
{
	return end_point_md(server_certificate(ssl)) != NULL;
}

int tls_server_end_point(SSL *ssl, struct buf *b)
{
	X509 *cert = server_certificate(ssl);
	const EVP_MD *md = end_point_md(cert);
	unsigned char value[EVP_MAX_MD_SIZE];
	unsigned len;

	if (!md || X509_digest(cert, md, value, &len) != 1) {
		ERR_clear_error();
		return -ENOTSUP;
	}
	buf_append(b, value, len);
	return 0;
}
