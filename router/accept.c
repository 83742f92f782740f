/* SPDX-License-Identifier: MIT */
/* New connections up to the point where they have proved who they are. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/log.h"
#include <utlist.h>
#include "router/hub_internal.h"

enum { REFUSED_LINGER_S = 3 };

struct port *port_free(struct port *p)
{
	struct hub *h = p->hub;

	loop_timeout_stop(h->loop, &p->patience);
	if (!p->proved) {
		DL_DELETE(h->unproven, p);
		h->nunproven--;
	}
	handshake_free(p->handshake);
	peer_free(p->peer);
	pool_free(p->binds_pool);
	free(p->name);
	free(p->process);
	free(p->version);
	free(p->host);
	free(p->mechanism);
	free(p);
	return NULL;
}

static void ignore_frame(void *arg, const struct frame *f, struct str bytes)
{
}

static void refused_down(void *arg, int err, const char *reason)
{
	port_free(arg);
}

static void proved_down(void *arg, int err, const char *reason)
{
	port_leave(arg, reason ? reason : err ? strerror(-err) : "closed");
}

static void on_impatience(void *arg)
{
	struct port *p = arg;

	if (p->handshake)
		log_warn("link refused", LF_S("address", conn_peer(peer_conn(p->peer))),
			 LF_S("reason", "it did not prove itself in time"));
	port_free(p);
}

void port_linger(struct port *p)
{
	static const struct peer_ops refused = {.frame = ignore_frame, .down = refused_down};

	if (p->proved) {
		p->proved = false;
		DL_APPEND(p->hub->unproven, p);
		p->hub->nunproven++;
	}
	peer_set_ops(p->peer, &refused, p);
	peer_finish(p->peer);
	loop_timeout_start(p->hub->loop, &p->patience, REFUSED_LINGER_S);
}

static const char *on_admit(void *arg, const struct handshake_other *o)
{
	struct port *p = arg;

	return port_admit(p->hub, p, o);
}

static void on_handshake(void *arg, int err, const char *reason, const struct handshake_other *o)
{
	static const struct peer_ops proved = {.frame = port_frame, .down = proved_down};
	struct port *p = arg;
	struct hub *h = p->hub;

	if (err < 0) {
		h->refused++;
		log_warn("link refused", LF_S("address", conn_peer(peer_conn(p->peer))),
			 LF_S("instance", o->name ? o->name : "unknown"), LF_S("reason", reason));
		p->handshake = handshake_free(p->handshake);
		port_linger(p);
		return;
	}
	p->id = o->id;
	p->pid = o->pid;
	p->bit = msg_process_bit(o->process);
	p->name = xstrdup(o->name);
	p->process = xstrdup(o->process);
	p->version = xstrdup(o->version);
	p->host = xstrdup(o->host);
	p->mechanism = xstrdup(o->mechanism);
	p->handshake = handshake_free(p->handshake);
	loop_timeout_stop(h->loop, &p->patience);
	peer_set_ops(p->peer, &proved, p);
	peer_set_max(p->peer, h->max_frame);
	DL_DELETE(h->unproven, p);
	h->nunproven--;
	p->proved = true;
	port_join(p);
}

static void greet(void *arg)
{
	static const struct handshake_ops ops = {.admit = on_admit, .done = on_handshake};
	struct port *p = arg;

	p->handshake = handshake_new(p->peer, true, &p->hub->self, &ops, p);
}

static void on_accept(void *arg, int take_fd)
{
	static const struct peer_ops before = {
		.frame = ignore_frame,
		.secured = greet,
		.down = refused_down,
	};
	struct hub_listener *l = arg;
	struct hub *h = l->hub;
	char *error = NULL;
	struct port *p;
	SSL *ssl;

	if ((int64_t)h->nunproven >= h->config->unproven_max ||
	    (int64_t)(h->nunproven + HASH_COUNT(h->ports)) >= h->config->links_max) {
		h->refused++;
		log_warn("link refused", LF_S("reason", "too many links"),
			 LF_U("unproven", h->nunproven), LF_U("linked", HASH_COUNT(h->ports)));
		close(take_fd);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->hub = h;
	p->patience = (struct loop_timeout){.fn = on_impatience, .arg = p};
	loop_timeout_start(h->loop, &p->patience, HANDSHAKE_MS / 1000);
	DL_APPEND(h->unproven, p);
	h->nunproven++;
	p->peer = peer_new(h->loop, take_fd, HANDSHAKE_MAX_FRAME, &before, p);
	if (!l->tcp) {
		greet(p);
		return;
	}
	ssl = link_tls_new(&h->tls, true, &error);
	if (ssl) {
		conn_start_tls(peer_conn(p->peer), ssl);
		return;
	}
	log_error("link refused", LF_S("reason", error));
	free(error);
	port_free(p);
}

/* The directory's permissions say who comes near; credentials or the secret say who is let in. */
static void open_socket_file(const struct hub *h, const char *address)
{
	const char *path = address + sizeof("unix:") - 1;

	if (chmod(path, h->self.nuids || h->secret ? 0666 : 0660) < 0)
		log_warn("cannot set the mode of the socket", LF_S("path", path), LF_ERR(-errno));
}

static bool listen_at(struct hub *h, const char *address, char **ret_error)
{
	struct hub_listener *l = &h->listeners[h->nlisteners];
	int r;

	l->hub = h;
	l->tcp = !str_starts(str_z(address), STR("unix:"));
	if (l->tcp) {
		char *why = NULL;
		SSL *ssl = link_tls_new(&h->tls, true, &why);

		if (!ssl) {
			*ret_error = xasprintf("cannot listen at %s: %s", address, why);
			free(why);
			return false;
		}
		SSL_free(ssl);
	}
	if (l->tcp && !h->secret && !h->ca) {
		*ret_error = xasprintf("cannot listen at %s: a link over TCP needs secret_file or "
				       "link_ca",
				       address);
		return false;
	}
	r = listener_new(h->loop, address, false, on_accept, l, &l->listener);
	if (r < 0) {
		*ret_error = xasprintf("cannot listen at %s: %s", address, strerror(-r));
		return false;
	}
	h->nlisteners++;
	if (!l->tcp)
		open_socket_file(h, address);
	return true;
}

bool hub_listen(struct hub *h, const char *default_address, char **ret_error)
{
	char **address = h->config->listen;

	if (!address || !*address)
		return listen_at(h, default_address, ret_error);
	for (; *address; address++) {
		if (h->nlisteners == HUB_LISTENERS) {
			*ret_error = xasprintf("more than %d addresses", HUB_LISTENERS);
			return false;
		}
		if (!listen_at(h, *address, ret_error))
			return false;
	}
	return true;
}
