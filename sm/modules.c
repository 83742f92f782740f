/* SPDX-License-Identifier: MIT */
/* The modules: their order, their configuration, the hook points and the table of IQ handlers. */
#include "sm/sm_internal.h"

enum hook_id {
#define EVENT(name, params, args)  HOOK_##name,
#define POLICY(name, params, args) HOOK_##name,
#include "sm/hooks.def"
#undef EVENT
#undef POLICY
	HOOK_COUNT
};

/* For each hook point the structs of the modules that handle it, by priority. One sm a process. */
static struct {
	const struct hooks *row[HOOK_COUNT][MAX_MODULES + 1];
} chains;

#define EVENT(name, params, args)                                                                  \
	void run_##name params                                                                     \
	{                                                                                          \
		for (const struct hooks **h = chains.row[HOOK_##name]; *h; h++)                    \
			(*h)->name args;                                                           \
	}
#define POLICY(name, params, args)                                                                 \
	enum verdict run_##name params                                                             \
	{                                                                                          \
		for (const struct hooks **h = chains.row[HOOK_##name]; *h; h++)                    \
			if ((*h)->name args == HANDLED)                                            \
				return HANDLED;                                                    \
		return PASS;                                                                       \
	}
#include "sm/hooks.def"
#undef EVENT
#undef POLICY

static void chain_add(enum hook_id id, const struct hooks *h)
{
	const struct hooks **row = chains.row[id];
	size_t n = 0, at;

	while (row[n])
		n++;
	for (at = 0; at < n && row[at]->priority >= h->priority; at++)
		;
	memmove(row + at + 1, row + at, (n - at + 1) * sizeof *row);
	row[at] = h;
}

static void chains_add(const struct hooks *h)
{
#define EVENT(name, params, args)                                                                  \
	if (h->name)                                                                               \
		chain_add(HOOK_##name, h);
#define POLICY EVENT
#include "sm/hooks.def"
#undef EVENT
#undef POLICY
}

static char *iq_key(const char *ns, size_t nns, const char *name, size_t nname)
{
	char *k = xmalloc(nns + nname + 2);

	memcpy(k, ns, nns);
	k[nns] = ' ';
	memcpy(k + nns + 1, name, nname);
	k[nns + 1 + nname] = '\0';
	return k;
}

static void iqs_add(struct sm *sm, const struct iq_handler *h)
{
	for (; h && h->ns; h++) {
		struct iq_row *row = xcalloc(1, sizeof *row), *first;
		const char *name = h->name ? h->name : "";

		row->key = iq_key(h->ns, strlen(h->ns), name, strlen(name));
		row->h = h;
		HASH_FIND_STR(sm->iqs, row->key, first);
		if (first) {
			row->more = first->more;
			first->more = row;
		} else {
			HASH_ADD_KEYPTR(hh, sm->iqs, row->key, strlen(row->key), row);
		}
	}
}

static const struct iq_handler *iq_find(struct sm *sm, struct str ns, struct str name, unsigned to,
					unsigned type)
{
	char *key = iq_key(ns.ptr, ns.len, name.ptr, name.len);
	struct iq_row *row;

	HASH_FIND_STR(sm->iqs, key, row);
	free(key);
	for (; row; row = row->more)
		if ((row->h->to & to) && (row->h->types & type))
			return row->h;
	return NULL;
}

bool iq_dispatch(struct packet *p, unsigned to)
{
	const struct node *payload = stanza_payload(p->pool, &p->st);
	unsigned type = p->st.type == IQ_GET ? IQ_IS_GET : IQ_IS_SET;
	const struct iq_handler *h;

	if (!payload) {
		packet_error(p, STANZA_E_BAD_REQUEST);
		return true;
	}
	h = iq_find(p->sm, payload->ns, payload->name, to, type);
	if (!h)
		h = iq_find(p->sm, payload->ns, STR(""), to, type);
	if (!h)
		return false;
	if ((h->to & IQ_FROM_OWNER) && !p->own)
		packet_error(p, STANZA_E_FORBIDDEN);
	else
		h->fn(p, payload);
	return true;
}

int module_index(const struct sm *sm, const struct module *m)
{
	for (size_t i = 0; i < sm->nmodules; i++)
		if (sm->modules[i] == m)
			return (int)i;
	bug("module %s is not in the list", m->name);
}

const void *module_config(struct sm *sm, const struct module *m)
{
	return sm->module_configs[module_index(sm, m)];
}

void module_each(struct sm *sm, void (*fn)(void *arg, const struct module *m), void *arg)
{
	for (size_t i = 0; i < sm->nmodules; i++)
		fn(arg, sm->modules[i]);
}

/* Most modules keep nothing with an account, and an account has no room for them. */
static size_t slot(const struct sm *sm, const struct module *m)
{
	if (!m->hooks.user_free)
		bug("module %s keeps data and has no user_free", m->name);
	return sm->slots[module_index(sm, m)];
}

void *user_data(const struct user *u, const struct module *m)
{
	return u->data[slot(u->sm, m)];
}

void user_data_set(struct user *u, const struct module *m, void *data)
{
	u->data[slot(u->sm, m)] = data;
}

static void *config_read(struct sm *sm, const struct module *m)
{
	void *config = xcalloc(1, m->config_size);

	conf_fill(sm->app->conf, "sm", sm->app->instance, m->options, config);
	return config;
}

void modules_reload(struct sm *sm, struct buf *changed, struct buf *ignored)
{
	for (size_t i = 0; i < sm->nmodules; i++) {
		const struct option *options = sm->modules[i]->options;
		void *newer;

		if (!options)
			continue;
		newer = config_read(sm, sm->modules[i]);
		options_reload(options, sm->module_configs[i], newer, changed, ignored);
		options_free(options, newer);
		free(newer);
	}
}

void modules_start(struct sm *sm)
{
	for (const struct module *const *m = sm_module_list; *m; m++) {
		if (sm->nmodules == MAX_MODULES)
			bug("more modules than MAX_MODULES");
		if ((*m)->options)
			sm->module_configs[sm->nmodules] = config_read(sm, *m);
		if ((*m)->hooks.user_free)
			sm->slots[sm->nmodules] = (uint8_t)sm->nslots++;
		sm->modules[sm->nmodules++] = *m;
		chains_add(&(*m)->hooks);
		iqs_add(sm, (*m)->iqs);
	}
	for (size_t i = 0; i < sm->nmodules; i++)
		if (sm->modules[i]->start)
			sm->modules[i]->start(sm);
}

void modules_stop(struct sm *sm)
{
	struct iq_row *row, *tmp;

	for (size_t i = sm->nmodules; i-- > 0;) {
		if (sm->modules[i]->stop)
			sm->modules[i]->stop(sm);
		if (sm->module_configs[i]) {
			options_free(sm->modules[i]->options, sm->module_configs[i]);
			free(sm->module_configs[i]);
		}
	}
	HASH_ITER(hh, sm->iqs, row, tmp)
	{
		HASH_DEL(sm->iqs, row);
		while (row) {
			struct iq_row *more = row->more;

			free(row->key);
			free(row);
			row = more;
		}
	}
	memset(&chains, 0, sizeof chains);
}
