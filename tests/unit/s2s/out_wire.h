/* SPDX-License-Identifier: MIT */
/* What the other server says on streams that we open, for tests of those. */
#ifndef S2S_TESTS_OUT_H
#define S2S_TESTS_OUT_H

#include "tests/unit/s2s/wire.h"

#define THEIRS		       HEAD("id='theirs' from='" REMOTE "' to='" OWN "' version='1.0'")
#define FEATURES(in)	       "<stream:features>" in "</stream:features>"
#define DIALBACK	       "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
#define STARTTLS	       "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define EXTERNAL	       "<mechanisms xmlns='" NS_SASL "'><mechanism>EXTERNAL</mechanism></mechanisms>"
#define BIDI		       "<bidi xmlns='urn:xmpp:features:bidi'/>"
#define SM_FEATURE	       "<sm " SM "/>"
#define ANSWER(from, to, type) "<db:result from='" from "' to='" to "' type='" type "'/>"
#define VALID		       ANSWER(REMOTE, OWN, "valid")

/* A stanza of ours opens a stream; the other end, when it has heard our header. */
struct end *wire_begin(struct wire *w);
struct end *wire_opened(struct wire *w);	       /* the next stream that we open */
struct end *wire_ready(struct wire *w, const char *say); /* the same, then dialback is done */
void wire_returned(struct wire *w, unsigned n); /* waits: so many stanzas came back, none is left */

#endif
