/* SPDX-License-Identifier: MIT */
/* What DNS answers carry: addresses, SRV (RFC 2782) and TLSA (RFC 6698), bytes from strangers. */
#include "s2s/resolve_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include "base/alloc.h"

enum { NAME_MAX_TEXT = 255 };

static uint16_t u16_at(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* A name in wire form, never compressed in these records. Only what is a host name passes; NULL:
 * it is not one. "" is the root. */
static char *name_text(const unsigned char *p, size_t len)
{
	char text[NAME_MAX_TEXT + 1];
	size_t n = 0, i = 0;

	while (i < len && p[i]) {
		size_t label = p[i++];

		if (label > 63 || label > len - i || n + label + 1 > NAME_MAX_TEXT)
			return NULL;
		if (n)
			text[n++] = '.';
		for (size_t end = i + label; i < end; i++) {
			unsigned char c = p[i];

			if (c >= 'A' && c <= 'Z')
				c = (unsigned char)(c + 'a' - 'A');
			if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
			    c != '_')
				return NULL;
			text[n++] = (char)c;
		}
	}
	if (i + 1 != len)
		return NULL;
	return xstrndup(text, n);
}

static bool parse_srv(const unsigned char *p, size_t len, struct dns_srv *ret)
{
	char *target;

	if (len < 7)
		return false;
	target = name_text(p + 6, len - 6);
	if (!target)
		return false;
	*ret = (struct dns_srv){.priority = u16_at(p),
				.weight = u16_at(p + 2),
				.port = u16_at(p + 4),
				.target = target};
	return true;
}

static bool parse_tlsa(const unsigned char *p, size_t len, struct dns_tlsa *ret)
{
	if (len < 4)
		return false;
	*ret = (struct dns_tlsa){
		.usage = p[0],
		.selector = p[1],
		.matching = p[2],
		.data = {(const char *)p + 3, len - 3},
	};
	return true;
}

/* One record into v; false: malformed, left out. */
static bool parse_one(struct dns_records *v, enum dns_type type, const unsigned char *p, size_t len)
{
	switch (type) {
	case DNS_A:
		if (len != sizeof v->a[0])
			return false;
		memcpy(&v->a[v->n], p, len);
		return true;
	case DNS_AAAA:
		if (len != sizeof v->aaaa[0])
			return false;
		memcpy(&v->aaaa[v->n], p, len);
		return true;
	case DNS_SRV:
		return parse_srv(p, len, &v->srv[v->n]);
	case DNS_TLSA:
		return parse_tlsa(p, len, &v->tlsa[v->n]);
	}
	return false;
}

void dns_records_parse(struct dns_records *v, enum dns_type type, char *const *data, const int *len)
{
	v->n = 0;
	for (size_t i = 0; data && data[i] && v->n < DNS_RECORDS; i++)
		if (len[i] >= 0 &&
		    parse_one(v, type, (const unsigned char *)data[i], (size_t)len[i]))
			v->n++;
}

void dns_records_clear(struct dns_records *v, enum dns_type type)
{
	for (size_t i = 0; type == DNS_SRV && i < v->n; i++)
		free(v->srv[i].target);
	v->n = 0;
}
