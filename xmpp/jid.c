/* SPDX-License-Identifier: MIT */
/* Addresses by RFC 7622, with one pass over the common case: ASCII that needs no change. */
#include "xmpp/jid.h"

#include <errno.h>
#include "base/random.h"
#include "xmpp/jid_internal.h"
#include "xmpp/prep.h"

enum { LOCAL_PLAIN = 1, RESOURCE_PLAIN = 2 };

#define BOTH (LOCAL_PLAIN | RESOURCE_PLAIN)

/* ASCII that its profile passes unchanged. For the localpart that is printable ASCII without
 * upper case and without the eight of RFC 7622 section 3.3.1. */
static const unsigned char classes[256] = {
	[' '] = RESOURCE_PLAIN,		 ['!'] = BOTH,
	['"'] = RESOURCE_PLAIN,		 ['#' ... '%'] = BOTH,
	['&' ... '\''] = RESOURCE_PLAIN, ['(' ... '.'] = BOTH,
	['/'] = RESOURCE_PLAIN,		 ['0' ... '9'] = BOTH,
	[':'] = RESOURCE_PLAIN,		 [';'] = BOTH,
	['<'] = RESOURCE_PLAIN,		 ['='] = BOTH,
	['>'] = RESOURCE_PLAIN,		 ['?'] = BOTH,
	['@' ... 'Z'] = RESOURCE_PLAIN,	 ['[' ... '~'] = BOTH,
};

static bool is_plain(struct str text, unsigned char class)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!(classes[(unsigned char)text.ptr[i]] & class))
			return false;
	}
	return true;
}

static bool length_ok(size_t len)
{
	return len >= 1 && len <= JID_PART_MAX;
}

static int prep_part(enum prep_profile profile, struct buf *b, struct str text)
{
	size_t before = b->len;
	int r;

	if (text.len > JID_TEXT_MAX)
		return -EINVAL;
	r = prep_enforce(profile, text, b);
	if (r < 0)
		return r;
	if (!length_ok(b->len - before)) {
		b->len = before;
		return -EINVAL;
	}
	return 0;
}

/* RFC 7622 section 3.3.1: these are part of the IdentifierClass, but not of a localpart. The
 * check is of the result, as width mapping makes some of them. */
static bool has_excluded(struct str local)
{
	for (size_t i = 0; local.ptr && i < local.len; i++) {
		unsigned char c = (unsigned char)local.ptr[i];

		if (c < 0x80 && !(classes[c] & LOCAL_PLAIN))
			return true;
	}
	return false;
}

int jid_prep_local(struct buf *b, struct str text)
{
	size_t before = b->len;
	int r;

	if (length_ok(text.len) && is_plain(text, LOCAL_PLAIN)) {
		buf_str_append(b, text);
		return 0;
	}
	r = prep_part(PREP_USERNAME_CASE_MAPPED, b, text);
	if (r < 0)
		return r;
	if (has_excluded(str_n(buf_ptr(b) + before, b->len - before))) {
		b->len = before;
		return -EINVAL;
	}
	return 0;
}

int jid_prep_resource(struct buf *b, struct str text)
{
	if (length_ok(text.len) && is_plain(text, RESOURCE_PLAIN)) {
		buf_str_append(b, text);
		return 0;
	}
	return prep_part(PREP_OPAQUE_STRING, b, text);
}

/* RFC 7622 section 3.1: first what follows the first slash, then what precedes the first at
 * sign. Says which parts the text has; they may be empty all the same. */
struct parts {
	struct str local, domain, resource;
	bool has_local, has_resource;
};

static struct parts split(struct str text)
{
	struct parts parts = {.domain = text};
	const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
	const char *at;

	if (slash) {
		parts.has_resource = true;
		parts.domain.len = (size_t)(slash - text.ptr);
		parts.resource = str_n(slash + 1, text.len - parts.domain.len - 1);
	}
	at = parts.domain.len ? memchr(parts.domain.ptr, '@', parts.domain.len) : NULL;
	if (at) {
		size_t n = (size_t)(at - text.ptr);

		parts.has_local = true;
		parts.local = str_n(text.ptr, n);
		parts.domain = str_n(at + 1, parts.domain.len - n - 1);
	}
	return parts;
}

/* Lays the slices out over full, given how long each part is in it. */
static struct jid slices(struct str full, size_t local, size_t domain, size_t resource)
{
	size_t start = local ? local + 1 : 0;
	struct jid jid = {.full = full};

	jid.bare = str_n(full.ptr, start + domain);
	jid.domain = str_n(full.ptr + start, domain);
	if (local)
		jid.local = str_n(full.ptr, local);
	if (resource)
		jid.resource = str_n(full.ptr + start + domain + 1, resource);
	return jid;
}

int jid_split(struct str prepared, struct jid *ret)
{
	struct parts parts = split(prepared);

	if (parts.has_local && !length_ok(parts.local.len))
		return -EINVAL;
	if (!length_ok(parts.domain.len))
		return -EINVAL;
	if (parts.has_resource && !length_ok(parts.resource.len))
		return -EINVAL;
	*ret = slices(prepared, parts.local.len, parts.domain.len, parts.resource.len);
	return 0;
}

static char *put(char *at, struct str s)
{
	return s.ptr ? mempcpy(at, s.ptr, s.len) : at;
}

struct jid jid_make(struct pool *p, struct str local, struct str domain, struct str resource)
{
	size_t len = domain.len;
	char *full, *at;

	len += local.len ? local.len + 1 : 0;
	len += resource.len ? resource.len + 1 : 0;
	at = full = pool_alloc(p, len + 1);
	if (local.len) {
		at = put(at, local);
		*at++ = '@';
	}
	at = put(at, domain);
	if (resource.len) {
		*at++ = '/';
		at = put(at, resource);
	}
	*at = '\0';
	return slices(str_n(full, len), local.len, domain.len, resource.len);
}

static bool parts_are_plain(const struct parts *parts)
{
	return is_plain(parts->local, LOCAL_PLAIN) && jid_domain_is_plain(parts->domain) &&
	       is_plain(parts->resource, RESOURCE_PLAIN);
}

static int parse_slow(struct pool *p, const struct parts *parts, struct jid *ret)
{
	struct buf b = BUF_INIT;
	size_t local, domain;
	int r = 0;

	if (parts->has_local)
		r = jid_prep_local(&b, parts->local);
	local = b.len;
	if (r == 0)
		r = jid_prep_domain(&b, parts->domain);
	domain = b.len - local;
	if (r == 0 && parts->has_resource)
		r = jid_prep_resource(&b, parts->resource);
	if (r == 0) {
		const char *s = buf_ptr(&b);

		*ret = jid_make(p, str_n(s, local), str_n(s + local, domain),
				str_n(s + local + domain, b.len - local - domain));
	}
	buf_free(&b);
	return r;
}

int jid_parse(struct pool *p, struct str text, struct jid *ret)
{
	struct parts parts = split(text);
	struct jid jid;

	if (jid_split(text, &jid) < 0 || !parts_are_plain(&parts))
		return parse_slow(p, &parts, ret);
	*ret = slices(pool_str(p, text), jid.local.len, jid.domain.len, jid.resource.len);
	return 0;
}

uint64_t jid_key(struct str bare)
{
	return hash64(bare.ptr, bare.len);
}
