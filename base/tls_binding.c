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

int tls_exporter(SSL *ssl, struct buf *b)
{
	unsigned char value[EXPORTER_LEN];
	int version = SSL_version(ssl);

	if (!SSL_is_init_finished(ssl))
		return -ENOTSUP;
	/* RFC 9266 section 4.2: before TLS 1.3 only with the extended master secret, or two
	 * connections of an attacker could share the value. */
	if (version < TLS1_2_VERSION || (version == TLS1_2_VERSION && SSL_get_extms_support(ssl) != 1))
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

int tls_server_end_point(SSL *ssl, struct buf *b)
{
	X509 *cert = SSL_is_server(ssl) ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
	unsigned char value[EVP_MAX_MD_SIZE];
	int md_nid = NID_undef;
	const EVP_MD *md;
	unsigned len;

	if (!cert || X509_get_signature_info(cert, &md_nid, NULL, NULL, NULL) != 1)
		return -ENOTSUP;
	/* RFC 5929 section 4.1: MD5 and SHA-1 are replaced; a signature without a hash function
	 * (Ed25519) leaves the binding undefined. */
	if (md_nid == NID_md5 || md_nid == NID_sha1)
		md_nid = NID_sha256;
	md = md_nid == NID_undef ? NULL : EVP_get_digestbynid(md_nid);
	if (!md || X509_digest(cert, md, value, &len) != 1) {
		ERR_clear_error();
		return -ENOTSUP;
	}
	buf_append(b, value, len);
	return 0;
}
