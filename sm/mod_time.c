/* SPDX-License-Identifier: MIT */
/* Entity Time (XEP-0202) of the server. */
#include <stdio.h>
#include <time.h>
#include "sm/module.h"

static void on_time(struct packet *p, const struct node *query)
{
	int64_t now = clock_wall_us();
	time_t seconds = (time_t)(now / 1000000);
	struct tm local;
	struct buf b = BUF_INIT;
	struct xml_writer w;
	char utc[32], zone[48];
	long minutes;

	(void)query;
	localtime_r(&seconds, &local);
	minutes = labs(local.tm_gmtoff) / 60;
	(void)snprintf(zone, sizeof zone, "%c%02ld:%02ld", local.tm_gmtoff < 0 ? '-' : '+',
		       minutes / 60, minutes % 60);
	clock_format(now, utc);
	xw_init(&w, &b);
	xw_start(&w, "time", NS_TIME);
	xw_leaf(&w, "tzo", NS_TIME, str_z(zone));
	xw_leaf(&w, "utc", NS_TIME, str_z(utc));
	xw_end(&w);
	packet_result(p, buf_str(&b));
	buf_free(&b);
}

static const struct iq_handler iqs[] = {
	{"time", NS_TIME, IQ_TO_DOMAIN, IQ_IS_GET, on_time},
	{NULL},
};
static const char *const xeps[] = {"0202 2.0", NULL};
static const char *const features[] = {NS_TIME, NULL};

const struct module mod_time = {
	.name = "time",
	.summary = "entity time",
	.xeps = xeps,
	.domain_features = features,
	.iqs = iqs,
};
