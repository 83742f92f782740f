/* SPDX-License-Identifier: MIT */
/* Sections host: titles are compared as domains are, not as they are written. */
#include "link/hosts.h"

#include <string.h>
#include "base/alloc.h"
#include "xmpp/jid.h"

static bool same(const char *title, const char *domain)
{
	struct buf b = BUF_INIT;
	bool is = jid_prep_domain(&b, str_z(title)) == 0 && str_eqz(buf_str(&b), domain);

	buf_free(&b);
	return is;
}

const char *hosts_own(const struct common_config *common, const char *text)
{
	struct buf b = BUF_INIT;
	char **d = common->domains;
	bool good = jid_prep_domain(&b, str_z(text)) == 0;

	while (good && *d && !str_eqz(buf_str(&b), *d))
		d++;
	buf_free(&b);
	return good ? *d : NULL;
}

/* Most are written as they are compared. NULL: there is none. */
static const char *title_of(const char *const *titles, const char *domain)
{
	for (const char *const *z = titles; *z; z++)
		if (strcmp(*z, domain) == 0)
			return *z;
	for (const char *const *z = titles; *z; z++)
		if (same(*z, domain))
			return *z;
	return NULL;
}

void host_config_fill(const struct conf *c, const char *domain, struct host_config *ret)
{
	const char *title = title_of(conf_titles(c, "host"), domain);

	conf_fill_titled(c, "host", title ? title : domain, host_options, ret);
}

void hosts_unserved(const struct conf *c, const struct common_config *common,
		    void (*fn)(void *arg, const char *title, const char *why), void *arg)
{
	const char *const *titles = conf_titles(c, "host");

	for (const char *const *z = titles; *z; z++) {
		const char *domain = hosts_own(common, *z);

		if (!domain)
			fn(arg, *z, "it is no domain of option \"domain\"");
		else if (strcmp(title_of(titles, domain), *z) != 0)
			fn(arg, *z, "another section is of the same domain");
	}
}

static void warn(void *arg, const char *title, const char *why)
{
	log_warn("section host is not used", LF_S("host", title), LF_S("reason", why));
}

void hosts_warn(const struct app *app)
{
	hosts_unserved(app->conf, app->common, warn, NULL);
}
