/* SPDX-License-Identifier: MIT */
/*
 * The server's side of SCRAM (RFC 5802, RFC 7677) as pure functions over messages: no I/O, no
 * lookup, no policy. Whoever calls them decides which channel binding is allowed.
 */
#ifndef AUTH_SCRAM_H
#define AUTH_SCRAM_H

#include <stdint.h>
#include "base/buf.h"

enum scram_hash { SCRAM_SHA1, SCRAM_SHA256, SCRAM_HASHES };
enum { SCRAM_MAX_HASH = 32, SCRAM_MAX_SALT = 64, SCRAM_SALT = 16, SCRAM_MAX_MESSAGE = 8192 };

/* What is stored of a password: section 3. Both keys are secret; wipe after use. */
struct scram_keys {
	enum scram_hash hash;
	uint32_t iterations;
	uint8_t salt[SCRAM_MAX_SALT];
	size_t salt_len;
	uint8_t stored_key[SCRAM_MAX_HASH], server_key[SCRAM_MAX_HASH]; /* scram_hash_size bytes */
};

size_t scram_hash_size(enum scram_hash h);
const char *scram_hash_name(enum scram_hash h); /* "SCRAM-SHA-1", as in the table credential */
bool scram_hash_parse(struct str name, enum scram_hash *ret_hash);
void scram_hash(enum scram_hash h, struct str data, uint8_t ret[SCRAM_MAX_HASH]);
/* Fills in both keys from hash, iterations and salt. Costs iterations (milliseconds): on a worker
 * thread only. The password is prepared by the caller. */
void scram_derive(struct str password, struct scram_keys *keys);

/* A client-first-message in its parts. All slices borrow the message but for names, where escapes
 * are resolved. Zeroed before, scram_first_free after. */
struct scram_first {
	char flag;	    /* 'n', 'y', 'p' */
	struct str binding; /* name behind p= */
	struct str gs2;	    /* the gs2-header, its last comma included */
	struct str bare;    /* client-first-message-bare */
	struct str nonce;
	struct buf authzid, username; /* authzid empty: none given */
};
/* -EINVAL: malformed; -EOPNOTSUPP: has the reserved extension m= (section 5.1). */
int scram_first_parse(struct str message, struct scram_first *ret);
void scram_first_free(struct scram_first *f);

/* Appends server-first-message. extension, when not empty, follows as it is ("h=…"). */
void scram_server_first(struct str client_nonce, struct str server_nonce,
			const struct scram_keys *keys, struct str extension, struct buf *b);

/* A client-final-message in its parts, borrowed from it; binding is decoded. */
struct scram_final {
	struct buf binding;  /* gs2-header and channel binding data */
	struct str nonce;    /* whole */
	struct str unproven; /* client-final-message-without-proof */
	uint8_t proof[SCRAM_MAX_HASH];
	size_t proof_len;
};
int scram_final_parse(struct str message, struct scram_final *ret);
void scram_final_free(struct scram_final *f);

/* Whether the proof is right, in a time that does not depend on it; if so appends the
 * server-final-message. auth_message as section 3 defines it. */
bool scram_verify(const struct scram_keys *keys, struct str auth_message,
		  const struct scram_final *f, struct buf *b);

/* XEP-0474 section 5.1: the hash over what was advertised, base64, appended to b. */
void scram_downgrade_hash(enum scram_hash h, const struct str *mechanisms, size_t nmechanisms,
			  const struct str *bindings, size_t nbindings, struct buf *b);

#endif
