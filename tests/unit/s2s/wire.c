/* SPDX-License-Identifier: MIT */
/* An s2s without a network, and the other end of its streams. */
#include "tests/unit/s2s/wire.h"
#include <errno.h>
#include <sys/un.h>
#include <unistd.h>
#include "s2s/resume.h"
#include "tests/unit/base/base_tests.h"

static const struct option_section sections[] = {
	{"s2s", false, s2s_options, false},
	{"remote", true, remote_options, false},
	{NULL},
};

static const char *const domains[] = {OWN, OTHER, NULL};

static void nothing(void *arg)
{
	(void)arg;
}

static void listen_at(struct wire *w)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	w->dir = temp_dir();
	w->address = xasprintf("unix:%s/remote", w->dir);
	snprintf(a.sun_path, sizeof a.sun_path, "%s/remote", w->dir);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(w->listener, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(w->listener, 10), 0);
}

static void configure(struct wire *w, const char *text)
{
	struct buf errors = BUF_INIT;
	char *error = NULL;

	w->app.conf = conf_parse("test", text, sections, NULL, &errors);
	ck_assert_msg(w->app.conf != NULL, "%.*s", STR_ARG(buf_str(&errors)));
	conf_fill(w->app.conf, "s2s", NULL, s2s_options, &w->config);
	w->app.config = &w->config;
	w->app.common = &w->common;
	w->x.policies = policies_new(&w->app, &error);
	ck_assert_msg(w->x.policies != NULL, "%s", error);
}

void wire_reload(struct wire *w, const char *text)
{
	policies_free(w->x.policies);
	options_free(s2s_options, &w->config);
	conf_free(w->app.conf);
	configure(w, text);
	policies_enforce(&w->x);
}

static void reach_remote(struct wire *w)
{
	struct reach_static targets[] = {{.domain = REMOTE, .address = w->address},
					 {.domain = BESIDE, .address = w->address}};

	w->x.reaches = reaches_new(w->x.loop, &(struct reach_config){.statics = targets,
								     .nstatics = 2,
								     .connect_ms = 5000,
								     .total_ms = 5000});
}

struct wire *wire_new(const char *text)
{
	static const char *const none[] = {NULL};
	struct wire *w = xcalloc(1, sizeof *w);
	struct s2s *x = &w->x;
	struct link_config link = {.name = "s2s-1",
				   .process = "s2s",
				   .version = "1",
				   .routers = none,
				   .max_frame = 1 << 20,
				   .heartbeat_ms = 2000};

	configure(w, text);
	listen_at(w);
	x->loop = loop_new();
	x->app = &w->app;
	x->config = &w->config;
	x->domains = domains;
	x->link = link_new(x->loop, &link, NULL, NULL, NULL);
	x->channels = channels_new(x->link);
	x->xml = xml_pool_new();
	x->scratch = pool_new();
	x->attempts = attempts_new();
	attempts_limit(x->attempts, 100);
	x->throttle = loop_timer_new(x->loop, limits_tick, x);
	x->tick = loop_timer_new(x->loop, pairs_tick, x);
	x->flushing = loop_timer_new(x->loop, pairs_flush_ready, x);
	x->has_secret = true;
	reach_remote(w);
	w->pulse = loop_timer_new(x->loop, nothing, NULL);
	loop_timer_start(w->pulse, 20, 20);
	return w;
}

void wire_free(struct wire *w)
{
	struct s2s *x = &w->x;

	x->draining = x->closing = x->drained = true;
	while (x->streams) {
		if (x->streams->pair)
			x->streams->pair->out = NULL;
		x->streams->pair = NULL;
		stream_free(x->streams);
	}
	resumables_end(x);
	works_free(x);
	pairs_free(x);
	ck_assert_ptr_null(x->items);
	ck_assert_uint_eq(x->queued_bytes, 0);
	ck_assert_uint_eq(x->nunproven, 0);
	ck_assert_uint_eq(x->nopened, 0);
	ck_assert_ptr_null(x->resumables);
	ck_assert_ptr_null(x->sites);
	answered_free(x);
	reaches_free(x->reaches);
	attempts_free(x->attempts);
	loop_timer_free(x->throttle);
	loop_timer_free(x->tick);
	loop_timer_free(x->flushing);
	loop_timer_free(w->pulse);
	policies_free(x->policies);
	channels_free(x->channels);
	link_free(x->link);
	xml_pool_free(x->xml);
	pool_free(x->scratch);
	loop_free(x->loop);
	close(w->listener);
	temp_dir_remove(w->dir);
	free(w->address);
	options_free(s2s_options, &w->config);
	conf_free(w->app.conf);
	free(w);
}

struct stream *wire_stream(const struct wire *w)
{
	return w->x.streams ? w->x.streams->prev : NULL;
}

void wire_turns(struct wire *w, unsigned n)
{
	while (n--)
		loop_run_once(w->x.loop);
}

static void tell(struct wire *w, struct stanza st, const char *remote, const char *tag)
{
	const struct msg_stanza_key key = {.origin = 1, .number = hash64(tag, strlen(tag))};
	char *to = xasprintf("b@%s", remote);

	st.id = str_z(tag);
	st.from = STR("a@" OWN);
	st.to = str_z(to);
	tell_out(&w->x, &st, &key);
	free(to);
}

void wire_tell_to(struct wire *w, const char *remote, const char *tag)
{
	tell(w, (struct stanza){.kind = STANZA_IQ, .type = IQ_GET}, remote, tag);
}

void wire_message(struct wire *w, const char *remote, const char *tag)
{
	tell(w, (struct stanza){.kind = STANZA_MESSAGE, .type = MESSAGE_CHAT}, remote, tag);
}

void wire_tell(struct wire *w, const char *tag)
{
	wire_tell_to(w, REMOTE, tag);
}

/* --- the other end ----------------------------------------------------------------------- */

static struct end *end_new(struct wire *w, int fd)
{
	struct end *e = xcalloc(1, sizeof *e);

	e->w = w;
	e->fd = fd;
	return e;
}

struct end *end_in(struct wire *w)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
			 0);
	in_accept(&w->x, fds[0], false);
	return end_new(w, fds[1]);
}

static int accepted(struct wire *w)
{
	return accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

struct end *end_accept(struct wire *w)
{
	int fd = -1;

	wire_await(w, (fd = accepted(w)) >= 0);
	w->accepted++;
	return end_new(w, fd);
}

void end_free(struct end *e)
{
	if (!e)
		return;
	close(e->fd);
	buf_free(&e->got);
	free(e);
}

void end_say(struct end *e, const char *text)
{
	size_t len = strlen(text), at = 0;

	while (at < len) {
		ssize_t n = send(e->fd, text + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* it was closed; the test will see */
		if (n > 0)
			at += (size_t)n;
		else
			loop_run_once(e->w->x.loop);
	}
}

static bool end_reads(struct end *e)
{
	char data[4096];
	ssize_t n;

	while ((n = recv(e->fd, data, sizeof data, 0)) > 0)
		buf_append(&e->got, data, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		e->closed = true;
	return e->closed;
}

static const char *find(const struct end *e, const char *text)
{
	return e->got.len ? memmem(buf_ptr(&e->got), e->got.len, text, strlen(text)) : NULL;
}

bool end_heard(const struct end *e, const char *text)
{
	return find(e, text) != NULL;
}

void end_hears(struct end *e, const char *text)
{
	uint64_t end = loop_now(e->w->x.loop) + 20000;
	const char *at;

	while (!(at = find(e, text))) {
		ck_assert_msg(!e->closed && loop_now(e->w->x.loop) < end,
			      "waited for %s, there is: %.*s", text, STR_ARG(buf_str(&e->got)));
		end_reads(e);
		loop_run_once(e->w->x.loop);
	}
	buf_consume(&e->got, (size_t)(at - buf_ptr(&e->got)) + strlen(text));
}

void end_closes(struct end *e)
{
	wire_await(e->w, end_reads(e));
}

void end_settles(struct end *e)
{
	end_say(e, "<db:verify from='" REMOTE "' to='" NOBODY "' id='settled'>x</db:verify>");
	end_hears(e, "id='settled'");
}

void end_ends(struct end *take_e, bool closes)
{
	struct wire *w = take_e->w;

	if (closes) {
		end_closes(take_e);
	} else {
		end_settles(take_e);
		ck_assert(!end_heard(take_e, "stream:error"));
	}
	end_free(take_e);
	if (closes)
		wire_await(w, w->x.nstreams == 0);
}

struct end *end_certified(struct wire *w)
{
	struct end *e = end_in(w);
	struct stream *s = wire_stream(w);

	end_say(e, GOOD_HEAD);
	end_hears(e, "</stream:features>");
	s->secure = s->external = true;
	return e;
}

struct end *end_proven(struct wire *w)
{
	struct end *e = end_certified(w);

	end_say(e, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>=</auth>");
	end_hears(e, "<success ");
	end_say(e, GOOD_HEAD);
	end_hears(e, "</stream:features>");
	return e;
}
