/* SPDX-License-Identifier: MIT */
/* HELLO and PROOF, both sides. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/tls.h"
#include "link/handshake.h"
#include "link/link_tls.h"
#include "link/messages.h"
#include "link/scram.h"

enum proof_state { PROOF_MORE, PROOF_ACCEPTED, PROOF_REFUSED };

struct handshake {
	struct peer *peer;
	bool server, greeted, proved, over;
	struct handshake_self self;
	const struct handshake_ops *ops;
	void *arg;
	struct handshake_other other;
	struct link_scram *scram;
	struct pool *pool;
};

static void say(struct handshake *h, uint16_t kind, const void *m)
{
	struct frame f = {
		.kind = kind,
		.flags = FRAME_CONTROL | (msg_secret(kind) ? FRAME_SECRET : 0),
		.from = h->self.id,
		.from_shard = SHARD_NONE,
		.to_shard = SHARD_NONE,
	};

	peer_send(h->peer, &f, m);
}

static void send_hello(struct handshake *h, const char *mechanism)
{
	struct utsname host;
	struct msg_hello m = {
		.major = h->self.major,
		.minor = h->self.minor,
		.id = h->self.id,
		.name = str_z(h->self.name),
		.process = str_z(h->self.process),
		.version = str_z(h->self.version),
		.pid = (uint32_t)getpid(),
		.mechanism = str_z(mechanism),
	};

	if (uname(&host) == 0)
		m.host = str_z(host.nodename);
	say(h, MSG_HELLO, &m);
}

static void send_proof(struct handshake *h, struct str data, enum proof_state state,
		       const char *reason)
{
	struct msg_proof m = {.data = data, .state = (uint8_t)state, .reason = str_z(reason)};

	say(h, MSG_PROOF, &m);
}

static void done(struct handshake *h, int err, const char *reason)
{
	if (h->over)
		return;
	h->over = true;
	h->ops->done(h->arg, err, reason, &h->other);
}

/* What we found wrong: the other side is told before the connection ends. */
static void refuse(struct handshake *h, int err, const char *reason)
{
	if (h->over)
		return;
	send_proof(h, STR_NONE, PROOF_REFUSED, reason);
	peer_finish(h->peer);
	done(h, err, reason);
}

static bool over_unix(struct handshake *h)
{
	return conn_ssl(peer_conn(h->peer)) == NULL;
}

static struct link_scram *new_scram(struct handshake *h, const char *name)
{
	struct buf binding = BUF_INIT;
	struct link_scram *s = NULL;

	if (over_unix(h) || tls_exporter(conn_ssl(peer_conn(h->peer)), &binding) == 0)
		s = link_scram_new(h->server, name, h->self.secret, buf_str(&binding));
	buf_free(&binding);
	return s;
}

/* The process at the other end of a Unix socket; of the router's, who it was when it listened. */
static bool peer_uid(struct handshake *h, uid_t *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(conn_fd(peer_conn(h->peer)), SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	*ret = cred.uid;
	return true;
}

/* --- the process's side ---------------------------------------------------------------------- */

/* SCRAM costs both sides milliseconds: the system vouches for what is of one user. */
static bool needs_no_secret(struct handshake *h)
{
	uid_t uid;

	return !h->self.secret_always && over_unix(h) && peer_uid(h, &uid) && uid == geteuid();
}

static void client_start(struct handshake *h)
{
	struct buf first = BUF_INIT;
	bool tcp = !over_unix(h);

	if (tcp && h->self.certificates) {
		send_hello(h, "CERTIFICATE");
	} else if (h->self.secret && !needs_no_secret(h)) {
		h->scram = new_scram(h, h->self.name);
		if (!h->scram || link_scram_step(h->scram, STR_NONE, &first) < 0) {
			h->scram = link_scram_free(h->scram);
			buf_free(&first);
			send_hello(h, "NONE"); /* the router's refusal ends it */
			return;
		}
		send_hello(h, link_scram_mechanism(tcp));
		send_proof(h, buf_str(&first), PROOF_MORE, NULL);
	} else {
		send_hello(h, tcp ? "NONE" : "PEER");
	}
	buf_free(&first);
}

static void client_proof(struct handshake *h, const struct msg_proof *m)
{
	struct buf out = BUF_INIT, text = BUF_INIT;
	int r;

	if (m->state == PROOF_REFUSED) {
		buf_printf(&text, "the router refuses: %.*s", STR_ARG(m->reason));
		buf_putc(&text, '\0');
		done(h, -EACCES, buf_ptr(&text));
		buf_free(&text);
		return;
	}
	if (!h->scram) {
		h->proved = true;
	} else if (!h->proved) {
		r = link_scram_step(h->scram, m->data, &out);
		if (r < 0) {
			buf_free(&out);
			done(h, -EACCES, "the router does not know the shared secret");
			return;
		}
		h->proved = r == 1;
		if (out.len)
			send_proof(h, buf_str(&out), PROOF_MORE, NULL);
		buf_free(&out);
	}
	if (m->state != PROOF_ACCEPTED)
		return;
	/* A router that accepts before it has shown that it knows the secret is none of ours. */
	if (!h->proved || !h->greeted)
		done(h, -EACCES, "the router did not prove itself");
	else
		done(h, 0, NULL);
}

/* --- the router's side ----------------------------------------------------------------------- */

static bool peer_uid_trusted(struct handshake *h)
{
	uid_t uid;

	if (!peer_uid(h, &uid))
		return false;
	if (uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < h->self.nuids; i++) {
		if (h->self.uids[i] == uid)
			return true;
	}
	return false;
}

static void accept_other(struct handshake *h, struct str data)
{
	const char *why = h->ops->admit ? h->ops->admit(h->arg, &h->other) : NULL;

	if (why) {
		refuse(h, -EPERM, why);
		return;
	}
	h->proved = true;
	send_proof(h, data, PROOF_ACCEPTED, NULL);
	done(h, 0, NULL);
}

static void server_mechanism(struct handshake *h, struct str mechanism)
{
	bool tcp = !over_unix(h);

	if (!tcp && str_eqz(mechanism, "PEER")) {
		if (h->self.secret && h->self.secret_always)
			refuse(h, -EACCES, "this router wants the shared secret (secret_always)");
		else if (peer_uid_trusted(h))
			accept_other(h, STR_NONE);
		else
			refuse(h, -EACCES, "this user may not link without the shared secret");
	} else if (tcp && str_eqz(mechanism, "CERTIFICATE")) {
		if (link_tls_proved(conn_ssl(peer_conn(h->peer))))
			accept_other(h, STR_NONE);
		else
			refuse(h, -EACCES, "no certificate of the link's CA was shown");
	} else if (str_eqz(mechanism, link_scram_mechanism(tcp))) {
		if (h->self.secret)
			h->scram = new_scram(h, h->other.name);
		if (!h->scram)
			refuse(h, -EACCES, "this router has no shared secret");
	} else {
		refuse(h, -EACCES, tcp ? "a link over TCP needs a certificate or the shared secret"
				       : "no such mechanism here");
	}
}

static void server_proof(struct handshake *h, const struct msg_proof *m)
{
	struct buf out = BUF_INIT;
	int r;

	if (!h->greeted || !h->scram) {
		refuse(h, -EPROTO, "a proof that was not asked for");
		return;
	}
	r = link_scram_step(h->scram, m->data, &out);
	if (r < 0)
		refuse(h, -EACCES, "the shared secret is another");
	else if (r == 1)
		accept_other(h, buf_str(&out));
	else
		send_proof(h, buf_str(&out), PROOF_MORE, NULL);
	buf_free(&out);
}

/* --- both ------------------------------------------------------------------------------------ */

static bool good_name(struct str s)
{
	if (str_empty(s) || s.len > HANDSHAKE_NAME_MAX || !str_utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

static char *cut_copy(struct str s)
{
	if (!str_utf8_valid(s) || str_find(s, '\0', 0) >= 0)
		return xstrdup("");
	return xstrndup(s.ptr ? s.ptr : "", s.len < HANDSHAKE_NAME_MAX ? s.len : HANDSHAKE_NAME_MAX);
}

static bool check_version(struct handshake *h, const struct msg_hello *m)
{
	char *why;

	if (m->major == h->self.major)
		return true;
	why = xasprintf("%s speaks version %u of the link protocol, %s version %u",
			h->server ? "the router" : "this process", h->self.major,
			h->server ? "the process" : "the router", m->major);
	if (h->server)
		send_hello(h, ""); /* so that the other side can say the same */
	refuse(h, -EPROTONOSUPPORT, why);
	free(why);
	return false;
}

static void on_hello(struct handshake *h, const struct msg_hello *m)
{
	if (h->greeted) {
		refuse(h, -EPROTO, "HELLO was said twice");
		return;
	}
	if (!check_version(h, m))
		return;
	if (!good_name(m->name) || !good_name(m->process) || m->id == 0) {
		refuse(h, -EPROTO, "HELLO lacks a good name");
		return;
	}
	h->greeted = true;
	h->other.id = m->id;
	h->other.pid = m->pid;
	h->other.minor = m->minor < h->self.minor ? m->minor : h->self.minor;
	h->other.name = cut_copy(m->name);
	h->other.process = cut_copy(m->process);
	h->other.version = cut_copy(m->version);
	h->other.host = cut_copy(m->host);
	h->other.mechanism = cut_copy(m->mechanism);
	if (!h->server)
		return;
	send_hello(h, h->other.mechanism);
	server_mechanism(h, m->mechanism);
}

static void on_frame(void *arg, const struct frame *f, struct str bytes)
{
	struct handshake *h = arg;
	union {
		struct msg_hello hello;
		struct msg_proof proof;
	} m;

	if (h->over || f->kind == MSG_HEARTBEAT)
		return;
	if (f->kind != MSG_HELLO && f->kind != MSG_PROOF) {
		refuse(h, -EPROTO, "a frame before the proof was complete");
		return;
	}
	if (msg_decode(f->kind, h->pool, f->body, &m) < 0) {
		refuse(h, -EPROTO, "malformed HELLO or PROOF");
		return;
	}
	if (f->kind == MSG_HELLO)
		on_hello(h, &m.hello);
	else if (h->server)
		server_proof(h, &m.proof);
	else
		client_proof(h, &m.proof);
}

static void on_down(void *arg, int err, const char *reason)
{
	struct handshake *h = arg;

	done(h, err ? err : -ECONNRESET, reason ? reason : "closed during the handshake");
}

static const struct peer_ops peer_ops = {.frame = on_frame, .down = on_down};

struct handshake *handshake_new(struct peer *p, bool server, const struct handshake_self *self,
				const struct handshake_ops *ops, void *arg)
{
	struct handshake *h = xcalloc(1, sizeof(*h));

	h->peer = p;
	h->server = server;
	h->self = *self;
	h->ops = ops;
	h->arg = arg;
	h->pool = pool_new();
	peer_set_ops(p, &peer_ops, h);
	peer_set_max(p, HANDSHAKE_MAX_FRAME);
	if (!server)
		client_start(h);
	return h;
}

struct handshake *handshake_free(struct handshake *h)
{
	if (!h)
		return NULL;
	free(h->other.name);
	free(h->other.process);
	free(h->other.version);
	free(h->other.host);
	free(h->other.mechanism);
	link_scram_free(h->scram);
	pool_free(h->pool);
	free(h);
	return NULL;
}
