/* SPDX-License-Identifier: MIT */
/* Software Version (XEP-0092) of the server. */
#include <sys/utsname.h>
#include "config.h"
#include "sm/module.h"

struct config {
	bool show_os;
};

const struct option mod_version_options[] = {
	{"version_show_os", OPT_BOOL, offsetof(struct config, show_os), "false", 0, 0, NULL, OPT_RELOAD,
	 "Tell the name of the operating system to those who ask for the software's version."},
	{NULL},
};
extern const struct module mod_version;

static void on_version(struct packet *p, const struct node *query)
{
	const struct config *cf = module_config(p->sm, &mod_version);
	struct buf b = BUF_INIT;
	struct xml_writer w;
	struct utsname os;

	(void)query;
	xw_init(&w, &b);
	xw_start(&w, "query", NS_VERSION);
	xw_leaf(&w, "name", NS_VERSION, STR("Mercutio"));
	xw_leaf(&w, "version", NS_VERSION, STR(PACKAGE_VERSION));
	if (cf->show_os && uname(&os) == 0)
		xw_leaf(&w, "os", NS_VERSION, str_z(os.sysname));
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static const struct iq_handler iqs[] = {
	{"query", NS_VERSION, IQ_TO_DOMAIN, IQ_IS_GET, on_version},
	{NULL},
};
static const char *const xeps[] = {"0092 1.1", NULL};
static const char *const features[] = {NS_VERSION, NULL};

const struct module mod_version = {
	.name = "version",
	.summary = "software version",
	.xeps = xeps,
	.domain_features = features,
	.options = mod_version_options,
	.config_size = sizeof(struct config),
	.iqs = iqs,
};
