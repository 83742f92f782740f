/* SPDX-License-Identifier: MIT */
/* Namespaces in XML 1.0 (third edition), on the names and attributes that libexpat hands over. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unictype.h>
#include <unistr.h>
#include "base/alloc.h"
#include "xmpp/ns.h"
#include "xmpp/xml_internal.h"

#define NS_XMLNS "http://www.w3.org/2000/xmlns/"

void xml_fault(struct xml_fault *f, enum stream_error condition, const char *fmt, ...)
{
	va_list ap;

	if (f->set)
		return;
	f->set = true;
	f->condition = condition;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

/* libexpat follows the fourth edition of XML, whose appendix B makes name starts of the letters
 * and letter numbers of Unicode 2.0 with some modifiers. Six characters have changed since. That
 * the character may be in a name at all is known already. */
bool xml_name_start(const char *s)
{
	static const ucs4_t also[] = {0x2bb, 0x2bc, 0x2bd, 0x2be, 0x2bf, 0x2c0,
				      0x2c1, 0x559, 0x6e5, 0x6e6, 0x212e};
	unsigned char c = (unsigned char)*s;
	ucs4_t uc;

	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
	if (u8_mbtoucr(&uc, (const uint8_t *)s, strnlen(s, 4)) < 0)
		return false;
	for (size_t i = 0; i < sizeof(also) / sizeof(also[0]); i++)
		if (uc == also[i])
			return true;
	if (uc == 0xb83 || (uc >= 0xf88 && uc <= 0xf8b))
		return false;
	return uc_is_general_category_withtable(uc, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_Nl) &&
	       !uc_is_general_category_withtable(uc, UC_CATEGORY_MASK_Lm);
}

static bool split(const char *qname, struct str *ret_prefix, struct str *ret_local,
		  struct xml_fault *f)
{
	const char *colon = strchr(qname, ':');

	if (!colon) {
		*ret_prefix = STR_NONE;
		*ret_local = str_z(qname);
		return true;
	}
	if (colon == qname || !xml_name_start(colon + 1) || strchr(colon + 1, ':')) {
		xml_fault(f, STREAM_E_NOT_WELL_FORMED, "a name with a misplaced colon");
		return false;
	}
	*ret_prefix = str_n(qname, (size_t)(colon - qname));
	*ret_local = str_z(colon + 1);
	return true;
}

/* Many names may be looked up among many declarations: one comparison for each of these. */
static uint64_t head_of(struct str prefix)
{
	uint64_t head = 0;

	if (prefix.len)
		memcpy(&head, prefix.ptr, prefix.len < sizeof(head) ? prefix.len : sizeof(head));
	return head;
}

const struct ns_bind *ns_find(const struct ns_stack *st, struct str prefix)
{
	static const struct ns_bind xml = {{"xml", 3}, {NS_XML, sizeof(NS_XML) - 1}, 0, 0};
	uint64_t head = head_of(prefix);

	for (unsigned i = st->n; i-- > 0;)
		if (st->v[i].head == head && str_eq(st->v[i].prefix, prefix))
			return &st->v[i];
	for (unsigned i = st->nouter; i-- > 0;)
		if (str_eq(st->outer[i].prefix, prefix))
			return &st->outer[i];
	return str_eq(prefix, xml.prefix) ? &xml : NULL;
}

void ns_push(struct ns_stack *st, struct str prefix, struct str uri, unsigned depth)
{
	if (st->n == st->cap) {
		st->cap = st->cap ? st->cap * 2 : 8;
		st->v = xrealloc(st->v, st->cap * sizeof(*st->v));
	}
	st->v[st->n++] = (struct ns_bind){prefix, uri, depth, head_of(prefix)};
}

void ns_free(struct ns_stack *st)
{
	free(st->v);
	st->v = NULL;
	st->n = st->cap = 0;
}

/* Section 3: the prefixes xml and xmlns and their namespaces are reserved; section 2.2: only the
 * default namespace may be undeclared. */
static bool may_declare(struct str prefix, struct str uri, struct xml_fault *f)
{
	bool is_xml = str_eq(prefix, STR("xml"));

	if (is_xml == str_eq(uri, STR(NS_XML)) && !str_eq(uri, STR(NS_XMLNS)) &&
	    !str_eq(prefix, STR("xmlns")) && !(uri.len == 0 && prefix.len > 0))
		return true;
	xml_fault(f, STREAM_E_NOT_WELL_FORMED, "a reserved or empty namespace is declared");
	return false;
}

static bool declare(struct ns_stack *st, struct pool *p, unsigned depth, const char *name,
		    const char *value, struct xml_fault *f)
{
	struct str prefix = STR_NONE, local = STR_NONE, uri = str_z(value);

	if (name[5] == ':') {
		if (!split(name, &prefix, &local, f))
			return false;
		prefix = local;
	}
	if (!may_declare(prefix, uri, f))
		return false;
	ns_push(st, prefix.len ? pool_str(p, prefix) : STR_NONE, pool_str(p, uri), depth);
	return true;
}

static bool resolve(const struct ns_stack *st, struct str prefix, struct str *ret_ns,
		    unsigned *ret_depth, struct xml_fault *f)
{
	const struct ns_bind *b = ns_find(st, prefix);

	/* An unprefixed element without a default namespace is in none. RFC 6120 section 11.3: what is
	 * not namespace-well-formed is not well-formed. */
	if (!b && prefix.len) {
		xml_fault(f, STREAM_E_NOT_WELL_FORMED, "the prefix %.*s is not declared",
			  (int)(prefix.len > 32 ? 32 : prefix.len), prefix.ptr);
		return false;
	}
	*ret_ns = b ? b->uri : STR("");
	*ret_depth = b ? b->depth : 0;
	return true;
}

bool ns_enter(struct ns_stack *st, struct pool *p, unsigned depth, const char *name,
	      const char **atts, struct xml_tag *ret, struct xml_fault *f)
{
	struct str prefix;
	unsigned at;

	*ret = (struct xml_tag){0};
	resolve(st, STR_NONE, &ret->default_ns, &ret->default_depth, f);
	for (; *atts; atts += 2) {
		ret->natts++;
		if (ns_is_decl(atts[0])) {
			ret->ndecls++;
			ret->declares |= atts[0][5] == '\0';
			if (!declare(st, p, depth, atts[0], atts[1], f))
				return false;
		} else if (strchr(atts[0], ':')) {
			ret->nprefixed++;
		}
	}
	if (!split(name, &prefix, &ret->name, f))
		return false;
	ret->prefixed = prefix.len > 0;
	/* Both are reserved (section 3) and no element is known in them; what we rewrite could not
	 * make either its default namespace. */
	if (str_eq(prefix, STR("xml")) || str_eq(prefix, STR("xmlns"))) {
		xml_fault(f, STREAM_E_BAD_NAMESPACE_PREFIX, "an element with a reserved prefix");
		return false;
	}
	return resolve(st, prefix, &ret->ns, &at, f);
}

void ns_leave(struct ns_stack *st, unsigned depth)
{
	while (st->n > 0 && st->v[st->n - 1].depth >= depth)
		st->n--;
}

/* Section 6.3: no two attributes with the same expanded name. libexpat has compared the names as
 * written; only two different prefixes for one namespace are left. */
static bool occurs(const struct xml_attr *a, const struct xml_attr *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i].name, a->name) && str_eq(v[i].ns, a->ns))
			return true;
	return false;
}

bool ns_attrs(const struct ns_stack *st, const char **atts, struct xml_attr *v, size_t *ret_n,
	      unsigned *ret_outermost, struct xml_fault *f)
{
	unsigned depth, outermost = UINT_MAX;
	struct str prefix;
	size_t n = 0;

	for (; *atts; atts += 2) {
		if (ns_is_decl(atts[0]))
			continue;
		v[n].ns = STR_NONE;
		v[n].value = str_z(atts[1]);
		if (!split(atts[0], &prefix, &v[n].name, f))
			return false;
		if (prefix.len) {
			if (!resolve(st, prefix, &v[n].ns, &depth, f))
				return false;
			if (occurs(&v[n], v, n)) {
				xml_fault(f, STREAM_E_NOT_WELL_FORMED, "an attribute occurs twice");
				return false;
			}
			if (depth < outermost && !str_eq(prefix, STR("xml")))
				outermost = depth;
		}
		n++;
	}
	*ret_n = n;
	*ret_outermost = outermost;
	return true;
}
