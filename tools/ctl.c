/* SPDX-License-Identifier: MIT */
/* mercutioctl: options, the table of commands, help. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "tools/args.h"
#include "tools/ctl.h"

enum { TIMEOUT_S = 10, TIMEOUT_MAX_S = 86400 };

const struct ctl_command *const ctl_tables[] = {
	ctl_status_commands, ctl_stats_commands,  ctl_user_commands,   ctl_session_commands,
	ctl_route_commands,  ctl_config_commands, ctl_cert_commands,   ctl_trace_commands,
	ctl_log_commands,    ctl_drain_commands,  ctl_reload_commands, ctl_user_file_commands,
	ctl_retention_commands, ctl_storage_commands, ctl_s2s_commands, ctl_admin_commands,
	ctl_greet_commands, NULL,
};

int ctl_error(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("mercutioctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CTL_FAILED;
}

/* How many of the words name the command; 0: they do not. */
static int matches(const char *name, int argc, char **argv)
{
	struct str rest = str_z(name), word;
	int n = 0;

	while (str_split(&rest, ' ', &word)) {
		if (n == argc || !str_eqz(word, argv[n]))
			return 0;
		n++;
	}
	return n;
}

const struct ctl_command *ctl_find(int argc, char **argv, int *ret_used)
{
	for (const struct ctl_command *const *t = ctl_tables; *t; t++) {
		for (const struct ctl_command *k = *t; k->name; k++) {
			int n = matches(k->name, argc, argv);

			if (n) {
				*ret_used = n;
				return k;
			}
		}
	}
	return NULL;
}

static void help(void)
{
	struct ctl_text *text = ctl_text_new(2);

	puts("usage: mercutioctl [--config FILE] [--override [SECTION.]OPTION=VALUE]... [--json]\n"
	     "                   [--timeout SECONDS] COMMAND\n");
	for (const struct ctl_command *const *t = ctl_tables; *t; t++) {
		for (const struct ctl_command *k = *t; k->name; k++) {
			ctl_text_cell(text, "  %s%s%s", k->name, *k->args ? " " : "", k->args);
			ctl_text_cell(text, "%s", k->help);
		}
	}
	ctl_text_print(text, stdout);
}

static int usage(const struct ctl_command *k)
{
	if (k)
		fprintf(stderr, "usage: mercutioctl [--config FILE] %s%s%s\n", k->name,
			*k->args ? " " : "", k->args);
	else
		fputs("usage: mercutioctl [--config FILE] COMMAND; mercutioctl --help lists them\n",
		      stderr);
	return CTL_USAGE;
}

/* "user" alone, or a misspelt second word, is answered with what there is. */
static int unknown(int argc, char **argv)
{
	bool found = false;

	if (!argc)
		return usage(NULL);
	ctl_error("no such command: %s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	for (const struct ctl_command *const *t = ctl_tables; *t; t++) {
		for (const struct ctl_command *k = *t; k->name; k++) {
			size_t n = strcspn(k->name, " ");

			if (!str_eqz(str_n(k->name, n), argv[0]))
				continue;
			found = true;
			usage(k);
		}
	}
	return found ? CTL_USAGE : usage(NULL);
}

static bool parse_timeout(struct ctl *c, const char *text)
{
	unsigned long long s;

	if (!str_u64(str_z(text), &s) || s < 1 || s > TIMEOUT_MAX_S)
		return false;
	c->timeout_ms = (uint32_t)s * 1000;
	return true;
}

/* Options of commands: name, what it is in ctl.given, where its value goes. */
static const struct {
	const char *name;
	unsigned bit;
} command_options[] = {
	{"replace", CTL_REPLACE}, {"merge", CTL_MERGE},	    {"skip", CTL_SKIP},
	{"all", CTL_ALL},	  {"no-archive", CTL_NO_ARCHIVE}, {"dry-run", CTL_DRY_RUN},
	{"domain", CTL_DOMAIN},	  {"from", CTL_FROM},	    {"to", CTL_TO},
};
enum { COMMAND_OPTIONS = sizeof(command_options) / sizeof(command_options[0]) };

static void take_option(struct ctl *c, unsigned bit, const char *value)
{
	c->given |= bit;
	if (bit == CTL_REPLACE)
		c->replace = true;
	else if (bit == CTL_DOMAIN)
		c->domain = value;
	else if (bit == CTL_FROM)
		c->from = value;
	else if (bit == CTL_TO)
		c->to = value;
}

static void add_override(struct ctl *c, const char *text)
{
	c->overrides = xrealloc(c->overrides, (c->noverrides + 2) * sizeof(*c->overrides));
	c->overrides[c->noverrides++] = text;
	c->overrides[c->noverrides] = NULL;
}

/* Below 0: go on; else the exit status. *ret_words: arguments from argv[1]. */
static int parse(struct ctl *c, int argc, char **argv, int *ret_words)
{
	enum { CONFIG, OVERRIDE, JSON, TIMEOUT, HELP, ABOUT, COMMANDS };
	struct arg table[COMMANDS + COMMAND_OPTIONS + 1] = {
		[CONFIG] = {"config", 'c', true}, [OVERRIDE] = {"override", 'o', true},
		[JSON] = {"json", 'j', false},
		[TIMEOUT] = {"timeout", 't', true}, [HELP] = {"help", 'h', false},
		[ABOUT] = {"version", 'V', false},
	};
	struct args a;

	for (int i = 0; i < COMMAND_OPTIONS; i++)
		table[COMMANDS + i] = (struct arg){
			command_options[i].name, 0,
			(command_options[i].bit & (CTL_DOMAIN | CTL_FROM | CTL_TO)) != 0};
	a = args_begin(table, argc, argv);
	for (int i; (i = args_next(&a)) != ARGS_END;) {
		if (i >= COMMANDS) {
			take_option(c, command_options[i - COMMANDS].bit, a.value);
		} else if (i == CONFIG) {
			c->file = a.value;
		} else if (i == OVERRIDE) {
			add_override(c, a.value);
		} else if (i == JSON) {
			c->json = true;
		} else if (i == HELP) {
			help();
			return CTL_GOOD;
		} else if (i == ABOUT) {
			puts("mercutioctl " PACKAGE_VERSION);
			return CTL_GOOD;
		} else if (i != TIMEOUT) {
			ctl_error("no such option, or its value is missing: %s", a.value);
			return usage(NULL);
		} else if (!parse_timeout(c, a.value)) {
			ctl_error("--timeout takes 1 to %d seconds", TIMEOUT_MAX_S);
			return CTL_USAGE;
		} else {
			c->timeout_given = true;
		}
	}
	*ret_words = a.words;
	return -1;
}

static int run(struct ctl *c, const struct ctl_command *k, int argc, char **argv)
{
	if ((k->needs & (CTL_CONFIG | CTL_LINK)) && !ctl_load(c))
		return CTL_FAILED;
	if ((k->needs & CTL_LINK) && !ctl_connect(c, k->needs & CTL_PATIENT))
		return CTL_FAILED;
	return k->run(c, argc, argv);
}

static int ctl_run(struct ctl *c, int argc, char **argv)
{
	const struct ctl_command *k;
	int words, used, status = parse(c, argc, argv, &words);

	if (status >= 0)
		return status;
	k = ctl_find(words, argv + 1, &used);
	if (!k)
		return unknown(words, argv + 1);
	words -= used;
	if (words < k->min || (k->max >= 0 && words > k->max) || (c->given & ~k->needs))
		return usage(k);
	status = run(c, k, words, argv + 1 + used);
	ctl_disconnect(c);
	if (fflush(stdout) != 0 || ferror(stdout))
		return ctl_error("standard output: %s", strerror(errno));
	return status;
}

int ctl_main(int argc, char **argv)
{
	struct ctl c = {.file = SYSCONFDIR "/mercutio.conf", .timeout_ms = TIMEOUT_S * 1000};
	int status;

	process_streams();
	status = ctl_run(&c, argc, argv);
	free(c.overrides);
	return status;
}
