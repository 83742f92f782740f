/* SPDX-License-Identifier: MIT */
/* The moments to look at a stream: whatever takes too long ends it. */
#include "s2s/steps.h"

#include <errno.h>

enum {
	ENDING_MS = 10000, /* for what is under way on a stream that is to end */
	TLSA_DANE_EE = 3
};

static bool over(const struct stream *s, uint64_t since, int64_t ms)
{
	return since && loop_now(s->s2s->loop) > since + (uint64_t)ms;
}

/* RFC 6120 section 4.6: the peer tells what it takes for idle (XEP-0478), and we end before. */
static int64_t idle_limit(const struct stream *s)
{
	const struct s2s_config *o = s->s2s->config;
	int64_t ms = s->out ? o->idle_out : o->idle_in;

	/* One that was only asked about a key is unproven over there, which is not borne for long.
	 */
	if (s->phase == PHASE_OPEN && ms > o->login_timeout / 3)
		ms = o->login_timeout / 3;
	if (s->out && s->idle_ms && (int64_t)s->idle_ms - 1000 < ms)
		ms = (int64_t)s->idle_ms - 1000;
	return ms > 1000 ? ms : 1000;
}

static uint64_t last_used(const struct stream *s)
{
	return stream_hears(s) && s->last_in > s->last_out ? s->last_in : s->last_out;
}

static bool has_nothing(const struct stream *s)
{
	return !s->carried && !s->works && !joins_wait(s) &&
	       (!s->pair || (!s->pair->queue && !s->pair->verifies));
}

static bool is_idle(const struct stream *s)
{
	return has_nothing(s) && over(s, last_used(s), idle_limit(s));
}

static bool setting_up(struct stream *s)
{
	const struct s2s_config *o = s->s2s->config;

	if (s->out && s->phase > PHASE_REACH && s->phase < PHASE_READY && s->phase != PHASE_OPEN &&
	    over(s, s->began, o->login_timeout)) {
		attempt_advise(s->record, "The remote server did not answer in the middle of the "
					  "negotiation: its operator must look.");
		out_failed(s, STANZA_E_REMOTE_SERVER_TIMEOUT,
			   "the remote server did not finish the negotiation in time");
		return false;
	}
	if (!s->out && s->counted && over(s, s->began, o->login_timeout)) {
		stream_error(s, STREAM_E_CONNECTION_TIMEOUT, "no domain was proven in time");
		return false;
	}
	return true;
}

/* --- certificates that end -------------------------------------------------------------------- */

/* With TLSA records of usage 3, dates are nothing (RFC 7671 section 5.1); for a stream that came in
 * they were looked up, and are again for the next one. */
static bool has_dates(const struct stream *s)
{
	uint8_t usage = 0;

	if (s->verdict.state != CERT_DANE)
		return true;
	return s->out &&
	       SSL_get0_dane_tlsa(conn_ssl(s->conn), &usage, NULL, NULL, NULL, NULL) >= 0 &&
	       usage != TLSA_DANE_EE;
}

void stream_rests_on(struct stream *s)
{
	SSL *ssl = conn_ssl(s->conn);

	if (ssl && has_dates(s))
		s->proven_until =
			loop_now(s->s2s->loop) + 1000 * ((uint64_t)tls_chain_valid_s(ssl) + 1);
}

/* RFC 6120 section 13.7.2.3: a stream does not outlive the certificates that it rests on. */
static bool expired(const struct stream *s)
{
	return over(s, s->proven_until, 0);
}

static void end_soon(struct stream *s, const char *why)
{
	s->ending = why;
	s->ending_at = loop_now(s->s2s->loop);
	attempt_step(s->record, "%s", why);
	ack_ask(s, true);
	stream_watch(s);
}

/* --- ends that we choose ------------------------------------------------------------------------ */

bool stream_end_look(struct stream *s)
{
	if (!s->ending || s->phase == PHASE_CLOSED)
		return false;
	if ((s->carried || s->works) && !over(s, s->ending_at, ENDING_MS)) {
		if (!s->carried)
			stream_pause(s, PAUSE_ENDING); /* no more of theirs; what is not read is not acknowledged */
		return false;
	}
	s->orderly = true; /* the next one is opened when it is needed */
	if (expired(s))
		stream_error(s, STREAM_E_RESET, s->ending);
	else
		stream_close(s, s->ending);
	return true;
}

void stream_end(struct stream *s, const char *why)
{
	if (s->phase == PHASE_READY && !s->resuming && !s->ending)
		end_soon(s, why);
	if (!s->ending) {
		s->orderly = true;
		stream_close(s, why);
	} else {
		stream_end_look(s);
	}
}

static bool ends(struct stream *s)
{
	if (expired(s) && !s->ending && (s->phase == PHASE_READY || s->phase == PHASE_OPEN))
		end_soon(s, "the certificate is no longer valid");
	return stream_end_look(s);
}

static void check(struct stream *s)
{
	const struct s2s_config *o = s->s2s->config;

	if (!setting_up(s) || !s->conn || ends(s))
		return;
	/* What we do not read is not late. */
	if (!s->paused && over(s, s->partial_since, o->stanza_timeout)) {
		stream_error(s, STREAM_E_CONNECTION_TIMEOUT, "a stanza took too long");
	} else if (over(s, s->stuck_since, o->out_timeout)) {
		s->reason = "the other server does not read";
		stream_break(s, -ETIMEDOUT, s->reason);
	} else if (!s->paused && over(s, s->asked_ms, o->ack_timeout)) {
		s->reason = "the other server does not acknowledge";
		stream_break(s, -ETIMEDOUT, s->reason);
	} else if (s->sm && s->carried && !s->asked_ms) {
		ack_ask(s, true);
	} else if (is_idle(s)) {
		s->orderly = true;
		stream_close(s, "idle");
	}
}

/* Nothing can be late then but its end. */
static bool at_rest(const struct stream *s)
{
	bool open = s->out ? s->phase == PHASE_READY || s->phase == PHASE_OPEN : !s->counted;

	return open && s->conn && s->phase != PHASE_CLOSED && has_nothing(s) && !s->resuming &&
	       !s->partial_since && !s->stuck_since && !s->asked_ms;
}

/* A server with many streams at rest is not woken for them each second. */
static unsigned next_look(const struct stream *s)
{
	uint64_t now = loop_now(s->s2s->loop), end = last_used(s) + (uint64_t)idle_limit(s);

	if (s->proven_until && s->proven_until < end)
		end = s->proven_until;
	return at_rest(s) && end > now ? (unsigned)((end - now) / 1000) + 1 : 1;
}

void stream_watch(struct stream *s)
{
	if (!s->resting)
		return;
	s->resting = false;
	loop_timeout_start(s->s2s->loop, &s->timeout, 1);
}

void stream_tick(void *arg)
{
	struct stream *s = arg;
	unsigned seconds = next_look(s);

	/* First: it may be gone afterwards. */
	s->resting = seconds > 1;
	loop_timeout_start(s->s2s->loop, &s->timeout, seconds);
	if (s->phase != PHASE_CLOSED)
		check(s);
	else if (over(s, s->closed_at, s->s2s->config->out_timeout))
		stream_break(s, -ETIMEDOUT, NULL); /* it does not even read that it is over */
}
