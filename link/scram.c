/* SPDX-License-Identifier: MIT */
/* SCRAM on libgsasl, which asks for its properties through a callback. */
#include <errno.h>
#include <gsasl.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/random.h"
#include "link/scram.h"

struct link_scram {
	Gsasl *ctx;
	Gsasl_session *session;
	bool server;
	char *name, *secret;
	char *binding; /* base64, or NULL */
};

static int property(Gsasl *ctx, Gsasl_session *session, Gsasl_property prop)
{
	struct link_scram *s = gsasl_session_hook_get(session);
	const char *value = NULL;

	switch (prop) {
	case GSASL_AUTHID:
		value = s->server ? NULL : s->name;
		break;
	case GSASL_PASSWORD:
		value = s->secret;
		break;
	case GSASL_CB_TLS_EXPORTER:
		value = s->binding;
		break;
	default:
		break;
	}
	if (!value)
		return GSASL_NO_CALLBACK;
	return gsasl_property_set(session, prop, value);
}

const char *link_scram_mechanism(bool plus)
{
	return plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
}

struct link_scram *link_scram_new(bool server, const char *name, const char *secret, struct str exporter)
{
	struct link_scram *s = xcalloc(1, sizeof(*s));
	const char *mechanism = link_scram_mechanism(exporter.len > 0);
	int r;

	s->server = server;
	s->name = xstrdup(name);
	s->secret = xstrdup(secret);
	if (exporter.len) {
		struct buf b = BUF_INIT;

		base64_encode(&b, exporter.ptr, exporter.len);
		s->binding = buf_take(&b);
	}
	/* Fails for want of memory alone, or where the library was built without the mechanism:
	 * each step then fails. */
	if (gsasl_init(&s->ctx) != GSASL_OK)
		return s;
	gsasl_callback_set(s->ctx, property);
	r = server ? gsasl_server_start(s->ctx, mechanism, &s->session)
		   : gsasl_client_start(s->ctx, mechanism, &s->session);
	if (r != GSASL_OK)
		s->session = NULL;
	else
		gsasl_session_hook_set(s->session, s);
	return s;
}

struct link_scram *link_scram_free(struct link_scram *s)
{
	if (!s)
		return NULL;
	if (s->session)
		gsasl_finish(s->session);
	if (s->ctx)
		gsasl_done(s->ctx);
	wipe(s->secret, strlen(s->secret));
	free(s->secret);
	free(s->name);
	free(s->binding);
	free(s);
	return NULL;
}

int link_scram_step(struct link_scram *s, struct str in, struct buf *out)
{
	char *answer = NULL;
	size_t len = 0;
	int r;

	if (!s->session)
		return -EACCES;
	r = gsasl_step(s->session, in.len ? in.ptr : "", in.len, &answer, &len);
	if (r != GSASL_OK && r != GSASL_NEEDS_MORE)
		return -EACCES;
	if (r == GSASL_OK && s->server) {
		const char *claimed = gsasl_property_fast(s->session, GSASL_AUTHID);

		/* The name in the proof is the one that the link was opened with. */
		if (!claimed || strcmp(claimed, s->name) != 0) {
			gsasl_free(answer);
			return -EACCES;
		}
	}
	buf_append(out, answer, len);
	gsasl_free(answer);
	return r == GSASL_OK;
}
