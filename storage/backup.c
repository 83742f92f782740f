/* SPDX-License-Identifier: MIT */
/* mercutioctl storage backup: a request that takes as long as the copy does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/storage_internal.h"

struct backup_request {
	struct storage *storage;
	struct frame head;
	char *path;
	uint64_t since;
	struct engine_backup job;
};

static void answer(struct backup_request *q)
{
	const struct engine_backup *b = &q->job;
	json_t *o = json_pack("{s:s, s:I, s:i}", "path", q->path, "bytes", (json_int_t)b->bytes,
			      "schema", (int)SCHEMA_VERSION);
	char *text = b->err ? xasprintf("%s: %s", q->path, b->text) : json_dumps(o, JSON_COMPACT);
	struct msg_controlled m = {.good = !b->err, .text = str_z(text)};

	link_reply(q->storage->link, &q->head, MSG_CONTROLLED, &m);
	json_decref(o);
	free(text);
}

static void done(struct engine_backup *b)
{
	struct backup_request *q = b->arg;
	struct storage *s = q->storage;

	if (b->err)
		log_error("backup failed", LF_S("path", q->path), LF_S("reason", b->text));
	else
		log_info("backup written", LF_S("path", q->path), LF_U("bytes", b->bytes),
			 LF_U("ms", loop_now(s->app->loop) - q->since));
	answer(q);
	if (s->backup == b)
		s->backup = NULL;
	free(q->path);
	free(q);
	storage_answered(s);
}

void backup_handle(void *arg, const struct frame *f, const void *msg)
{
	struct storage *s = arg;
	const struct msg_backup *m = msg;
	struct backup_request *q;

	if (s->draining || s->backup) {
		link_fail(s->link, f, -EBUSY,
			  s->backup ? "another backup is under way"
				    : "the storage process is ending");
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->storage = s;
	q->head = frame_keep(f);
	q->path = str_dup(m->path);
	q->since = loop_now(s->app->loop);
	q->job = (struct engine_backup){
		.path = q->path, .replace = m->replace, .done = done, .arg = q};
	s->pending++;
	s->backup = &q->job;
	engine_backup(s->engine, &q->job);
}
