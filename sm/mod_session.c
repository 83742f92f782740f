/* SPDX-License-Identifier: MIT */
/* The session element of RFC 3921 section 3, which RFC 6121 made a no-op; a second binding. */
#include "sm/module.h"

static void on_session(struct packet *p, const struct node *payload)
{
	(void)payload;
	packet_result(p, STR_NONE);
}

/* RFC 6120 section 7.6.2.2: the stream has its resource. */
static void on_bind(struct packet *p, const struct node *payload)
{
	(void)payload;
	packet_error(p, STANZA_E_NOT_ALLOWED);
}

static const struct iq_handler iqs[] = {
	{"bind", NS_BIND, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_SET, on_bind},
	{"session", NS_SESSION, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_SET, on_session},
	{NULL},
};

const struct module mod_session = {
	.name = "session",
	.summary = "the session element of older clients (RFC 3921 section 3), answered and ignored",
	.iqs = iqs,
};
