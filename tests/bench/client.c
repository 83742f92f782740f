/* SPDX-License-Identifier: MIT */
/*
 * A client connection of the load generator, for many thousands in one thread.
 *
 * XML is written from templates and read by counting depths only, so that the generator's own cost
 * is TLS and system calls. The server's certificate is not verified: this measures, it does not test.
 */
#include "tests/bench/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { READ_SIZE = 65536, EVENTS = 64, TELL_ERRORS = 10 };

struct bench bench;

/* --- the end --------------------------------------------------------------------------------- */

static void client_drop(struct client *c)
{
	if (c->step == STEP_DEAD)
		return;
	c->step = STEP_DEAD;
	SSL_free(c->ssl);
	c->ssl = NULL;
	ERR_clear_error();
	close(c->fd);
	free(c->first_bare);
	c->first_bare = NULL;
	buf_free(&c->in);
	buf_free(&c->out);
	if (bench.gone)
		bench.gone(c);
}

void client_fail(struct client *c, const char *why, const char *stanza)
{
	if (c->step == STEP_DEAD)
		return;
	if (bench.errors++ < TELL_ERRORS)
		fprintf(stderr, "load: %s%d, step %d: %s %.200s\n", bench.prefix, c->user, c->step, why,
			stanza ? stanza : "");
	client_drop(c);
}

static void client_lost(struct client *c)
{
	if (c->step == STEP_CLOSING)
		client_drop(c);
	else
		client_fail(c, "connection lost", NULL);
}

/* --- writing --------------------------------------------------------------------------------- */

static void client_poll(struct client *c, bool write, int op)
{
	struct epoll_event e = {.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};

	if (op == EPOLL_CTL_MOD && c->want_write == write)
		return;
	c->want_write = write;
	epoll_ctl(bench.poll, op, c->fd, &e);
}

static void client_flush(struct client *c)
{
	bool again = false;

	while (c->out.len && !again && c->step != STEP_DEAD) {
		int n = c->ssl ? SSL_write(c->ssl, buf_ptr(&c->out), (int)c->out.len)
			       : (int)write(c->fd, buf_ptr(&c->out), c->out.len);

		if (n > 0)
			buf_consume(&c->out, (size_t)n);
		else if (c->ssl ? SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_WRITE : errno == EAGAIN)
			again = true;
		else
			client_lost(c);
	}
	if (c->step != STEP_DEAD)
		client_poll(c, again, EPOLL_CTL_MOD);
}

/* Everything of a turn goes with one call. */
void client_send(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&c->out, fmt, ap);
	va_end(ap);
	if (c->queued)
		return;
	c->queued = true;
	c->next = bench.to_write;
	bench.to_write = c;
}

static void stream_open(struct client *c)
{
	c->in_stream = false;
	c->step = STEP_OPEN;
	client_send(c,
		    "<?xml version='1.0'?><stream:stream to='%s' version='1.0' xml:lang='en' "
		    "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
		    c->home->domain);
}

void client_close(struct client *c)
{
	if (c->step == STEP_DEAD || c->step == STEP_CLOSING)
		return;
	client_send(c, "</stream:stream>");
	c->step = STEP_CLOSING;
}

/* --- login ----------------------------------------------------------------------------------- */

static void tls_go(struct client *c)
{
	int r;

	if (!c->ssl) {
		c->ssl = SSL_new(bench.tls);
		SSL_set_fd(c->ssl, c->fd);
		SSL_set_tlsext_host_name(c->ssl, c->home->domain);
		SSL_set_connect_state(c->ssl);
		c->step = STEP_TLS;
	}
	r = SSL_do_handshake(c->ssl);
	if (r == 1)
		stream_open(c);
	else if (SSL_get_error(c->ssl, r) != SSL_ERROR_WANT_READ)
		client_fail(c, "TLS handshake", NULL);
}

char *attribute(char *stanza, const char *name)
{
	char *end = strchr(stanza, '>'), *p = strstr(stanza, name);

	if (!p || !end || p > end)
		return NULL;
	p += strlen(name);
	end = strchr(p + 1, *p);
	if (!end)
		return NULL;
	*end = 0;
	return p + 1;
}

static const char *text_of(char *stanza)
{
	char *p = strchr(stanza, '>'), *end = p ? strchr(p, '<') : NULL;

	if (!end)
		return "";
	*end = 0;
	return p + 1;
}

static void on_features(struct client *c, char *s)
{
	if (!c->ssl) {
		client_send(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		c->step = STEP_PROCEED;
	} else if (!c->authenticated) {
		c->step = STEP_AUTH;
		sasl_start(c);
	} else {
		client_send(c, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
			       "<resource>load</resource></bind></iq>");
		c->step = STEP_BIND;
	}
}

static void on_auth(struct client *c, char *s)
{
	bool challenge = strncmp(s, "<challenge", 10) == 0;

	if (!challenge && strncmp(s, "<success", 8) != 0) {
		client_fail(c, "authentication", s);
	} else if (!(challenge ? sasl_challenge : sasl_success)(c, text_of(s))) {
		client_fail(c, "SASL", s);
	} else if (!challenge) {
		c->authenticated = true;
		stream_open(c);
	}
}

static void on_bind(struct client *c, char *s)
{
	if (!strstr(s, "<jid>")) {
		client_fail(c, "bind", s);
		return;
	}
	client_send(c,
		    "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>"
		    "<iq type='get' id='p' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>",
		    c->home->domain);
	c->step = STEP_SYNC;
}

static void on_sync(struct client *c, char *s)
{
	char *id = strncmp(s, "<iq", 3) == 0 ? attribute(s, " id=") : NULL;

	if (!id || strcmp(id, "p") != 0)
		return;
	c->step = STEP_READY;
	if (bench.ready)
		bench.ready(c);
}

static void on_element(struct client *c, char *s)
{
	if (strncmp(s, "<stream:error", 13) == 0)
		client_fail(c, "stream error", s);
	else if (c->step == STEP_OPEN && strncmp(s, "<stream:features", 16) == 0)
		on_features(c, s);
	else if (c->step == STEP_PROCEED && strncmp(s, "<proceed", 8) == 0)
		tls_go(c);
	else if (c->step == STEP_AUTH)
		on_auth(c, s);
	else if (c->step == STEP_BIND && strncmp(s, "<iq", 3) == 0)
		on_bind(c, s);
	else if (c->step == STEP_SYNC)
		on_sync(c, s);
	else if (c->step == STEP_READY && strncmp(s, "<message", 8) == 0)
		bench.message(c, s);
	else if (c->step == STEP_PROCEED)
		client_fail(c, "no TLS", s);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Length of the first complete element in p, or of the stream's start or end tag; 0: more is needed. */
static size_t element_end(const char *p, size_t n, bool in_stream)
{
	int depth = 0;
	const char *at = p, *end = p + n;

	while ((at = memchr(at, '<', (size_t)(end - at)))) {
		const char *start = at;
		char quote = 0;

		for (at++; at < end && (quote || *at != '>'); at++) {
			if (quote && *at == quote)
				quote = 0;
			else if (!quote && (*at == '\'' || *at == '"'))
				quote = *at;
		}
		if (at == end)
			return 0;
		at++;
		if (start[1] == '?')
			continue;
		if (start[1] == '/')
			depth--;
		else if (at[-2] != '/')
			depth++;
		if (depth <= 0 || !in_stream)
			return (size_t)(at - p);
	}
	return 0;
}

static void client_parse(struct client *c)
{
	size_t done = 0, n;

	while (c->step != STEP_DEAD &&
	       (n = element_end(buf_ptr(&c->in) + done, c->in.len - done, c->in_stream))) {
		char *s = buf_ptr(&c->in) + done, *end = s + n, saved = *end;

		done += n;
		while (*s != '<')
			s++;
		if (s[1] == '/') {
			client_lost(c);
		} else if (!c->in_stream) {
			c->in_stream = true;
		} else {
			*end = 0;
			on_element(c, s);
			if (c->step != STEP_DEAD)
				*end = saved;
		}
	}
	if (c->step != STEP_DEAD)
		buf_consume(&c->in, done);
}

static void client_read(struct client *c)
{
	enum step before;

	do {
		/* One byte more: parsing ends each element with a NUL. */
		char *p = buf_reserve(&c->in, READ_SIZE + 1);
		int n = c->ssl ? SSL_read(c->ssl, p, READ_SIZE) : (int)read(c->fd, p, READ_SIZE);

		before = c->step;
		if (n > 0) {
			buf_added(&c->in, (size_t)n);
			client_parse(c);
		} else if (c->ssl ? SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ : errno != EAGAIN) {
			client_lost(c);
		}
		if (!c->in.len)
			buf_free(&c->in);
	} while (c->step != STEP_DEAD && c->step == before && c->ssl && SSL_has_pending(c->ssl));
}

void client_open(struct client *c)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->home->port)};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	c->authenticated = c->in_stream = false;
	c->step = STEP_CONNECT;
	if (c->fd < 0 || inet_pton(AF_INET, c->home->host, &sa.sin_addr) != 1) {
		client_fail(c, "socket", strerror(errno));
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno != EINPROGRESS)
		client_fail(c, "connect", strerror(errno));
	else
		client_poll(c, true, EPOLL_CTL_ADD);
}

static void client_event(struct client *c, uint32_t events)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (c->step == STEP_CONNECT) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (err)
			client_fail(c, "connect", strerror(err));
		else
			stream_open(c);
	} else if (c->step == STEP_TLS) {
		tls_go(c);
	} else {
		if (events & EPOLLOUT)
			client_flush(c);
		if (c->step != STEP_DEAD && events & ~(uint32_t)EPOLLOUT)
			client_read(c);
	}
}

void bench_turn(int ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(bench.poll, events, EVENTS, bench.to_write ? 0 : ms);

	for (int i = 0; i < n; i++)
		client_event(events[i].data.ptr, events[i].events);
	while (bench.to_write) {
		struct client *c = bench.to_write;

		bench.to_write = c->next;
		c->queued = false;
		client_flush(c);
	}
}
