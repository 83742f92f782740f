/* SPDX-License-Identifier: MIT */
/*
 * Reading the file with libconfuse. Every value is taken as text and checked by our tables while
 * the parser stands at its line. libconfuse stops at a name it does not know; the name is then
 * declared and the text read again, so that all mistakes are told at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/conf_internal.h"
#include "base/log.h"

#define INCLUDE_DEPTH 10
#define LARGEST_FILE (4 << 20)
#define TOP "root" /* libconfuse's name of the top level */

/* libconfuse hands its callbacks nothing of ours. */
static struct parser *parsing;

static int parse_text(struct parser *p, const char *name, struct str text);

static void add_error(struct parser *p, cfg_t *cfg)
{
	buf_printf(&p->errors, "%s:%d: ", cfg->filename ? cfg->filename : "", cfg->line);
}

static struct str section_of(cfg_t *cfg)
{
	return strcmp(cfg->name, TOP) == 0 ? STR("") : str_z(cfg->name);
}

static struct str title_of(cfg_t *cfg)
{
	return cfg->title ? str_z(cfg->title) : STR_NONE;
}

static void put_place(struct parser *p, cfg_t *cfg)
{
	if (cfg->title)
		buf_printf(&p->errors, " in %s \"%s\"", cfg->name, cfg->title);
	else if (section_of(cfg).len)
		buf_printf(&p->errors, " in section %s", cfg->name);
}

static void unknown_option(struct parser *p, cfg_t *cfg, const char *name, bool section)
{
	if (conf_is_foreign(p->sections, section_of(cfg), title_of(cfg)))
		return;
	add_error(p, cfg);
	if (p->secret_line == cfg->line) {
		buf_lit(&p->errors, "syntax error behind a secret value\n");
		return;
	}
	buf_printf(&p->errors, "no such %s \"%s\"", section ? "section" : "option", name);
	put_place(p, cfg);
	conf_suggest(p->sections, section_of(cfg), title_of(cfg), str_z(name), &p->errors);
	buf_putc(&p->errors, '\n');
}

static bool is_unknown(const struct parser *p, struct str section, const char *name)
{
	for (size_t i = 0; i < p->n_unknown; i++) {
		if (str_eqz(section, p->unknown[i].section) &&
		    strcmp(p->unknown[i].name, name) == 0)
			return true;
	}
	return false;
}

/* One value of one option; libconfuse has put the place into cfg. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct parser *p = parsing;
	struct str section = section_of(cfg), title = title_of(cfg);
	const struct option *o;
	struct setting *s = p->c->settings;
	struct buf why = BUF_INIT;
	bool list = opt->flags & CFGF_LIST, first = !list || opt->nvalues <= 1;

	*(const char **)result = value;
	if (p->dry)
		return 0;
	o = conf_valid_option(p->sections, section, title, str_z(opt->name));
	if (!o) {
		if (first)
			unknown_option(p, cfg, opt->name, false);
		return 0;
	}
	if (o->flags & OPT_SECRET)
		p->secret_line = cfg->line;
	if (first || !s || s->option != o)
		s = conf_add_setting(p->c, section, title, o, false);
	if (s->n && o->type != OPT_LIST)
		buf_lit(&why, "takes one value");
	else
		option_check(o, str_z(value), s->n, &why);
	if (why.len) {
		add_error(p, cfg);
		buf_printf(&p->errors, "option \"%s\": %.*s\n", opt->name, STR_ARG(buf_str(&why)));
	}
	buf_free(&why);
	conf_add_value(s, str_z(value));
	return 0;
}

/* Lists that were emptied call nobody. */
static void find_empty_lists(struct parser *p, cfg_t *cfg)
{
	for (cfg_opt_t *opt = cfg->opts; opt->name; opt++) {
		const struct option *o;

		if (opt->type != CFGT_STR || !(opt->flags & CFGF_LIST) ||
		    !(opt->flags & CFGF_MODIFIED) || opt->nvalues)
			continue;
		o = conf_valid_option(p->sections, section_of(cfg), title_of(cfg),
				      str_z(opt->name));
		if (!o)
			unknown_option(p, cfg, opt->name, false);
		else if (o->type == OPT_LIST)
			conf_add_setting(p->c, section_of(cfg), title_of(cfg), o, false);
		else
			unknown_option(p, cfg, opt->name, false);
	}
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	struct parser *p = parsing;
	cfg_t *section = opt->values[opt->nvalues - 1]->section;

	if (p->dry)
		return 0;
	for (unsigned i = 0; i < opt->nvalues; i++) {
		const char *title = cfg_title(opt->values[i]->section);

		if (title)
			conf_add_title(p->c, str_z(opt->name), str_z(title));
	}
	find_empty_lists(p, section);
	if (strcmp(opt->name, INSTANCE) == 0 &&
	    !conf_process_of(p->sections, title_of(section)).len) {
		add_error(p, cfg);
		buf_printf(&p->errors, "instance \"%s\" is named after no process\n",
			   cfg_title(section));
	}
	return 0;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct parser *p = parsing;

	if (p->again || p->dry)
		return;
	if (strncmp(fmt, "no such option", 14) == 0) {
		const char *name = va_arg(ap, const char *);
		struct str section = section_of(cfg);

		if (p->n_unknown == MOST_UNKNOWN || strchr(name, '|') || is_unknown(p, section, name)) {
			unknown_option(p, cfg, name, false);
			return;
		}
		p->unknown[p->n_unknown].section = str_dup(section);
		p->unknown[p->n_unknown++].name = xstrdup(name);
		p->again = true;
		return;
	}
	if (strncmp(fmt, "missing equal sign", 18) == 0) {
		va_list copy;
		const char *name;

		va_copy(copy, ap);
		name = va_arg(copy, const char *);
		va_end(copy);
		if (is_unknown(p, section_of(cfg), name)) {
			unknown_option(p, cfg, name, true);
			return;
		}
	}
	add_error(p, cfg);
	if (p->secret_line == cfg->line)
		buf_lit(&p->errors, "syntax error near a secret value");
	else
		buf_vprintf(&p->errors, fmt, ap);
	buf_putc(&p->errors, '\n');
}

static bool read_file(const char *file, struct buf *b, struct buf *why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st) < 0) {
		buf_printf(why, "%s: %s\n", file, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		buf_printf(why, "%s: not a regular file\n", file);
	} else {
		while ((n = read(fd, buf_reserve(b, 65536), 65536)) > 0 && b->len <= LARGEST_FILE)
			buf_added(b, (size_t)n);
		if (n < 0)
			buf_printf(why, "%s: %s\n", file, strerror(errno));
		else if (n > 0)
			buf_printf(why, "%s: larger than %d bytes\n", file, LARGEST_FILE);
	}
	if (fd >= 0)
		close(fd);
	/* The mark that some editors put in front. */
	if (b->len >= 3 && memcmp(buf_ptr(b), "\xef\xbb\xbf", 3) == 0)
		buf_consume(b, 3);
	return n == 0;
}

/* include("FILE"): relative to the file that says so. */
static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	struct parser *p = parsing;
	struct buf text = BUF_INIT, why = BUF_INIT;
	const char *slash = strrchr(cfg->filename, '/');
	char *path;
	int r = -1;

	if (p->dry)
		return 0;
	if (argc != 1) {
		add_error(p, cfg);
		buf_lit(&p->errors, "include takes one file name\n");
		return -1;
	}
	if (argv[0][0] == '/' || !slash)
		path = xstrdup(argv[0]);
	else
		path = xasprintf("%.*s/%s", (int)(slash - cfg->filename), cfg->filename, argv[0]);
	if (p->depth >= INCLUDE_DEPTH) {
		add_error(p, cfg);
		buf_lit(&p->errors, "files include each other too deeply\n");
	} else if (!read_file(path, &text, &why)) {
		add_error(p, cfg);
		buf_str_append(&p->errors, buf_str(&why));
	} else {
		r = parse_text(p, path, buf_str(&text));
	}
	buf_wipe(&text);
	buf_free(&why);
	free(path);
	return r;
}

static int on_end(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	*(const char **)result = value;
	parsing->ended = true;
	return 0;
}

static const struct conf_callbacks callbacks = {on_value, on_section, on_include, on_end};

static int run(struct parser *p, const char *name, struct str text)
{
	FILE *fp;
	cfg_t *cfg;
	int r;

	cfg = cfg_init(p->opts, CFGF_NONE);
	fp = text.len ? fmemopen((void *)text.ptr, text.len, "r") : fopen("/dev/null", "r");
	if (!cfg || !fp)
		bug("cannot read memory as a file: %s", strerror(errno));
	p->files[p->n_files++] = cfg;
	cfg->filename = xstrdup(name);
	cfg_set_error_function(cfg, on_error);
	p->depth++;
	r = cfg_parse_fp(cfg, fp);
	p->depth--;
	fclose(fp);
	if (r == CFG_SUCCESS && !p->dry)
		find_empty_lists(p, cfg);
	return r == CFG_SUCCESS ? 0 : -1;
}

/* To libconfuse the end of the file also closes a section or a comment. */
static int check_end(struct parser *p, const char *name, struct str text)
{
	cfg_opt_t *opts = p->opts;
	struct buf marked = BUF_INIT;
	int line = 1;

	buf_str_append(&marked, text);
	buf_lit(&marked, "\n" END_MARK " = x\n");
	p->dry = true;
	p->ended = false;
	p->opts = conf_opts_new(p, &callbacks);
	run(p, name, buf_str(&marked));
	conf_opts_free(p->opts);
	p->opts = opts;
	p->dry = false;
	buf_wipe(&marked);
	if (p->ended)
		return 0;
	for (size_t i = 0; i + 1 < text.len; i++)
		line += text.ptr[i] == '\n';
	buf_printf(&p->errors, "%s:%d: a section or comment is not closed\n", name, line);
	return -1;
}

static int parse_text(struct parser *p, const char *name, struct str text)
{
	if (str_find(text, '\0', 0) >= 0) {
		buf_printf(&p->errors, "%s: not a text file\n", name);
		return -1;
	}
	if (p->n_files + 2 > sizeof(p->files) / sizeof(p->files[0])) {
		buf_printf(&p->errors, "%s: too many included files\n", name);
		return -1;
	}
	if (run(p, name, text) == 0)
		return check_end(p, name, text);
	if (!p->errors.len && !p->again)
		buf_printf(&p->errors, "%s: syntax error\n", name);
	return -1;
}

static void one_pass(struct parser *p, const char *name, struct str text)
{
	p->c = xcalloc(1, sizeof(*p->c));
	p->c->sections = p->sections;
	p->again = false;
	p->secret_line = 0;
	p->opts = conf_opts_new(p, &callbacks);
	buf_clear(&p->errors);
	parse_text(p, name, text);
	while (p->n_files)
		cfg_free(p->files[--p->n_files]);
	conf_opts_free(p->opts);
}

struct conf *conf_parse(const char *name, const char *text, const struct option_section *sections,
			const char *const *overrides, struct buf *errors)
{
	struct parser p = {.sections = sections};
	struct conf *c;

	parsing = &p;
	one_pass(&p, name, str_z(text));
	while (p.again) {
		conf_free(p.c);
		one_pass(&p, name, str_z(text));
	}
	parsing = NULL;
	for (; overrides && *overrides; overrides++)
		conf_override(p.c, *overrides, &p.errors);
	for (size_t i = 0; i < p.n_unknown; i++) {
		free(p.unknown[i].section);
		free(p.unknown[i].name);
	}
	c = p.errors.len ? conf_free(p.c) : p.c;
	buf_str_append(errors, buf_str(&p.errors));
	buf_free(&p.errors);
	return c;
}

struct conf *conf_load(const char *file, const struct option_section *sections,
		       const char *const *overrides, struct buf *errors)
{
	struct buf text = BUF_INIT;
	struct conf *c = NULL;

	if (!read_file(file, &text, errors)) {
		buf_wipe(&text);
		return NULL;
	}
	if (memchr(buf_ptr(&text) ? buf_ptr(&text) : "", '\0', text.len)) {
		buf_printf(errors, "%s: not a text file\n", file);
	} else {
		buf_putc(&text, '\0');
		c = conf_parse(file, buf_ptr(&text), sections, overrides, errors);
	}
	buf_wipe(&text);
	return c;
}
