/* SPDX-License-Identifier: MIT */
/* Finding the certificate of a domain of ours. */
#include "link/host_cert.h"

#include <errno.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "link/hosts.h"
#include "xmpp/jid.h"

static int add(struct tls_store *s, const char *domain, const char *cert, const char *key,
	       char **ret_error)
{
	struct buf ascii = BUF_INIT;
	int r = tls_store_add(s, domain, cert, key, ret_error);

	/* An address literal has no A-labels. */
	if (r == 0 && jid_domain_ascii(&ascii, str_z(domain)) == 0 &&
	    !str_eqz(buf_str(&ascii), domain)) {
		buf_putc(&ascii, '\0');
		r = tls_store_add(s, buf_ptr(&ascii), cert, key, ret_error);
	}
	buf_free(&ascii);
	return r;
}

int host_cert_add(struct tls_store *s, const struct app *app, const char *domain, char **ret_error)
{
	const struct common_config *common = app->common;
	struct host_config h = {0};
	const char *cert, *key;
	int r = -ENODATA;

	host_config_fill(app->conf, domain, &h);
	cert = h.certificate && *h.certificate ? h.certificate : common->certificate;
	key = h.key && *h.key ? h.key : common->key;
	if (!cert || !*cert || !key || !*key)
		*ret_error = xasprintf("no certificate for %s: set certificate and key", domain);
	else
		r = add(s, domain, cert, key, ret_error);
	options_free(host_options, &h);
	return r;
}

static void failed(void *arg, const char *error)
{
	(void)arg;
	log_error("certificate not loaded, the one before stays", LF_S("reason", error));
}

void host_cert_again(struct tls_store *s, const struct app *app, const char *domain, bool needed)
{
	char *error = NULL;
	int r = host_cert_add(s, app, domain, &error);

	if (r < 0 && (needed || r != -ENODATA))
		failed(NULL, error);
	free(error);
}

void host_certs_watch(struct tls_store *s)
{
	int n = tls_store_reload(s, failed, NULL);

	if (n > 0)
		log_info("certificates loaded", LF_I("count", n));
}
