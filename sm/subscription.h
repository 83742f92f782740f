/* SPDX-License-Identifier: MIT */
/* The subscription states of RFC 6121 Appendix A: what a stanza does to them; pure. */
#ifndef SM_SUBSCRIPTION_H
#define SM_SUBSCRIPTION_H

#include "xmpp/stanza.h"

/* A state is a set of these. */
enum {
	SUB_TO = 1,         /* we see the contact's presence */
	SUB_FROM = 2,       /* the contact sees ours */
	SUB_ASK = 4,        /* pending out */
	SUB_PENDING_IN = 8, /* the contact has asked, we have not answered */
	SUB_APPROVED = 16   /* pre-approved (section 3.4) */
};

struct sub_change {
	unsigned state;  /* afterwards */
	bool pass;       /* route it (outbound) or deliver it (inbound) */
	bool push;       /* the roster item as clients see it changed */
	bool reply_subscribed; /* inbound subscribe: answer for the user (A.3.1) */
	bool reply_unsubscribed; /* inbound unsubscribe: the same (A.3.2) */
};

/* One of the four subscription types? */
bool sub_is_type(enum stanza_type type);
/* type is one of the four subscription types. */
struct sub_change sub_outbound(unsigned state, enum stanza_type type);
struct sub_change sub_inbound(unsigned state, enum stanza_type type);
/* "none", "to", "from", "both". */
const char *sub_name(unsigned state);
/* What clients see of a state: subscription, ask and approved. */
unsigned sub_visible(unsigned state);

#endif
