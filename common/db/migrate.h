/* SPDX-License-Identifier: Apache-2.0 */
/* migrate - brings the tables to the version that this program was built with, forward only.
 * The migrations are schemas/sql/NNN_name.sql, built in; table schema_version says which were
 * applied. Each runs in a transaction of its own, all under one advisory lock. */
#ifndef AUSPEX_MIGRATE_H
#define AUSPEX_MIGRATE_H

#include "common/base/err.h"

struct db;

struct migration {
    int version; /* from 1, without gaps */
    const char *name, *sql, *sha256;
};
extern const struct migration migrations[];
extern const int migrations_n;

/* Applies what is missing. A database that is newer than the program or half-way is left alone:
 * EXIT_CODE_CONFIG, as in db_migrate_check. Safe against others who do the same. */
MUST_USE bool db_migrate(struct db *db, struct err *e);
/* True when the database is exactly at the program's version. Older, newer, half-way (versions
 * missing, or tables without schema_version) or changed afterwards: EXIT_CODE_CONFIG, naming
 * both versions. */
MUST_USE bool db_migrate_check(struct db *db, struct err *e);

#endif
