/* SPDX-License-Identifier: MIT */
/* What people read and type: columns, durations, addresses, passwords. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include "base/alloc.h"
#include "tools/ctl.h"

enum { PASSWORD_MAX = 1024 };

/* --- columns --------------------------------------------------------------------------------- */

struct ctl_text {
	size_t columns, n;
	char **cells;
	size_t *widths;
};

struct ctl_text *ctl_text_new(size_t columns)
{
	struct ctl_text *t = xcalloc(1, sizeof(*t));

	t->columns = columns;
	t->widths = xcalloc(columns, sizeof(*t->widths));
	return t;
}

void ctl_clean(char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];

		if (c < ' ' || c == 0x7f)
			s[0] = '?';
		else if (c == 0xc2 && next < 0xa0) /* C1: what an escape begins, in one character */
			s[0] = s[1] = '?';
	}
}

void ctl_put(FILE *to, struct str s)
{
	char *z = str_dup(s);

	ctl_clean(z);
	fputs(z, to);
	free(z);
}

/* Characters, not bytes. */
static size_t tidy(char *s)
{
	size_t n = 0;

	ctl_clean(s);
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void ctl_text_cell(struct ctl_text *t, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	size_t width;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	t->cells = xrealloc(t->cells, (t->n + 1) * sizeof(*t->cells));
	t->cells[t->n] = buf_take(&b);
	width = tidy(t->cells[t->n]);
	if (width > t->widths[t->n % t->columns])
		t->widths[t->n % t->columns] = width;
	t->n++;
}

struct ctl_text *ctl_text_print(struct ctl_text *t, FILE *to)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t column = i % t->columns, width = 0;

		for (const char *s = t->cells[i]; *s; s++)
			width += ((unsigned char)*s & 0xc0) != 0x80;
		fputs(t->cells[i], to);
		if (column + 1 == t->columns || i + 1 == t->n)
			fputc('\n', to);
		else
			fprintf(to, "%*s", (int)(t->widths[column] - width + 2), "");
		free(t->cells[i]);
	}
	free(t->cells);
	free(t->widths);
	free(t);
	return NULL;
}

char *ctl_duration(int64_t s)
{
	if (s < 60)
		return xasprintf("%llds", (long long)s);
	if (s < 3600)
		return xasprintf("%lldm %llds", (long long)s / 60, (long long)s % 60);
	if (s < 86400)
		return xasprintf("%lldh %lldm", (long long)s / 3600, (long long)s / 60 % 60);
	return xasprintf("%lldd %lldh", (long long)s / 86400, (long long)s / 3600 % 24);
}

void ctl_print_json(json_t *take_value)
{
	json_dumpf(take_value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
	json_decref(take_value);
}

/* --- addresses ------------------------------------------------------------------------------- */

struct str ctl_account(struct ctl *c, struct pool *p, struct str text, struct buf *why)
{
	struct jid j;

	if (jid_parse(p, text, &j) < 0 || !j.local.len || j.resource.len) {
		buf_lit(why, "not the address of an account (name@domain)");
		return STR_NONE;
	}
	for (char **d = c->common.domains; *d; d++) {
		if (str_eqz(j.domain, *d))
			return j.bare;
	}
	buf_printf(why, "%.*s is not a domain of this server", STR_ARG(j.domain));
	return STR_NONE;
}

/* --- passwords ------------------------------------------------------------------------------- */

/* A line without its end. False at the end of input, or when it is too long. */
static bool read_line(int fd, struct buf *b)
{
	buf_reserve(b, PASSWORD_MAX + 2); /* growing would leave copies behind */
	for (;;) {
		char ch;
		ssize_t n = read(fd, &ch, 1); /* nothing behind the line is to be taken */

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (n == 0 && !b->len) || b->len > PASSWORD_MAX)
			return false;
		if (n == 0 || ch == '\n')
			break;
		buf_putc(b, ch);
	}
	if (b->len && buf_ptr(b)[b->len - 1] == '\r')
		b->len--;
	return true;
}

static bool prompt(const char *text, struct buf *b)
{
	struct termios old, silent;
	bool good;

	if (tcgetattr(STDIN_FILENO, &old) < 0)
		return false;
	silent = old;
	/* An interrupt must not leave the terminal without echo: it is read as a character. */
	silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	fputs(text, stderr);
	good = read_line(STDIN_FILENO, b);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	return good && (!b->len || !memchr(buf_ptr(b), 3, b->len));
}

static bool ask_twice(struct buf *ret)
{
	struct buf again = BUF_INIT;
	bool good;

	if (!prompt("Password: ", ret) || !prompt("Once more: ", &again)) {
		buf_wipe(&again);
		ctl_error("no password given");
		return false;
	}
	good = str_eq(buf_str(ret), buf_str(&again));
	buf_wipe(&again);
	if (!good)
		ctl_error("the passwords differ");
	return good;
}

bool ctl_password(struct buf *ret)
{
	if (isatty(STDIN_FILENO)) {
		if (!ask_twice(ret))
			return false;
	} else if (!read_line(STDIN_FILENO, ret)) {
		ctl_error("no password on standard input");
		return false;
	}
	if (ret->len)
		return true;
	ctl_error("the password is empty");
	return false;
}
