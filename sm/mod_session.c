/* SPDX-License-Identifier: MIT */
/* The session element of RFC 3921 section 3, which RFC 6121 made a no-op. */
#include "sm/module.h"

static void on_session(struct packet *p, const struct node *payload)
{
	(void)payload;
	packet_result(p, STR_NONE);
}

static const struct iq_handler iqs[] = {
	{"session", NS_SESSION, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_SET, on_session},
	{NULL},
};

const struct module mod_session = {
	.name = "session",
	.summary = "the session element of older clients (RFC 3921 section 3), answered and ignored",
	.iqs = iqs,
};
