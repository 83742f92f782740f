/* SPDX-License-Identifier: MIT */
#include "tests/unit/sm/ledger.h"
#include <stdlib.h>

static struct {
	const struct client *sender; /* NULL: nothing is said of it */
	bool received, refused;
} ledger[LEDGER_MOST];

void ledger_clear(void)
{
	memset(ledger, 0, sizeof ledger);
}

void ledger_sent(unsigned n, struct client *c)
{
	if (n < LEDGER_MOST)
		ledger[n].sender = c;
}

void ledger_doubt(const struct client *c)
{
	for (unsigned n = 0; n < LEDGER_MOST; n++)
		if (ledger[n].sender == c)
			ledger[n].sender = NULL;
}

void ledger_got(const struct client *c, uint32_t m)
{
	for (size_t i = 0; i < c->ngot; i++) {
		const char *xml = c->got[i].xml;
		bool error = strstr(xml, "type='error'") != NULL;
		const char *mark = error ? "id='n" : "<body>n", *p = strstr(xml, mark);
		unsigned long n = p ? strtoul(p + strlen(mark), NULL, 10) : LEDGER_MOST;

		if ((int32_t)(c->got[i].m - m) > 0 || n >= LEDGER_MOST)
			continue;
		if (error)
			ledger[n].refused = true;
		else
			ledger[n].received = true;
	}
}

void ledger_check(void)
{
	for (unsigned n = 0; n < LEDGER_MOST; n++)
		ck_assert_msg(!ledger[n].sender || ledger[n].received || ledger[n].refused, "lost: n%u", n);
}
