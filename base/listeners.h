/* SPDX-License-Identifier: MIT */
/* The listening sockets of a process: of two kinds, bound by itself or handed over by whoever
 * starts it. */
#ifndef BASE_LISTENERS_H
#define BASE_LISTENERS_H

#include "base/conn.h"

struct listeners;

struct listeners_config { /* borrowed, as long as the listeners exist */
	char *const *listen; /* addresses as listener_new takes, NULL-terminated */
	char *const *listen_tls;
	bool reuse_port; /* shared with processes that have the same dir */
	const char *dir; /* see listener_claim */
	listener_fn *plain, *tls;
	loop_fn *full; /* see listener_on_full */
	void *arg;
};

/* Appends a line, beginning with file, for each address of the option that is none. */
void listeners_check(const char *file, const char *option, char *const *addresses, struct buf *errors);
/* Takes what was handed over (listeners_inherited); else looks whether the addresses can be had.
 * Sockets named "listen" or "listen_tls" are of that kind; others are told by their port. Ends the
 * process where it cannot listen, as listeners_open. */
struct listeners *listeners_new(struct loop *l, const struct listeners_config *c);
/* Connections are accepted from now on. Accepts NULL, and what is open already. */
void listeners_open(struct listeners *s);
size_t listeners_count(const struct listeners *s); /* open ones; s may be NULL */
void listeners_pause(struct listeners *s, bool pause);
/* Closes them. Accepts NULL; returns NULL. */
struct listeners *listeners_free(struct listeners *s);

#endif
