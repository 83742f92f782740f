/* SPDX-License-Identifier: MIT */
/* Uniform resource identifiers (RFC 3986), as far as configuration and forms name them. */
#ifndef BASE_URI_H
#define BASE_URI_H

#include "base/str.h"

/* An absolute URI with something behind its scheme: mailto:x@example.net. Those of schemes that
 * name an authority (http, https, ftp, ws, wss) name a host, those of mailto and xmpp an address.
 */
bool uri_valid(struct str s);

#endif
