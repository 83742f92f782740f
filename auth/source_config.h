/* SPDX-License-Identifier: MIT */
/* The options of a section `credentials "NAME"`: one place where accounts come from. */
#ifndef AUTH_SOURCE_CONFIG_H
#define AUTH_SOURCE_CONFIG_H

#include "base/options.h"

enum source_type { SOURCE_LDAP, SOURCE_HTTP, SOURCE_PAM };
enum { LDAP_ONE_LEVEL, LDAP_SUBTREE }; /* ldap_scope */

struct source_config {
	int type;
	int64_t timeout, connect_timeout; /* ms */
	int64_t parallel, queue;
	int64_t cache; /* ms, 0: none */
	bool create;
	char *ca;
	char **ldap_servers;
	bool ldap_starttls;
	char *ldap_dn, *ldap_base, *ldap_filter, *ldap_bind_dn, *ldap_password_file;
	int ldap_scope;
	char *http_url, *http_authorization_file;
	char **http_scram;
	int64_t http_max_answer; /* bytes */
	char *pam_service, *pam_directory, *pam_user;
};

extern const struct option source_options[];
extern const struct option_section auth_sections[];
#define CREDENTIALS_SECTION "credentials"

#endif
