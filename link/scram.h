/* SPDX-License-Identifier: MIT */
/* Both sides of SCRAM-SHA-256 over a shared secret, by which a process and a router prove to each
 * other that they belong together. */
#ifndef LINK_SCRAM_H
#define LINK_SCRAM_H

#include "base/buf.h"

struct link_scram;

/* The mechanism is SCRAM-SHA-256-PLUS when there is channel binding data (exporter), else
 * SCRAM-SHA-256. name is the instance's; on the server's side the client must give the same. */
struct link_scram *link_scram_new(bool server, const char *name, const char *secret, struct str exporter);
struct link_scram *link_scram_free(struct link_scram *s);
/* One step: appends what must be sent. 1: the other side has proved itself; 0: more is needed;
 * -EACCES: it has not, or it made no sense. A client begins with an empty input. */
int link_scram_step(struct link_scram *s, struct str in, struct buf *out);
const char *link_scram_mechanism(bool plus);

#endif
