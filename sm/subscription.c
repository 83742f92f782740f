/* SPDX-License-Identifier: MIT */
/* The tables of RFC 6121 Appendix A as rules over the bits of a state. */
#include "sm/subscription.h"

unsigned sub_visible(unsigned state)
{
	return state & (SUB_TO | SUB_FROM | SUB_ASK | SUB_APPROVED);
}

bool sub_is_type(enum stanza_type t)
{
	return t == PRESENCE_SUBSCRIBE || t == PRESENCE_SUBSCRIBED || t == PRESENCE_UNSUBSCRIBE ||
	       t == PRESENCE_UNSUBSCRIBED;
}

const char *sub_name(unsigned state)
{
	static const char *const names[] = {"none", "to", "from", "both"};

	return names[state & (SUB_TO | SUB_FROM)];
}

static struct sub_change changed(unsigned before, unsigned after, bool pass)
{
	return (struct sub_change){
		.state = after, .pass = pass, .push = sub_visible(before) != sub_visible(after)};
}

struct sub_change sub_outbound(unsigned s, enum stanza_type type)
{
	switch (type) {
	case PRESENCE_SUBSCRIBE: /* A.2.1: always routed */
		return changed(s, s & SUB_TO ? s : s | SUB_ASK, true);
	case PRESENCE_UNSUBSCRIBE: /* A.2.2 */
		return changed(s, s & ~(unsigned)(SUB_TO | SUB_ASK), true);
	case PRESENCE_SUBSCRIBED: /* A.2.3 */
		if (s & SUB_PENDING_IN)
			return changed(s, (s & ~(unsigned)(SUB_PENDING_IN | SUB_APPROVED)) | SUB_FROM,
				       true);
		if (s & SUB_FROM)
			return changed(s, s, false);
		return changed(s, s | SUB_APPROVED, false); /* 3.4.2: kept for later */
	default: /* A.2.4: unsubscribed */
		return changed(s, s & ~(unsigned)(SUB_FROM | SUB_PENDING_IN | SUB_APPROVED),
			       (s & (SUB_FROM | SUB_PENDING_IN)) != 0);
	}
}

struct sub_change sub_inbound(unsigned s, enum stanza_type type)
{
	struct sub_change c;

	switch (type) {
	case PRESENCE_SUBSCRIBE: /* A.3.1 */
		if (s & SUB_FROM) {
			c = changed(s, s, false);
			c.reply_subscribed = true;
			return c;
		}
		if (s & SUB_APPROVED) { /* 3.4.2: as if the user had answered */
			c = changed(s, (s & ~(unsigned)(SUB_APPROVED | SUB_PENDING_IN)) | SUB_FROM,
				    false);
			c.reply_subscribed = true;
			return c;
		}
		return changed(s, s | SUB_PENDING_IN, !(s & SUB_PENDING_IN));
	case PRESENCE_UNSUBSCRIBE: /* A.3.2 */
		c = changed(s, s & ~(unsigned)(SUB_FROM | SUB_PENDING_IN),
			    (s & (SUB_FROM | SUB_PENDING_IN)) != 0);
		c.reply_unsubscribed = c.pass;
		return c;
	case PRESENCE_SUBSCRIBED: /* A.3.3 */
		if (s & SUB_ASK)
			return changed(s, (s & ~(unsigned)SUB_ASK) | SUB_TO, true);
		return changed(s, s, false);
	default: /* A.3.4: unsubscribed */
		return changed(s, s & ~(unsigned)(SUB_TO | SUB_ASK), (s & (SUB_TO | SUB_ASK)) != 0);
	}
}
