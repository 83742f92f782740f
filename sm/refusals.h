/* SPDX-License-Identifier: MIT */
/*
 * Contacts who have refused a session's presence: "The last presence stanza received from the contact
 * during the user's presence session" was an error (RFC 6121 sections 4.4.2 and 4.5.2). They are not
 * sent more of it until they send other presence, or the session begins anew.
 */
#ifndef SM_REFUSALS_H
#define SM_REFUSALS_H

#include "sm/module.h"

struct refusals; /* of an account; NULL: there are none */

struct refusals *refusals_free(struct refusals *r);
/* The pointer may change: the first makes them, the last one that leaves is their end. */
void refusals_add(struct refusals **r, struct str bare, const struct session *s);
void refusals_clear(struct refusals **r, struct str bare);           /* for all sessions */
void refusals_forget(struct refusals **r, const struct session *s);  /* those of a session */
bool refusals_has(const struct refusals *r, struct str bare, const struct session *s);

#endif
