/* SPDX-License-Identifier: MIT */
/* Records of attempts, the newest last, so many and no more. */
#include "s2s/attempt.h"

#include <stdarg.h>
#include <stdlib.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/clock.h"

enum { STEPS = 64, LINE = 300, NAMES = 600 };

struct attempt {
	struct attempt *prev, *next;
	struct attempts *all;
	uint64_t number, began_ms;
	int64_t time; /* wall clock */
	char *own, *remote;
	bool out, open, settled, good;
	char *result, *ended;
	const char *advice;
	char tls[64], expiry[32];
	char *names;
	struct cert_verdict verdict;
	size_t nsteps, left_out;
	struct step {
		uint32_t ms;
		char *text;
	} * steps;
};

struct attempts {
	struct attempt *list; /* oldest first */
	size_t n, most;
	uint64_t last;
};

struct attempts *attempts_new(void)
{
	struct attempts *all = xcalloc(1, sizeof *all);

	all->most = 1000;
	return all;
}

static void attempt_free(struct attempt *a)
{
	DL_DELETE(a->all->list, a);
	a->all->n--;
	for (size_t i = 0; i < a->nsteps; i++)
		free(a->steps[i].text);
	free(a->steps);
	free(a->own);
	free(a->remote);
	free(a->result);
	free(a->ended);
	free(a->names);
	free(a);
}

struct attempts *attempts_free(struct attempts *all)
{
	if (!all)
		return NULL;
	while (all->list)
		attempt_free(all->list);
	free(all);
	return NULL;
}

static void shrink(struct attempts *all)
{
	struct attempt *a, *next;

	/* Streams that still live hold theirs; their number has a limit of its own. */
	DL_FOREACH_SAFE (all->list, a, next) {
		if (all->n <= all->most)
			return;
		if (!a->open)
			attempt_free(a);
	}
}

void attempts_limit(struct attempts *all, size_t most)
{
	all->most = most;
	shrink(all);
}

struct attempt *attempt_new(struct attempts *all, bool out, const char *own, const char *remote)
{
	struct attempt *a = xcalloc(1, sizeof *a);

	a->all = all;
	a->number = ++all->last;
	a->began_ms = clock_mono_ms();
	a->time = clock_wall_us();
	a->own = xstrdup(own);
	a->remote = xstrdup(remote);
	a->out = out;
	a->open = true;
	DL_APPEND(all->list, a);
	all->n++;
	shrink(all);
	return a;
}

void attempt_domains(struct attempt *a, struct str own, struct str remote)
{
	if (!a)
		return;
	if (own.len) {
		free(a->own);
		a->own = str_dup(own);
	}
	if (remote.len) {
		free(a->remote);
		a->remote = str_dup(remote);
	}
}

uint64_t attempt_number(const struct attempt *a)
{
	return a ? a->number : 0;
}

static char *line(const char *fmt, va_list ap)
{
	struct buf b = BUF_INIT;
	char *text;

	buf_vprintf(&b, fmt, ap);
	if (b.len > LINE)
		b.len = LINE;
	text = buf_take(&b);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	/* What a stranger said may be cut inside a character, or be none. */
	if (!str_utf8_valid(str_z(text)))
		for (char *c = text; *c; c++)
			if (*c & 0x80)
				*c = '?';
	return text;
}

void attempt_step(struct attempt *a, const char *fmt, ...)
{
	va_list ap;

	if (!a)
		return;
	if (a->nsteps == STEPS) {
		a->left_out++;
		return;
	}
	a->steps = xrealloc(a->steps, (a->nsteps + 1) * sizeof *a->steps);
	a->steps[a->nsteps].ms = (uint32_t)(clock_mono_ms() - a->began_ms);
	va_start(ap, fmt);
	a->steps[a->nsteps++].text = line(fmt, ap);
	va_end(ap);
}

void attempt_tls(struct attempt *a, SSL *ssl, struct cert_verdict v)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	struct buf b = BUF_INIT;

	if (!a)
		return;
	snprintf(a->tls, sizeof a->tls, "%s %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
	a->verdict = v;
	free(a->names);
	a->names = NULL;
	if (!cert)
		return;
	cert_names(cert, NAMES, &b);
	a->names = buf_take(&b);
	cert_expiry(cert, a->expiry);
}

void attempt_advise(struct attempt *a, const char *advice)
{
	if (a && !a->advice)
		a->advice = advice;
}

void attempt_result(struct attempt *a, bool good, const char *fmt, ...)
{
	va_list ap;

	if (!a)
		return;
	free(a->result);
	va_start(ap, fmt);
	a->result = line(fmt, ap);
	va_end(ap);
	a->settled = true;
	a->good = good;
	if (good)
		a->advice = NULL;
}

void attempt_end(struct attempt *a, const char *why)
{
	if (!a)
		return;
	a->open = false;
	if (why && !a->ended)
		a->ended = xstrdup(why);
	shrink(a->all);
}

/* --- telling ----------------------------------------------------------------------------- */

static json_t *certificate_json(const struct attempt *a)
{
	if (!a->names)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s}", "names", a->names, "expires", a->expiry, "verdict",
			 cert_state_text(a->verdict.state), "detail",
			 a->verdict.detail ? a->verdict.detail : "");
}

static json_t *attempt_json(const struct attempt *a)
{
	json_t *steps = json_array(), *j;
	char time[32];

	for (size_t i = 0; i < a->nsteps; i++)
		json_array_append_new(steps,
				      json_pack("{s:I, s:s}", "ms", (json_int_t)a->steps[i].ms,
						"text", a->steps[i].text));
	clock_format(a->time, time);
	j = json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:s, s:s, s:o, s:o, s:I, s:s}",
		      "number", (json_int_t)a->number, "time", time, "direction",
		      a->out ? "out" : "in", "own", a->own, "remote", a->remote, "settled",
		      a->settled, "good", a->good, "open", a->open, "result",
		      a->result ? a->result : "", "ended", a->ended ? a->ended : "", "tls", a->tls,
		      "certificate", certificate_json(a), "steps", steps, "left_out",
		      (json_int_t)a->left_out, "advice", a->advice ? a->advice : "");
	return j;
}

json_t *attempts_json(const struct attempts *all, struct str remote, uint64_t number)
{
	enum { MOST = 20 };
	json_t *list = json_array();
	const struct attempt *a = all->list ? all->list->prev : NULL;

	for (size_t left = all->n, shown = 0; a && left && shown < MOST; left--, a = a->prev) {
		if (number ? a->number != number : !str_eqz(remote, a->remote))
			continue;
		json_array_append_new(list, attempt_json(a));
		shown++;
	}
	return list;
}
