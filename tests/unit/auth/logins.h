/* SPDX-License-Identifier: MIT */
/* Logins as a c2s asks for them, of user@example.org, whose password is "pencil". */
#ifndef TESTS_AUTH_LOGINS_H
#define TESTS_AUTH_LOGINS_H

#include "tests/unit/auth/doubles.h"

enum { CHALLENGE, SUCCESS, FAILURE, MOVED };

extern struct auth_config config;
extern struct common_config common;
extern struct auth *auth;
void logins_setup(void);
void logins_teardown(void);

struct msg_auth_start start_of(const char *mechanism, struct str initial);
void send_start(const struct msg_auth_start *m);
void send_next(uint64_t exchange, struct str data);
/* The newest answer; there must be n of them altogether. */
const struct msg_auth_result *result(size_t n);
void assert_failure(const struct msg_auth_result *r, enum sasl_error error);
struct str plain_of(const char *name, const char *password);
/* A PLAIN login to its end; the answer and how long it took. */
const struct msg_auth_result *login(const char *name, const char *password, const char *address,
				    uint64_t *ret_ms);
/* The server-first-message for a name. */
struct buf scram_challenge(const char *name);

#endif
