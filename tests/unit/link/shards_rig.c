/* SPDX-License-Identifier: MIT */
/* Ownership, and what the owner was told. */
#include "tests/unit/link/shards_rig.h"
#include <check.h>

struct shards *s;
size_t ntaken, nopen, nlost, nrelease, nhandled, ndrained;
uint32_t last_taken;
uint16_t release_list[SHARDS];
uint32_t handled[64];
uint32_t asked_epoch;
bool always;

static void on_taken(void *arg, uint16_t shard, uint32_t epoch)
{
	ck_assert(!shards_is_open(s, shard));
	ck_assert(shards_mine(s, shard));
	ntaken++;
	last_taken = epoch;
}

static void on_open(void *arg, uint16_t shard)
{
	nopen++;
}

static void on_lost(void *arg, uint16_t shard)
{
	ck_assert(!shards_mine(s, shard));
	nlost++;
}

static void on_release(void *arg, uint16_t shard)
{
	release_list[nrelease++] = shard;
}

void on_drained(void *arg)
{
	ndrained++;
}

static void on_frame(void *arg, const struct frame *f, const void *m)
{
	if (shards_admit(s, f, always))
		handled[nhandled++] = f->tag;
}

static void on_any(void *arg, const struct frame *f, const void *m)
{
	if (shards_admit_any(s, f))
		handled[nhandled++] = f->tag;
}

static const struct shards_ops ops = {on_taken, on_open, on_lost, on_release};
static const struct link_handler handlers[] = {{MSG_STANZA, on_frame},
					       {MSG_TELL, on_frame},
					       {MSG_SESSION_RESUME, on_frame},
					       {MSG_ACKED, on_any},
					       {0, NULL}};

void shards_setup(void)
{
	k = fake_new(FAKE_SELF);
	c = channels_new(k);
	ntaken = nopen = nlost = nrelease = nhandled = ndrained = 0;
	always = false;
	s = shards_new(k, c, "sm", "c2s", &ops, NULL);
	link_handlers(k, handlers, NULL);
	fake_place(k, "sm", FAKE_SELF);
}

void shards_teardown(void)
{
	shards_free(s);
	channels_free(c);
	fake_free(k);
}

void grant_but(uint32_t epoch, uint16_t but, uint16_t kind)
{
	struct msg_shard_epoch e[SHARDS];
	struct msg_leases m = {.shards = e, .write_epoch = 77};
	struct pool *p = pool_new();
	struct msg_lease_take asked;

	ck_assert_uint_eq(fake_requests(k), 1);
	ck_assert_uint_eq(fake_request(k, 0)->f.kind, kind);
	if (kind == MSG_LEASE_TAKE) {
		ck_assert_int_eq(msg_decode(kind, p, fake_request(k, 0)->f.body, &asked), 0);
	} else {
		struct msg_lease_check check;

		ck_assert_int_eq(msg_decode(kind, p, fake_request(k, 0)->f.body, &check), 0);
		asked = (struct msg_lease_take){.shards = check.shards, .nshards = check.nshards};
	}
	for (size_t i = 0; i < asked.nshards; i++) {
		asked_epoch = asked.shards[i].epoch;
		if (asked.shards[i].shard != but)
			e[m.nshards++] = (struct msg_shard_epoch){asked.shards[i].shard, epoch};
	}
	fake_answer(k, 0, 0, MSG_LEASES, &m);
	fake_turn(k);
	pool_free(p);
}

void grant(uint32_t epoch)
{
	grant_but(epoch, SHARD_NONE, MSG_LEASE_TAKE);
}

void announce(uint64_t instance, uint32_t epoch)
{
	struct msg_shard_epoch e[SHARDS];

	for (uint16_t i = 0; i < SHARDS; i++)
		e[i] = (struct msg_shard_epoch){i, epoch};
	shards_announced(s, instance, e, SHARDS);
	fake_turn(k);
}

void own_all(void)
{
	fake_member(k, STORAGE, "storage", "storage", false);
	fake_turn(k);
	grant(1);
	ck_assert_uint_eq(nopen, SHARDS);
}

struct frame frame_to(uint16_t shard, uint32_t epoch, uint32_t tag)
{
	return (struct frame){
		.kind = MSG_STANZA,
		.tag = tag,
		.from = C2S,
		.to = FAKE_SELF,
		.from_shard = SHARD_NONE,
		.to_shard = shard,
		.to_epoch = epoch,
	};
}

void stanza(uint16_t shard, uint32_t epoch, uint32_t tag)
{
	struct msg_stanza m = {.envelope = STR("<message/>")};

	fake_receive(k, frame_to(shard, epoch, tag), &m);
}

void check_bounced(size_t n, uint8_t why, uint32_t epoch)
{
	ck_assert_uint_gt(fake_sent(k), n);
	ck_assert_int_eq(fake_out(k, n)->how, FAKE_BOUNCED);
	ck_assert_uint_eq(fake_out(k, n)->why, why);
	ck_assert_uint_eq(fake_out(k, n)->epoch, epoch);
}
