/* SPDX-License-Identifier: MIT */
/* What streams of every kind write and read alike (RFC 6120 section 4, XEP-0198). */
#include "xmpp/stream.h"
#include <inttypes.h>
#include "xmpp/ns.h"
#include "xmpp/xml_write.h"

static struct str attr(const struct xml_attr *a, size_t n, const char *ns, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eqz(a[i].ns, ns) && str_eqz(a[i].name, name))
			return a[i].value.ptr ? a[i].value : STR("");
	return STR_NONE;
}

struct str element_attr(const struct xml_element *e, const char *name)
{
	return attr(e->attrs, e->nattrs, "", name);
}

struct str header_attr(const struct xml_header *h, const char *ns, const char *name)
{
	return attr(h->attrs, h->nattrs, ns, name);
}

bool attr_true(struct str value)
{
	return str_eqz(value, "true") || str_eqz(value, "1");
}

/* --- the start tag ----------------------------------------------------------------------- */

/* With the features that follow a header in the same buffer. */
enum { USUAL_HEAD = 1024 };

static void write_attr(struct buf *b, const char *name, struct str value)
{
	if (!value.len)
		return;
	buf_putc(b, ' ');
	buf_append(b, name, strlen(name));
	buf_lit(b, "='");
	xml_escape(b, value);
	buf_putc(b, '\'');
}

void stream_head_write(struct buf *b, const struct stream_head *h)
{
	(void)buf_reserve(b, USUAL_HEAD);
	buf_lit(b, "<?xml version='1.0'?><stream:stream xmlns='");
	buf_append(b, h->content_ns, strlen(h->content_ns));
	buf_lit(b, "' xmlns:stream='" NS_STREAM "'");
	if (h->dialback)
		buf_lit(b, " xmlns:db='" NS_DIALBACK "'");
	write_attr(b, "id", h->id);
	write_attr(b, "from", h->from);
	write_attr(b, "to", h->to);
	write_attr(b, "version", h->version);
	buf_lit(b, " xml:lang='en'>");
}

bool stream_version(struct str v, unsigned long long *ret_major, unsigned long long *ret_minor)
{
	struct str major;

	/* Both parts are numbers of their own, leading zeros count for nothing. */
	return str_split(&v, '.', &major) && str_u64(major, ret_major) && str_u64(v, ret_minor);
}

bool stream_version_good(struct str v)
{
	unsigned long long major, minor;

	return stream_version(v, &major, &minor) && major >= 1;
}

/* --- errors ------------------------------------------------------------------------------ */

void stream_error_write(struct buf *b, enum stream_error e, struct str content, const char *text,
			struct str app)
{
	const char *name = stream_error_name(e);

	buf_printf(b, "<stream:error><%s xmlns='" NS_STREAMS "'", name);
	if (content.len) {
		buf_putc(b, '>');
		xml_escape(b, content);
		buf_printf(b, "</%s>", name);
	} else {
		buf_lit(b, "/>");
	}
	if (text && *text) {
		buf_lit(b, "<text xmlns='" NS_STREAMS "' xml:lang='en'>");
		xml_escape(b, str_z(text));
		buf_lit(b, "</text>");
	}
	buf_str_append(b, app);
	buf_lit(b, "</stream:error></stream:stream>");
}

/* --- XEP-0198 ---------------------------------------------------------------------------- */

bool sm_number(struct str text, uint32_t *ret)
{
	unsigned long long v;

	if (!str_u64(text, &v) || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

void sm_too_high_write(struct buf *b, uint32_t h, const uint32_t *sent)
{
	buf_printf(b, "<handled-count-too-high xmlns='" NS_SM "' h='%" PRIu32 "'", h);
	if (sent)
		buf_printf(b, " send-count='%" PRIu32 "'", *sent);
	buf_lit(b, "/>");
}
