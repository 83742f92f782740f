/* SPDX-License-Identifier: MIT */
/* A web service is asked: libcurl's multi interface on the loop. */
#include <curl/curl.h>
#include <stdlib.h>
#include <utlist.h>
#include "auth/auth_internal.h"
#include "auth/http_answer.h"
#include "base/alloc.h"

struct watch { /* a socket of libcurl's */
	struct http_source *source;
	struct loop_io *io;
	curl_socket_t fd;
};

struct http_source {
	struct auth *auth;
	const struct source_config *config;
	CURLM *multi;
	struct loop_timer *timer;
	struct curl_slist *headers;
	struct backend_job *jobs;
	size_t njobs;
};

struct backend_job {
	struct http_source *source;
	CURL *easy;
	backend_answer_fn *fn;
	void *arg;
	struct buf local, domain, question, answer;
	enum scram_hash hash;
	bool too_long;
	char error[CURL_ERROR_SIZE];
	struct backend_job *prev, *next;
};

/* --- the loop -------------------------------------------------------------------------------- */

static void job_free(struct backend_job *j)
{
	struct http_source *s = j->source;

	if (j->easy) {
		curl_multi_remove_handle(s->multi, j->easy);
		curl_easy_cleanup(j->easy);
	}
	DL_DELETE(s->jobs, j);
	s->njobs--;
	buf_free(&j->local);
	buf_free(&j->domain);
	buf_wipe(&j->question);
	buf_wipe(&j->answer);
	free(j);
}

static struct backend_answer failed(struct buf *reason, const char *text, long code)
{
	buf_printf(reason, text, code);
	return (struct backend_answer){.status = BACKEND_UNAVAILABLE};
}

static void finish(struct backend_job *j, CURLcode result)
{
	struct backend_query q = {
		.local = buf_str(&j->local), .domain = buf_str(&j->domain), .hash = j->hash};
	backend_answer_fn *fn = j->fn;
	void *arg = j->arg;
	struct buf reason = BUF_INIT;
	struct scram_keys keys = {0};
	struct backend_answer a;
	long status = 0;

	curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	if (j->too_long)
		a = failed(&reason, "the answer is longer than http_max_answer", 0);
	else if (result != CURLE_OK)
		a = failed(&reason,
			   *j->error ? "the service was not reached" : "libcurl: error %ld",
			   (long)result);
	else if (status != 200)
		a = failed(&reason, "the service answered with HTTP status %ld", status);
	else
		a = http_answer(&q, buf_str(&j->answer), &keys, &reason);
	if (result != CURLE_OK && !j->too_long && *j->error)
		buf_printf(&reason, ": %s", j->error);
	buf_putc(&reason, '\0');
	a.reason = reason.len > 1 ? buf_ptr(&reason) : NULL;
	job_free(j);
	fn(arg, &a);
	buf_free(&reason);
	wipe(&keys, sizeof(keys));
}

static void finish_all(struct http_source *s)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(s->multi, &left)) != NULL) {
		CURLcode result = m->data.result;
		char *j = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &j);
		finish((struct backend_job *)j, result);
	}
}

static void act(struct http_source *s, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(s->multi, fd, events, &running);
	finish_all(s);
}

static void on_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void on_io(void *arg, unsigned events)
{
	struct watch *w = arg;

	act(w->source, w->fd,
	    (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		    (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct http_source *s = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(s->timer);
	else
		loop_timer_start(s->timer, (uint64_t)ms, 0);
	return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_source *s = arg;
	struct watch *w = socket_arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			loop_io_free(w->io);
			free(w);
			curl_multi_assign(s->multi, fd, NULL);
		}
		return 0;
	}
	if (!w) {
		w = xcalloc(1, sizeof(*w));
		w->source = s;
		w->fd = fd;
		w->io = loop_io_new(s->auth->loop, fd, on_io, w);
		curl_multi_assign(s->multi, fd, w);
	}
	loop_io_set(w->io, (what & CURL_POLL_IN ? LOOP_READ : 0) |
				   (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
	return 0;
}

/* --- a question ------------------------------------------------------------------------------ */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct backend_job *j = arg;

	if (j->answer.len + size * n > (size_t)j->source->config->http_max_answer) {
		j->too_long = true;
		return 0; /* ends it */
	}
	buf_append(&j->answer, p, size * n);
	return size * n;
}

static CURL *easy_new(struct backend_job *j)
{
	const struct source_config *c = j->source->config;
	CURL *e = curl_easy_init();

	if (!e)
		return NULL;
	curl_easy_setopt(e, CURLOPT_URL, c->http_url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (*c->ca) {
		curl_easy_setopt(e, CURLOPT_CAINFO, c->ca);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	/* The time for all of it is the caller's: then it cancels. */
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_timeout);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "mercutio");
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, j->source->headers);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, buf_ptr(&j->question));
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)j->question.len);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, j);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, j->error);
	curl_easy_setopt(e, CURLOPT_PRIVATE, j);
	return e;
}

static struct backend_job *ask(void *state, const struct backend_query *q, backend_answer_fn *fn,
			       void *arg)
{
	struct http_source *s = state;
	struct backend_job *j;

	if (s->njobs >= (size_t)(s->config->parallel + s->config->queue))
		return NULL;
	j = xcalloc(1, sizeof(*j));
	j->source = s;
	j->fn = fn;
	j->arg = arg;
	j->hash = q->hash;
	buf_str_append(&j->local, q->local);
	buf_str_append(&j->domain, q->domain);
	http_question(q, &j->question);
	DL_APPEND(s->jobs, j);
	s->njobs++;
	j->easy = easy_new(j);
	if (j->easy && curl_multi_add_handle(s->multi, j->easy) == CURLM_OK)
		return j;
	job_free(j);
	return NULL;
}

/* --- the source ------------------------------------------------------------------------------ */

static void check(const struct source_config *c, struct buf *errors)
{
	enum scram_hash h;

	if (strncmp(c->http_url, "https://", 8) != 0 && strncmp(c->http_url, "http://", 7) != 0)
		buf_lit(errors, "http_url is not set to an https:// or http:// address\n");
	for (char **z = c->http_scram; *z; z++) {
		if (!scram_hash_parse(str_z(*z), &h))
			buf_printf(errors, "http_scram: there is no %s\n", *z);
	}
}

static bool is_clear(const char *url)
{
	static const char *const local[] = {"http://127.", "http://[::1]", "http://localhost"};

	if (strncmp(url, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		if (strncmp(url, local[i], strlen(local[i])) == 0)
			return false;
	}
	return true;
}

static bool add_headers(struct http_source *s, struct buf *errors)
{
	struct buf b = BUF_INIT;
	const char *file = s->config->http_authorization_file;
	int err = 0;

	s->headers = curl_slist_append(s->headers, "Content-Type: application/json");
	s->headers = curl_slist_append(s->headers, "Accept: application/json");
	s->headers = curl_slist_append(s->headers, "Expect:"); /* no second round trip */
	if (*file) {
		buf_lit(&b, "Authorization: ");
		err = source_read_secret(file, &b);
		buf_putc(&b, '\0');
		s->headers = curl_slist_append(s->headers, buf_ptr(&b));
		if (err)
			buf_printf(errors, "%s: %s", file, strerror(-err));
	}
	buf_wipe(&b);
	return err == 0;
}

static void *close_http(void *state)
{
	struct http_source *s = state;

	while (s->jobs)
		job_free(s->jobs);
	if (s->multi)
		curl_multi_cleanup(s->multi);
	for (struct curl_slist *h = s->headers; h; h = h->next)
		wipe(h->data, strlen(h->data));
	curl_slist_free_all(s->headers);
	loop_timer_free(s->timer);
	free(s);
	return NULL;
}

static void *open_http(struct auth *a, const struct source_config *c, struct buf *errors)
{
	struct http_source *s = xcalloc(1, sizeof(*s));

	s->auth = a;
	s->config = c;
	s->timer = loop_timer_new(a->loop, on_timer, s);
	s->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
	if (!s->multi)
		buf_lit(errors, "libcurl does not start");
	if (!s->multi || !add_headers(s, errors))
		return close_http(s);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)c->parallel);
	if (is_clear(c->http_url))
		log_warn("passwords go to the web service in the clear", LF_S("url", c->http_url));
	return s;
}

static size_t waiting(const void *state)
{
	const struct http_source *s = state;
	size_t parallel = (size_t)s->config->parallel;

	return s->njobs > parallel ? s->njobs - parallel : 0;
}

const struct backend backend_http = {.name = "http",
				     .foreign = true,
				     .check = check,
				     .open = open_http,
				     .close = close_http,
				     .ask = ask,
				     .cancel = job_free,
				     .waiting = waiting};
