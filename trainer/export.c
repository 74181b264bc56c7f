/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "common/bus/config.h"
#include "common/db/db.h"
#include "common/db/migrate.h"
#include "common/wire/feature.h"
#include "trainer/commands.h"
#include "trainer/progress.h"
#include "trainer/source.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

struct csv {
    FILE *to;
    const char *path; /* or what stands for it in errors */
    struct progress progress;
    uint64_t rows;
};

static bool write_failed(const char *path, struct err *e)
{
    (void)err_set(e, errno, "write %s", path);
    e->code = EXIT_CODE_IO;
    return false;
}

static void put_head(FILE *to)
{
    for (int i = 0; i < FEATURES_N; i++)
        (void)fprintf(to, "%s,", feature_defs[i].name);
    (void)fputs("label,session_id,site_id,epoch,partition,offset,ts,session_started\n", to);
}

static bool put_row(void *to, const struct source_row *row, struct err *e)
{
    struct csv *x = to;
    char ts[CLOCK_TEXT], started[CLOCK_TEXT];
    for (int i = 0; i < FEATURES_N; i++)
        if (isnan(row->x[i]))
            (void)fputc(',', x->to);
        else
            (void)fprintf(x->to, "%.9g,", (double)row->x[i]);
    clock_format(row->ts_us, ts);
    clock_format(row->started_us, started);
    (void)fprintf(x->to, "%d,%.*s,%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%s\n",
                  row->label, STR_ARGS(row->session_id), row->site_id, row->epoch,
                  row->partition, row->offset, ts, started);
    if (++x->rows % 4096 == 0 && progress_is_due(&x->progress))
        (void)fprintf(stderr, "auspex-trainer: %" PRIu64 " rows written\n", x->rows);
    return !ferror(x->to) || write_failed(x->path, e);
}

static bool export_all(const struct arguments *a, struct db *db, FILE *to, struct err *e)
{
    struct source_query q = {a->has_site, a->site, true, a->backfill};
    struct source_counts counts;
    struct csv x = {to, a->out ? a->out : "stdout", progress_start(), 0};
    put_head(to);
    if (!source_each(db, &q, put_row, &x, &counts, e))
        return false;
    (void)fprintf(stderr, "auspex-trainer: %" PRIu64 " rows written in all\n", x.rows);
    if (counts.unknown > 0)
        (void)fprintf(stderr,
                      "auspex-trainer: %" PRIu64 " vectors left out: their feature lines "
                      "are not the first of this program's\n",
                      counts.unknown);
    return fflush(to) == 0 || write_failed(x.path, e);
}

bool command_export(const struct arguments *a, const struct config *c, struct err *e)
{
    struct db *db = db_open(config_text(c, "postgres", "dsn"), "auspex-trainer", e);
    if (db == NULL)
        return false;
    bool is_done = db_migrate_check(db, e);
    if (is_done) {
        FILE *to = a->out != NULL ? fopen(a->out, "w") : stdout;
        is_done = to != NULL ? export_all(a, db, to, e) : write_failed(a->out, e);
        if (a->out != NULL && to != NULL && fclose(to) != 0 && is_done)
            is_done = write_failed(a->out, e);
    }
    db_close(db);
    return is_done;
}
