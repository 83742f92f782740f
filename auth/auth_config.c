/* SPDX-License-Identifier: MIT */
/* The table of mercutio-auth's options. */
#include <stddef.h>
#include "auth/auth_config.h"

#define AT(field) offsetof(struct auth_config, field)

const struct option auth_options[] = {
	{.name = "mechanisms", .type = OPT_LIST, .offset = AT(mechanisms), .flags = OPT_RELOAD,
	 .def = "{\"EXTERNAL\", \"SCRAM-SHA-256-PLUS\", \"SCRAM-SHA-1-PLUS\", \"SCRAM-SHA-256\", "
		"\"SCRAM-SHA-1\", \"PLAIN\"}", .max = 16,
	 .help = "SASL mechanisms to offer, the preferred one first; PLAIN is offered inside TLS only, "
		"EXTERNAL to clients whose certificate names their account (c2s asks for one where its "
		"client_ca is set)."},
	{.name = "credentials", .type = OPT_STR, .offset = AT(credentials), .def = "internal",
	 .help = "Where the accounts of domains come from whose host section does not say it: the name of "
		 "a section credentials, or internal, the storage process."},
	{.name = "password_cache", .type = OPT_TIME, .offset = AT(password_cache), .def = "60s",
	 .min = 0, .max = 3600000, .flags = OPT_RELOAD,
	 .help = "How long a stored account's password that was right is not derived again, 0: always "
		 "derived. Another password ends it at once."},
	{.name = "password_cache_size", .type = OPT_INT, .offset = AT(password_cache_size),
	 .def = "20000", .min = 0, .max = 10000000,
	 .help = "Accounts whose passwords are remembered so, and for sections credentials."},
	{.name = "allow_unencrypted", .type = OPT_BOOL, .offset = AT(allow_unencrypted),
	 .def = "no", .flags = OPT_RELOAD,
	 .help = "Offers SCRAM on streams without TLS."},
	{.name = "downgrade_protection", .type = OPT_BOOL, .offset = AT(downgrade_protection),
	 .def = "yes", .flags = OPT_RELOAD,
	 .help = "Sends the hash of what was advertised inside SCRAM (XEP-0474)."},
	{.name = "tls_unique", .type = OPT_BOOL, .offset = AT(tls_unique), .def = "yes",
	 .flags = OPT_RELOAD,
	 .help = "Takes channel binding of type tls-unique, never advertised, from clients that know "
		 "no other."},
	{.name = "scram_iterations", .type = OPT_INT, .offset = AT(scram_iterations),
	 .def = "10000", .min = 4096, .max = 10000000, .flags = OPT_RELOAD,
	 .help = "Rounds of PBKDF2 for new passwords; unknown accounts are answered with it."},
	{.name = "import_iterations", .type = OPT_INT, .offset = AT(import_iterations),
	 .def = "0", .min = 0, .max = 10000000, .flags = OPT_RELOAD,
	 .help = "The same for several accounts added at once, 0: as scram_iterations. A number that "
		 "differs lets strangers tell imported accounts from unknown ones."},
	{.name = "upgrade_keys", .type = OPT_BOOL, .offset = AT(upgrade_keys), .def = "yes",
	 .flags = OPT_RELOAD,
	 .help = "Renews the keys of an account that logs in with PLAIN where some are missing or have "
		 "fewer rounds than scram_iterations (XEP-0438)."},
	{.name = "storage_timeout", .type = OPT_TIME, .offset = AT(storage_timeout), .def = "5s",
	 .min = 100, .max = 30000, .flags = OPT_RELOAD,
	 .help = "How long a login waits for storage before it is told to try later."},
	{.name = "fail_delay", .type = OPT_TIME, .offset = AT(fail_delay), .def = "1s", .min = 0,
	 .max = 30000, .flags = OPT_RELOAD, .help = "How long the answer to a wrong password waits."},
	{.name = "lockout_count", .type = OPT_INT, .offset = AT(lockout_count), .def = "20",
	 .min = 0, .max = 1000000, .flags = OPT_RELOAD,
	 .help = "Wrong passwords after which an account refuses logins for lockout_time, 0: never."},
	{.name = "lockout_address_count", .type = OPT_INT, .offset = AT(lockout_address_count),
	 .def = "200", .min = 0, .max = 1000000, .flags = OPT_RELOAD,
	 .help = "The same for the address of a client (IPv6: its /64 network)."},
	{.name = "lockout_time", .type = OPT_TIME, .offset = AT(lockout_time), .def = "5m",
	 .min = 1000, .max = 86400000, .flags = OPT_RELOAD,
	 .help = "How long a lock-out lasts, and how long wrong passwords are remembered."},
	{.name = "workers", .type = OPT_INT, .offset = AT(workers), .def = "2", .min = 1, .max = 64,
	 .help = "Threads that derive keys from passwords."},
	{.name = "login_queue", .type = OPT_INT, .offset = AT(login_queue), .def = "256",
	 .min = 1, .max = 100000,
	 .help = "PLAIN logins that wait for a thread, and new passwords of users behind them; further ones are "
		 "told to try later."},
	{.name = "import_queue", .type = OPT_INT, .offset = AT(import_queue), .def = "50000",
	 .min = 1, .max = 10000000,
	 .help = "Accounts that are being added at once; further ones get a temporary error."},
	{.name = "max_exchanges", .type = OPT_INT, .offset = AT(max_exchanges), .def = "10000",
	 .min = 1, .max = 10000000, .flags = OPT_RELOAD,
	 .help = "Logins under way at once; further ones are told to try later."},
	{.name = "register_rate", .type = OPT_INT, .offset = AT(register_rate), .def = "5",
	 .min = 0, .max = 1000000, .flags = OPT_RELOAD,
	 .help = "In-band registrations from one address in register_period, 0: any number."},
	{.name = "register_period", .type = OPT_TIME, .offset = AT(register_period), .def = "1h",
	 .min = 1000, .max = 86400000 * 7LL, .flags = OPT_RELOAD,
	 .help = "The time in which register_rate counts."},
	{.name = "reserved_names", .type = OPT_LIST, .offset = AT(reserved_names),
	 .def = "{\"admin\", \"administrator\", \"hostmaster\", \"postmaster\", \"root\", \"webmaster\", "
		"\"xmpp\"}", .max = 10000, .flags = OPT_RELOAD,
	 .help = "Names that nobody can register in-band."},
	{.name = "anonymous_domains", .type = OPT_LIST, .offset = AT(anonymous_domains), .max = 1000,
	 .flags = OPT_RELOAD,
	 .help = "Domains where anybody may log in without an account (SASL ANONYMOUS, XEP-0175): the "
		 "session gets a temporary account that ends with it and that nothing is stored of. The "
		 "mechanism is offered behind all others."},
	{.name = "anonymous_rate", .type = OPT_INT, .offset = AT(anonymous_rate), .def = "60", .min = 0,
	 .max = 1000000, .flags = OPT_RELOAD,
	 .help = "Such logins from one address (IPv6: its /64 network) in anonymous_period, 0: any "
		 "number; further ones are told to try later."},
	{.name = "anonymous_period", .type = OPT_TIME, .offset = AT(anonymous_period), .def = "10m",
	 .min = 1000, .max = 86400000, .flags = OPT_RELOAD,
	 .help = "The time in which anonymous_rate counts."},
	{.name = NULL},
};
