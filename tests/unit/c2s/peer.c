/* SPDX-License-Identifier: MIT */
/* A client at the other end of a socket pair, in the clear or with TLS. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/unit/c2s/bed.h"

struct peer {
	struct bed *bed;
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	struct buf in;
	bool ended, reads;
};

struct peer *peer_new(struct bed *b, bool direct_tls)
{
	struct peer *p = xcalloc(1, sizeof *p);
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	p->bed = b;
	p->fd = fds[0];
	p->reads = true;
	client_accept(bed_c2s(b), fds[1], direct_tls);
	return p;
}

struct peer *peer_connect(struct bed *b, unsigned short port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct peer *p = xcalloc(1, sizeof *p);

	p->bed = b;
	p->reads = true;
	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(p->fd, (struct sockaddr *)&in, sizeof in), 0);
	ck_assert_int_eq(fcntl(p->fd, F_SETFL, O_NONBLOCK), 0);
	bed_turn(b);
	return p;
}

struct peer *peer_free(struct peer *p)
{
	struct bed *b = p->bed;

	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	close(p->fd);
	buf_free(&p->in);
	free(p);
	bed_turn(b);
	return NULL;
}

void peer_read(struct peer *p, bool on)
{
	p->reads = on;
}

static void pump(struct peer *p)
{
	char data[16384];
	ssize_t n;

	bed_turn(p->bed);
	while (p->reads && !p->ended) {
		n = p->ssl ? SSL_read(p->ssl, data, sizeof data) : read(p->fd, data, sizeof data);
		if (n > 0) {
			buf_append(&p->in, data, (size_t)n);
		} else {
			if (p->ssl ? SSL_get_error(p->ssl, (int)n) == SSL_ERROR_ZERO_RETURN
				   : n == 0)
				p->ended = true;
			break;
		}
	}
}

void peer_send_n(struct peer *p, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t w = p->ssl ? SSL_write(p->ssl, text, (int)n)
				   : send(p->fd, text, n, MSG_NOSIGNAL);

		if (w > 0) {
			text += w;
			n -= (size_t)w;
		} else if (!p->ssl && errno != EAGAIN) {
			return; /* the server has closed */
		}
		bed_turn(p->bed);
	}
}

void peer_send(struct peer *p, const char *text)
{
	peer_send_n(p, text, strlen(text));
}

void peer_expect(struct peer *p, const char *text)
{
	for (int i = 0; i < 150; i++) {
		char *at =
			p->in.len ? memmem(buf_ptr(&p->in), p->in.len, text, strlen(text)) : NULL;

		if (at) {
			buf_consume(&p->in, (size_t)(at - buf_ptr(&p->in)) + strlen(text));
			return;
		}
		pump(p);
	}
	ck_abort_msg("\"%s\" did not come, but \"%.*s\"", text, STR_ARG(buf_str(&p->in)));
}

const char *peer_heard(struct peer *p)
{
	pump(p);
	pump(p);
	*buf_reserve(&p->in, 1) = '\0';
	return buf_ptr(&p->in);
}

void peer_clear(struct peer *p)
{
	pump(p);
	buf_clear(&p->in);
}

void peer_expect_end(struct peer *p)
{
	for (int i = 0; i < 150 && !p->ended; i++)
		pump(p);
	ck_assert_msg(p->ended, "the connection was not closed");
}

void peer_certificate(struct peer *p, const char *cert, const char *key)
{
	p->ctx = SSL_CTX_new(TLS_client_method());
	ck_assert_int_eq(SSL_CTX_use_certificate_file(p->ctx, cert, SSL_FILETYPE_PEM), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(p->ctx, key, SSL_FILETYPE_PEM), 1);
}

void peer_start_tls(struct peer *p, const char *sni, const char *alpn)
{
	if (!p->ctx)
		p->ctx = SSL_CTX_new(TLS_client_method());
	p->ssl = SSL_new(p->ctx);
	SSL_set_fd(p->ssl, p->fd);
	if (sni)
		ck_assert_int_eq((int)SSL_set_tlsext_host_name(p->ssl, sni), 1);
	if (alpn)
		SSL_set_alpn_protos(p->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
	SSL_set_connect_state(p->ssl);
}

void peer_expect_tls(struct peer *p)
{
	for (int i = 0; i < 300; i++) {
		if (SSL_do_handshake(p->ssl) == 1)
			return;
		bed_turn(p->bed);
	}
	ck_abort_msg("no TLS");
}

/* --- the usual way in -------------------------------------------------------------------- */

void bed_answer_offer(struct bed *b)
{
	struct str mechanisms[] = {STR("SCRAM-SHA-256"), STR("PLAIN")};
	struct str bindings[] = {STR("tls-server-end-point")};
	struct msg_auth_offer o = {
		.mechanisms = mechanisms, .nmechanisms = 2, .bindings = bindings, .nbindings = 1};

	while (bed_count(b, MSG_AUTH_MECHANISMS))
		bed_reply(b, bed_sent(b, MSG_AUTH_MECHANISMS), 0, MSG_AUTH_OFFER, &o);
}

void peer_authenticate(struct peer *p)
{
	peer_authenticate_expect(p, "</stream:features>");
}

void peer_authenticate_expect(struct peer *p, const char *text)
{
	struct msg_auth_result r = {
		.state = 1, .account = STR("alice@example.com"), .ticket = STR("ticket")};

	peer_send(p, HEADER("example.com"));
	bed_answer_offer(p->bed);
	peer_expect(p, "</stream:features>");
	peer_send(
		p,
		"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>");
	bed_reply(p->bed, bed_sent(p->bed, MSG_AUTH_START), 0, MSG_AUTH_RESULT, &r);
	peer_expect(p, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>");
	peer_send(p, HEADER("example.com"));
	peer_expect(p, text);
}

struct session *peer_login(struct peer *p, uint64_t sid)
{
	struct msg_session_opened o = {
		.sid = sid, .jid = STR("alice@example.com/r"), .record = STR("record")};

	peer_authenticate(p);
	peer_send(p, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		     "<resource>r</resource></bind></iq>");
	bed_reply(p->bed, bed_sent(p->bed, MSG_SESSION_OPEN), 0, MSG_SESSION_OPENED, &o);
	peer_expect(p, "<jid>alice@example.com/r</jid></bind></iq>");
	bed_forget(p->bed);
	return session_find(bed_c2s(p->bed), sid);
}
