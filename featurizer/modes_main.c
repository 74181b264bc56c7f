/* SPDX-License-Identifier: Apache-2.0 */
/* modes_main - the modes as an operator runs them: configuration, progress, words, exit codes.
 */
#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/bus/log.h"
#include "ctl/progress.h"
#include "featurizer/backfill.h"
#include "featurizer/modes.h"
#include "featurizer/settings.h"
#include "featurizer/skewservice.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char exit_codes[] =
    "Exit codes: 0 done, 1 %s, 2 usage, 69 PostgreSQL is\n"
    "gone, 70 a bug of ours, 78 configuration or tables to be mended by hand.\n";

static void backfill_help(void)
{
    printf(
        "auspex-featurizer --backfill - features of archived events, computed anew\n\n"
        "usage: auspex-featurizer --backfill [-c FILE] [--from T1] [--to T2] [--known-at T]\n"
        "                         [--site N] [--name NAME] [--replace]\n\n"
        "Computes the vectors and sessions of a period from table events_all, with the code\n"
        "and the options of the stage, into tables backfills, backfill_vectors and\n"
        "backfill_sessions, of which auspex-trainer --from-backfill NAME trains. Needs\n"
        "PostgreSQL alone. All or nothing is written.\n\n"
        "  -c, --config FILE  configuration (INI); the environment stands above it\n"
        "      --from T1      event time that the period begins at (the first)\n"
        "      --to T2        and ends before (none)\n"
        "      --known-at T   leaves out what was received later, sessions that had not\n"
        "                     ended then included (now)\n"
        "      --site N       only this site's (all)\n"
        "      --name NAME    name of the training set (backfill)\n"
        "      --replace      in place of the one that has the name\n"
        "      --version, --help\n\n"
        "Times are as 2026-01-31 or 2026-01-31T12:00:00Z.\n");
    printf(exit_codes, "the name is taken");
}

static void check_help(void)
{
    printf(
        "auspex-featurizer --check-skew - archived features against the same computed anew\n\n"
        "usage: auspex-featurizer --check-skew [-c FILE] [--every SECONDS] [--sample PERCENT]\n"
        "                         [--period HOURS] [--instance NAME]\n\n"
        "Draws a sample of table features, computes its vectors anew from table events_all\n"
        "with the code and the options of the stage, and names those that differ in a single\n"
        "bit. Needs PostgreSQL alone. With --every it runs on, with /metrics, /livez and\n"
        "/readyz on featurizer.skew_port: feature_skew_mismatch_total must read 0.\n\n"
        "  -c, --config FILE    configuration (INI); the environment stands above it\n"
        "      --every SECONDS  a round so often (one round, then the end)\n"
        "      --sample PERCENT of the vectors, by pages of the table (1); of the visitors\n"
        "                       found there all vectors of the period are compared\n"
        "      --period HOURS   vectors received within the last HOURS (1)\n"
        "      --instance NAME  name of this copy, in logs\n"
        "      --version, --help\n\n");
    printf(exit_codes, "vectors differ");
}

static void show(void *to, const struct backfill_counts *n)
{
    progress_show(to,
                  "partition %" PRIu32 ": %" PRIu64 " events, %" PRIu64 " vectors, %" PRIu64
                  " sessions",
                  n->partition, n->events, n->vectors, n->sessions);
}

static bool backfill(const struct modes_arguments *a, const struct config *c, struct err *e)
{
    struct buf json = {0};
    struct progress progress;
    struct backfill_counts n;
    int64_t now_us = clock_wall_us(), begun_us = clock_mono_us();
    settings_json(&json, c);
    const struct backfill_options o = {.dsn = config_text(c, "postgres", "dsn"),
                                       .name = a->name,
                                       .from_us = a->from_us,
                                       .to_us = a->to_us,
                                       .known_us = a->known_us ? a->known_us : now_us,
                                       .now_us = now_us,
                                       .has_site = a->has_site,
                                       .site_id = a->site_id,
                                       .is_replacing = a->is_replacing,
                                       .core = settings_of(c),
                                       .core_json = buf_as_str(&json)};
    progress_init(&progress);
    bool is_done = backfill_run(&o, show, &progress, &n, e);
    progress_end(&progress);
    if (is_done)
        printf("backfill %s: %" PRIu64 " vectors, %" PRIu64 " sessions, of %" PRIu64
               " events in %.1f s\n",
               a->name, n.vectors, n.sessions, n.events,
               (double)(clock_mono_us() - begun_us) / 1e6);
    buf_fini(&json);
    return is_done;
}

enum { TOLD_MOST = 20 };

static void tell(void *to, const struct skew_difference *d)
{
    unsigned *n_told = to;
    if ((*n_told)++ >= TOLD_MOST)
        return;
    printf("event 1-%" PRIu64 "-%" PRIu64 ": %s", d->partition, d->offset, d->what);
    if (!isnan(d->archived) || !isnan(d->recomputed))
        printf(" archived %.9g, computed %.9g", d->archived, d->recomputed);
    if (d->others > 0)
        printf(", and %" PRIu64 " more", d->others);
    printf("\n");
}

static bool check_once(const struct skew_options *o, struct err *e)
{
    struct skew_counts n;
    unsigned n_told = 0;
    if (!skew_round(o, tell, &n_told, &n, e))
        return false;
    if (n_told > TOLD_MOST)
        printf("... %u in all\n", n_told);
    printf("checked %" PRIu64 ", mismatched %" PRIu64 ", missing %" PRIu64
           ", older than the archive %" PRIu64 ", of other features %" PRIu64
           ", of unsure imports %" PRIu64 "; %" PRIu64 " events read\n",
           n.checked, n.mismatched, n.missing, n.older, n.other, n.unsure, n.events);
    return n.mismatched == 0 || err_set(e, 0,
                                        "archived features differ from those of the same "
                                        "events computed anew");
}

static bool check(const struct modes_arguments *a, const struct config *c, struct err *e)
{
    int64_t now_us = clock_wall_us(), period_us = (int64_t)(a->period_h * (double)HOUR_US);
    const struct skew_options o = {.dsn = config_text(c, "postgres", "dsn"),
                                   .core = settings_of(c),
                                   .percent = a->percent,
                                   .since_us = MAX(now_us - period_us, (int64_t)0),
                                   .now_us = now_us};
    if (a->every_s == 0)
        return check_once(&o, e);
    return skewservice_run(&(struct skewservice_options){.round = o,
                                                         .period_us = period_us,
                                                         .every_s = a->every_s,
                                                         .port = (unsigned)config_u64(
                                                             c, "featurizer", "skew_port")},
                           e);
}

static bool run(const struct modes_arguments *a, struct err *e)
{
    struct config *c = config_open(a->config, e);
    if (!c)
        return false;
    log_open("featurizer",
             a->instance                ? a->instance
             : a->mode == MODE_BACKFILL ? "backfill"
                                        : "skew",
             str_is(str_of(config_text(c, "auspex", "log_format")), "json"), LOG_INFO);
    bool is_done = a->mode == MODE_BACKFILL ? backfill(a, c, e) : check(a, c, e);
    config_free(c);
    return is_done;
}

int modes_main(int argc, char *argv[])
{
    struct modes_arguments a;
    struct err e = {0};
    bool is_read = modes_read(&a, argc, argv, &e);
    if (is_read && a.is_help) {
        if (a.mode == MODE_BACKFILL)
            backfill_help();
        else
            check_help();
    } else if (is_read && a.is_version) {
        printf("auspex-featurizer %s\n", AUSPEX_VERSION);
    } else if (!is_read || !run(&a, &e)) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "auspex-featurizer: %s\n", e.text);
        return err_exit(&e);
    }
    return EXIT_CODE_OK;
}
