/* SPDX-License-Identifier: MIT */
/* Certificates and temporary directories for tests. */
#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/random.h"
#include "tests/unit/base/base_tests.h"

char *temp_dir(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = xasprintf("%s/base-test-XXXXXX", base && *base ? base : "/tmp");

	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

void temp_dir_remove(char *take_dir)
{
	DIR *d = opendir(take_dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path = path_in(take_dir, e->d_name);

		unlink(path);
		free(path);
	}
	if (d)
		closedir(d);
	rmdir(take_dir);
	free(take_dir);
}

char *path_in(const char *dir, const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

void file_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	fclose(f);
}

static EVP_PKEY *make_key(enum cert_kind kind)
{
	if (kind == CERT_EC)
		return EVP_EC_gen("P-256");
	if (kind == CERT_ED25519)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_RSA_gen(2048);
}

static const EVP_MD *digest_of(enum cert_kind kind)
{
	if (kind == CERT_ED25519)
		return NULL;
	if (kind == CERT_RSA_SHA1)
		return EVP_sha1();
	return kind == CERT_RSA_SHA384 ? EVP_sha384() : EVP_sha256();
}

static X509 *make_cert(EVP_PKEY *key, const char *name, const char *alt, enum cert_kind kind)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_NAME_new();
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);

	X509_set_version(x, 2);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), random_u64() >> 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
				   -1, 0);
	X509_set_subject_name(x, subject);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	X509_add_ext(x, ext, -1);
	ck_assert_int_gt(X509_sign(x, key, digest_of(kind)), 0);
	X509_EXTENSION_free(ext);
	X509_NAME_free(subject);
	return x;
}

void cert_make(const char *dir, const char *name, enum cert_kind kind)
{
	char *alt = xasprintf("DNS:%s", name);

	cert_make_alt(dir, name, alt, kind);
	free(alt);
}

void cert_make_alt(const char *dir, const char *name, const char *alt, enum cert_kind kind)
{
	EVP_PKEY *key = make_key(kind);
	X509 *x = make_cert(key, name, alt, kind);
	char *crt = xasprintf("%s/%s.crt", dir, name), *pem = xasprintf("%s/%s.key", dir, name);
	FILE *f = fopen(crt, "w");

	ck_assert_int_eq(PEM_write_X509(f, x), 1);
	fclose(f);
	f = fopen(pem, "w");
	ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	free(crt);
	free(pem);
	X509_free(x);
	EVP_PKEY_free(key);
}
