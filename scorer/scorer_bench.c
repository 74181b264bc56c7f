/* SPDX-License-Identifier: Apache-2.0 */
/* scorer_bench - the core alone: vectors of every feature through an invented model of 100
 * trees of depth 6, into a prediction as msgpack and as JSON. */
#include "scorer/scorer.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"
#include "common/kern/trees_grow.h"
#include "common/model/model.h"
#include "common/model/model_grow.h"
#include "common/wire/feature.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TREES = 100, DEPTH = 6, RECORDS = 100000, BATCH = 1000, ROUNDS = 7 };

static double cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void give(void *core, enum topic t, struct buf *value)
{
    struct stage_message m = {.topic = t, .value = buf_as_str(value)};
    scorer_lookup(core, &m);
    buf_reset(value);
}

/* An invented model that claims to know our first features, published and activated. */
static void publish(void *core)
{
    struct buf file = {0}, b = {0};
    uint64_t hash = features_hash(GROW_FEATURES);
    struct sha256 sum;
    struct chunk chunk;
    struct manifest manifest;
    struct control control;
    model_grow(&file, 1, TREES, DEPTH);
    memcpy(file.at + 24, &hash, sizeof hash);
    CHECK(container_seal(file.at, file.len));
    hash_sha256(file.at, file.len, &sum);
    size_t piece = (size_t)128 * 1024, n = (file.len + piece - 1) / piece;
    for (size_t i = 0; i < n; i++) {
        chunk_init(&chunk);
        chunk.name = STR("conversion");
        chunk.version = 1;
        chunk.chunk = i;
        chunk.bytes = str_over(file.at + i * piece, MIN(piece, file.len - i * piece));
        chunk_pack(&b, &chunk);
        give(core, TOPIC_models, &b);
    }
    manifest_init(&manifest);
    manifest.name = manifest.kind = STR("conversion");
    manifest.version = 1;
    manifest.sha256 = str_over(&sum, sizeof sum);
    manifest.bytes = file.len;
    manifest.chunks = n;
    manifest_pack(&b, &manifest);
    give(core, TOPIC_models, &b);
    control_init(&control);
    control.what = STR("model");
    control.name = control.kind = STR("conversion");
    control.version = 1;
    control.sha256 = str_over(&sum, sizeof sum);
    control_pack(&b, &control);
    give(core, TOPIC_control, &b);
    buf_fini(&file);
    buf_fini(&b);
}

static void vector_make(struct vector *v)
{
    vector_init(v);
    v->epoch = 1;
    v->origin = ORIGIN_EVENTS;
    v->site_id = 7;
    v->visitor = STR("b7c9d3e0-1111-4222-8333-000000012345");
    v->event_id = STR("0a1b2c3d-4e5f-4a6b-8c7d-000000012345");
    v->type = STR("product_view");
    v->session_id = STR("1-3-123456");
    v->ts_us = v->received_us = (int64_t)1763600000 * SECOND_US;
    v->product_id = STR("p-123");
    v->control = 1;
    v->features_n = FEATURES_N;
    v->features_hash = features_hash(FEATURES_N);
}

struct bench {
    struct vector v;
    float rows[BATCH][FEATURES_N];
    struct rng rng;
    struct buf bytes;
    void *core;
    struct outbox *out;
};

/* Scores each of the rows once; the time it took. */
static double score(struct bench *b)
{
    double from = cpu_us();
    for (size_t k = 0; k < BATCH; k++) {
        b->v.features = str_over(b->rows[k], sizeof b->rows[k]);
        b->v.offset++;
        buf_reset(&b->bytes);
        vector_pack(&b->bytes, &b->v);
        struct stage_message m = {.topic = TOPIC_features,
                                  .offset = b->v.offset,
                                  .key = STR("7:b7c9d3e0-1111-4222-8333-000000012345"),
                                  .value = buf_as_str(&b->bytes),
                                  .position = POSITION_OF(&b->v)};
        CHECK(scorer_record(b->core, &m, b->out) == STEP_DONE);
    }
    return cpu_us() - from;
}

/* Microseconds an event over a round. */
static double round_us(struct bench *b)
{
    double spent = 0;
    for (size_t i = 0; i < RECORDS; i += BATCH) {
        for (size_t k = 0; k < BATCH; k++)
            for (size_t f = 0; f < FEATURES_N; f++)
                b->rows[k][f] = grow_value(&b->rng);
        spent += score(b);
        outbox_drop(b->out, outbox_next(b->out));
    }
    return spent / RECORDS;
}

static void run(const char *form)
{
    struct err e = {0};
    char text[64];
    double times[ROUNDS];
    static struct bench b;
    b = (struct bench){.rng = rng_stream(1, 1), .out = outbox_new()};
    (void)snprintf(text, sizeof text, "[scorer]\npredictions = %s\n", form);
    struct config *config = config_parse("bench", str_of(text), &e);
    CHECK(config != NULL);
    struct counters *counters = counters_new("scorer");
    struct stage_env env = {.config = config, .counters = counters, .partitions = 1};
    b.core = scorer_open(&env, &e);
    CHECK(b.core != NULL);
    publish(b.core);
    vector_make(&b.v);
    for (size_t i = 0; i < ROUNDS; i++)
        times[i] = round_us(&b);
    CHECK(counter_of(counters, COUNTER_scorer_predictions_total, NULL, NULL)->value ==
          (double)ROUNDS * RECORDS);
    qsort(times, ROUNDS, sizeof *times, by_value);
    printf(
        "scorer, %s: median %.2f us of CPU an event (p90 %.2f), %.0f events/s a core; %d trees "
        "of depth %d, packing of the input included\n",
        form, times[ROUNDS / 2], times[ROUNDS * 9 / 10], 1e6 / times[ROUNDS / 2], TREES, DEPTH);
    buf_fini(&b.bytes);
    outbox_free(b.out);
    scorer_close(b.core);
    counters_free(counters);
    config_free(config);
}

int main(void)
{
    run("msgpack");
    run("json");
    return 0;
}
