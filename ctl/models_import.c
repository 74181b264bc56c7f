/* SPDX-License-Identifier: Apache-2.0 */
/* models import - a model that XGBoost trained elsewhere, on an export, becomes a version that
 * can be promoted. */
#include "ctl/ctl.h"
#include "ctl/read_file.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/db/db.h"
#include "common/db/migrate.h"
#include "trainer/adopt.h"
#include "trainer/release.h"

#include <inttypes.h>
#include <stdio.h>

static const char kind_conversion[] = "conversion"; /* the one kind that is scored by trees */

/* What is to be released, and what people are told of it. */
struct imported {
    struct adopted model;
    struct adopt_rows rows;
    struct buf container, metrics;
};

static bool container_make(const struct ctl *c, const char *name, struct imported *i,
                           struct err *e)
{
    const char *path = c->operands[0], *csv = ctl_value(c, "calibrate");
    struct buf json = {0};
    const struct adopt_options o = {name, kind_conversion};
    bool is_good = file_read_whole(path, ADOPT_JSON_MAX, &json, e) &&
                   (adopt_read(&i->model, buf_as_str(&json), e) || err_prefix(e, "%s", path));
    buf_fini(&json);
    is_good = is_good && (!csv || adopt_rows_read(&i->rows, &i->model, csv, e));
    return is_good &&
           adopt_write(&i->model, csv ? &i->rows : NULL, &o, &i->container, &i->metrics, e);
}

/* The version's number, and its row where PostgreSQL is there; without, the topic has it all.
 */
static bool number_take(struct release *r, const struct config *config, struct err *e)
{
    const char *dsn = config_text(config, "postgres", "dsn");
    uint64_t newest = 0;
    struct err gone = {0};
    if (!release_newest(config, str_of(r->head->name), &newest, e))
        return false;
    struct db *db = dsn[0] ? db_open(dsn, "auspexctl", &gone) : NULL;
    if (db) {
        bool is_good = db_migrate_check(db, e) && release_register(r, db, newest, e);
        db_close(db);
        return is_good;
    }
    if (dsn[0] && gone.code != EXIT_CODE_GONE) {
        *e = gone;
        return false;
    }
    (void)fprintf(stderr, "auspexctl: no row in table models: %s\n",
                  dsn[0] ? gone.text : "dsn is not set in [postgres]");
    r->version = newest + 1;
    return true;
}

static bool import_release(const struct config *config, const struct imported *i, struct err *e)
{
    struct container made;
    struct release r;
    CHECK(container_read(&made, i->container.at, i->container.len, e));
    release_init(&r, &made.head, buf_as_str(&i->container), buf_as_str(&i->metrics),
                 clock_wall_us());
    if (!number_take(&r, config, e) || !release_publish(&r, config, e))
        return false;
    (void)printf("%u trees over the first %u features, %zu bytes\n%.*s\n"
                 "published as version %" PRIu64 " of %s; `auspexctl models promote %s` makes "
                 "it predict\n",
                 i->model.forest.n_trees, i->model.forest.n_features, i->container.len,
                 STR_ARGS(buf_as_str(&i->metrics)), r.version, made.head.name, made.head.name);
    return true;
}

static int models_import_run(struct ctl *c, struct err *e)
{
    const char *kind = ctl_value(c, "kind"), *name = ctl_value(c, "name");
    struct imported i = {0};
    name = name ? name : kind_conversion;
    if (!kind || strcmp(kind, kind_conversion) != 0)
        (void)err_code(e, EXIT_CODE_USAGE, "--kind must be conversion");
    else if (!release_is_name(str_of(name)))
        (void)err_code(e, EXIT_CODE_USAGE,
                       "--name takes 1 to %d of a-z, 0-9, dot, _ and -, not \"%s\"",
                       CONTAINER_NAME - 1, name);
    bool is_good =
        !e->text[0] && container_make(c, name, &i, e) && import_release(c->config, &i, e);
    adopted_fini(&i.model);
    adopt_rows_fini(&i.rows);
    buf_fini(&i.container);
    buf_fini(&i.metrics);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

const struct verb models_import_verbs[] = {
    {.name = "models import",
     .operands = "FILE",
     .summary = "takes a model that XGBoost trained on an export",
     .options = {{"kind", "conversion", "what it predicts"},
                 {"name", "NAME", "name of the model (conversion)"},
                 {"calibrate", "CSV", "an export with label, of rows it was not trained on"}},
     .manual =
         "FILE is what save_model wrote to a name that ends in .json: booster gbtree, "
         "objective\n"
         "binary:logistic, no categorical splits, trees at most 8 deep. Its features are "
         "found\n"
         "by their names, as in the export's header; a model without names is taken to have "
         "the\n"
         "export's first columns in order. All trees in the file count, also those behind the\n"
         "best iteration. Without --calibrate a probability is the model's own, with bounds 0\n"
         "and 1, and no metrics are known; with it, the first half of the rows calibrates and\n"
         "the second is measured. The version is active from `models promote` on, not before.\n"
         "Exit codes: 0 published; 1 a model that cannot be taken (says why); 69 Kafka is\n"
         "gone; 74 a file. Without PostgreSQL the version has no row in table models.\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = models_import_run},
    {.name = NULL},
};
