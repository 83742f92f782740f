/* SPDX-License-Identifier: MIT */
/*
 * What every chat message passes, for counting instructions: for each process a program with the paths
 * through its code.
 *
 *	hotpaths_PROCESS                     lists the names
 *	hotpaths_PROCESS NAME [MESSAGES]     to be counted: what measured() does, or the function that
 *	                                     instructions_test.sh names
 */
#ifndef TESTS_BENCH_HOTPATHS_H
#define TESTS_BENCH_HOTPATHS_H

#include <check.h>
#include "xmpp/stanza.h"

#define FROM "romeo@montague.example/orchard"
#define TO   "juliet@capulet.example/balcony"
/* 100 bytes, and 250 as a client with chat states writes the message. */
#define TEXT                                                                                       \
	"But, soft! what light through yonder window breaks? It is the east, and Juliet is the "   \
	"sun &amp; more"
#define CHAT(to)                                                                                   \
	"<message to='" to "' type='chat' id='ktx72v49'><body>" TEXT "</body>"                     \
	"<active xmlns='http://jabber.org/protocol/chatstates'/></message>"

struct hotpath {
	const char *name;
	void (*run)(long messages);
};
extern const struct hotpath hotpaths[]; /* ends with a NULL name */

/* Calls it; its name is what valgrind is told. */
void measured(void (*one)(void *arg), void *arg);
/* The doubles and rigs of tests run in a test: in this one. */
void hotpath_in_test(const TTest *test);

#endif
