/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db/migrate.h"

#include "common/base/str.h"
#include "common/db/db.h"

#include <stdio.h>

/* Any number that nothing else in the database uses. */
#define MIGRATE_LOCK "SELECT pg_advisory_xact_lock(4707182563417)"

static const char table[] =
    "CREATE TABLE IF NOT EXISTS schema_version ("
    "version int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, "
    "applied timestamptz NOT NULL DEFAULT now())";

static bool half_way(struct err *e, const char *what)
{
    return err_code(e, EXIT_CODE_CONFIG,
                    "the tables are half-way: %s; this program knows version %d: mend or drop "
                    "them by hand",
                    what, migrations_n);
}

/* Whether the applied migrations are the first ones that this program knows, or those and later
 * ones; *found is the database's version. */
static bool judge(const struct db_rows *rows, int *found, struct err *e)
{
    char what[256];
    for (size_t i = 0; i < db_rows_n(rows); i++) {
        int64_t version = db_cell_i64(rows, i, 0);
        if (version != (int64_t)i + 1) {
            snprintf(what, sizeof what, "schema_version has version %d where %d should stand",
                     (int)version, (int)i + 1);
            return half_way(e, what);
        }
        if (version > migrations_n)
            continue;
        const struct migration *m = &migrations[i];
        if (!str_is(db_cell(rows, i, 1), m->name) || !str_is(db_cell(rows, i, 2), m->sha256)) {
            snprintf(what, sizeof what, "version %d was made by another %03d_%s.sql",
                     (int)version, m->version, m->name);
            return half_way(e, what);
        }
    }
    *found = (int)db_rows_n(rows);
    return true;
}

/* -1 in *found: there is nothing of ours at all, not even schema_version. */
static bool look(struct db *db, int *found, struct err *e)
{
    int64_t has_versions = 0, has_tables = 0;
    if (!db_value_i64(db, "SELECT (to_regclass('schema_version') IS NOT NULL)::int", NULL, 0,
                      &has_versions, e) ||
        !db_value_i64(db, "SELECT (to_regclass('events_all') IS NOT NULL)::int", NULL, 0,
                      &has_tables, e))
        return false;
    if (!has_versions && has_tables)
        return half_way(e, "there is events_all but no schema_version");
    *found = -1;
    if (!has_versions)
        return true;
    struct db_rows *rows = db_query(
        db, "SELECT version, name, sha256 FROM schema_version ORDER BY version", NULL, 0, e);
    bool is_good = rows && judge(rows, found, e);
    db_rows_free(rows);
    return is_good;
}

static bool too_new(int found, struct err *e)
{
    return err_code(e, EXIT_CODE_CONFIG,
                    "the tables are at version %d, this program knows only %d: use a newer one",
                    found, migrations_n);
}

static bool apply(struct db *db, const struct migration *m, struct err *e)
{
    char version[16];
    snprintf(version, sizeof version, "%d", m->version);
    const char *const row[] = {version, m->name, m->sha256};
    return db_script(db, m->sql, e) &&
           db_exec(db, "INSERT INTO schema_version (version, name, sha256) VALUES ($1, $2, $3)",
                   row, ARRAY_LEN(row), NULL, e);
}

/* One migration, if one is missing, within the transaction that has begun. */
static bool step(struct db *db, bool *is_done, struct err *e)
{
    int found = 0;
    if (!db_exec(db, MIGRATE_LOCK, NULL, 0, NULL, e) || !look(db, &found, e))
        return false;
    if (found > migrations_n)
        return too_new(found, e);
    *is_done = found == migrations_n;
    if (*is_done)
        return true;
    if (found < 0 && !db_exec(db, table, NULL, 0, NULL, e))
        return false;
    found = MAX(found, 0);
    return apply(db, &migrations[found], e) ||
           err_prefix(e, "%03d_%s.sql", found + 1, migrations[found].name);
}

bool db_migrate(struct db *db, struct err *e)
{
    for (bool is_done = false; !is_done;) {
        if (!db_begin(db, &db_limits_long, e))
            return false;
        if (!step(db, &is_done, e)) {
            db_rollback(db);
            return false;
        }
        if (!db_commit(db, e))
            return false;
    }
    return true;
}

bool db_migrate_check(struct db *db, struct err *e)
{
    int found = 0;
    if (!look(db, &found, e))
        return false;
    if (found > migrations_n)
        return too_new(found, e);
    if (found < migrations_n)
        return err_code(e, EXIT_CODE_CONFIG,
                        "the tables are at version %d, this program needs %d: run auspexctl db "
                        "apply",
                        MAX(found, 0), migrations_n);
    return true;
}
