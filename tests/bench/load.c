/* SPDX-License-Identifier: MIT */
/*
 * The load generator: clients that log in, chat, or only are there.
 *
 *	load [options] chat PAIRS WINDOW MESSAGES   closed loop; window 1: answered on arrival,
 *	                                            else one direction with that many on the way
 *	load [options] rate PAIRS PER_SECOND SECONDS   open loop, on schedule
 *	load [options] idle SESSIONS SECONDS        logged in, then silent
 *	load [options] login LOGINS                 one after the other, closed at once
 * -h HOST -p PORT (STARTTLS) -d DOMAIN -x PREFIX -f FIRST -m MECHANISM -c logins at the same time
 * -b body bytes. Users are PREFIXn from FIRST on, with password pwPREFIXn.
 * -H HOST -P PORT -D DOMAIN: every other client, those who receive where one direction is measured, is
 * of a second server; -R: those who send are.
 *
 * Whoever measures the server is told when by lines on standard output, "ready" before the work and
 * one JSON object after it, and answers each with a line on standard input when -s is given.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/bench/client.h"

enum { STALL_S = 30, WARM = 20 };

struct work {
	struct client *clients;
	size_t n, next, logged_in, gone;
	long first, concurrency, body, step;
	struct home homes[2]; /* the second without domain: there is none */
	bool reverse;
	bool close_at_once;
	/* chat */
	uint32_t window, wanted; /* messages for each sender */
	uint64_t sent, received, lost, wrong_order, last_us;
	uint32_t *latencies; /* microseconds */
	bool stop, timed;
};
static struct work w = {.concurrency = 8,
			.body = 100,
			.homes = {{"127.0.0.1", "localhost", 5222}, {"127.0.0.1", NULL, 5222}}};

static void die(const char *text)
{
	fprintf(stderr, "load: %s\n", text);
	exit(2);
}

/* --- logins ---------------------------------------------------------------------------------- */

static void login_more(void)
{
	while (w.next < w.n && w.next - w.logged_in - (w.close_at_once ? 0 : w.gone) < (size_t)w.concurrency)
		client_open(&w.clients[w.next++]);
}

static void on_ready(struct client *c)
{
	w.last_us = clock_mono_us();
	if (w.close_at_once) {
		client_close(c);
	} else {
		w.logged_in++;
		login_more();
	}
}

static void on_gone(struct client *c)
{
	w.gone++;
	w.last_us = clock_mono_us();
	if (w.close_at_once)
		w.logged_in++;
	login_more();
}

static void turn(void)
{
	bench_turn(100);
	if (bench.errors > 100 || clock_mono_us() - w.last_us > STALL_S * UINT64_C(1000000)) {
		fprintf(stderr, "load: stalled, or too many errors\n");
		w.stop = true;
	}
}

static void login_all(void)
{
	w.last_us = clock_mono_us();
	login_more();
	while (w.logged_in + (w.close_at_once ? 0 : w.gone) < w.n && !w.stop)
		turn();
}

/* --- messages -------------------------------------------------------------------------------- */

/* The body begins with the number in its direction and the time at which it was sent. */
static void message_send(struct client *c)
{
	char body[64];
	int n = snprintf(body, sizeof(body), "%u %llu ", c->sent++, (unsigned long long)clock_mono_us());

	w.sent++;
	client_send(c, "<message to='%s%d@%s/load' type='chat' id='m%u'><body>%s%0*d</body></message>",
		    bench.prefix, c->peer->user, c->peer->home->domain, c->sent, body,
		    w.body > n ? (int)w.body - n : 1, 0);
}

static void on_message(struct client *c, char *stanza)
{
	char *body = strstr(stanza, "<body>");
	unsigned number;
	unsigned long long when;

	if (!body || sscanf(body + 6, "%u %llu", &number, &when) != 2) {
		bench.errors++;
		return;
	}
	if (number > c->received)
		w.lost += number - c->received;
	else if (number < c->received)
		w.wrong_order++;
	c->received = number + 1;
	w.last_us = clock_mono_us();
	if (w.timed)
		w.latencies[w.received] = (uint32_t)(w.last_us - when);
	w.received++;
	if (w.window == 1 && c->sent < w.wanted)
		message_send(c);
	else if (w.window > 1 && c->peer->sent < w.wanted)
		message_send(c->peer);
}

/* Until all that each sender has to send has come. */
static void chat_phase(uint32_t messages)
{
	uint64_t until = w.received + (uint64_t)messages * w.n / (w.window == 1 ? 1 : 2);

	w.wanted += messages;
	w.last_us = clock_mono_us();
	for (size_t i = 0; i < w.n; i += 2) {
		for (uint32_t k = 0; k < w.window; k++)
			if (w.clients[i].sent < w.wanted)
				message_send(&w.clients[i]);
	}
	while (w.received + w.lost < until && !w.stop)
		turn();
}

static void rate_phase(double per_second, double seconds)
{
	uint64_t start = clock_mono_us(), due = 0, all = (uint64_t)(per_second * seconds);

	while ((due < all || w.received + w.lost < w.sent) && !w.stop) {
		uint64_t passed = clock_mono_us() - start;
		uint64_t until = due < all ? (uint64_t)((double)due * 1e6 / per_second) : passed + 100000;

		if (due < all && passed >= until) {
			message_send(&w.clients[2 * (due++ % (w.n / 2))]);
			bench_turn(0);
		} else if (until > passed) {
			bench_turn((int)((until - passed) / 1000));
		}
		if (clock_mono_us() - w.last_us > STALL_S * UINT64_C(1000000))
			w.stop = true;
	}
}

/* --- what is told ---------------------------------------------------------------------------- */

static void wait_for_line(void)
{
	char line[16];

	fflush(stdout);
	if (w.step && !fgets(line, sizeof(line), stdin))
		exit(1);
	w.last_us = clock_mono_us();
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *what, uint64_t n, uint64_t start)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	printf("{\"scenario\": \"%s\", \"n\": %llu, \"seconds\": %.3f, \"errors\": %u", what,
	       (unsigned long long)n, (double)(w.last_us - start) / 1e6, bench.errors);
	if (w.timed) {
		printf(", \"lost\": %llu, \"wrong_order\": %llu", (unsigned long long)w.lost,
		       (unsigned long long)w.wrong_order);
		qsort(w.latencies, n, sizeof(*w.latencies), compare);
		for (int p = 0; p < 4 && n; p++) {
			static const int parts[] = {500, 900, 990, 999};

			printf(", \"latency_us_p%g\": %u", parts[p] / 10.0,
			       w.latencies[(n - 1) * (uint64_t)parts[p] / 1000]);
		}
	}
	printf("}\n");
	wait_for_line();
}

/* --- scenarios ------------------------------------------------------------------------------- */

static void clients_make(long n)
{
	w.n = (size_t)n;
	w.clients = xcalloc(w.n, sizeof(*w.clients));
	for (size_t i = 0; i < w.n; i++) {
		w.clients[i].user = (int)(w.first + (long)i);
		w.clients[i].home = &w.homes[w.homes[1].domain && (i % 2 == 1) != w.reverse];
		w.clients[i].peer = &w.clients[(i ^ 1) < w.n ? i ^ 1 : i];
	}
}

static void close_all(void)
{
	w.last_us = clock_mono_us();
	for (size_t i = 0; i < w.n; i++)
		client_close(&w.clients[i]);
	while (w.gone < w.n && !w.stop)
		turn();
}

/* Messages before the measured ones load the users and fill the caches. */
static void run_messages(const char *what, long window, long messages, long rate, long seconds)
{
	uint64_t start, before, all = (uint64_t)(rate ? rate * seconds : messages);

	w.window = (uint32_t)window;
	chat_phase(WARM * (uint32_t)window);
	w.latencies = xcalloc(2 * all + w.n * 2, sizeof(*w.latencies));
	printf("ready\n");
	wait_for_line();
	w.timed = true;
	before = w.received;
	w.received = 0;
	start = clock_mono_us();
	if (rate) {
		w.window = 0;
		w.sent = 0;
		rate_phase((double)rate, (double)seconds);
	} else {
		chat_phase((uint32_t)((uint64_t)messages / (w.n / (window == 1 ? 1 : 2))));
	}
	if (w.stop)
		bench.errors++;
	report(what, w.received, start);
	w.received += before;
	close_all();
}

static void run_idle(long seconds)
{
	uint64_t start = clock_mono_us(), end = start + (uint64_t)seconds * 1000000;

	printf("ready\n");
	wait_for_line();
	while (clock_mono_us() < end && !bench.errors)
		bench_turn(100);
	w.last_us = clock_mono_us();
	report("idle", w.n - w.gone, start);
	close_all();
}

static void run_login(void)
{
	uint64_t start;

	printf("ready\n");
	wait_for_line();
	start = clock_mono_us();
	w.close_at_once = true;
	login_all();
	report("login", w.n - bench.errors, start);
}

static long number(const char *text)
{
	char *end;
	long n = text ? strtol(text, &end, 10) : 0;

	if (!text || *end || n < 0)
		die("a number is missing, or is none");
	return n;
}

static void options_read(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "+h:p:d:H:P:D:Rx:m:f:c:b:s")) != -1) {
		switch (o) {
		case 'h': w.homes[0].host = optarg; break;
		case 'd': w.homes[0].domain = optarg; break;
		case 'H': w.homes[1].host = optarg; break;
		case 'D': w.homes[1].domain = optarg; break;
		case 'P': w.homes[1].port = (int)number(optarg); break;
		case 'R': w.reverse = true; break;
		case 'x': bench.prefix = optarg; break;
		case 'm': bench.mechanism = optarg; break;
		case 'p': w.homes[0].port = (int)number(optarg); break;
		case 'f': w.first = number(optarg); break;
		case 'c': w.concurrency = number(optarg); break;
		case 'b': w.body = number(optarg); break;
		case 's': w.step = 1; break;
		default: exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	const char *what;
	long a[3] = {0};

	bench = (struct bench){.prefix = "u", .mechanism = "PLAIN", .ready = on_ready, .gone = on_gone,
			       .message = on_message};
	options_read(argc, argv);
	what = optind < argc ? argv[optind++] : "";
	for (int i = 0; i < 3 && optind < argc; i++)
		a[i] = number(argv[optind++]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	bench.poll = epoll_create1(EPOLL_CLOEXEC);
	bench.tls = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_mode(bench.tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	clients_make(strcmp(what, "chat") == 0 || strcmp(what, "rate") == 0 ? 2 * a[0] : a[0]);
	if (!w.n)
		die("chat PAIRS WINDOW MESSAGES | rate PAIRS PER_SECOND SECONDS | idle N SECONDS | login N");
	if (strcmp(what, "login") != 0)
		login_all();
	if (strcmp(what, "login") == 0)
		run_login();
	else if (strcmp(what, "idle") == 0)
		run_idle(a[1]);
	else if (strcmp(what, "chat") == 0 && a[1])
		run_messages(what, a[1], a[2], 0, 0);
	else if (strcmp(what, "rate") == 0 && a[1])
		run_messages(what, 1, 0, a[1], a[2]);
	else
		die("no such scenario");
	free(w.clients);
	free(w.latencies);
	SSL_CTX_free(bench.tls);
	return bench.errors > 0;
}
