/* SPDX-License-Identifier: Apache-2.0 */
/* db apply, db check - the tables of PostgreSQL. */
#include "ctl/ctl.h"

#include "common/bus/config.h"
#include "common/db/db.h"
#include "common/db/migrate.h"

#include <stdio.h>

static int db_run(struct ctl *c, bool (*step)(struct db *db, struct err *e), const char *done,
                  struct err *e)
{
    const char *dsn = config_text(c->config, "postgres", "dsn");
    if (dsn[0] == '\0') {
        (void)err_code(e, EXIT_CODE_CONFIG, "dsn is not set in [postgres]");
        return EXIT_CODE_CONFIG;
    }
    struct db *db = db_open(dsn, "auspexctl", e);
    bool is_good = db && step(db, e);
    db_close(db);
    if (!is_good)
        return err_exit(e);
    (void)printf("%s version %d\n", done, migrations[migrations_n - 1].version);
    return EXIT_CODE_OK;
}

static int db_apply_run(struct ctl *c, struct err *e)
{
    return db_run(c, db_migrate, "tables are at", e);
}

static int db_check_run(struct ctl *c, struct err *e)
{
    return db_run(c, db_migrate_check, "tables are as they must be, at", e);
}

const struct verb db_verbs[] = {
    {.name = "db apply",
     .operands = "",
     .summary = "makes PostgreSQL's tables, or brings them up to date",
     .manual = "Applies the migrations that are missing, each in a transaction; forward only.\n"
               "Run again it changes nothing.\n",
     .run = db_apply_run},
    {.name = "db check",
     .operands = "",
     .summary = "says whether the tables are at this program's version",
     .manual = "Exits with 78 when they are not.\n",
     .run = db_check_run},
    {.name = NULL},
};
