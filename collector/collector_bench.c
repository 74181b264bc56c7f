/* SPDX-License-Identifier: Apache-2.0 */
/* The core alone over events of 480 bytes, and simdjson on demand over their every field in the
 * same run: median and p90 of 21 turns. */
#include "collector/collector_bench_floor.h"
#include "collector/collector_kit.h"
#include "collector/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TURNS = 21, PER_TURN = 20000, PADDING = 64 };

static double cpu_s(void)
{
    struct timespec t;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double turn_of_core(struct collector *c, struct outbox *out, struct str event,
                           uint64_t *offset)
{
    double from = cpu_s();
    for (int i = 0; i < PER_TURN; i++) {
        struct stage_message m = {.topic = TOPIC_raw,
                                  .offset = (*offset)++,
                                  .append_us = KIT_RECEIVED_US,
                                  .value = event};
        CHECK(collector_record(c, &m, out) == STEP_DONE);
        if (i % 256 == 255)
            outbox_drop(out, outbox_next(out));
    }
    return (cpu_s() - from) / PER_TURN;
}

static double turn_of_floor(struct str event, uint64_t expected)
{
    double from = cpu_s();
    for (int i = 0; i < PER_TURN; i++)
        CHECK(floor_sum(event) == expected);
    return (cpu_s() - from) / PER_TURN;
}

int main(void)
{
    struct collector_setup setup = {8, 8, SECOND_US};
    struct collector *c = collector_new(&setup);
    struct outbox *out = outbox_new();
    struct buf padded = {0};
    double core[TURNS], bare[TURNS];
    uint64_t offset = 1;
    buf_text(&padded, SAMPLE_EVENT);
    size_t len = padded.len;
    memset(buf_take(&padded, PADDING), 0, PADDING);
    struct str event = str_over(padded.at, len);
    uint64_t expected = floor_sum(event);
    CHECK(expected > 0);
    (void)turn_of_core(c, out, event, &offset);
    for (int i = 0; i < TURNS; i++) {
        core[i] = turn_of_core(c, out, event, &offset);
        bare[i] = turn_of_floor(event, expected);
    }
    CHECK(collector_counts(c)->events == (uint64_t)(TURNS + 1) * PER_TURN);
    qsort(core, TURNS, sizeof *core, by_value);
    qsort(bare, TURNS, sizeof *bare, by_value);
    double median = core[TURNS / 2], floor = bare[TURNS / 2];
    printf("collector core, %zu bytes: %.0f events/s, %.3f us CPU an event (p90 %.3f)\n", len,
           1 / median, median * 1e6, core[TURNS * 9 / 10] * 1e6);
    printf(
        "simdjson on demand, every field: %.3f us (p90 %.3f); the core takes %.1f times that\n",
        floor * 1e6, bare[TURNS * 9 / 10] * 1e6, median / floor);
    collector_free(c);
    outbox_free(out);
    buf_fini(&padded);
    return 0;
}
