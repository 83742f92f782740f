/* SPDX-License-Identifier: MIT */
/*
 * Tickets (auth to sm, through c2s) and sealed session records (sm to sm, through c2s), under
 * keys of the table `secret`, which only auth and sm may read.
 */
#ifndef LINK_TICKET_H
#define LINK_TICKET_H

#include "base/buf.h"

struct seal_key;

enum { SEAL_KEY = 32, TICKET_NONCE = 16 };

/* A key that is ready for use, by one thread at a time. */
struct seal_key *seal_key_new(const uint8_t key[SEAL_KEY]);
struct seal_key *seal_key_free(struct seal_key *k);

/* AES-256-GCM with a random nonce; context ("ticket", a sid, …) is authenticated with it. */
void seal(struct seal_key *k, struct str context, struct str plain, struct buf *b);
/* Appends the plain text; -EBADMSG: not ours, or for another context. */
int unseal(struct seal_key *k, struct str context, struct str sealed, struct buf *b);

struct ticket {
	struct str account;  /* bare JID */
	uint64_t c2s;        /* instance that may use it */
	int64_t expires_us;  /* wall clock; a minute from its making */
	uint8_t nonce[TICKET_NONCE]; /* used once: the owner of the account remembers it */
	bool temporary; /* the account is not stored: it ends with its session */
};
void ticket_write(struct seal_key *k, const struct ticket *t, struct buf *b);
/* account is borrowed from scratch. -EBADMSG, -ETIME. The nonce is the caller's to check. */
int ticket_read(struct seal_key *k, struct str sealed, struct buf *scratch, struct ticket *ret);

#endif
