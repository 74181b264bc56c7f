/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "common/bus/config.h"
#include "common/db/db.h"
#include "common/db/migrate.h"
#include "common/wire/feature.h"
#include "trainer/commands.h"
#include "trainer/progress.h"
#include "trainer/release.h"
#include "trainer/source.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

struct reading {
    struct source_set set;
    struct progress progress;
};

static bool on_row(void *to, const struct source_row *row, struct err *e)
{
    struct reading *r = to;
    (void)e;
    source_add(&r->set, row);
    if (r->set.n % 4096 == 0 && progress_is_due(&r->progress))
        (void)fprintf(stderr, "auspex-trainer: %zu rows read\n", r->set.n);
    return true;
}

static void on_round(void *to, uint32_t round, double logloss)
{
    if (progress_is_due(to))
        (void)fprintf(stderr, "auspex-trainer: round %u, logloss %.5f on the validation part\n",
                      round, logloss);
}

/* Whole or not at all: written beside, then renamed. */
static bool file_write(const char *path, const struct buf *b, struct err *e)
{
    struct buf beside = {0};
    buf_printf(&beside, "%s.part", path);
    const char *part = buf_cstr(&beside);
    FILE *f = fopen(part, "wb");
    bool is_done = f != NULL && fwrite(b->at, 1, b->len, f) == b->len && fflush(f) == 0 &&
                   fsync(fileno(f)) == 0;
    int why = errno;
    if (f != NULL)
        (void)fclose(f);
    if (is_done && rename(part, path) != 0) {
        is_done = false;
        why = errno;
    }
    if (!is_done) {
        (void)unlink(part);
        (void)err_set(e, why, "write %s", path);
        e->code = EXIT_CODE_IO;
    }
    buf_fini(&beside);
    return is_done;
}

static bool set_read(struct db *db, const struct arguments *a, struct reading *r, struct err *e)
{
    struct source_query q = {
        .has_site = a->has_site, .site_id = a->site, .backfill = a->backfill};
    struct source_counts counts;
    r->progress = progress_start();
    if (!source_each(db, &q, on_row, r, &counts, e))
        return false;
    if (counts.unknown > 0)
        (void)fprintf(stderr,
                      "auspex-trainer: %" PRIu64
                      " vectors left out: their feature lines are not "
                      "the first of this program's\n",
                      counts.unknown);
    return true;
}

static bool model_release(const struct arguments *a, const struct config *c, struct db *db,
                          const struct trained *t, struct err *e)
{
    struct container made;
    struct release r;
    uint64_t newest = 0;
    if (a->out != NULL && !file_write(a->out, &t->container, e))
        return false;
    CHECK(container_read(&made, t->container.at, t->container.len, e));
    release_init(&r, &made.head, buf_as_str(&t->container), buf_as_str(&t->metrics),
                 clock_wall_us());
    char digest[SHA256_HEX];
    hash_hex(&r.digest, digest);
    printf("file   %zu bytes, SHA-256 %s\n", t->container.len, digest);
    if (a->no_publish)
        return true;
    if (!release_newest(c, str_of(a->name), &newest, e) ||
        !release_register(&r, db, newest, e) || !release_publish(&r, c, e))
        return false;
    printf("published as version %" PRIu64 " of %s\n", r.version, a->name);
    return true;
}

static bool train_and_release(const struct arguments *a, const struct config *c, struct db *db,
                              const struct source_set *rows, struct err *e)
{
    struct progress progress = progress_start();
    struct train_set set = source_train_set(rows);
    struct train_options o = {a->boost, a->name,  "conversion", features_hash(FEATURES_N),
                              on_round, &progress};
    struct trained t;
    struct buf text = {0};
    if (!train_run(&set, &o, &t, e))
        return false;
    report_text(&t.report, &text);
    printf("%s", buf_cstr(&text));
    bool is_done = model_release(a, c, db, &t, e);
    buf_fini(&text);
    trained_fini(&t);
    return is_done;
}

bool command_conversion(const struct arguments *a, const struct config *c, struct err *e)
{
    struct reading reading = {0};
    struct db *db = db_open(config_text(c, "postgres", "dsn"), "auspex-trainer", e);
    bool is_done = db != NULL && db_migrate_check(db, e) && set_read(db, a, &reading, e) &&
                   train_and_release(a, c, db, &reading.set, e);
    source_fini(&reading.set);
    db_close(db);
    return is_done;
}
