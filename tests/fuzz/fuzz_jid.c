/* SPDX-License-Identifier: MIT */
/* Addresses from strangers: what is accepted is stable, complete and within its limits. */
#include <stdint.h>
#include <stdlib.h>
#include "xmpp/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_part(struct str part)
{
	must(part.len <= 1023);
	must(str_utf8_valid(part));
	must(str_find(part, '\0', 0) < 0);
}

static void check_same(const struct jid *a, const struct jid *b)
{
	must(str_eq(a->local, b->local));
	must(str_eq(a->domain, b->domain));
	must(str_eq(a->resource, b->resource));
	must(str_eq(a->bare, b->bare));
	must(str_eq(a->full, b->full));
}

static void check_jid(struct pool *p, const struct jid *jid)
{
	struct jid again;

	check_part(jid->local);
	check_part(jid->domain);
	check_part(jid->resource);
	must(!str_empty(jid->domain));
	must(str_starts(jid->full, jid->bare));
	/* RFC 7622 section 3.3.1 */
	for (size_t i = 0; i < jid->local.len; i++)
		must(!strchr("\"&'/:<>@ ", jid->local.ptr[i]));
	must(jid_parse(p, jid->full, &again) == 0);
	check_same(jid, &again);
	must(jid_split(jid->full, &again) == 0);
	check_same(jid, &again);
	again = jid_make(p, jid->local, jid->domain, jid->resource);
	check_same(jid, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {size ? (const char *)data : NULL, size};
	struct pool *p = pool_new();
	struct jid jid;

	if (jid_parse(p, text, &jid) == 0)
		check_jid(p, &jid);
	/* Splitting takes any bytes and stays inside them. */
	if (jid_split(text, &jid) == 0) {
		must(!str_empty(jid.domain));
		must(str_eq(jid.full, text));
	}
	pool_free(p);
	return 0;
}
