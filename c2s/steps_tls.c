/* SPDX-License-Identifier: MIT */
/* STARTTLS (RFC 6120 section 5). */
#include "c2s/client.h"

static void fail(struct client *c)
{
	/* RFC 6120 section 5.4.2.2: the failure, then the end of stream and connection. */
	conn_write(c->conn, "<failure xmlns='" NS_TLS "'/>",
		   sizeof "<failure xmlns='" NS_TLS "'/>" - 1);
	c->reason = "STARTTLS failed";
	stream_close(c);
}

void step_starttls(struct client *c, const struct xml_element *e)
{
	static const char proceed[] = "<proceed xmlns='" NS_TLS "'/>";
	SSL *ssl;

	if (c->phase != PHASE_CLEAR || c->starting_tls || c->login->running || e->nchildren ||
	    e->has_text) {
		fail(c);
		return;
	}
	ssl = tls_server_new(c->c2s->tls, str_z(c->domain->name));
	if (!ssl) {
		fail(c);
		return;
	}
	conn_write(c->conn, proceed, sizeof proceed - 1);
	/* Section 5.4.3.3: what the client sent behind <starttls/> is not taken for anything. */
	xml_reader_stop(c->reader);
	stream_restart(c);
	offer_unref(c->login->offer);
	c->login->offer = NULL;
	c->starting_tls = true;
	conn_start_tls(c->conn, ssl);
}
