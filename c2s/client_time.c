/* SPDX-License-Identifier: MIT */
/* The moments at which a connection is looked at: one coarse timeout for all that is limited in
 * time. */
#include <errno.h>
#include "c2s/session.h"

static uint32_t seconds(int64_t ms)
{
	return (uint32_t)((ms + 999) / 1000);
}

static void sooner(uint32_t *best, uint32_t now, uint32_t since, int64_t ms)
{
	uint32_t due = since + seconds(ms), left = (int32_t)(due - now) > 0 ? due - now : 0;

	if (left < *best)
		*best = left;
}

static void idle_due(const struct client *c, uint32_t now, uint32_t *best)
{
	const struct c2s_config *o = c->c2s->config;

	if (o->idle_whitespace && !c->whitespace_sent)
		sooner(best, now, c->last_in, o->idle_whitespace);
	if (o->idle_ping && !c->probed)
		sooner(best, now, c->last_in, o->idle_ping);
	if (c->probed && !c->paused)
		sooner(best, now, c->last_in, o->idle_ping + o->idle_timeout);
}

/* An unanswered <r/>; 0: none, or the answer may lie in what we do not read. */
static uint32_t asked_since(const struct client *c)
{
	const struct acks *a = c->session ? c->session->acks : NULL;

	return a && !c->paused ? a->asked_at : 0;
}

void client_arm(struct client *c)
{
	const struct c2s_config *o = c->c2s->config;
	uint32_t now = now_s(c->c2s), best = 86400;

	if (c->phase == PHASE_CLOSED) {
		sooner(&best, now, c->closed_at, o->close_timeout);
		best++; /* the connection's own limit comes first */
	} else if (c->login) {
		sooner(&best, now, (uint32_t)(c->login->started_ms / 1000) + 1, o->login_timeout);
	}
	if (c->proven_until)
		sooner(&best, now, c->proven_until, 0);
	if (c->partial_since && !c->paused)
		sooner(&best, now, c->partial_since, o->stanza_timeout);
	if (c->full_since)
		sooner(&best, now, c->full_since, o->out_timeout);
	if (c->phase == PHASE_BOUND) {
		idle_due(c, now, &best);
		if (asked_since(c))
			sooner(&best, now, asked_since(c), o->ack_timeout);
	}
	loop_timeout_start(c->c2s->loop, &c->timeout, best);
}

void client_reads_again(struct client *c)
{
	struct acks *a = c->session ? c->session->acks : NULL;
	uint32_t now = now_s(c->c2s);

	if (c->probed)
		c->last_in = now;
	if (c->partial_since)
		c->partial_since = now;
	if (a && a->asked_at)
		a->asked_at = now;
	client_arm(c);
}

static bool over(const struct client *c, uint32_t since, int64_t ms)
{
	return since && (int32_t)(now_s(c->c2s) - since) >= (int32_t)seconds(ms);
}

/* The client was silent: a blank shows its kernel that we are there (and ours whether it is), an
 * answer that it must give shows the client. */
static void idle_look(struct client *c)
{
	const struct c2s_config *o = c->c2s->config;
	struct session *s = c->session;

	if (c->probed && !c->paused && over(c, c->last_in, o->idle_ping + o->idle_timeout)) {
		c->reason = "no answer";
		stream_error(c, STREAM_E_CONNECTION_TIMEOUT, "no sign of life");
	} else if (o->idle_ping && !c->probed && over(c, c->last_in, o->idle_ping)) {
		c->probed = true;
		if (s->acks && s->acks->on)
			ack_ask(s);
		else
			stream_ping(c);
	} else if (o->idle_whitespace && !c->whitespace_sent &&
		   over(c, c->last_in, o->idle_whitespace)) {
		c->whitespace_sent = true;
		conn_write(c->conn, " ", 1);
	}
}

void client_tick(void *arg)
{
	struct client *c = arg;
	const struct c2s_config *o = c->c2s->config;

	if (c->phase == PHASE_CLOSED) {
		if (over(c, c->closed_at, o->close_timeout + 1000)) {
			client_gone(c, -ETIMEDOUT, NULL);
			return;
		}
	} else if (c->login &&
		   loop_now(c->c2s->loop) - c->login->started_ms >= (uint64_t)o->login_timeout) {
		c->reason = "login took too long";
		if (c->starting_tls) {
			client_gone(c, -ETIMEDOUT, NULL);
			return;
		}
		stream_error(c, STREAM_E_CONNECTION_TIMEOUT, c->reason);
	} else if (over(c, c->proven_until, 0)) {
		stream_error(c, STREAM_E_RESET, "the certificate is no longer valid");
	} else if (!c->paused && over(c, c->partial_since, o->stanza_timeout)) {
		stream_error(c, STREAM_E_POLICY_VIOLATION, "a stanza took too long to arrive");
	} else if (over(c, c->full_since, o->out_timeout) ||
		   over(c, asked_since(c), o->ack_timeout)) {
		c->reason = "it does not read";
		client_gone(c, -ETIMEDOUT, NULL);
		return;
	} else if (c->phase == PHASE_BOUND) {
		idle_look(c);
	}
	client_arm(c);
}
