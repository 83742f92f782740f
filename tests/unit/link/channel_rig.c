/* SPDX-License-Identifier: MIT */
/* A channel, what was answered on it, and what went out. */
#include "tests/unit/link/channel_rig.h"
#include <check.h>
#include <stdlib.h>

struct link *k;
struct channels *c;
int answered[MOST_ANSWERS], results[MOST_ANSWERS], nanswered;

void rig_setup(void)
{
	k = fake_new(FAKE_SELF);
	c = channels_new(k);
	nanswered = 0;
	fake_member(k, OWNER, "sm", "sm", true);
	fake_owner(k, SHARD, OWNER, 5);
	fake_event(k, LINK_SHARDS, 0);
}

void rig_teardown(void)
{
	channels_free(c);
	fake_free(k);
}

void on_answer(void *arg, int err, uint16_t kind, const void *m)
{
	answered[nanswered] = (int)(intptr_t)arg;
	results[nanswered++] = err;
}

struct channel_item *tell_sized(int n, uint32_t deadline_ms, size_t size)
{
	char *envelope = memset(malloc(size + 1), 'x', size + 1);
	struct msg_tell m = {.key = {.number = (uint64_t)n}, .envelope = str_n(envelope, size)};
	struct channel_item *i = channel_send(c, &(struct channel_send){
							 .route = "sm",
							 .to_shard = SHARD,
							 .from_shard = (uint16_t)(n % 2),
							 .from_epoch = 3,
							 .kind = MSG_TELL,
							 .m = &m,
							 .deadline_ms = deadline_ms,
							 .fn = on_answer,
							 .arg = (void *)(intptr_t)n,
						 });

	free(envelope);
	return i;
}

struct channel_item *tell(int n)
{
	return tell_sized(n, 0, 1);
}

uint64_t number_of(const struct frame *f)
{
	struct pool *p = pool_new();
	struct msg_tell m;
	uint64_t n;

	ck_assert_int_eq(msg_decode(MSG_TELL, p, f->body, &m), 0);
	n = m.key.number;
	pool_free(p);
	return n;
}

void check_run(size_t first, uint32_t run, uint32_t number, const int *n, size_t count)
{
	ck_assert_uint_eq(fake_sent(k), first + count);
	for (size_t i = 0; i < count; i++) {
		const struct frame *f = &fake_out(k, first + i)->f;

		ck_assert_uint_eq(number_of(f), (uint64_t)n[i]);
		ck_assert_uint_eq(f->run, run);
		ck_assert_uint_eq(f->number, number + i);
		ck_assert(f->flags & FRAME_CHANNEL);
	}
}

void answer(size_t out)
{
	struct msg_told m = {0};

	fake_reply(k, &fake_out(k, out)->f, MSG_TOLD, &m);
}
