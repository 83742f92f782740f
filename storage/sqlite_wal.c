/* SPDX-License-Identifier: MIT */
/* Room in the write-ahead log: a commit that does not make the file longer costs half as much. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "storage/sqlite_internal.h"

enum {
	HEAD = 32,
	FRAME = 24 + 4096,   /* https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
	AHEAD = 16 * FRAME,  /* what most groups write */
	STEP = 64 * FRAME,   /* written at once */
	CHECKPOINT = 4000    /* frames after which they are moved into the database */
};

static int on_commit(void *arg, sqlite3 *handle, const char *name, int frames)
{
	struct wal_room *r = arg;

	r->used = HEAD + (off_t)frames * FRAME;
	/* What sqlite3_wal_autocheckpoint() does, whose hook this one replaces. */
	if (frames >= CHECKPOINT)
		sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

void wal_room_init(struct wal_room *r, sqlite3 *handle)
{
	*r = (struct wal_room){.fd = -1};
	sqlite3_wal_hook(handle, on_commit, r);
}

void wal_room_close(struct wal_room *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

/* To flush a file that has become longer, the system commits its own journal too: twice the time and
 * the CPU of flushing bytes that were there. So zeros are written ahead, some commits' worth at once.
 * SQLite takes no frame of zeros for one of its own (its page number is 0), and goes on from where it
 * was. Nobody else appends meanwhile: the caller's transaction holds the lock for that. */
void wal_room_make(struct wal_room *r, sqlite3 *handle)
{
	static const char zeros[65536];
	struct stat st;

	if (r->used + AHEAD <= r->size)
		return;
	if (r->fd < 0)
		r->fd = open(sqlite3_filename_wal(sqlite3_db_filename(handle, "main")),
			     O_WRONLY | O_CLOEXEC);
	if (r->fd < 0 || fstat(r->fd, &st) < 0)
		return;
	r->size = st.st_size;
	if (r->used + AHEAD <= r->size)
		return;
	for (off_t left = STEP; left > 0;) {
		size_t piece = left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);
		ssize_t n = pwrite(r->fd, zeros, piece, r->size);

		/* Where there is no room, the commit finds out by itself whether it needs any. */
		if (n <= 0)
			return;
		r->size += n;
		left -= n;
	}
}
