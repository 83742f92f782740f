/* SPDX-License-Identifier: MIT */
/* XMPP Ping (XEP-0199): the server answers for itself and for accounts. */
#include "sm/module.h"

static void on_ping(struct packet *p, const struct node *ping)
{
	struct jid who = p->from;

	(void)ping;
	/* 4.2 and the privacy rule of RFC 6120: strangers learn nothing of an account. */
	if (p->user && !p->own && run_presence_allowed(p->user, &who) != HANDLED)
		packet_error(p, STANZA_E_SERVICE_UNAVAILABLE);
	else
		packet_result(p, STR_NONE);
}

static const struct iq_handler iqs[] = {
	{"ping", NS_PING, IQ_TO_DOMAIN | IQ_TO_ACCOUNT, IQ_IS_GET, on_ping},
	{NULL},
};
static const char *const xeps[] = {"0199 2.0.1", NULL};
static const char *const features[] = {NS_PING, NULL};

const struct module mod_ping = {
	.name = "ping",
	.summary = "ping",
	.xeps = xeps,
	.features = features,
	.iqs = iqs,
};
