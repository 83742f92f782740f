/* SPDX-License-Identifier: MIT */
/* The schema at PostgreSQL, made or shown without a server. */
#include <errno.h>
#include "base/clock.h"
#include "storage/pg_internal.h"

int pg_schema_of(const struct engine_config *c, enum schema_mode mode, struct buf *plan,
		 unsigned *ret_version, struct buf *error)
{
	struct pg_setup s = {
		.conninfo = c->connect, .role = PG_WRITER, .connect_ms = c->connect_timeout};
	int64_t version = -1;

	if (pg_setup_plain(&s)) {
		s.outcome = pg_schema(s.handle, tables, TABLES, SCHEMA_VERSION, mode, plan, s.text);
		if (s.outcome == PG_OK && mode == SCHEMA_MIGRATE &&
		    !pg_partitions(s.handle, clock_wall_us(), s.text))
			s.outcome = PG_REFUSED;
		if (s.outcome == PG_OK)
			version = mode == SCHEMA_PLAN
					  ? SCHEMA_VERSION
					  : pg_number(s.handle,
						      "SELECT max(version) FROM mercutio_schema", 0,
						      s.text);
	}
	PQfinish(s.handle);
	if (version < 0) {
		buf_printf(error, "PostgreSQL: %s", s.text);
		return -EIO;
	}
	*ret_version = (unsigned)version;
	return 0;
}
