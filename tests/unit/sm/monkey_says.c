/* SPDX-License-Identifier: MIT */
#include "tests/unit/sm/monkey_says.h"
#include <stdlib.h>
#include "tests/unit/sm/ledger.h"

const char *const monkey_accounts[ACCOUNTS] = {"a@localhost", "b@localhost", "c@localhost",
					       "d@localhost"};
static unsigned long long state;
static unsigned messages, requests;

unsigned dice(unsigned n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % n;
}

static const char *somebody(const char *other)
{
	static char buf[64];

	switch (dice(6)) {
	case 0:
		return "nobody@localhost";
	case 5:
		return dice(3) ? "r@one.test" : "r@two.test";
	case 1:
		return other;
	case 2:
		(void)snprintf(buf, sizeof buf, "%s/gone", monkey_accounts[dice(ACCOUNTS)]);
		return buf;
	default:
		return monkey_accounts[dice(ACCOUNTS)];
	}
}

static void says_some_time(struct client *c, const char *xml)
{
	if (dice(3))
		says(c, xml);
	else
		says_only(c, xml);
}

/* One, or more to the same. */
static void chats(struct client *c, const char *to)
{
	do {
		char *xml = xasprintf(
			"<message id='n%u' type='%s' to='%s'><body>n%u.%*s</body></message>",
			messages + 1, dice(2) ? "chat" : "normal", to, messages + 1,
			dice(4) ? 0 : 3000, "");

		ledger_sent(++messages, c);
		says_some_time(c, xml);
		free(xml);
	} while (!dice(3));
}

/* Clients here answer nothing, other servers do not either. */
static bool server_answers(const char *to)
{
	const char *slash = strchr(to, '/');

	return !strstr(to, ".test") && (!slash || strcmp(slash, "/gone") == 0);
}

static void stanza(struct client *c, const char *to)
{
	static const char *const forms[] = {
		"<presence/>",
		"<presence><priority>-1</priority></presence>",
		"<presence type='unavailable'/>",
		"<presence to='%s'/>",
		"<presence type='unavailable' to='%s'/>",
		"<presence type='subscribe' to='%s'/>",
		"<presence type='subscribed' to='%s'/>",
		"<presence type='unsubscribe' to='%s'/>",
		"<presence type='unsubscribed' to='%s'/>",
		"<presence type='probe' to='%s'/>",
		"<message type='headline' to='%s'><body>h</body></message>",
		"<message type='groupchat' to='%s'><body>g</body></message>",
		"<iq id='q*' type='get' to='%s'><query "
		"xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		"<iq id='q*' type='get' to='%s'><query xmlns='jabber:iq:last'/></iq>",
		"<iq id='q*' type='get' to='%s'><vCard xmlns='vcard-temp'/></iq>",
		"<iq id='q*' type='get'><query xmlns='jabber:iq:roster' ver='1'/></iq>",
		"<iq id='q*' type='set'><query xmlns='jabber:iq:roster'><item jid='%s' "
		"name='n'/></query></iq>",
		"<iq id='q*' type='set'><query xmlns='jabber:iq:roster'><item jid='%s' "
		"subscription='remove'/></query></iq>",
		"<iq id='q*' type='set'><block xmlns='urn:xmpp:blocking'><item "
		"jid='x.%s'/></block></iq>",
		"<iq id='q*' type='set'><unblock xmlns='urn:xmpp:blocking'/></iq>",
		"<iq id='q*' type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>",
		"<iq id='q*' type='set'><vCard xmlns='vcard-temp'><FN>x</FN></vCard></iq>",
		"<iq id='q*' type='set'><query xmlns='jabber:iq:private'><x "
		"xmlns='n'/></query></iq>",
		"<iq id='12' type='result' to='%s'/>",
	};
	const char *form = forms[dice(sizeof forms / sizeof *forms)];
	struct buf b = BUF_INIT;

	for (const char *p = form; *p; p++) {
		if (*p == '*') {
			buf_printf(&b, "%u", ++requests);
		} else if (*p == '%') {
			buf_append(&b, to, strlen(to));
			p++;
		} else {
			buf_putc(&b, *p);
		}
	}
	if (strchr(form, '*') && (!strstr(form, "to=") || server_answers(to)))
		ledger_asked(requests, c);
	buf_putc(&b, '\0');
	says_some_time(c, buf_ptr(&b));
	buf_free(&b);
}

void monkey_says(struct client *c, const char *other)
{
	if (dice(2))
		chats(c, somebody(other));
	else
		stanza(c, somebody(other));
}

void monkey_says_start(unsigned seed)
{
	state = seed;
	messages = requests = 0;
}
