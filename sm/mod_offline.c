/* SPDX-License-Identifier: MIT */
/* What the log does as offline messages (XEP-0160), declared: the work is the core's (inbox.c). */
#include "sm/module.h"

static const char *const xeps[] = {"0160 1.0.1", "0203 2.0", NULL};
static const char *const features[] = {NS_OFFLINE_FEATURE, NULL};

const struct module mod_offline = {
	.name = "offline",
	.summary = "offline messages",
	.xeps = xeps,
	.features = features,
};
