/* SPDX-License-Identifier: MIT */
/* What the parts of a reach share: its targets (reach_targets.c), one target's addresses and
 * connections (reach_dial.c), and the order of it all (reach.c). */
#ifndef S2S_REACH_INTERNAL_H
#define S2S_REACH_INTERNAL_H

#include "base/conn.h"
#include "s2s/reach.h"

enum {
	REACH_TARGETS = 16,  /* more are not tried */
	REACH_ADDRESSES = 8, /* of each family of a target */
	PORT_DEFAULT = 5269
};

struct target {
	char *name; /* A-label, or an address as in base/conn.h when literal */
	uint16_t priority, weight, port;
	bool direct, literal;
	bool secure; /* DNSSEC vouches for the way to this name */
	char *known; /* the name of the one at this address, where it was found before; or NULL */
};

struct targets {
	struct target list[REACH_TARGETS];
	size_t n;
};

void targets_clear(struct targets *t);
/* Adds a target; what does not fit is left out. */
void targets_add(struct targets *t, const char *name, uint16_t port, bool direct, bool literal);
/* Adds those of an answer to one of the SRV questions. True: one of them is "." alone. */
bool targets_add_srv(struct targets *t, const struct dns_answer *a, bool direct);
/* RFC 2782: by priority, within one at random by weight. both kinds mixed (XEP-0368). draw(n): a
 * number below n, at random. */
void targets_order(struct targets *t, uint32_t (*draw)(uint32_t below));

/* An address literal as a domain, at the registered port. */
void targets_add_literal(struct targets *t, const char *domain);

struct reaches {
	struct loop *loop;
	struct reach_config config; /* statics: statics */
	struct reach_static *statics;
};

/* Adds those that the configuration has for a domain. */
void reach_static_targets(const struct reaches *all, const char *domain, struct targets *t);

/* One connection being tried. */
struct try {
	struct reach *reach;
	struct dial *dial; /* NULL: over */
	struct loop_timer *timer;
	char *address;
};

/* The present target. */
struct target_state {
	struct dns_lookup *a, *aaaa, *tlsa;
	bool asked, address_secure, bad;
	bool waited; /* for AAAA (RFC 8305 section 3), long enough */
	char *six[REACH_ADDRESSES], *four[REACH_ADDRESSES]; /* not tried yet, in order */
	size_t nsix, nfour, six_at, four_at;
	bool four_next;
	struct try tries[2 * REACH_ADDRESSES];
	size_t ntries;
	struct loop_timer *pace; /* the next connection, or the end of waiting for AAAA */
	struct dns_tlsa tlsas[DNS_RECORDS];
	size_t ntlsas;
	char *tlsa_data; /* what they point to */
};

struct reach {
	struct reaches *all;
	char *domain, *ascii; /* ascii NULL: an address literal */
	reach_watch_fn *watch;
	reach_fn *fn;
	reach_share_fn *share; /* NULL: connections are always needed */
	void *arg;
	struct dns_lookup *srv[2]; /* _xmpp-server, _xmpps-server */
	enum dns_status status[2];
	bool secure_none, none_here; /* SRV: validated that there is none; "." alone */
	struct targets targets;
	size_t at; /* the present target; targets.n: none left */
	struct target_state now;
	struct loop_timer *total;
	struct loop_task task;
	char *last; /* what went wrong last */
	int last_err;
	bool handed; /* fn was called, or share said yes; nothing happens before reach_next */
	bool preferred; /* the targets are those of reach_prefer; the usual ones come after */
};

__attribute__((format(printf, 2, 3))) void reach_say(struct reach *r, const char *fmt, ...);
/* The present target (r->at) is begun; reach_advance is called when it has failed. */
void target_start(struct reach *r);
/* Goes on with what is left of it; false: nothing is. */
bool target_more(struct reach *r);
void target_clear(struct reach *r);
void reach_connected(struct reach *r, int fd, const char *address);
/* Whether a stream that there is spares a connection to this address; then the reach rests. */
bool reach_shares(struct reach *r, const char *address);
void reach_advance(struct reach *r); /* the present target has failed */

#endif
