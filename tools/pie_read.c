/* SPDX-License-Identifier: MIT */
/* The levels of a file of accounts: server-data, host, user, and what is in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "tools/pie_internal.h"
#include "xmpp/ns.h"

enum { CHUNK = 65536, PIECE_ITEMS = 50, INCLUDES_MAX = 4, DEPTH_MAX = 100 };

/* --- notes ----------------------------------------------------------------------------------- */

static char *where(const struct pie *p)
{
	return xasprintf("%s:%lu", p->source->name,
			 (unsigned long)XML_GetCurrentLineNumber(p->source->parser));
}

static void note(struct pie *p, const char *text)
{
	char *place = where(p);

	p->ops->note(p->arg, place, text);
	free(place);
}

static void fail(struct pie *p, const char *text)
{
	if (!p->error) {
		char *place = where(p);

		p->error = xasprintf("%s: %s", place, text);
		free(place);
	}
	XML_StopParser(p->source->parser, XML_FALSE);
}

/* --- pieces ---------------------------------------------------------------------------------- */

/* Children of <user/> that may hold any number of things. */
static bool is_container(const struct pie_name *n)
{
	static const struct {
		const char *name, *ns;
	} all[] = {
		{"query", NS_ROSTER},
		{"query", NS_PRIVATE},
		{"offline-messages", NS_PIE},
		{"archive", NS_PIE_MAM},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (str_eqz(n->local, all[i].name) && str_eqz(n->ns, all[i].ns))
			return true;
	return false;
}

static void hand_out(struct pie *p, struct str xml)
{
	if (xml.len <= p->limits->most)
		p->ops->child(p->arg, xml);
	else
		note(p, "an element is larger than a frame between processes may be (max_frame)");
}

/* What has gathered of a container, closed. */
static void piece_end(struct pie *p)
{
	if (!p->items)
		return;
	buf_str_append(&p->piece, buf_str(&p->close));
	hand_out(p, buf_str(&p->piece));
	buf_clear(&p->piece);
	buf_str_append(&p->piece, buf_str(&p->open));
	p->items = 0;
}

static void item_end(struct pie *p)
{
	if (p->xml.len > p->limits->most - p->open.len - p->close.len)
		note(p, "an element is larger than a frame between processes may be (max_frame)");
	else if (p->piece.len + p->xml.len + p->close.len > p->limits->most)
		piece_end(p);
	if (p->xml.len <= p->limits->most - p->open.len - p->close.len) {
		buf_str_append(&p->piece, buf_str(&p->xml));
		p->items++;
	}
	buf_clear(&p->xml);
	/* So few that a repetition finds all of them among the newest of a log. */
	if (p->items == PIECE_ITEMS || p->piece.len >= p->limits->piece)
		piece_end(p);
}

/* --- levels ---------------------------------------------------------------------------------- */

static struct str attr(const char **atts, const char *name)
{
	for (; *atts; atts += 2)
		if (strcmp(atts[0], name) == 0)
			return str_z(atts[1]);
	return STR_NONE;
}

static void skip(struct pie *p, const struct pie_name *n)
{
	char *text = xasprintf("ignored: <%.*s xmlns='%.*s'/>", STR_ARG(n->local), STR_ARG(n->ns));

	note(p, text);
	free(text);
	p->skipped = 1;
}

static bool named(const struct pie_name *n, const char *local)
{
	return str_eqz(n->local, local) && str_eqz(n->ns, NS_PIE);
}

/* A file may begin at a host, too. */
static void begin_file(struct pie *p, const struct pie_name *n, const char **atts)
{
	if (named(n, "server-data")) {
		p->level[p->depth++] = LEVEL_SERVER;
		return;
	}
	if (named(n, "host")) {
		pie_begin_host(p, atts);
		return;
	}
	fail(p, "not a file of accounts (XEP-0227): <server-data xmlns='" NS_PIE "'> is missing");
}

void pie_begin_host(struct pie *p, const char **atts)
{
	buf_clear(&p->host);
	buf_str_append(&p->host, attr(atts, "jid"));
	p->level[p->depth++] = LEVEL_HOST;
}

static void begin_user(struct pie *p, const char **atts)
{
	p->ops->user(p->arg, buf_str(&p->host), attr(atts, "name"), attr(atts, "password"));
	p->level[p->depth++] = LEVEL_USER;
}

static void begin_child(struct pie *p, const struct pie_name *n, const char **atts)
{
	if (is_container(n)) {
		pie_canon_start(&p->canon, &p->open, n, atts);
		buf_putc(&p->open, '>');
		buf_printf(&p->close, "</%.*s>", STR_ARG(n->local));
		p->canon.open = false;
		buf_str_append(&p->piece, buf_str(&p->open));
		p->level[p->depth++] = LEVEL_CONTAINER;
		return;
	}
	pie_canon_start(&p->canon, &p->xml, n, atts);
	p->level[p->depth++] = LEVEL_CHILD;
}

static void on_start(void *arg, const char *name, const char **atts)
{
	struct pie *p = arg;
	struct pie_name n = pie_name(name);
	enum pie_level level = p->depth ? p->level[p->depth - 1] : LEVEL_NONE;

	if (p->skipped) {
		p->skipped++;
	} else if (p->depth == DEPTH_MAX) {
		fail(p, "elements are nested too deep");
	} else if (level <= LEVEL_USER && level != LEVEL_NONE && str_eqz(n.ns, NS_XINCLUDE) &&
		   str_eqz(n.local, "include")) {
		pie_include(p, attr(atts, "href"),
			    attr(atts, "parse").ptr || attr(atts, "xpointer").ptr);
		p->skipped = 1;
	} else if (level == LEVEL_NONE) {
		begin_file(p, &n, atts);
	} else if (level == LEVEL_SERVER && named(&n, "host")) {
		pie_begin_host(p, atts);
	} else if (level == LEVEL_HOST && named(&n, "user")) {
		begin_user(p, atts);
	} else if (level < LEVEL_USER) {
		skip(p, &n);
	} else if (level == LEVEL_USER) {
		begin_child(p, &n, atts);
	} else {
		pie_canon_start(&p->canon, &p->xml, &n, atts);
		p->level[p->depth++] = level == LEVEL_CONTAINER ? LEVEL_ITEM : LEVEL_INSIDE;
	}
}

static void child_end(struct pie *p)
{
	hand_out(p, buf_str(&p->xml));
	buf_clear(&p->xml);
}

static void container_end(struct pie *p)
{
	piece_end(p);
	pie_canon_leave(&p->canon);
	buf_clear(&p->piece);
	buf_clear(&p->open);
	buf_clear(&p->close);
}

static void on_end(void *arg, const char *name)
{
	struct pie *p = arg;
	struct pie_name n = pie_name(name);
	enum pie_level level;

	if (p->skipped) {
		p->skipped--;
		return;
	}
	if (!p->depth)
		return;
	level = p->level[--p->depth];
	if (level >= LEVEL_CHILD && level != LEVEL_CONTAINER)
		pie_canon_end(&p->canon, &p->xml, &n);
	if (level == LEVEL_USER)
		p->ops->user_end(p->arg);
	else if (level == LEVEL_CHILD)
		child_end(p);
	else if (level == LEVEL_CONTAINER)
		container_end(p);
	else if (level == LEVEL_ITEM)
		item_end(p);
}

static void on_text(void *arg, const char *s, int len)
{
	struct pie *p = arg;
	enum pie_level level = p->depth ? p->level[p->depth - 1] : LEVEL_NONE;

	/* Between the elements that we know is white space, for the eye. */
	if (p->skipped || level < LEVEL_CHILD || level == LEVEL_CONTAINER)
		return;
	/* Longer than can be used, it only has to be known as such. */
	if (p->xml.len <= p->limits->most)
		pie_canon_text(&p->canon, &p->xml, str_n(s, (size_t)len));
}

static void on_doctype(void *arg, const char *name, const char *system, const char *public,
		       int subset)
{
	fail(arg, "a document type declaration is not accepted");
}

/* --- files ----------------------------------------------------------------------------------- */

static void feed(struct pie *p, FILE *f)
{
	char *bytes = xmalloc(CHUNK);
	XML_Parser x = p->source->parser;
	bool last = false;

	while (!last && !p->error) {
		size_t n = fread(bytes, 1, CHUNK, f);

		last = n < CHUNK;
		if (last && ferror(f)) {
			p->error = xasprintf("%s: %s", p->source->name, strerror(errno));
		} else if (XML_Parse(x, bytes, (int)n, last) == XML_STATUS_ERROR && !p->error) {
			fail(p, XML_ErrorString(XML_GetErrorCode(x)));
		}
	}
	free(bytes);
}

void pie_file(struct pie *p, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	struct pie_source s = {.name = standard ? "standard input" : path, .outer = p->source};
	FILE *f = standard ? stdin : fopen(path, "re");

	if (!f) {
		if (!p->error)
			p->error = xasprintf("%s: %s", path, strerror(errno));
		return;
	}
	s.parser = XML_ParserCreateNS(NULL, PIE_SEPARATOR);
	if (!s.parser)
		abort(); /* out of memory */
	XML_SetReturnNSTriplet(s.parser, 1);
	XML_SetUserData(s.parser, p);
	XML_SetElementHandler(s.parser, on_start, on_end);
	XML_SetCharacterDataHandler(s.parser, on_text);
	XML_SetStartDoctypeDeclHandler(s.parser, on_doctype);
	p->source = &s;
	feed(p, f);
	p->source = s.outer;
	XML_ParserFree(s.parser);
	if (!standard)
		fclose(f);
}

/* A name below the folder of the file that includes it, percent-decoded. NULL: it is none. */
static char *included_path(const struct pie *p, struct str href)
{
	const char *slash = strrchr(p->source->name, '/');
	struct buf b = BUF_INIT;
	struct str rest, part;
	bool good = href.len > 0 && href.ptr[0] != '/' && str_find(href, ':', 0) < 0;
	char *path;

	for (size_t i = 0; i < href.len && good; i++) {
		unsigned value = 0;

		if (href.ptr[i] != '%') {
			buf_putc(&b, href.ptr[i]);
			continue;
		}
		good = i + 2 < href.len && sscanf(href.ptr + i + 1, "%2x", &value) == 1 && value;
		buf_putc(&b, (char)value);
		i += 2;
	}
	rest = buf_str(&b);
	while (good && str_split(&rest, '/', &part))
		good = !str_eqz(part, "..");
	buf_putc(&b, '\0');
	slash = slash ? slash + 1 : p->source->name;
	path = good ? xasprintf("%.*s%s", (int)(slash - p->source->name), p->source->name,
				buf_ptr(&b))
		    : NULL;
	buf_free(&b);
	return path;
}

void pie_include(struct pie *p, struct str href, bool unusual)
{
	char *path = unusual ? NULL : included_path(p, href);
	unsigned n = 0;

	for (const struct pie_source *s = p->source; s; s = s->outer)
		n++;
	if (!path || n > INCLUDES_MAX)
		fail(p, "this <include/> is not followed: it must name a file below this one's "
			"folder");
	else
		pie_file(p, path);
	free(path);
	if (p->error)
		XML_StopParser(p->source->parser, XML_FALSE);
}

bool pie_read(const char *path, const struct pie_limits *limits, const struct pie_ops *ops,
	      void *arg, char **ret_error)
{
	struct pie p = {.limits = limits, .ops = ops, .arg = arg};

	pie_file(&p, path);
	pie_canon_free(&p.canon);
	buf_free(&p.host);
	buf_wipe(&p.xml);
	buf_free(&p.piece);
	buf_free(&p.open);
	buf_free(&p.close);
	*ret_error = p.error;
	return !p.error;
}
