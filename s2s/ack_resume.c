/* SPDX-License-Identifier: MIT */
/* XEP-0198 section 5 on streams between servers: asking for a lost stream, and being asked. Either
 * side's h is told when all that it took over the lost stream is done, so h leaves nothing open. */
#include "s2s/resume.h"
#include "s2s/steps.h"

enum { ID_MAX = 4000 }; /* section 5: not longer */

static struct str condition_of(const struct xml_element *e)
{
	return e->nchildren ? e->children[0].name : STR("no reason");
}

/* --- allowing it ------------------------------------------------------------------------- */

static uint64_t wanted_ms(const struct stream *s, const struct xml_element *e)
{
	uint64_t ms = (uint64_t)s->s2s->config->resume_time;
	uint32_t max;

	if (sm_number(element_attr(e, "max"), &max) && max > 0 && max < ms / 1000)
		ms = (uint64_t)max * 1000;
	return ms;
}

void resume_allow(struct stream *s, const struct xml_element *e)
{
	char id[33];

	if (!attr_true(element_attr(e, "resume")) || !s->s2s->config->resume_time ||
	    s->s2s->draining)
		return;
	random_hex(id, 16);
	resumable_new(s, str_z(id), wanted_ms(s, e));
	buf_printf(conn_out(s->conn), " id='%s' resume='true' max='%llu'", id,
		   (unsigned long long)(s->resumable->ms / 1000));
}

/* A name or an address with a port, and no file of ours. */
static bool location_good(struct str l)
{
	return l.len && l.len < ID_MAX && !memchr(l.ptr, '/', l.len);
}

void resume_allowed(struct stream *s, const struct xml_element *e)
{
	struct str id = element_attr(e, "id"), location = element_attr(e, "location");

	if (!attr_true(element_attr(e, "resume")) || !id.len || id.len > ID_MAX ||
	    !s->s2s->config->resume_time)
		return;
	resumable_new(s, id, wanted_ms(s, e));
	if (location_good(location))
		s->resumable->location = str_dup(location);
}

/* XEP-0198 section 5: where the peer wants to be found again, then where it was. The address of a
 * name with TLSA records is looked up again with them. */
void resume_prefer(struct reach *reach, const struct resumable *r)
{
	struct reach_static where = {.direct_tls = r->direct};
	const char *port = strrchr(r->address, ':');
	char *again = NULL;

	if (r->location && !r->tlsa) {
		where.address = r->location;
		reach_prefer(reach, &where, NULL, false);
	}
	if (!port)
		return;
	if (r->tlsa)
		where.address = again = xasprintf("%s%s", r->target, port);
	else
		where.address = r->address;
	reach_prefer(reach, &where, r->target, r->secure);
	free(again);
}

/* --- asking ------------------------------------------------------------------------------ */

static void ask(struct resumable *r)
{
	struct stream *s = r->asker;
	struct buf *b = conn_out(s->conn);

	buf_printf(b, "<resume xmlns='" NS_SM "' h='%u' previd='", r->h);
	xml_escape(b, str_z(r->id));
	buf_lit(b, "'/>");
	stream_flush(s);
	s->resume_sent = true;
	s->asked_ms = loop_now(s->s2s->loop);
	attempt_step(s->record, "asked to resume the stream that was lost");
}

bool resume_begin(struct stream *s)
{
	struct resumable *r = s->pair->resumable;

	if (!r)
		return false;
	if (!(s->features & FEATURE_SM)) {
		resumable_end(r);
		return false;
	}
	r->asker = s;
	s->resuming = r;
	if (!r->works)
		ask(r);
	return true;
}

void ack_resumed(struct stream *s, const struct xml_element *e)
{
	struct resumable *r = s->resuming;
	uint32_t h;

	if (!r || !s->resume_sent || !str_eqz(element_attr(e, "previd"), r->id) ||
	    !sm_number(element_attr(e, "h"), &h)) {
		stream_error(s, STREAM_E_UNSUPPORTED_STANZA_TYPE, NULL);
	} else if (resumable_too_high(r, h)) {
		ack_too_high(s, h, resumable_sent(r));
		resumable_end(r);
	} else {
		resumable_attach(r, h);
	}
}

bool resume_failed(struct stream *s, const struct xml_element *e)
{
	struct resumable *r = s->resuming;
	uint32_t h;

	if (!r || !s->resume_sent)
		return false;
	attempt_step(s->record, "the stream is not resumed: %.*s", STR_ARG(condition_of(e)));
	s->asked_ms = 0;
	if (sm_number(element_attr(e, "h"), &h) && !resumable_too_high(r, h))
		resumable_settle(r, h);
	else
		resumable_end(r);
	return true;
}

/* --- being asked ------------------------------------------------------------------------- */

static void answer(struct resumable *r)
{
	struct stream *s = r->asker;
	struct buf *b = conn_out(s->conn);

	buf_printf(b, "<resumed xmlns='" NS_SM "' h='%u' previd='%s'/>", r->h, r->id);
	stream_flush(s);
	resumable_attach(r, s->resume_h);
}

void resume_ready(struct resumable *r)
{
	if (r->out)
		ask(r);
	else
		answer(r);
}

/* "If the former stream is resumed and the server still has the stream … open at this time, the
 * server SHOULD send a 'conflict' stream error and close that stream." */
static void take_over(struct resumable *r, struct stream *s)
{
	struct stream *old = r->stream;

	if (old)
		resumable_detach(old);
	else if ((old = r->asker))
		resumable_leave(old);
	r->asker = s;
	s->resuming = r;
	if (old)
		stream_error(old, STREAM_E_CONFLICT, NULL);
}

void ack_resume(struct stream *s, const struct xml_element *e)
{
	struct resumable *r = resumable_find(s->s2s, element_attr(e, "previd"));
	uint32_t h;

	if (!ack_possible(s)) {
		ack_fail(s, "unexpected-request");
	} else if (!s->s2s->config->resume_time) {
		ack_fail(s, "feature-not-implemented");
	} else if (!sm_number(element_attr(e, "h"), &h)) {
		ack_fail(s, "bad-request");
	} else if (!r || s->s2s->draining || !resumable_belongs(r, s)) {
		ack_fail(s, "item-not-found");
	} else if (resumable_too_high(r, h)) {
		ack_too_high(s, h, resumable_sent(r));
	} else {
		s->resume_h = h;
		take_over(r, s);
		if (s->resuming && !r->works)
			answer(r);
	}
}
