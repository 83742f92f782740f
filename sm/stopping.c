/* SPDX-License-Identifier: MIT */
/* The whole service stops or restarts, some time after an administrator has said so (XEP-0133). */
#include <errno.h>
#include <stdlib.h>
#include "sm/sm_internal.h"

struct stopping {
	struct sm *sm;
	struct loop_timer *timer;
	bool restart;
};

static void tell(void *arg, const struct member *m)
{
	struct stopping *s = arg;
	struct frame head = {
		.kind = MSG_STOP, .to = m->id, .from_shard = SHARD_NONE, .to_shard = SHARD_NONE};
	struct msg_stop stop = {.restart = s->restart};

	if (strcmp(m->process, "ctl") != 0 && link_send(s->sm->link, &head, &stop) < 0)
		log_warn("not told to stop", LF_S("instance", m->name));
}

static void on_time(void *arg)
{
	struct stopping *s = arg;

	link_members(s->sm->link, tell, s);
}

void sm_stop_service(struct sm *sm, bool restart, uint64_t ms)
{
	struct stopping *s = sm->stopping;

	if (!s) {
		s = sm->stopping = xcalloc(1, sizeof *s);
		s->sm = sm;
		s->timer = loop_timer_new(sm->loop, on_time, s);
	}
	s->restart = restart;
	log_info("an administrator stops the service",
		 LF_S("then", restart ? "restart" : "stay down"), LF_U("in_ms", ms));
	loop_timer_start(s->timer, ms, 0);
}

void stopping_free(struct sm *sm)
{
	if (sm->stopping)
		loop_timer_free(sm->stopping->timer);
	free(sm->stopping);
	sm->stopping = NULL;
}
