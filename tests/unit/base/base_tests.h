/* SPDX-License-Identifier: MIT */
/* The suites of base's tests, and certificates made on the spot. */
#ifndef BASE_TESTS_H
#define BASE_TESTS_H

#include <check.h>
#include "base/str.h"

Suite *buf_suite(void);
Suite *clock_suite(void);
Suite *conn_suite(void);
Suite *conn_tls_suite(void);
Suite *keyed_suite(void);
Suite *listen_suite(void);
Suite *log_suite(void);
Suite *loop_suite(void);
Suite *options_suite(void);
Suite *pool_suite(void);
Suite *random_suite(void);
Suite *str_suite(void);
Suite *tenants_suite(void);
Suite *tls_suite(void);
Suite *uri_suite(void);
Suite *varint_suite(void);

/* Asserts that a slice holds exactly this text. */
#define assert_str(s, z)                                                                           \
	do {                                                                                       \
		struct str assert_got = (s);                                                       \
		ck_assert_msg(str_eqz(assert_got, (z)), "\"%.*s\" is not \"%s\"",                  \
			      STR_ARG(assert_got), (z));                                           \
	} while (0)

enum cert_kind { CERT_EC, CERT_RSA_SHA1, CERT_RSA_SHA384, CERT_ED25519 };

/* A self-signed certificate for a name, written to dir/NAME.crt and dir/NAME.key; the first is
 * its own trust anchor. */
void cert_make(const char *dir, const char *name, enum cert_kind kind);
/* The same for another subjectAltName ("otherName:1.3.6.1.5.5.7.8.5;UTF8:user@example.org"). */
void cert_make_alt(const char *dir, const char *name, const char *alt, enum cert_kind kind);
/* A new directory below the system's for temporary files; removed by temp_dir_remove. */
char *temp_dir(void);
void temp_dir_remove(char *take_dir);
/* dir/name, malloc'ed. */
char *path_in(const char *dir, const char *name);
void file_write(const char *path, const char *text);

#endif
