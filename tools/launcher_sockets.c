/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets of c2s and s2s are held by the launcher, which hands them over at each
 * start: who connects while such a process is away waits in the kernel, and is not refused.
 * Instances that name one address share one socket.
 */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>
#include "base/alloc.h"
#include "base/conn.h"
#include "c2s/options.h"
#include "s2s/options.h"
#include "tools/launcher.h"

/* What of a process's options is about listening. */
struct kind {
	const char *process;
	const struct option *options;
	size_t config_size, listen, listen_tls, reuse_port;
};
static const struct kind kinds[] = {
	{"c2s", c2s_options, sizeof(struct c2s_config), offsetof(struct c2s_config, listen),
	 offsetof(struct c2s_config, listen_tls), offsetof(struct c2s_config, reuse_port)},
	{"s2s", s2s_options, sizeof(struct s2s_config), offsetof(struct s2s_config, listen),
	 offsetof(struct s2s_config, listen_tls), offsetof(struct s2s_config, reuse_port)},
};

struct held {
	struct held *prev, *next;
	char *address;
	struct listener *listener;
	int claim;
	unsigned users; /* instances */
};

struct sockets {
	struct loop *loop;
	struct held *held;
};

struct handover {
	struct sockets *all;
	struct held *held[LAUNCHER_SOCKETS];
	int fds[LAUNCHER_SOCKETS];
	size_t n;
	char *names; /* "listen:listen_tls" */
};

static void nobody_accepts(void *arg, int take_fd)
{
	close(take_fd);
}

static struct held *held_free(struct sockets *all, struct held *h)
{
	DL_DELETE(all->held, h);
	listener_free(h->listener);
	listener_disclaim(h->claim);
	free(h->address);
	free(h);
	return NULL;
}

/* NULL: the process finds out and tells why, when it tries by itself. */
static struct held *hold(struct sockets *all, const char *address, bool reuse_port, const char *dir)
{
	struct held *h;
	struct listener *l = NULL;
	int claim = -1, err;

	DL_FOREACH (all->held, h)
		if (strcmp(h->address, address) == 0)
			return h;
	if (reuse_port && strncmp(address, "unix:", 5) != 0)
		err = listener_claim(address, dir, &claim);
	else
		err = listener_probe(address);
	if (err == 0)
		err = listener_new(all->loop, address, reuse_port, nobody_accepts, NULL, &l);
	if (err < 0) {
		listener_disclaim(claim);
		return NULL;
	}
	listener_pause(l, true);
	listener_claimed(claim);
	h = xcalloc(1, sizeof *h);
	h->address = xstrdup(address);
	h->listener = l;
	h->claim = claim;
	DL_APPEND(all->held, h);
	return h;
}

static void name_add(struct handover *o, const char *name)
{
	char *names = o->names ? xasprintf("%s:%s", o->names, name) : xstrdup(name);

	free(o->names);
	o->names = names;
}

static bool take(struct handover *o, char *const *addresses, const char *name, bool reuse_port,
		 const char *dir)
{
	for (; *addresses; addresses++) {
		struct held *h =
			o->n < LAUNCHER_SOCKETS ? hold(o->all, *addresses, reuse_port, dir) : NULL;

		if (!h)
			return false;
		h->users++;
		o->held[o->n] = h;
		o->fds[o->n++] = listener_fd(h->listener);
		name_add(o, name);
	}
	return true;
}

static const struct kind *kind_of(const char *process)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].process, process) == 0)
			return &kinds[i];
	return NULL;
}

/* All of its addresses, or none: an instance that is handed sockets opens no others. */
static void take_all(struct handover *o, const struct kind *k, const struct conf *conf,
		     const char *instance)
{
	char *config = xcalloc(1, k->config_size);
	struct common_config common = {0};
	bool reuse_port;

	conf_fill(conf, k->process, instance, common_options, &common);
	conf_fill(conf, k->process, instance, k->options, config);
	reuse_port = *(bool *)(config + k->reuse_port);
	if (!take(o, *(char ***)(config + k->listen), "listen", reuse_port, common.run_dir) ||
	    !take(o, *(char ***)(config + k->listen_tls), "listen_tls", reuse_port, common.run_dir))
		handover_drop(o);
	options_free(k->options, config);
	options_free(common_options, &common);
	free(config);
}

/* As the file is now: what it says about addresses may have changed since the last start. */
static struct conf *read_file(const struct kind *k, const struct launcher_args *args,
			      struct option_section **ret_sections)
{
	const struct process as = {.name = k->process, .options = k->options};
	const struct process *const all[] = {&as, NULL};
	struct buf errors = BUF_INIT;
	struct conf *conf;

	*ret_sections = process_sections(all);
	conf = conf_load(args->file, *ret_sections, args->overrides, &errors);
	buf_free(&errors); /* the process tells */
	return conf;
}

struct handover *handover_renew(struct handover *o, struct sockets *all, const char *process,
				const char *instance, const struct launcher_args *args)
{
	const struct kind *k = kind_of(process);
	struct option_section *sections;
	struct handover *fresh;
	struct conf *conf;

	if (!k)
		return NULL;
	conf = read_file(k, args, &sections);
	if (conf) {
		fresh = xcalloc(1, sizeof *fresh);
		fresh->all = all;
		take_all(fresh, k, conf, instance);
		handover_free(o); /* after it: what stays was not closed in between */
		o = fresh;
	}
	conf_free(conf);
	free(sections);
	return o;
}

void handover_drop(struct handover *o)
{
	while (o && o->n) {
		struct held *h = o->held[--o->n];

		if (--h->users == 0)
			held_free(o->all, h);
	}
	if (o) {
		free(o->names);
		o->names = NULL;
	}
}

struct handover *handover_free(struct handover *o)
{
	if (!o)
		return NULL;
	handover_drop(o);
	free(o);
	return NULL;
}

void handover_give(const struct handover *o, struct child_spec *s)
{
	if (!o || !o->n)
		return;
	s->sockets = o->fds;
	s->nsockets = o->n;
	s->socket_names = o->names;
}

struct sockets *sockets_new(struct loop *l)
{
	struct sockets *all = xcalloc(1, sizeof *all);

	all->loop = l;
	return all;
}

struct sockets *sockets_free(struct sockets *all)
{
	while (all && all->held)
		held_free(all, all->held);
	free(all);
	return NULL;
}
