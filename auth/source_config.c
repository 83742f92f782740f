/* SPDX-License-Identifier: MIT */
/* The table of options of a section `credentials "NAME"`. */
#include <stddef.h>
#include "auth/source_config.h"

#define AT(field) offsetof(struct source_config, field)

static const char *const types[] = {"ldap", "http", "pam", NULL};
static const char *const scopes[] = {"one", "subtree", NULL};

const struct option source_options[] = {
	{.name = "type", .type = OPT_ENUM, .offset = AT(type), .def = "ldap", .choices = types,
	 .help = "What is asked: a directory (ldap), a web service (http), or the host's PAM (pam). A "
		 "domain uses the section that the option credentials of its host section names."},
	{.name = "timeout", .type = OPT_TIME, .offset = AT(timeout), .def = "10s", .min = 100,
	 .max = 25000, .help = "How long a login waits for the answer before it is told to try later."},
	{.name = "connect_timeout", .type = OPT_TIME, .offset = AT(connect_timeout), .def = "3s",
	 .min = 100, .max = 25000,
	 .help = "How long a server may take to accept a connection before the next one is tried."},
	{.name = "parallel", .type = OPT_INT, .offset = AT(parallel), .def = "4", .min = 1, .max = 64,
	 .help = "Questions asked at once: threads for LDAP and PAM, connections for HTTP."},
	{.name = "queue", .type = OPT_INT, .offset = AT(queue), .def = "256", .min = 1, .max = 100000,
	 .help = "Logins that wait for their question to be asked; further ones are told to try later."},
	{.name = "cache", .type = OPT_TIME, .offset = AT(cache), .def = "30s", .min = 0,
	 .max = 3600000,
	 .help = "How long a password that was right is taken without asking again, 0: always asked."},
	{.name = "create", .type = OPT_BOOL, .offset = AT(create), .def = "yes",
	 .help = "Makes the account here at its first login; without it only accounts that exist here "
		 "already can log in."},
	{.name = "ca", .type = OPT_STR, .offset = AT(ca),
	 .help = "File with the CA certificates that the servers' are checked against, PEM; none: the "
		 "system's."},
	{.name = "ldap_servers", .type = OPT_LIST, .offset = AT(ldap_servers), .max = 16,
	 .help = "URIs of the directory's servers (ldaps://host, ldap://host, ldapi://path), tried in "
		 "this order."},
	{.name = "ldap_starttls", .type = OPT_BOOL, .offset = AT(ldap_starttls), .def = "yes",
	 .help = "Encrypts connections to ldap:// servers (StartTLS) or gives them up."},
	{.name = "ldap_dn", .type = OPT_STR, .offset = AT(ldap_dn),
	 .help = "The DN of an account's entry, with %u for the name and %d for the domain; none: the "
		 "entry is searched for."},
	{.name = "ldap_base", .type = OPT_STR, .offset = AT(ldap_base),
	 .help = "Where entries are searched for; %u and %d as in ldap_dn."},
	{.name = "ldap_scope", .type = OPT_ENUM, .offset = AT(ldap_scope), .def = "subtree",
	 .choices = scopes, .help = "Whether entries lie right below ldap_base, or anywhere below it."},
	{.name = "ldap_filter", .type = OPT_STR, .offset = AT(ldap_filter), .def = "(uid=%u)",
	 .help = "The filter that finds the entry of an account; %u and %d as in ldap_dn."},
	{.name = "ldap_bind_dn", .type = OPT_STR, .offset = AT(ldap_bind_dn),
	 .help = "Who searches; none: nobody (an anonymous bind)."},
	{.name = "ldap_password_file", .type = OPT_STR, .offset = AT(ldap_password_file),
	 .help = "File with the password of ldap_bind_dn."},
	{.name = "http_url", .type = OPT_STR, .offset = AT(http_url),
	 .help = "The web service, as https://host/path, or http://127.0.0.1:port/path on this host."},
	{.name = "http_authorization_file", .type = OPT_STR, .offset = AT(http_authorization_file),
	 .help = "File with the value of the header Authorization, as \"Bearer abc\"."},
	{.name = "http_scram", .type = OPT_LIST, .offset = AT(http_scram), .max = 2,
	 .help = "The mechanisms for which the service has keys: SCRAM-SHA-256, SCRAM-SHA-1. Only these "
		 "are offered beside PLAIN."},
	{.name = "http_max_answer", .type = OPT_SIZE, .offset = AT(http_max_answer), .def = "64k",
	 .min = 256, .max = 16 << 20, .help = "Longer answers of the service count as none."},
	{.name = "pam_service", .type = OPT_STR, .offset = AT(pam_service), .def = "mercutio",
	 .help = "The file in /etc/pam.d."},
	{.name = "pam_directory", .type = OPT_STR, .offset = AT(pam_directory),
	 .help = "Another directory in place of /etc/pam.d."},
	{.name = "pam_user", .type = OPT_STR, .offset = AT(pam_user), .def = "%u",
	 .help = "The name of an account's user; %u and %d as in ldap_dn."},
	{.name = NULL},
};

const struct option_section auth_sections[] = {
	{.name = CREDENTIALS_SECTION, .titled = true, .options = source_options}, {.name = NULL}};
