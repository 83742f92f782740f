/* SPDX-License-Identifier: MIT */
/* A reader that writes down what it is told, for the tests of the reader. */
#ifndef TESTS_XML_CLIENT_H
#define TESTS_XML_CLIENT_H

#include <check.h>
#include <stdlib.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "xmpp/ns.h"
#include "xmpp/xml_read.h"

#define HEADER "<stream:stream xmlns='jabber:client' xmlns:stream='" NS_STREAM "' version='1.0'>"
/* What is written down for it, and for an element without content in a brief log. */
#define HEADER_LINE "header {" NS_STREAM "}stream content=jabber:client {}version=1.0\n"
#define SEEN(name)  "<{jabber:client}" name "\n"

enum act { ACT_NONE, ACT_STOP, ACT_RESTART, ACT_FREE };

struct client {
	struct xml_reader *r;
	struct buf log; /* what was called, as text */
	bool brief;     /* elements without their content */
	enum act act;   /* in the callback for an element named "act" */
};

extern const struct xml_limits client_limits;
extern const struct xml_reader_ops client_ops; /* their argument is the client */

struct client *client_new(struct xml_pool *p, enum act act); /* brief */
void client_free(struct client *c);
void client_feed(struct client *c, const char *z);
/* What was written down since the last call. */
void client_saw(struct client *c, const char *lines);

/* head, n times unit, tail; the caller frees it. */
char *repeat(const char *head, const char *unit, size_t n, const char *tail);

#endif
