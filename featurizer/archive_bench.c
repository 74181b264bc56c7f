/* SPDX-License-Identifier: Apache-2.0 */
/* archive_bench - a backfill, and skew checks of all and of a hundredth, over an archive in a
 * real PostgreSQL (AUSPEX_TEST_DSN, a database made for it); beside them the core alone over
 * the same log. */
#include "archiver/archiver_rig.h"
#include "common/db/db.h"
#include "featurizer/backfill.h"
#include "featurizer/skewcheck.h"
#include "featurizer/try.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORDS = 200000, VISITORS = 20000, STORE_EACH = 2000 };

static const struct featurizer_options options = {.idle_us = 1800 * SECOND_US};

static double since(int64_t from_us)
{
    return (double)(clock_mono_us() - from_us) / 1e6;
}

static void give_outputs(struct rig *r, struct try *t, uint64_t first, uint64_t *next)
{
    for (uint64_t i = first; r && i < outbox_next(t->out); i++) {
        const struct output *o = outbox_at(t->out, i);
        buf_reset(&r->value);
        buf_str(&r->value, o->value);
        if (o->topic == TOPIC_features || o->topic == TOPIC_sessions)
            rig_give(r, o->topic, 0, next[o->topic]++);
    }
    outbox_drop(t->out, outbox_next(t->out));
}

/* The core over the log; what it takes and gives goes into the archive, if there is one.
 * Returns the received time of the last record. */
static int64_t run_log(struct rig *r)
{
    struct try t;
    struct try_log log = {.rng = rng_stream(8, 1), .visitors = VISITORS};
    uint64_t next[TOPICS_N] = {0};
    struct buf value = {0};
    try_init_as(&t, &options);
    for (size_t i = 0; i < RECORDS; i++) {
        buf_reset(&value);
        try_log_next(&log, &value);
        uint64_t first = try_give(&t, buf_as_str(&value));
        if (r) {
            buf_reset(&r->value);
            buf_str(&r->value, buf_as_str(&value));
            rig_give(r, TOPIC_events, 0, t.offset - 1);
        }
        give_outputs(r, &t, first, next);
        if (r && i % STORE_EACH == STORE_EACH - 1)
            rig_store(r);
    }
    buf_fini(&value);
    try_fini(&t);
    return log.now_us;
}

static void fail(const struct err *e)
{
    (void)fprintf(stderr, "%s\n", e->text);
    exit(EXIT_CODE_FAILED);
}

static void tell(void *to, const struct skew_difference *d)
{
    (void)to;
    (void)d;
}

static void run_check(double percent, int64_t end_us)
{
    const struct skew_options o = {
        .dsn = dsn, .core = options, .percent = percent, .now_us = end_us};
    struct skew_counts n;
    struct err e = {0};
    int64_t begun_us = clock_mono_us();
    if (!skew_round(&o, tell, NULL, &n, &e))
        fail(&e);
    printf(
        "skew check of %g %%: %.2f s, %llu vectors of %llu events, %llu differ, %llu unsure\n",
        percent, since(begun_us), (unsigned long long)n.checked, (unsigned long long)n.events,
        (unsigned long long)n.mismatched, (unsigned long long)n.unsure);
}

int main(void)
{
    void *state = NULL;
    struct backfill_counts n;
    struct err e = {0};
    if (!getenv("AUSPEX_TEST_DSN")) {
        printf("skipped: AUSPEX_TEST_DSN names no server\n");
        return 77;
    }
    int64_t begun_us = clock_mono_us();
    int64_t end_us = run_log(NULL);
    printf("core alone: %.0f records/s\n", RECORDS / since(begun_us));
    CHECK(rig_make(&state) == 0);
    struct rig r = rig_open(dsn, "bench");
    (void)rig_seek(&r, TOPIC_events, 0);
    (void)rig_seek(&r, TOPIC_features, 0);
    (void)rig_seek(&r, TOPIC_sessions, 0);
    begun_us = clock_mono_us();
    (void)run_log(&r);
    printf("core and archiver: %.0f records/s\n", RECORDS / since(begun_us));
    rig_close(&r);
    const struct backfill_options o = {.dsn = dsn,
                                       .name = "bench",
                                       .from_us = INT64_MIN,
                                       .to_us = INT64_MAX,
                                       .known_us = end_us,
                                       .now_us = end_us,
                                       .core = options,
                                       .core_json = STR("{}")};
    begun_us = clock_mono_us();
    if (!backfill_run(&o, NULL, NULL, &n, &e))
        fail(&e);
    printf("backfill: %.0f events/s, rows written\n", (double)n.events / since(begun_us));
    run_check(100, end_us);
    run_check(1, end_us);
    return rig_drop(&state);
}
