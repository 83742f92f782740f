/* SPDX-License-Identifier: MIT */
/* What streams' features say of the server (XEP-0115): sm knows it, any of them. */
#include "c2s/client.h"

enum { ASK_MS = 5000 };

static void on_told(void *arg, int err, uint16_t kind, const void *m)
{
	struct domain *d = arg;
	const struct msg_caps_told *t = m;

	d->asking_caps = NULL;
	if (err < 0 || kind != MSG_CAPS_TOLD)
		return; /* what was known stays; it is asked again with the next watch */
	free(d->caps_node);
	free(d->caps_ver);
	d->caps_node = t->ver.len ? str_dup(t->node) : NULL;
	d->caps_ver = t->ver.len ? str_dup(t->ver) : NULL;
}

void caps_ask(struct c2s *x)
{
	uint64_t to = any_serving(x, "sm");

	for (size_t i = 0; to && i < x->ndomains; i++) {
		struct domain *d = &x->domains[i];
		struct frame head = {.kind = MSG_CAPS,
				     .to = to,
				     .from_shard = SHARD_NONE,
				     .to_shard = SHARD_NONE};
		struct msg_caps m = {.domain = str_z(d->name)};

		if (!d->asking_caps)
			d->asking_caps = link_request(x->link, &head, &m, ASK_MS, on_told, d);
	}
}

void caps_feature(const struct domain *d, struct xml_writer *w)
{
	if (!d->caps_ver)
		return;
	xw_start(w, "c", NS_CAPS);
	xw_attrz(w, "hash", "sha-1");
	xw_attrz(w, "node", d->caps_node);
	xw_attrz(w, "ver", d->caps_ver);
	xw_end(w);
}

void caps_free(struct domain *d)
{
	link_cancel(d->asking_caps);
	free(d->caps_node);
	free(d->caps_ver);
}
