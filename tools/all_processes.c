/* SPDX-License-Identifier: MIT */
/* Every process whose options the configuration file may hold. */
#include "auth/auth_process.h"
#include "c2s/c2s_process.h"
#include "router/router_process.h"
#include "s2s/s2s_process.h"
#include "sm/sm_process.h"
#include "storage/storage_process.h"
#include "tools/ctl.h"
#include "tools/launcher.h"

const struct process *const all_processes[] = {
	&router_process, &storage_process,  &auth_process, &sm_process,
	&c2s_process,	 &s2s_process,	    &launcher_process, NULL,
};
