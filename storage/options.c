/* SPDX-License-Identifier: MIT */
/* Options of the storage process. */
#include "storage/storage_internal.h"

static const char *const durabilities[] = {"durable", "relaxed", NULL};
static const char *const engine_names[] = {"sqlite", "memory", "postgresql", NULL};

#define FIELD(name) offsetof(struct storage_config, name)
const struct option storage_options[] = {
	{"engine", OPT_ENUM, FIELD(engine), "sqlite", .choices = engine_names,
	 .help = "Database engine; memory forgets all when the process ends."},
	{"path", OPT_STR, FIELD(path), NULL,
	 .help = "The SQLite file; when empty, mercutio.db in data_dir."},
	{"connect", OPT_STR, FIELD(connect), NULL, .flags = OPT_SECRET,
	 .help = "Where PostgreSQL is: a connection string or URI, as libpq takes it."},
	{"connections", OPT_INT, FIELD(connections), "4", 2, 64,
	 .help = "Connections to PostgreSQL: one writes, the others read."},
	{"connect_timeout", OPT_TIME, FIELD(connect_timeout), "5s", 2000, 60000,
	 .help = "How long a host of PostgreSQL may take to let us in."},
	{"statement_timeout", OPT_TIME, FIELD(statement_timeout), "10s", 1000, 600000,
	 .help = "How long PostgreSQL may work on one statement."},
	{"durability", OPT_ENUM, FIELD(durability), "durable", .choices = durabilities,
	 .help = "Relaxed: messages that clients who are online acknowledge at once have no entry in "
		 "the log, and are acknowledged to their senders without one; a crash may lose those "
		 "that were under way (docs/storage.md)."},
	{"commit_max", OPT_INT, FIELD(commit_max), "500", 1, 10000,
	 .help = "Batches of writes that share one commit at the most."},
	{"commit_delay", OPT_TIME, FIELD(commit_delay), "8ms", 0, 1000, .flags = OPT_RELOAD,
	 .help = "Least time between two commits while writes come from many: they share one. Where nobody else "
		 "comes meanwhile, it is not waited."},
	{"readers", OPT_INT, FIELD(readers), "2", 1, 8,
	 .help = "Reads that are worked on at the same time."},
	{"read_rows", OPT_INT, FIELD(read_rows), "10000", 1, 1000000,
	 .help = "Rows that one read finds at the most; more are asked for in pages."},
	{"waiting_max", OPT_INT, FIELD(waiting_max), "50000", 100, 10000000, .flags = OPT_RELOAD,
	 .help = "Requests that wait for the database at the most; more are sent back."},
	{"waiting_bytes", OPT_SIZE, FIELD(waiting_bytes), "256M", 1 << 20, INT64_C(1) << 40,
	 .flags = OPT_RELOAD, .help = "The same in bytes."},
	{"cache", OPT_SIZE, FIELD(cache), "16M", 1 << 20, INT64_C(1) << 36,
	 .help = "Memory for the database's pages; of SQLite for those that are written, and each reader has a "
		 "sixty-fourth of it."},
	{"keep_requests", OPT_TIME, FIELD(keep_requests), "1d", 60000, INT64_C(30) * 86400 * 1000,
	 .help = "How long a conditional write is known, so that its repetition succeeds."},
	{"migrate", OPT_BOOL, FIELD(migrate), "true",
	 .help = "Brings an older schema to this version at the start; else mercutioctl storage "
		 "migrate does."},
	{"retention_age", OPT_TIME, FIELD(retention.age), "0", 0, RETENTION_TIME_MAX,
	 .flags = OPT_RELOAD, .help = "How long delivered messages are kept in the log; 0: no limit of time."},
	{"retention_count", OPT_INT, FIELD(retention.count), "0", 0, INT64_MAX, .flags = OPT_RELOAD,
	 .help = "Messages kept in the log of one account; 0: any number."},
	{"retention_size", OPT_SIZE, FIELD(retention.size), "1G", 0, INT64_MAX,
	 .flags = OPT_RELOAD,
	 .help = "Bytes of messages kept in the log of one account; 0: any number."},
	{"retention_offline", OPT_TIME, FIELD(retention.offline), "365d", 0, RETENTION_TIME_MAX,
	 .flags = OPT_RELOAD,
	 .help = "How long a message waits to be delivered, whatever the other limits say; 0: for "
		 "ever."},
	{"retention_every", OPT_TIME, FIELD(retention_every), "1d", 1000, RETENTION_TIME_MAX,
	 .flags = OPT_RELOAD, .help = "How often the log is looked through for what is past limits."},
	{NULL},
};
