/* SPDX-License-Identifier: MIT */
#include "tests/unit/sm/ledger.h"
#include <stdlib.h>

static struct {
	const struct client *sender; /* NULL: nothing is said of it */
	bool received, refused;
} ledger[LEDGER_MOST];

static struct {
	const struct client *sender;
	uint32_t m; /* of the answer; 0: none yet */
} asked[LEDGER_MOST];

void ledger_clear(void)
{
	memset(ledger, 0, sizeof ledger);
	memset(asked, 0, sizeof asked);
}

void ledger_sent(unsigned n, struct client *c)
{
	if (n < LEDGER_MOST)
		ledger[n].sender = c;
}

void ledger_asked(unsigned n, struct client *c)
{
	if (n < LEDGER_MOST)
		asked[n].sender = c;
}

void ledger_doubt(const struct client *c)
{
	for (unsigned n = 0; n < LEDGER_MOST; n++) {
		if (ledger[n].sender == c)
			ledger[n].sender = NULL;
		if (asked[n].sender == c)
			asked[n].sender = NULL;
	}
}

static unsigned long number_behind(const char *xml, const char *mark)
{
	const char *p = strstr(xml, mark);

	return p ? strtoul(p + strlen(mark), NULL, 10) : LEDGER_MOST;
}

static void answer(const struct client *c, uint32_t m, unsigned long n)
{
	if (n >= LEDGER_MOST || asked[n].sender != c)
		return;
	ck_assert_msg(!asked[n].m || asked[n].m == m, "answered twice: q%lu", n);
	asked[n].m = m;
}

void ledger_got(const struct client *c, uint32_t m)
{
	for (size_t i = 0; i < c->ngot; i++) {
		const char *xml = c->got[i].xml;
		bool error = strstr(xml, "type='error'") != NULL;
		unsigned long n = number_behind(xml, error ? "id='n" : "<body>n");

		if ((int32_t)(c->got[i].m - m) > 0)
			continue;
		if (n < LEDGER_MOST && error)
			ledger[n].refused = true;
		else if (n < LEDGER_MOST)
			ledger[n].received = true;
		else if (error || strstr(xml, "type='result'"))
			answer(c, c->got[i].m, number_behind(xml, "id='q"));
	}
}

void ledger_received(unsigned n)
{
	if (n < LEDGER_MOST)
		ledger[n].received = true;
}

void ledger_check(void)
{
	for (unsigned n = 0; n < LEDGER_MOST; n++)
		ck_assert_msg(!ledger[n].sender || ledger[n].received || ledger[n].refused,
			      "lost: n%u", n);
}

void ledger_answered(void)
{
	for (unsigned n = 0; n < LEDGER_MOST; n++)
		ck_assert_msg(!asked[n].sender || asked[n].m, "no answer: q%u", n);
}
