/* SPDX-License-Identifier: MIT */
/* Frames from a process gone mad: whatever the bytes, they are read within their bounds, and what
 * decodes is the same after being encoded and decoded again. */
#include <stdint.h>
#include <stdlib.h>
#include "link/frame.h"
#include "link/messages.h"

enum { MAX_FRAME = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_message(struct pool *p, const struct frame *f)
{
	struct buf once = BUF_INIT, twice = BUF_INIT, text = BUF_INIT;
	void *m = pool_calloc(p, msg_size(f->kind) + 1), *again = pool_calloc(p, msg_size(f->kind) + 1);

	if (msg_decode(f->kind, p, f->body, m) < 0)
		return;
	msg_encode(f->kind, m, &once);
	must(once.len == msg_length(f->kind, m));
	must(msg_decode(f->kind, p, buf_str(&once), again) == 0);
	msg_encode(f->kind, again, &twice);
	must(str_eq(buf_str(&once), buf_str(&twice)));
	msg_print(f->kind, m, &text);
	must(text.len > 0);
	msg_mentions(f->kind, m, STR("juliet@example.org"));
	buf_free(&once);
	buf_free(&twice);
	buf_free(&text);
}

static void check_head(const struct frame *f, struct str bytes)
{
	char head[FRAME_HEAD];
	struct frame again;

	frame_head_write(f, f->body.len, head);
	must(memcmp(head, bytes.ptr, FRAME_HEAD - 4) == 0); /* all but the reserved field */
	must(frame_read(bytes, MAX_FRAME, &again) == (long)bytes.len);
	must(str_eq(again.body, f->body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {size ? (const char *)data : NULL, size};
	struct frame f;
	long n;

	while ((n = frame_read(rest, MAX_FRAME, &f)) > 0) {
		struct pool *p = pool_new();

		must((size_t)n <= rest.len && (size_t)n == FRAME_HEAD + f.body.len);
		check_head(&f, str_n(rest.ptr, (size_t)n));
		check_message(p, &f);
		pool_free(p);
		rest.ptr += n;
		rest.len -= (size_t)n;
	}
	return 0;
}
