/* SPDX-License-Identifier: MIT */
/* Which limits an account's log has: its own, its domain's, or those of all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "storage/retention.h"
#include "xmpp/jid.h"

#define FIELD(name) offsetof(struct limits, name)
static const struct option titled_options[] = {
	{"age", OPT_TIME, FIELD(age), NULL, 0, RETENTION_TIME_MAX, .flags = OPT_RELOAD,
	 .help = "As retention_age, for accounts of this domain; 0: no limit of time."},
	{"count", OPT_INT, FIELD(count), NULL, 0, INT64_MAX, .flags = OPT_RELOAD,
	 .help = "As retention_count, for accounts of this domain."},
	{"size", OPT_SIZE, FIELD(size), NULL, 0, INT64_MAX, .flags = OPT_RELOAD,
	 .help = "As retention_size, for accounts of this domain."},
	{"offline", OPT_TIME, FIELD(offline), NULL, 0, RETENTION_TIME_MAX, .flags = OPT_RELOAD,
	 .help = "As retention_offline, for accounts of this domain; 0: for ever."},
	{NULL},
};
const struct option_section retention_sections[] = {{"retention", true, titled_options}, {NULL}};
enum { TITLED = sizeof(titled_options) / sizeof(titled_options[0]) };

/* What a section does not say is as for all. */
static struct limits section(const struct conf *c, const char *title, const struct limits *all)
{
	const int64_t *values[] = {&all->age, &all->count, &all->size, &all->offline};
	struct option table[TITLED];
	struct limits l = {0};
	char text[TITLED][32];

	memcpy(table, titled_options, sizeof(table));
	for (size_t i = 0; table[i].name; i++) {
		snprintf(text[i], sizeof(text[i]), "%lld%s", (long long)*values[i],
			 table[i].type == OPT_TIME ? "ms" : "");
		table[i].def = text[i];
	}
	conf_fill_titled(c, "retention", title, table, &l);
	return l;
}

static void forget_domains(struct retention_limits *l)
{
	for (size_t i = 0; i < l->ndomains; i++)
		free(l->domains[i].domain);
	free(l->domains);
	l->domains = NULL;
	l->ndomains = 0;
}

void retention_limits_domain(struct retention_limits *l, const char *domain,
			     const struct limits *limits)
{
	l->domains = xrealloc(l->domains, (l->ndomains + 1) * sizeof(*l->domains));
	l->domains[l->ndomains++] = (struct domain_limits){xstrdup(domain), *limits};
}

void retention_limits_fill(struct retention_limits *l, const struct limits *all,
			   const struct conf *c)
{
	const char *const *titles = conf_titles(c, "retention");

	l->all = *all;
	forget_domains(l);
	for (; *titles; titles++) {
		struct limits of = section(c, *titles, all);
		struct buf domain = BUF_INIT;

		if (jid_prep_domain(&domain, str_z(*titles)) == 0) {
			buf_putc(&domain, 0);
			retention_limits_domain(l, buf_ptr(&domain), &of);
		}
		buf_free(&domain);
	}
}

void retention_limits_forget(struct retention_limits *l)
{
	for (size_t i = 0; i < l->naccounts; i++)
		free(l->accounts[i].account);
	free(l->accounts);
	l->accounts = NULL;
	l->naccounts = l->cap = 0;
}

static int64_t own(const struct msg_value *v)
{
	return v->type == COLUMN_INT && v->i >= 0 ? v->i : -1;
}

struct limits retention_limits_own(const struct msg_row *row)
{
	const struct msg_value *v = row->values;

	return (struct limits){
		.age = own(&v[COL_RETENTION_AGE]),
		.count = own(&v[COL_RETENTION_ENTRIES]),
		.size = own(&v[COL_RETENTION_BYTES]),
		.offline = own(&v[COL_RETENTION_OFFLINE]),
	};
}

void retention_limits_row(struct retention_limits *l, const struct msg_row *row)
{
	if (l->naccounts == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->accounts = xrealloc(l->accounts, l->cap * sizeof(*l->accounts));
	}
	l->accounts[l->naccounts++] = (struct account_limits){
		.account = str_dup(row->values[COL_RETENTION_ACCOUNT].s),
		.limits = retention_limits_own(row),
	};
}

static int by_name(const void *name, const void *entry)
{
	return strcmp(name, ((const struct account_limits *)entry)->account);
}

static void override(struct limits *l, const struct limits *by)
{
	if (by->age >= 0)
		l->age = by->age;
	if (by->count >= 0)
		l->count = by->count;
	if (by->size >= 0)
		l->size = by->size;
	if (by->offline >= 0)
		l->offline = by->offline;
}

struct limits retention_limits_with(const struct retention_limits *l, const char *account,
				    const struct limits *own)
{
	const char *at = strchr(account, '@'), *domain = at ? at + 1 : account;
	struct limits of = l->all;

	for (size_t i = 0; i < l->ndomains; i++)
		if (strcmp(l->domains[i].domain, domain) == 0)
			of = l->domains[i].limits;
	override(&of, own);
	return of;
}

struct limits retention_limits_of(const struct retention_limits *l, const char *account)
{
	static const struct limits none = {-1, -1, -1, -1};
	const struct account_limits *a = NULL;

	if (l->naccounts)
		a = bsearch(account, l->accounts, l->naccounts, sizeof(*a), by_name);
	return retention_limits_with(l, account, a ? &a->limits : &none);
}

static bool any(const struct limits *l)
{
	return l->age > 0 || l->count > 0 || l->size > 0 || l->offline > 0;
}

bool retention_limits_any(const struct retention_limits *l)
{
	bool some = any(&l->all);

	for (size_t i = 0; i < l->ndomains; i++)
		some |= any(&l->domains[i].limits);
	for (size_t i = 0; i < l->naccounts; i++)
		some |= any(&l->accounts[i].limits);
	return some;
}

static void longer(int64_t *longest, const struct limits *l)
{
	int64_t most = l->age > l->offline ? l->age : l->offline;

	/* One that has no limit of its own age keeps all. */
	if (l->age == 0 || l->offline == 0)
		*longest = 0;
	else if (*longest && most > *longest)
		*longest = most;
}

int64_t retention_limits_longest(const struct retention_limits *l)
{
	int64_t longest = 1;

	longer(&longest, &l->all);
	for (size_t i = 0; i < l->ndomains; i++)
		longer(&longest, &l->domains[i].limits);
	for (size_t i = 0; i < l->naccounts; i++) {
		struct limits of = retention_limits_of(l, l->accounts[i].account);

		longer(&longest, &of);
	}
	return longest;
}

void retention_limits_free(struct retention_limits *l)
{
	retention_limits_forget(l);
	forget_domains(l);
}
