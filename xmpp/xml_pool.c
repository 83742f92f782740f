/* SPDX-License-Identifier: MIT */
/* The parsers behind the readers: made, primed, counted, lent out, retired. */
#include "config.h"
#include <stdlib.h>
#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "xmpp/ns.h"
#include "xmpp/xml_internal.h"

/* libexpat keeps every name it has met until the parser is freed, so a parser goes before a peer
 * can make it grow for ever; and after many elements in any case. */
#define RETIRE_BYTES  65536
#define RETIRE_SERVED 65536
#define KEEP_IDLE     16
#define KEEP_BUFFER   16384
/* The parsers that a stream's header and a restarted stream leave behind have seen little. */
#define KEEP_BLANK    8
#define BLANK_BYTES   32768

#define USUAL_ROOT "stream:stream"

struct xml_pool {
	struct xml_parser *idle;
	unsigned nidle;
	unsigned long salt;
	struct blank {
		XML_Parser xp;
		size_t bytes;
	} blank[KEEP_BLANK]; /* of libexpat, as new */
	unsigned nblank;
};

/* The allocator hooks of libexpat carry no argument, so whose memory is counted is said here
 * around each call into the library; calls nest when a callback feeds another reader. */
static _Thread_local struct xml_parser *counting;

union prefix {
	size_t size;
	max_align_t align;
};

static void *counted_malloc(size_t size)
{
	union prefix *m = xmalloc(sizeof(*m) + size);

	m->size = size;
	counting->bytes += size;
	return m + 1;
}

static void counted_free(void *ptr)
{
	union prefix *m = ptr;

	if (!m)
		return;
	counting->bytes -= m[-1].size;
	free(m - 1);
}

static void *counted_realloc(void *ptr, size_t size)
{
	union prefix *m = ptr;

	if (!m)
		return counted_malloc(size);
	counting->bytes += size - m[-1].size;
	m = xrealloc(m - 1, sizeof(*m) + size);
	m->size = size;
	return m + 1;
}

static const XML_Memory_Handling_Suite counted = {counted_malloc, counted_realloc, counted_free};

/* Deferral would hold a complete element back until more bytes come (measured: every stanza that
 * arrives in pieces); xml_hold.c bounds what is scanned again without it. */
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
static void no_deferral(XML_Parser xp)
{
	XML_SetReparseDeferralEnabled(xp, XML_FALSE);
}
#else
static void no_deferral(XML_Parser xp)
{
}
#endif

struct xml_pool *xml_pool_new(void)
{
	struct xml_pool *p = xcalloc(1, sizeof(*p));

	p->salt = (unsigned long)random_u64();
	return p;
}

static void expat_free(const struct blank *b)
{
	struct xml_parser *outer = counting, last = {.bytes = b->bytes};

	counting = &last;
	XML_ParserFree(b->xp);
	counting = outer;
}

struct xml_pool *xml_pool_free(struct xml_pool *p)
{
	if (!p)
		return NULL;
	while (p->idle) {
		struct xml_parser *w = p->idle;

		p->idle = w->next;
		xml_parser_free(w);
	}
	while (p->nblank)
		expat_free(&p->blank[--p->nblank]);
	free(p);
	return NULL;
}

struct xml_parser *xml_parser_new(struct xml_pool *pool)
{
	struct xml_parser *outer = counting, *w = xcalloc(1, sizeof(*w));

	w->pool = pool;
	w->strings = pool_new();
	counting = w;
	if (pool->nblank) {
		w->xp = pool->blank[--pool->nblank].xp;
		w->bytes = pool->blank[pool->nblank].bytes;
	} else {
		w->xp = XML_ParserCreate_MM("UTF-8", &counted, NULL);
	}
	XML_SetHashSalt(w->xp, pool->salt);
	XML_SetUserData(w->xp, w);
	no_deferral(w->xp);
	counting = outer;
	return w;
}

/* To reset a parser costs a fifth of freeing it and making another. A reset one has forgotten all
 * names; what it still holds of memory is bounded as that of those who keep their parser. */
static bool expat_keep(struct xml_parser *w)
{
	struct xml_pool *p = w->pool;

	if (p->nblank >= KEEP_BLANK || w->bytes > BLANK_BYTES || !XML_ParserReset(w->xp, "UTF-8"))
		return false;
	p->blank[p->nblank++] = (struct blank){w->xp, w->bytes};
	return true;
}

struct xml_parser *xml_parser_free(struct xml_parser *w)
{
	struct xml_parser *outer = counting;

	if (!w)
		return NULL;
	counting = w;
	if (!expat_keep(w))
		XML_ParserFree(w->xp);
	counting = outer;
	pool_free(w->strings);
	buf_free(&w->gather);
	buf_free(&w->canon);
	buf_free(&w->held);
	ns_free(&w->ns);
	free(w->attrs);
	free(w->children);
	free(w);
	return NULL;
}

enum XML_Status xml_parser_run(struct xml_parser *w, const char *data, size_t len)
{
	struct xml_parser *outer = counting;
	enum XML_Status status;

	w->data = data;
	w->before = w->fed;
	w->fed += len;
	counting = w;
	status = XML_Parse(w->xp, data, (int)len, XML_FALSE);
	counting = outer;
	w->data = NULL;
	return status;
}

static struct xml_parser *primed(struct xml_pool *pool, struct str root)
{
	struct xml_parser *w = xml_parser_new(pool);
	enum XML_Status a, b, c;

	a = xml_parser_run(w, "<", 1);
	b = xml_parser_run(w, root.ptr, root.len);
	c = xml_parser_run(w, ">", 1);
	if (a != XML_STATUS_OK || b != XML_STATUS_OK || c != XML_STATUS_OK)
		bug("a parser cannot be primed with %.*s", STR_ARG(root));
	w->depth = 1;
	xml_element_handlers(w);
	return w;
}

struct xml_parser *xml_parser_take(struct xml_pool *pool, struct str root)
{
	struct xml_parser *w = pool->idle;

	if (!w || !str_eq(root, STR(USUAL_ROOT)))
		return primed(pool, root);
	pool->idle = w->next;
	pool->nidle--;
	w->next = NULL;
	return w;
}

static void drop_large(struct xml_parser *w)
{
	if (w->gather.cap > KEEP_BUFFER)
		buf_free(&w->gather);
	if (w->canon.cap > KEEP_BUFFER)
		buf_free(&w->canon);
	if (w->children_cap * sizeof(*w->children) > KEEP_BUFFER) {
		free(w->children);
		w->children = NULL;
		w->children_cap = 0;
	}
	if (w->attrs_cap * sizeof(*w->attrs) > KEEP_BUFFER) {
		free(w->attrs);
		w->attrs = NULL;
		w->attrs_cap = 0;
	}
	if (w->ns.cap * sizeof(*w->ns.v) > KEEP_BUFFER)
		ns_free(&w->ns);
}

void xml_parser_give(struct xml_parser *w, struct str root)
{
	struct xml_pool *pool = w->pool;

	w->reader = NULL;
	buf_clear(&w->gather);
	if (w->bytes > RETIRE_BYTES || w->served >= RETIRE_SERVED || pool->nidle >= KEEP_IDLE ||
	    !str_eq(root, STR(USUAL_ROOT))) {
		xml_parser_free(w);
		return;
	}
	drop_large(w);
	w->next = pool->idle;
	pool->idle = w;
	pool->nidle++;
}

#define BIND(p, u)                                                                                 \
	{                                                                                          \
		.prefix = {p, sizeof(p) - 1}, .uri = {u, sizeof(u) - 1}, .depth = 1                \
	}
#define USUAL(name, content)                                                                       \
	static const struct xml_scope name = {                                                     \
		.root = {USUAL_ROOT, sizeof(USUAL_ROOT) - 1},                                      \
		.n = 2,                                                                            \
		.bind = {BIND("", content), BIND("stream", NS_STREAM)},                            \
	}
USUAL(client_scope, NS_CLIENT);
USUAL(server_scope, NS_SERVER);

static const struct xml_scope *const usual[] = {&client_scope, &server_scope};

static bool scope_is(const struct xml_scope *s, const char *root, const struct ns_bind *bind,
		     unsigned n)
{
	if (n != s->n || !str_eqz(s->root, root))
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned j = 0;

		while (j < n && !str_eq(s->bind[i].prefix, bind[j].prefix))
			j++;
		if (j == n || !str_eq(s->bind[i].uri, bind[j].uri))
			return false;
	}
	return true;
}

static struct str put(char **at, struct str s)
{
	char *to = *at;

	if (s.len)
		memcpy(to, s.ptr, s.len);
	*at += s.len;
	return str_n(to, s.len);
}

const struct xml_scope *xml_scope_make(const char *root, const struct ns_bind *bind, unsigned n)
{
	size_t size = sizeof(struct xml_scope) + n * sizeof(*bind) + strlen(root);
	struct xml_scope *s;
	char *at;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (scope_is(usual[i], root, bind, n))
			return usual[i];
	for (unsigned i = 0; i < n; i++)
		size += bind[i].prefix.len + bind[i].uri.len;
	s = xmalloc(size);
	at = (char *)&s->bind[n];
	s->n = n;
	s->root = put(&at, str_z(root));
	for (unsigned i = 0; i < n; i++)
		s->bind[i] = (struct ns_bind){
			.prefix = put(&at, bind[i].prefix),
			.uri = put(&at, bind[i].uri),
			.depth = 1,
		};
	return s;
}

void xml_scope_free(const struct xml_scope *s)
{
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (s == usual[i])
			return;
	free((void *)s);
}
